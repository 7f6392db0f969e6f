import type { Context } from '../../../platform/context.ts'
import { may } from '../../../platform/gate.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'

/** A person as the rest of the graph sees them. */
export interface UserRow {
  readonly id: string
  readonly displayName: string
  readonly username: string | null
  readonly avatarUrl: string | null
  readonly email: string
  readonly emailVerifiedAt: Date | null
  readonly createdAt: Date
}

const columns = [
  'user.id',
  'user.username',
  'user.email',
  'user.display_name as displayName',
  'user.avatar_url as avatarUrl',
  'user.email_verified_at as emailVerifiedAt',
  'user.created_at as createdAt',
] as const

// People by id, whoever they are.
const authorById = defineLoader<string, UserRow>({
  name: 'authorById',
  batch: async (db, ids) => {
    const rows = await db.shared('user').select(columns).where('user.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

/** People by id who are members of the viewer's organization: for ids that come from outside. */
export const memberById = defineLoader<string, UserRow>({
  name: 'memberById',
  batch: async (db, ids) => {
    const rows = await db
      .from('membership')
      .innerJoin('user', 'user.id', 'membership.user_id')
      .select(columns)
      .where('user.id', 'in', ids)
      .execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

/** Finds a person the viewer shares the active organization with, or null. */
export async function findUser(ctx: Context, id: string): Promise<UserRow | null> {
  return may(ctx, 'user.read') ? load(ctx, memberById, id) : null
}

/** Who did something the viewer can read already, whether a member or not; null when they are forgotten altogether. */
export function findAuthor(ctx: Context, id: string): Promise<UserRow | null> {
  return load(ctx, authorById, id)
}

/** The author of something the viewer can read already; their row outlives their membership. */
export async function authorOf(ctx: Context, id: string): Promise<UserRow> {
  const author = await findAuthor(ctx, id)
  if (author === null) throw new Error('A row names an author who does not exist')
  return author
}
