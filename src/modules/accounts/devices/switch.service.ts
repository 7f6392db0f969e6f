import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Context } from '../../../platform/context.ts'
import { transact } from '../../../platform/database/transact.ts'
import { NotFound } from '../../../platform/errors.ts'
import { requirePerson } from '../../../platform/gate.ts'
import { audit } from '../../audit/audit.service.ts'
import { isLivingMember } from '../organizations/active-organization.service.ts'
import {
  demandCookieJar,
  demandLiving,
  type IssuedTokens,
  lockUser,
  reenterSession,
  type TokenMode,
} from './device-session.service.ts'

/** Where to act from now on. */
export interface Switch {
  readonly organizationId: string
  readonly mode: TokenMode
}

/**
 * Lets this device act in another of the viewer's organizations. The refresh token it has goes on working, and refreshes
 * into that one; access tokens for the others are good until they expire.
 * @throws {NotFound} for organizations that are deleted, or that the viewer is not a member of
 */
export async function switchOrganization(ctx: Context, { organizationId, mode }: Switch): Promise<IssuedTokens> {
  const target = encodeTypeId('organization', organizationId)
  const viewer = requirePerson(ctx, 'session.switch', target)
  const { userId, deviceSessionId } = viewer
  demandCookieJar(ctx, mode)
  await transact(ctx, async (tx) => {
    await lockUser(tx, userId)
    await demandLiving(tx, viewer)
    if (!(await isLivingMember(tx, userId, organizationId)))
      throw new NotFound('organization', 'session.switch', target)
    await tx.unscoped
      .updateTable('device_session')
      .set({ active_organization_id: organizationId })
      .where('id', '=', deviceSessionId)
      .execute()
    const done = encodeTypeId('device_session', deviceSessionId)
    audit(ctx, tx, { action: 'session.switch', target: done, as: { userId, organizationId } })
  })
  return reenterSession(ctx, { userId, deviceSessionId, organizationId }, mode)
}
