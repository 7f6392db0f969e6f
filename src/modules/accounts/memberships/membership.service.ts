import { encodeTypeId } from '../../../lib/typeid.ts'
import { type Action, type Role, roleIncludes } from '../../../platform/access.ts'
import { type ActingViewer, becomeViewer, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { Forbidden, NotFound } from '../../../platform/errors.ts'
import { requireAction, requirePerson, requireViewer } from '../../../platform/gate.ts'
import { audit } from '../../audit/audit.service.ts'
import { disableAgentsOf } from '../agents/agent.service.ts'
import { currentViewer } from '../devices/authentication.service.ts'
import { demandLiving, lockUser } from '../devices/device-session.service.ts'
import { revokeKeysOf } from '../keys/api-key.service.ts'
import { tellViewer } from '../users/viewer.events.ts'
import { findMembership, type MembershipRow } from './membership.reads.ts'
import {
  type Deed,
  demandAnotherOwner,
  demandNotAbove,
  lockMembers,
  withdrawInvitations,
} from './role-rules.service.ts'

/** The gate: a membership of the active organization. @throws {NotFound | Forbidden} */
export async function getMembership(ctx: Context, id: string, action: Action): Promise<MembershipRow> {
  const target = encodeTypeId('membership', id)
  const { organizationId } = requireViewer(ctx)
  const row = await findMembership(ctx, id)
  if (row === null || row.organizationId !== organizationId) throw new NotFound('membership', action, target)
  requireAction(ctx, action, target)
  return row
}

/**
 * Gives a member another role; it counts for their next request, and for what they have open within 2 s.
 * @throws {NotFound | Forbidden | RoleAboveOwn | LastOwner}
 */
export async function updateMemberRole(ctx: Context, id: string, role: Role): Promise<MembershipRow> {
  const deed = { action: 'membership.update', target: encodeTypeId('membership', id) } as const
  const member = await getMembership(ctx, id, deed.action)
  await transact(ctx, async (tx) => {
    const { theirs, ownRole, members } = await lockBoth(ctx, tx, member, deed)
    demandNotAbove(ownRole, [theirs.role, role], deed)
    if (role !== 'OWNER') demandAnotherOwner(theirs, members, deed)
    await tx.unscoped.updateTable('membership').set({ role }).where('id', '=', id).execute()
    await withdrawInvitations(tx, member, role)
    await tellViewer(tx, member.userId, { type: 'ViewerUpdated' })
    audit(ctx, tx, deed)
  })
  await lookAgain(ctx, member.userId)
  return { ...member, role }
}

/** Takes a member out of the active organization. @throws {NotFound | Forbidden | RoleAboveOwn | LastOwner} */
export async function removeMember(ctx: Context, id: string): Promise<string> {
  const deed = { action: 'membership.remove', target: encodeTypeId('membership', id) } as const
  const member = await getMembership(ctx, id, deed.action)
  await transact(ctx, async (tx) => {
    const { theirs, ownRole, members } = await lockBoth(ctx, tx, member, deed)
    demandNotAbove(ownRole, [theirs.role], deed)
    demandAnotherOwner(theirs, members, deed)
    await endMembership(tx, member)
    audit(ctx, tx, deed)
  })
  await lookAgain(ctx, member.userId)
  return id
}

/** Ends one of the viewer's own memberships, in whatever organization. @throws {NotFound | LastOwner} */
export async function leaveOrganization(ctx: Context, id: string): Promise<string> {
  const deed = { action: 'membership.leave', target: encodeTypeId('membership', id) } as const
  const viewer = requirePerson(ctx, deed.action, deed.target)
  const { userId } = viewer
  const own = await findMembership(ctx, id)
  if (own?.userId !== userId) throw new NotFound('membership', deed.action, deed.target)
  const { organizationId } = own
  await transact(ctx, async (tx) => {
    await lockUser(tx, userId)
    await demandLiving(tx, viewer)
    const members = await lockMembers(tx, organizationId, [userId])
    const now = members.find((member) => member.id === id)
    if (now === undefined) throw new NotFound('membership', deed.action, deed.target)
    demandAnotherOwner(now, members, deed)
    await endMembership(tx, own)
    audit(ctx, tx, { ...deed, as: { userId, organizationId } })
  })
  await lookAgain(ctx, userId)
  return id
}

/** Ends a membership with all that hangs on it. What the person wrote stays, and they can no longer read it. */
async function endMembership(tx: Transaction, member: MembershipRow): Promise<void> {
  const { id, userId, organizationId } = member
  await tx.unscoped.deleteFrom('membership').where('id', '=', id).execute()
  await withdrawInvitations(tx, member, null)
  await tx.unscoped
    .deleteFrom('project_member')
    .where('organization_id', '=', organizationId)
    .where('user_id', '=', userId)
    .execute()
  await tx.unscoped
    .deleteFrom('chat_participant')
    .where('organization_id', '=', organizationId)
    .where('user_id', '=', userId)
    .execute()
  // Or they would come to life again with a new membership.
  await revokeKeysOf(tx, userId, organizationId)
  await disableAgentsOf(tx, userId, organizationId)
  await tellViewer(tx, userId, { type: 'ViewerUpdated' })
}

/**
 * Holds what a deed goes by, people first, and answers the roles as they are now: both may have changed since the gate.
 * @throws {NotFound | Forbidden}
 */
async function lockBoth(ctx: Context, tx: Transaction, member: MembershipRow, deed: Deed & { action: Action }) {
  const viewer: ActingViewer = requireViewer(ctx)
  const people = [...new Set([viewer.userId, member.userId])].sort()
  for (const userId of people) await lockUser(tx, userId)
  const members = await lockMembers(tx, member.organizationId, people)
  const heldOf = (userId: string) => members.find((one) => one.userId === userId) ?? null
  const [ownRole, theirs] = [heldOf(viewer.userId)?.role ?? null, heldOf(member.userId)]
  if (theirs === null) throw new NotFound('membership', deed.action, deed.target)
  if (ownRole === null || !roleIncludes(ownRole, deed.action)) throw new Forbidden(deed.action, deed.target)
  return { theirs, ownRole, members }
}

/** Lets the operation go on as who the viewer is now, if it was themselves whom they changed. */
async function lookAgain(ctx: Context, userId: string): Promise<void> {
  if (requireViewer(ctx).userId === userId) becomeViewer(ctx, await currentViewer(ctx.platform, ctx.viewer))
}
