import { sql } from 'kysely'
import { encodeTypeId } from '../../../lib/typeid.ts'
import { type Role, roleIncludes } from '../../../platform/access.ts'
import type { Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { Forbidden, NotFound, UserError } from '../../../platform/errors.ts'
import { requireAction } from '../../../platform/gate.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { demandNotAbove } from '../memberships/role-rules.service.ts'
import { nameKey } from '../users/user.service.ts'
import { invitationMail } from './invitation.jobs.ts'
import { findInvitation, type InvitationRow } from './invitation.reads.ts'

/** The address is one of somebody who is in the organization already. */
export class AlreadyMember extends UserError {
  readonly code = 'ALREADY_MEMBER'
  constructor() {
    super('They are a member already.')
  }
}

/** A place to offer. */
export interface InviteMember {
  readonly email: string
  readonly role: Role
}

const HOUR = 3_600
/** Of one address by one organization in an hour: a mail that got lost can be sent again. */
const PER_ADDRESS_AND_HOUR = 3
/** How much more than one person its administrators may invite together. */
const INVITERS_PER_ORGANIZATION = 5

/**
 * Offers an address a place in the active organization, by mail. An open offer to that address is replaced, and its link
 * is dead. Whether the address has an account is nobody's business: the job that mails finds out.
 * @throws {Forbidden | RoleAboveOwn | AlreadyMember | RateLimited}
 */
export async function inviteMember(ctx: Context, { email, role }: InviteMember): Promise<InvitationRow> {
  const deed = { action: 'invitation.create', target: null } as const
  const { userId, organizationId, role: ownRole } = requireAction(ctx, deed.action)
  demandNotAbove(ownRole, [role], deed)
  await limitInvitations(ctx, { userId, organizationId, email })
  return transact(ctx, async (tx) => {
    // As it is now, and as it stays until this is done: who loses it takes their open offers along.
    const own = await tx.unscoped
      .selectFrom('membership')
      .select('role')
      .where('organization_id', '=', organizationId)
      .where('user_id', '=', userId)
      .forShare()
      .executeTakeFirst()
    if (own === undefined || !roleIncludes(own.role, deed.action)) throw new Forbidden(deed.action)
    demandNotAbove(own.role, [role], deed)
    if (await isMember(tx, organizationId, nameKey(email))) throw new AlreadyMember()
    const invitation = await offer(ctx, tx, { organizationId, userId, email, role })
    await tx.enqueue(invitationMail, { invitationId: invitation.id })
    audit(ctx, tx, { ...deed, target: encodeTypeId('invitation', invitation.id) })
    // Not read again behind the commit: it may be replaced by then.
    return invitation
  })
}

/** Withdraws an offer: its link is dead. One that is not open any more stays as it is. @throws {NotFound | Forbidden} */
export async function revokeInvitation(ctx: Context, id: string): Promise<InvitationRow> {
  const action = 'invitation.revoke'
  const target = encodeTypeId('invitation', id)
  seen(await findInvitation(ctx, id), action, id)
  const { organizationId } = requireAction(ctx, action, target)
  await transact(ctx, async (tx) => {
    await tx.unscoped
      .updateTable('invitation')
      .set({ revoked_at: tx.now })
      .where('id', '=', id)
      .where('organization_id', '=', organizationId)
      .where('accepted_at', 'is', null)
      .where('revoked_at', 'is', null)
      .execute()
    audit(ctx, tx, { action, target })
  })
  return seen(await findInvitation(ctx, id), action, id)
}

function seen(row: InvitationRow | null, action: string, id: string): InvitationRow {
  if (row === null) throw new NotFound('invitation', action, encodeTypeId('invitation', id))
  return row
}

/** Counts one mail to an address of somebody's choice, by whom and for whom it is sent. @throws {RateLimited} */
async function limitInvitations(
  { platform }: Context,
  { userId, organizationId, email }: { userId: string; organizationId: string; email: string },
): Promise<void> {
  const { limits, settings } = platform
  const { perPersonAndHour } = settings.invitations
  const [one, all] = [perPersonAndHour, perPersonAndHour * INVITERS_PER_ORGANIZATION]
  await limits.consume({ name: 'invite', points: one, windowSeconds: HOUR }, userId)
  await limits.consume({ name: 'invite-organization', points: all, windowSeconds: HOUR }, organizationId)
  const address = `${organizationId} ${nameKey(email)}`
  await limits.consume({ name: 'invite-address', points: PER_ADDRESS_AND_HOUR, windowSeconds: HOUR }, address)
}

async function isMember(tx: Transaction, organizationId: string, emailKey: string): Promise<boolean> {
  const row = await tx.unscoped
    .selectFrom('membership')
    .innerJoin('user', 'user.id', 'membership.user_id')
    .select('membership.id')
    .where('membership.organization_id', '=', organizationId)
    .where('user.email_key', '=', emailKey)
    .executeTakeFirst()
  return row !== undefined
}

/** One statement, so that of two offers at once to one address the second replaces the first. */
async function offer(
  { platform }: Context,
  tx: Transaction,
  { organizationId, userId, email, role }: InviteMember & { organizationId: string; userId: string },
): Promise<InvitationRow> {
  const { ttlSeconds } = platform.settings.invitations
  const offered = {
    // Another id is another link.
    id: newUuid(tx.now),
    email,
    role,
    created_at: tx.now,
    expires_at: new Date(tx.now.getTime() + ttlSeconds * 1_000),
    invited_by_id: userId,
  }
  const whose = { organization_id: organizationId, email_key: nameKey(email) }
  await tx.unscoped
    .insertInto('invitation')
    .values({ ...offered, ...whose, accepted_at: null, revoked_at: null })
    .onConflict((conflict) =>
      conflict
        .columns(['organization_id', 'email_key'])
        .where(sql<boolean>`accepted_at is null and revoked_at is null`)
        .doUpdateSet(offered),
    )
    .execute()
  const { id, created_at: createdAt, expires_at: expiresAt } = offered
  return { id, email, role, invitedById: userId, createdAt, expiresAt, acceptedAt: null, revokedAt: null }
}
