import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { JsonObject } from '../../../platform/channels/channel.entity.ts'
import { type ActingViewer, becomeViewer, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { Denial } from '../../../platform/errors.ts'
import { requirePerson, requireViewer } from '../../../platform/gate.ts'
import { audit } from '../../audit/audit.service.ts'
import { lockLeaver } from '../administration/platform-admin.service.ts'
import { disableAgentsOf } from '../agents/agent.service.ts'
import { currentViewer } from '../devices/authentication.service.ts'
import { demandLiving, endOtherSessions, leaveSession, lockUser } from '../devices/device-session.service.ts'
import { revokeKeysOf } from '../keys/api-key.service.ts'
import { withdrawInvitations } from '../memberships/role-rules.service.ts'
import { type Notice, noticeMail } from '../passwords/notice.jobs.ts'
import { provePassword } from '../passwords/password.service.ts'
import { namedFacts, nameKey } from './user.service.ts'
import { tellViewer } from './viewer.events.ts'
import { forgetProfile } from './viewer.reads.ts'

/** As much of an organization as whoever may not see it needs to speak of it: administrators of the platform are told too. */
export interface OwnedOrganization {
  readonly id: string
  readonly name: string
}

/** Others are members of organizations that only this person owns; those have to get another owner first. */
export class OwnsOrganizations extends Denial {
  readonly code = 'OWNS_ORGANIZATIONS'
  readonly organizations: readonly OwnedOrganization[]
  constructor(organizations: readonly OwnedOrganization[], action: string, target: string) {
    super(`Others need the owner of ${organizations.map(({ name }) => name).join(', ')}.`, action, target)
    this.organizations = organizations
  }
}

/** What to change of a profile: undefined leaves a field as it is, null empties it. */
export interface ProfileChange {
  readonly displayName: string | undefined
  readonly username?: string | null | undefined
  readonly avatarUrl?: string | null | undefined
  /** Replaced as a whole. */
  readonly preferences: JsonObject | undefined
}

/** Changes the viewer's own profile. @throws {UsernameTaken} */
export async function updateProfile(ctx: Context, change: ProfileChange): Promise<ActingViewer> {
  const viewer = requirePerson(ctx, 'user.update_profile')
  const { userId } = viewer
  const { displayName, username, avatarUrl, preferences } = change
  await transact(ctx, async (tx) => {
    await lockUser(tx, userId)
    await demandLiving(tx, viewer)
    await tx.unscoped
      .updateTable('user')
      .set({
        updated_at: tx.now,
        ...(displayName !== undefined && { display_name: displayName }),
        ...(username !== undefined && { username, username_key: username === null ? null : nameKey(username) }),
        ...(avatarUrl !== undefined && { avatar_url: avatarUrl }),
        ...(preferences !== undefined && { preferences }),
      })
      .where('id', '=', userId)
      .execute()
    await tellViewer(tx, userId, { type: 'ViewerUpdated' })
    audit(ctx, tx, { action: 'user.update_profile', target: encodeTypeId('user', userId) })
  }).catch(namedFacts)
  await forgetProfile(ctx.platform, viewer)
  // What is cached of the old profile on other nodes is of the old access version.
  becomeViewer(ctx, await currentViewer(ctx.platform, ctx.viewer))
  return requireViewer(ctx)
}

/**
 * Deletes the viewer's account: sessions, keys and agents end, memberships go, organizations nobody else is in are given up, and what is
 * left of the person is the nameless author of what they wrote.
 * @throws {InvalidCredentials | AccountLocked | OwnsOrganizations | LastPlatformAdmin | RateLimited}
 */
export async function deleteAccount(ctx: Context, password: string): Promise<void> {
  const viewer = requirePerson(ctx, 'user.delete')
  const { userId, deviceSessionId } = viewer
  const { email } = await provePassword(ctx, userId, password, 'user.delete')
  await transact(ctx, async (tx) => {
    await lockLeaver(tx, userId, 'user.delete')
    await demandLiving(tx, viewer)
    await removeAccount(tx, { userId, email, action: 'user.delete', notice: 'ACCOUNT_DELETED' })
    audit(ctx, tx, { action: 'user.delete', target: encodeTypeId('user', userId) })
  })
  await forgetProfile(ctx.platform, viewer)
  await leaveSession(ctx, deviceSessionId)
}

/** An account to be taken away: whose, what that is in the trail, and how its person hears of it. */
export interface Removal {
  readonly userId: string
  readonly email: string
  readonly action: string
  readonly notice: Notice
}

/** Takes an account away in a transaction that holds its person's row. @throws {OwnsOrganizations} */
export async function removeAccount(tx: Transaction, { userId, email, action, notice }: Removal): Promise<void> {
  const owned = await organizationsOwnedAlone(tx, userId)
  const needed = owned.filter(({ others }) => others > 0)
  if (needed.length > 0) throw new OwnsOrganizations(needed, action, encodeTypeId('user', userId))
  await giveUp(
    tx,
    owned.map(({ id }) => id),
  )
  const ended = await tx.unscoped
    .deleteFrom('membership')
    .where('user_id', '=', userId)
    .returning('organization_id as organizationId')
    .execute()
  for (const { organizationId } of ended) await withdrawInvitations(tx, { userId, organizationId }, null)
  await tx.unscoped.deleteFrom('project_member').where('user_id', '=', userId).execute()
  await tx.unscoped.deleteFrom('registration').where('email_key', '=', nameKey(email)).execute()
  await tx.unscoped.deleteFrom('one_time_token').where('user_id', '=', userId).execute()
  await endOtherSessions(tx, userId, null)
  await revokeKeysOf(tx, userId)
  await disableAgentsOf(tx, userId)
  await forgetPerson(tx, userId)
  await tellViewer(tx, userId, { type: 'ViewerUpdated' })
  await tx.enqueue(noticeMail, { to: email, notice })
}

/** Locks the memberships of the person's organizations, so that no other owner leaves meanwhile. */
async function organizationsOwnedAlone(tx: Transaction, userId: string) {
  const owned = tx.unscoped
    .selectFrom('membership')
    .select('organization_id')
    .where('user_id', '=', userId)
    .where('role', '=', 'OWNER')
  const members = await tx.unscoped
    .selectFrom('membership')
    .innerJoin('user', 'user.id', 'membership.user_id')
    .select(['membership.organization_id as organizationId', 'membership.user_id as memberId', 'membership.role'])
    .select('user.suspended_at as suspendedAt')
    .where('membership.organization_id', 'in', owned)
    .orderBy('membership.id')
    .forUpdate('membership')
    .execute()
  const byOrganization = Map.groupBy(members, ({ organizationId }) => organizationId)
  const alone = [...byOrganization].filter(([, all]) =>
    all.every(({ memberId, role, suspendedAt }) => memberId === userId || role !== 'OWNER' || suspendedAt !== null),
  )
  if (alone.length === 0) return []
  const rows = await tx.unscoped
    .selectFrom('organization')
    .select(['id', 'name', 'deleted_at as deletedAt'])
    .where(
      'id',
      'in',
      alone.map(([id]) => id),
    )
    .orderBy('name')
    .execute()
  return rows.map(({ id, name, deletedAt }) => ({
    ...{ id, name },
    // Nobody else is in one that is deleted already.
    others: deletedAt === null ? (byOrganization.get(id)?.length ?? 1) - 1 : 0,
  }))
}

async function giveUp(tx: Transaction, organizationIds: readonly string[]): Promise<void> {
  if (organizationIds.length === 0) return
  await tx.unscoped
    .updateTable('organization')
    .set((on) => ({
      // Both were made of the person's name.
      name: 'Deleted workspace',
      slug: sql<string>`'deleted-' || id`,
      deleted_at: on.fn.coalesce('deleted_at', on.val(tx.now)),
      access_epoch: on('access_epoch', '+', 1),
    }))
    .where('id', 'in', [...organizationIds])
    .execute()
  for (const id of organizationIds) tx.movedOn(id)
}

/** Takes a person out of their row, which stays for what they are the author of; its address is free again. */
async function forgetPerson(tx: Transaction, userId: string): Promise<void> {
  // RFC 2606 reserves .invalid: no mail can ever go there. Nor can anybody have taken what cannot be foreseen.
  const nobody = `${userId}.${randomBytes(8).toString('hex')}@deleted.invalid`
  await tx.unscoped
    .updateTable('device_session')
    .set({ address: null, user_agent: null, device_name: null, refreshed_by: '' })
    .where('user_id', '=', userId)
    .execute()
  await tx.unscoped
    .updateTable('user')
    .set({
      email: nobody,
      email_key: nobody,
      username: null,
      username_key: null,
      display_name: 'Deleted account',
      avatar_url: null,
      password_hash: '',
      email_verified_at: null,
      preferences: {},
      is_platform_admin: false,
      suspended_at: null,
      updated_at: tx.now,
      deleted_at: tx.now,
    })
    .where('id', '=', userId)
    .execute()
}
