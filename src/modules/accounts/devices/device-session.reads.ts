import type { Kysely } from 'kysely'
import { NIL } from 'uuid'
import { z } from 'zod'
import type { DeviceType } from '../../../lib/device-type.ts'
import { type Role, roles } from '../../../platform/access.ts'
import { defineNamespace } from '../../../platform/cache.ts'
import type { Context, Platform } from '../../../platform/context.ts'
import { keyset, type Window } from '../../../platform/database/keyset.ts'
import type { Tables } from '../../../platform/database/tables.ts'

/** One device a person is signed in on, as they see it themselves. */
export interface DeviceSessionRow {
  readonly id: string
  readonly deviceName: string | null
  readonly deviceType: DeviceType
  readonly address: string | null
  readonly userAgent: string | null
  readonly createdAt: Date
  readonly lastSeenAt: Date
  readonly expiresAt: Date
  readonly revokedAt: Date | null
}

/** Whose session it is, and for which organization its tokens are. */
export interface SessionIdentity {
  readonly deviceSessionId: string
  readonly userId: string
  readonly organizationId: string
}

/** What a living session is good for. */
export interface SessionAccess {
  readonly refreshedAt: Date
  readonly lastSeenAt: Date
  readonly isPlatformAdmin: boolean
  /** The access epochs of the person and the organization; another one means that something of their access changed. */
  readonly version: string
  /** That of the project asked about, in that organization; null when none was. */
  readonly projectEpoch: number | null
}

const roleInOrganization = defineNamespace({ name: 'role', schema: z.enum(roles).nullable() })

/**
 * What a session is good for now; null when it has ended. One statement by primary keys, asked of the database at each
 * use: no cache can know of a revocation in time.
 */
export async function accessOfSession(
  unscoped: Kysely<Tables>,
  session: SessionIdentity,
  { now, projectId = null }: { readonly now: Date; readonly projectId?: string | null },
): Promise<SessionAccess | null> {
  const row = await unscoped
    .selectFrom('device_session')
    .innerJoin('user', 'user.id', 'device_session.user_id')
    .leftJoin('organization', (join) =>
      join.on('organization.id', '=', session.organizationId).on('organization.deleted_at', 'is', null),
    )
    .leftJoin('project', (join) =>
      join.on('project.id', '=', projectId).on('project.organization_id', '=', session.organizationId),
    )
    .select([
      'device_session.refreshed_at as refreshedAt',
      'device_session.last_seen_at as lastSeenAt',
      'user.access_epoch as actorEpoch',
      'user.is_platform_admin as isPlatformAdmin',
      'organization.access_epoch as organizationEpoch',
      'project.access_epoch as projectEpoch',
    ])
    .where('device_session.id', '=', session.deviceSessionId)
    .where('device_session.user_id', '=', session.userId)
    .where('device_session.revoked_at', 'is', null)
    .where('device_session.expires_at', '>', now)
    .where('user.suspended_at', 'is', null)
    .executeTakeFirst()
  if (row === undefined) return null
  const { actorEpoch, organizationEpoch, ...access } = row
  return { ...access, version: `${actorEpoch}.${organizationEpoch ?? 'gone'}` }
}

/** The role of a person in an organization under these access epochs, or null: from the cache as long as they stand. */
export function roleUnder(
  platform: Platform,
  { userId, organizationId }: Pick<SessionIdentity, 'userId' | 'organizationId'>,
  version: string,
): Promise<Role | null> {
  return platform.cache.read(roleInOrganization, `${userId}:${organizationId}`, version, async () => {
    const row = await platform.database.unscoped
      .selectFrom('membership')
      .innerJoin('organization', 'organization.id', 'membership.organization_id')
      .select('membership.role')
      .where('membership.user_id', '=', userId)
      .where('membership.organization_id', '=', organizationId)
      .where('organization.deleted_at', 'is', null)
      .executeTakeFirst()
    return row?.role ?? null
  })
}

const columns = [
  'device_session.id',
  'device_session.device_name as deviceName',
  'device_session.device_type as deviceType',
  'device_session.address',
  'device_session.user_agent as userAgent',
  'device_session.created_at as createdAt',
  'device_session.last_seen_at as lastSeenAt',
  'device_session.expires_at as expiresAt',
  'device_session.revoked_at as revokedAt',
] as const

/** Finds a session of the viewer's own, ended or not; null for anybody else's. */
export async function findDeviceSession({ db, viewer }: Context, id: string): Promise<DeviceSessionRow | null> {
  if (viewer.kind !== 'user') return null
  const own = db.shared('device_session').select(columns).where('device_session.user_id', '=', viewer.userId)
  return (await own.where('device_session.id', '=', id).executeTakeFirst()) ?? null
}

/** The viewer's living sessions, newest first. */
export async function listDeviceSessions(ctx: Context, window: Window): Promise<DeviceSessionRow[]> {
  return keyset(livingSessions(ctx).select(columns), ['device_session.id'], 'desc', window).execute()
}

/** How many `listDeviceSessions` has in all. */
export async function countDeviceSessions(ctx: Context): Promise<number> {
  const { count } = await livingSessions(ctx)
    .select((on) => on.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

function livingSessions({ db, viewer, platform }: Context) {
  const userId = viewer.kind === 'user' ? viewer.userId : NIL
  return db
    .shared('device_session')
    .where('device_session.user_id', '=', userId)
    .where('device_session.revoked_at', 'is', null)
    .where('device_session.expires_at', '>', platform.clock.now())
}
