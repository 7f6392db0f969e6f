import { encodeTypeId } from '../../../lib/typeid.ts'
import type { ApiKeyViewer, Platform } from '../../../platform/context.ts'
import { roleUnder } from '../devices/device-session.reads.ts'
import { accessOfKey, type KeyAccess } from './api-key.reads.ts'
import { type Admitted, endOf, type Found, isOver, type Looked, refused } from './found.reads.ts'

/** How exact `lastUsedAt` is: a key in use is written once in this time, not at each request. */
const USED_MILLIS = 60_000

/**
 * Who a key's secret speaks for now: its person in the key's organization, within its permissions. Nobody once it is
 * revoked, replaced or expired, or its person gone from the organization.
 */
export async function viewerOfKey(platform: Platform, secretHash: string, looked: Looked): Promise<Found> {
  const access = await accessOfKey(platform.database.unscoped, secretHash, looked.projectId)
  if (access === null) return { viewer: refused('This API key is not known.'), known: null }
  const known = {
    target: encodeTypeId('api_key', access.apiKeyId),
    organizationId: access.organizationId,
  }
  const now = platform.clock.now()
  const end = endOf(access.expiresAt, access.replacedUntil)
  if (access.revokedAt !== null) return { viewer: refused('This API key was revoked.'), known }
  if (access.isClosed) return { viewer: refused('The account behind this API key is closed.'), known }
  if (isOver(end, now, looked)) {
    return { viewer: { ...refused('This API key has expired.'), isLapsed: true }, known }
  }
  const role = await roleUnder(platform, access, access.version)
  if (role === null) {
    const reason = 'The person behind this API key is no longer a member of its organization.'
    return { viewer: { ...refused(reason), isRemoved: true }, known }
  }
  await noteUsed(platform, access, now)
  const { apiKeyId, userId, organizationId, version: accessVersion, projectEpoch } = access
  const grants = new Set(access.permissions)
  const acting: Admitted = { role, grants, isPlatformAdmin: false, accessVersion, projectEpoch, accessUntil: end }
  return {
    viewer: { kind: 'api_key', apiKeyId, secretHash, userId, organizationId, ...acting } satisfies ApiKeyViewer,
    known,
  }
}

async function noteUsed(platform: Platform, { apiKeyId, lastUsedAt }: KeyAccess, now: Date): Promise<void> {
  const staleBefore = new Date(now.getTime() - USED_MILLIS)
  if (lastUsedAt !== null && lastUsedAt > staleBefore) return
  try {
    await platform.database.unscoped
      .updateTable('api_key')
      .set({ last_used_at: now })
      .where('id', '=', apiKeyId)
      .where((on) => on.or([on('last_used_at', 'is', null), on('last_used_at', '<=', staleBefore)]))
      .execute()
  } catch (error) {
    // What is asked for must not fail for a time that is only shown.
    platform.log.warn({ err: error }, 'it could not be noted when a key was used')
  }
}
