import { isAtLeast, type Role, roleIncludes, roles } from '../../../platform/access.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { Denial } from '../../../platform/errors.ts'
import type { MembershipRow } from './membership.reads.ts'

/** What somebody is about to do, as the trail names it. */
export interface Deed {
  readonly action: string
  readonly target: string | null
}

/** Nobody grants a role above their own, or changes anything about who has one. */
export class RoleAboveOwn extends Denial {
  readonly code = 'ROLE_ABOVE_OWN'
  constructor({ action, target }: Deed) {
    super('That role is above your own.', action, target)
  }
}

/** An organization keeps an owner who can get in: the last one stays one, and stays. */
export class LastOwner extends Denial {
  readonly code = 'LAST_OWNER'
  constructor({ action, target }: Deed) {
    super('There is no other owner. Make somebody else one first, or delete the organization.', action, target)
  }
}

/** @throws {RoleAboveOwn} when one of the roles is above one's own */
export function demandNotAbove(own: Role, others: readonly Role[], deed: Deed): void {
  if (!others.every((role) => isAtLeast(own, role))) throw new RoleAboveOwn(deed)
}

/** Somebody's place among the members that `lockMembers` holds. */
export interface HeldMember {
  readonly id: string
  readonly userId: string
  readonly role: Role
  readonly isSuspended: boolean
}

/** @throws {LastOwner} when a member is to be an owner no longer, and there is no other who could act as one */
export function demandAnotherOwner(
  member: Pick<HeldMember, 'userId' | 'role'>,
  members: readonly HeldMember[],
  deed: Deed,
): void {
  const isAnother = ({ userId, role, isSuspended }: HeldMember) =>
    role === 'OWNER' && !isSuspended && userId !== member.userId
  if (member.role === 'OWNER' && !members.some(isAnother)) throw new LastOwner(deed)
}

/**
 * Holds the memberships of an organization's owners and of some people, in the order of their ids as everywhere, after the
 * rows of those people: so that of two owners who demote each other at once the second finds themselves to be the last.
 */
export async function lockMembers(
  tx: Transaction,
  organizationId: string,
  userIds: readonly string[],
): Promise<readonly HeldMember[]> {
  const rows = await tx.unscoped
    .selectFrom('membership')
    .innerJoin('user', 'user.id', 'membership.user_id')
    .select(['membership.id', 'membership.user_id as userId', 'membership.role', 'user.suspended_at as suspendedAt'])
    .where('membership.organization_id', '=', organizationId)
    .where(({ or, eb }) => or([eb('membership.role', '=', 'OWNER'), eb('membership.user_id', 'in', [...userIds])]))
    .orderBy('membership.id')
    .forUpdate('membership')
    .execute()
  return rows.map(({ suspendedAt, ...member }) => ({ ...member, isSuspended: suspendedAt !== null }))
}

/** Withdraws what a person has offered to others and could not offer in their new role; null: they are out. */
export async function withdrawInvitations(
  tx: Transaction,
  { userId, organizationId }: Pick<MembershipRow, 'userId' | 'organizationId'>,
  newRole: Role | null,
): Promise<void> {
  const isInviter = newRole !== null && roleIncludes(newRole, 'invitation.create')
  const beyond = roles.filter((role) => !isInviter || !isAtLeast(newRole, role))
  if (beyond.length === 0) return
  await tx.unscoped
    .updateTable('invitation')
    .set({ revoked_at: tx.now })
    .where('organization_id', '=', organizationId)
    .where('invited_by_id', '=', userId)
    .where('role', 'in', beyond)
    .where('accepted_at', 'is', null)
    .where('revoked_at', 'is', null)
    .execute()
}
