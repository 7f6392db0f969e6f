import { type RawBuilder, sql } from 'kysely'
import { NIL } from 'uuid'
import type { Context } from '../../../platform/context.ts'
import type { Reader } from '../../../platform/database/tenant-reads.ts'
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

/**
 * Whom of the members of the organization, by the id in this column, a reader sees: everybody; a guest only themselves and
 * the members of the projects they were added to.
 */
export function isSeenBy(reader: Reader, column: string): RawBuilder<boolean> {
  if (reader.role !== 'GUEST') return sql<boolean>`${reader.role !== null}`
  const self = reader.userId ?? NIL
  return sql<boolean>`(${sql.ref(column)} = ${self} or exists (
    select from project_member as own
    join project_member as other on other.project_id = own.project_id
    join project on project.id = own.project_id and project.deleted_at is null
    where own.user_id = ${self} and own.organization_id = ${reader.organizationId ?? NIL}
      and other.user_id = ${sql.ref(column)}
  ))`
}

/** People by id whom the viewer sees in their organization: for ids that come from outside. */
export const memberById = defineLoader<string, UserRow>({
  name: 'memberById',
  batch: async (db, ids) => {
    const rows = await db
      .from('membership')
      .innerJoin('user', 'user.id', 'membership.user_id')
      .select(columns)
      .where('user.id', 'in', ids)
      .where(isSeenBy(db, 'user.id'))
      .execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

/** Finds a person the viewer shares the active organization, or as a guest a project, with, or null. */
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
