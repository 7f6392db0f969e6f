import { sql } from 'kysely'
import { NIL } from 'uuid'
import type { Role } from '../../../platform/access.ts'
import type { Context } from '../../../platform/context.ts'
import { keyset, type Window } from '../../../platform/database/keyset.ts'
import type { TenantReads } from '../../../platform/database/tenant-reads.ts'
import { may } from '../../../platform/gate.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'
import { isSeenBy } from '../users/user.reads.ts'

/** Somebody's place in an organization. */
export interface MembershipRow {
  readonly id: string
  readonly organizationId: string
  readonly userId: string
  readonly role: Role
  readonly joinedAt: Date
}

/** Memberships by id: of the active organization those the reader sees, and the reader's own in any that lives. */
export const membershipById = defineLoader<string, MembershipRow>({
  name: 'membershipById',
  batch: async (db, ids) => {
    const isSeen = sql<boolean>`(membership.organization_id = ${db.organizationId ?? NIL} and ${isSeenBy(db, 'membership.user_id')})`
    const isOwn = sql<boolean>`membership.user_id = ${db.userId ?? NIL}`
    const rows = await livingMemberships(db)
      .where('membership.id', 'in', ids)
      .where(sql<boolean>`(${isSeen} or ${isOwn})`)
      .execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

/** Finds a membership the viewer sees, or null; of their own in other organizations only a person on a device is told. */
export async function findMembership(ctx: Context, id: string): Promise<MembershipRow | null> {
  if (ctx.viewer.kind === 'anonymous') return null
  const { kind, organizationId } = ctx.viewer
  const row = await load(ctx, membershipById, id)
  if (row === null) return null
  return row.organizationId === organizationId
    ? may(ctx, 'membership.read')
      ? row
      : null
    : kind === 'user'
      ? row
      : null
}

/** The members of the active organization whom the viewer sees, those who joined first at the beginning. */
export async function listMembers(ctx: Context, window: Window): Promise<MembershipRow[]> {
  return keyset(membersSeen(ctx).select(columns), ['membership.id'], 'asc', window).execute()
}

/** How many `listMembers` has in all. */
export async function countMembers(ctx: Context): Promise<number> {
  const { count } = await membersSeen(ctx)
    .select((on) => on.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

/** The viewer's own places in living organizations, the first one joined at the beginning; of a key or an agent, one. */
export async function listOwnMemberships(ctx: Context, window: Window): Promise<MembershipRow[]> {
  return keyset(ownMemberships(ctx).select(columns), ['membership.id'], 'asc', window).execute()
}

/** How many `listOwnMemberships` has in all. */
export async function countOwnMemberships(ctx: Context): Promise<number> {
  const { count } = await ownMemberships(ctx)
    .select((on) => on.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

// Their ids are by age, so that their order is that of joining.
const columns = [
  'membership.id',
  'membership.organization_id as organizationId',
  'membership.user_id as userId',
  'membership.role',
  'membership.joined_at as joinedAt',
] as const

function membersSeen({ db }: Context) {
  return db.from('membership').where(isSeenBy(db, 'membership.user_id'))
}

function ownMemberships({ db, viewer }: Context) {
  const own = joined(db).where('membership.user_id', '=', db.userId ?? NIL)
  return viewer.kind === 'user' ? own : own.where('organization.id', '=', db.organizationId ?? NIL)
}

function livingMemberships(db: TenantReads) {
  return joined(db).select(columns)
}

function joined(db: TenantReads) {
  return db
    .shared('organization')
    .innerJoin('membership', 'membership.organization_id', 'organization.id')
    .where('organization.deleted_at', 'is', null)
}
