import { type RawBuilder, sql } from 'kysely'
import { NIL } from 'uuid'
import type { Context } from '../../../platform/context.ts'
import type { Reader, TenantReads } from '../../../platform/database/tenant-reads.ts'
import { may } from '../../../platform/gate.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'
import { type AgentRow, agentColumns, agentRow } from '../agents/agent.reads.ts'

/** Whoever can be the author of something. */
export type ActorRow = UserRow | AgentRow

/** A person as the rest of the graph sees them. */
export interface UserRow {
  readonly actorType: 'User'
  readonly id: string
  readonly displayName: string
  readonly username: string | null
  readonly avatarUrl: string | null
  readonly email: string
  readonly emailVerifiedAt: Date | null
  readonly createdAt: Date
  readonly suspendedAt: Date | null
  readonly isPlatformAdmin: boolean
  /** Of the viewer's organization; absent where that was not looked at. */
  readonly isMember?: boolean
}

/** What a `UserRow` is read from. */
export const userColumns = [
  'user.id',
  'user.username',
  'user.email',
  'user.display_name as displayName',
  'user.avatar_url as avatarUrl',
  'user.email_verified_at as emailVerifiedAt',
  'user.created_at as createdAt',
  'user.suspended_at as suspendedAt',
  'user.is_platform_admin as isPlatformAdmin',
] as const

// People and agents by id, whoever they are: agents of the organization alone, people of any.
const authorById = defineLoader<string, ActorRow>({
  name: 'authorById',
  batch: async (db, ids) => {
    const found = new Map<string, ActorRow>()
    for (const person of await peopleAmong(db, ids)) found.set(person.id, person)
    const others = ids.filter((id) => !found.has(id))
    for (const agent of await agentsAmong(db, others)) found.set(agent.id, agent)
    return found
  },
})

async function peopleAmong(db: TenantReads, ids: readonly string[]): Promise<UserRow[]> {
  const memberships = db.from('membership').select('membership.id')
  const ofThem = memberships.where(sql<boolean>`membership.user_id = "user".id`)
  const rows = await db
    .shared('user')
    .select(userColumns)
    .select(sql<boolean>`exists (${ofThem})`.as('isMember'))
    .where('user.id', 'in', ids)
    .execute()
  return rows.map(userRow)
}

async function agentsAmong(db: TenantReads, ids: readonly string[]): Promise<AgentRow[]> {
  if (ids.length === 0) return []
  const rows = await db.from('agent').select(agentColumns).where('agent.id', 'in', ids).execute()
  return rows.map((row) => agentRow(db, row))
}

/** A person as an actor among others. */
export function userRow(row: Omit<UserRow, 'actorType'>): UserRow {
  return { ...row, actorType: 'User' }
}

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
      .select(userColumns)
      .where('user.id', 'in', ids)
      .where(isSeenBy(db, 'user.id'))
      .execute()
    return new Map(rows.map((row) => [row.id, userRow({ ...row, isMember: true })]))
  },
})

const accountById = defineLoader<string, UserRow>({
  name: 'accountById',
  batch: async (db, ids) => {
    const users = db.shared('user').select(userColumns).where('user.deleted_at', 'is', null)
    return new Map((await users.where('user.id', 'in', ids).execute()).map((row) => [row.id, userRow(row)]))
  },
})

/** Finds by an id whom `findUser` does, and for administrators of the platform anybody with an account. */
export async function findAccount(ctx: Context, id: string): Promise<UserRow | null> {
  return may(ctx, 'user.list') ? load(ctx, accountById, id) : findUser(ctx, id)
}

/** Whether the viewer may see a person's address: their own, those of members as an administrator, of anybody as one of the platform. */
export function seesEmail(ctx: Context, { id, isMember }: UserRow): boolean {
  return seesAccount(ctx, id) || (isMember === true && may(ctx, 'user.read_email'))
}

/** Whether the viewer may see how an account stands: their own, or anybody's as an administrator of the platform. */
export function seesAccount(ctx: Context, id: string): boolean {
  return isSelf(ctx, id) || may(ctx, 'user.list')
}

function isSelf({ viewer }: Context, id: string): boolean {
  return viewer.kind === 'user' && viewer.userId === id
}

/** Finds a person the viewer shares the active organization, or as a guest a project, with, or null. */
export async function findUser(ctx: Context, id: string): Promise<UserRow | null> {
  return may(ctx, 'user.read') ? load(ctx, memberById, id) : null
}

/** Who did something the viewer can read already, whether a member or not; null when they are forgotten altogether. */
export function findAuthor(ctx: Context, id: string): Promise<ActorRow | null> {
  return load(ctx, authorById, id)
}

/** The author of something the viewer can read already; their row outlives their membership. */
export async function authorOf(ctx: Context, id: string): Promise<ActorRow> {
  const author = await findAuthor(ctx, id)
  if (author === null) throw new Error('A row names an author who does not exist')
  return author
}
