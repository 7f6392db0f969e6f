import type { Kysely } from 'kysely'
import type { Role } from '../../../platform/access.ts'
import type { Tables } from '../../../platform/database/tables.ts'

/** The role a living session carries in an organization and its last refresh; null when session or membership is gone. */
export async function standingOfSession(
  unscoped: Kysely<Tables>,
  session: { readonly deviceSessionId: string; readonly userId: string; readonly organizationId: string },
  now: Date,
): Promise<{ role: Role; refreshedAt: Date } | null> {
  const row = await unscoped
    .selectFrom('device_session')
    .innerJoin('membership', 'membership.user_id', 'device_session.user_id')
    .select(['membership.role', 'device_session.refreshed_at as refreshedAt'])
    .where('device_session.id', '=', session.deviceSessionId)
    .where('device_session.user_id', '=', session.userId)
    .where('device_session.revoked_at', 'is', null)
    .where('device_session.expires_at', '>', now)
    .where('membership.organization_id', '=', session.organizationId)
    .executeTakeFirst()
  return row ?? null
}

/** Whether a session lives, wherever it acts. */
export async function isSessionOpen(unscoped: Kysely<Tables>, deviceSessionId: string, now: Date): Promise<boolean> {
  const row = await unscoped
    .selectFrom('device_session')
    .select('id')
    .where('id', '=', deviceSessionId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst()
  return row !== undefined
}
