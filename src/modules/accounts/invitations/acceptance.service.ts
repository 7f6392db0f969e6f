import { encodeTypeId } from '../../../lib/typeid.ts'
import { becomeViewer, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { violatedConstraint } from '../../../platform/database/violated-constraint.ts'
import { Denial } from '../../../platform/errors.ts'
import { requirePerson } from '../../../platform/gate.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { currentViewer } from '../devices/authentication.service.ts'
import { demandLiving, lockUser } from '../devices/device-session.service.ts'
import type { MembershipRow } from '../memberships/membership.reads.ts'
import { tellViewer } from '../users/viewer.events.ts'
import { invitationIn, isStillOffered } from './invitation.reads.ts'
import { AlreadyMember } from './invitation.service.ts'

const ACTION = 'invitation.accept'

/** The link was used, withdrawn or replaced, has expired, or never was one of ours: which of them is not told. */
export class InvitationNotOpen extends Denial {
  readonly code = 'INVITATION_NOT_OPEN'
  constructor(target: string | null) {
    super('This invitation is not open any more. Ask for a new one.', ACTION, target)
  }
}

/** The offer was made to another address than that of the account. */
export class InvitationForAnotherAddress extends Denial {
  readonly code = 'INVITATION_FOR_ANOTHER_ADDRESS'
  constructor(target: string | null) {
    super('This invitation is for another address. Sign in with the account of that one.', ACTION, target)
  }
}

/**
 * Takes up an offer by the token of its link, once, as the person whose address it was made to; having the mail also
 * proves that address. They go on acting where they are.
 * @throws {InvitationNotOpen | InvitationForAnotherAddress | AlreadyMember}
 */
export async function acceptInvitation(ctx: Context, token: string): Promise<MembershipRow> {
  const viewer = requirePerson(ctx, ACTION)
  const { userId } = viewer
  const id = await invitationIn(ctx.platform, token)
  if (id === null) throw new InvitationNotOpen(null)
  const membership = await transact(ctx, async (tx) => {
    await lockUser(tx, userId)
    await demandLiving(tx, viewer)
    const { organizationId, role } = await spendInvitation(tx, id, userId)
    const row = { id: newUuid(tx.now), organizationId, userId, role, joinedAt: tx.now }
    await tx.unscoped
      .insertInto('membership')
      .values({ id: row.id, organization_id: organizationId, user_id: userId, role, joined_at: tx.now })
      .execute()
    await tx.unscoped
      .updateTable('user')
      .set((on) => ({ email_verified_at: on.fn.coalesce('email_verified_at', on.val(tx.now)) }))
      .where('id', '=', userId)
      .execute()
    await tellViewer(tx, userId, { type: 'ViewerUpdated' })
    const target = encodeTypeId('invitation', id)
    audit(ctx, tx, { action: ACTION, target, as: { userId, organizationId } })
    return row
  }).catch((error: unknown) => {
    if (violatedConstraint(error)?.startsWith('membership')) throw new AlreadyMember()
    throw error
  })
  becomeViewer(ctx, await currentViewer(ctx.platform, viewer))
  return membership
}

/** Spends an open invitation to the person's own address. */
async function spendInvitation(tx: Transaction, id: string, userId: string) {
  const target = encodeTypeId('invitation', id)
  const { emailKey } = await tx.unscoped
    .selectFrom('user')
    .select('email_key as emailKey')
    .where('id', '=', userId)
    .executeTakeFirstOrThrow()
  const invitation = await tx.unscoped
    .selectFrom('invitation')
    .innerJoin('organization', 'organization.id', 'invitation.organization_id')
    .select(['organization.id as organizationId', 'invitation.role', 'invitation.email_key as emailKey'])
    .where('invitation.id', '=', id)
    .where('invitation.accepted_at', 'is', null)
    .where('invitation.revoked_at', 'is', null)
    .where('invitation.expires_at', '>', tx.now)
    .where('organization.deleted_at', 'is', null)
    .where(isStillOffered())
    .forUpdate('invitation')
    .executeTakeFirst()
  if (invitation === undefined) throw new InvitationNotOpen(target)
  if (invitation.emailKey !== emailKey) throw new InvitationForAnotherAddress(target)
  await tx.unscoped.updateTable('invitation').set({ accepted_at: tx.now }).where('id', '=', id).execute()
  return invitation
}
