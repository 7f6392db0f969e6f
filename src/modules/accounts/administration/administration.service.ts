import { encodeTypeId } from '../../../lib/typeid.ts'
import { becomeViewer, type Context, type UserViewer } from '../../../platform/context.ts'
import { transact } from '../../../platform/database/transact.ts'
import { NotFound } from '../../../platform/errors.ts'
import { createManyOnce } from '../../../platform/idempotency.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { currentViewer } from '../devices/authentication.service.ts'
import { removeAccount } from '../users/account.service.ts'
import { findAccount, type UserRow } from '../users/user.reads.ts'
import { createAccount, namedFacts, nameKey } from '../users/user.service.ts'
import { tellViewer } from '../users/viewer.events.ts'
import { forgetProfile } from '../users/viewer.reads.ts'
import { accountMadeMail } from '../verification/verification.jobs.ts'
import { holdAccount, OwnAdministration, requireAdministrator } from './platform-admin.service.ts'

/** An account for somebody else. */
export interface NewUser {
  readonly email: string
  readonly displayName: string
  readonly username: string | null
  readonly isPlatformAdmin: boolean
  readonly idempotencyKey: string | null
}

/** What to change of somebody's account: undefined leaves it as it is. */
export interface UserChange {
  readonly id: string
  readonly displayName: string | undefined
  /** Null gives it up. */
  readonly username?: string | null | undefined
  readonly isPlatformAdmin: boolean | undefined
}

// What concerns the platform is in no organization's trail: `in none`.
const inNone = ({ userId }: UserViewer) => ({ userId, organizationId: null })

/**
 * Makes an account with a personal organization and no password; the mail it leads to has the link that sets the first.
 * @throws {EmailTaken | UsernameTaken | IdempotencyKeyReused}
 */
export async function createUser(ctx: Context, input: NewUser): Promise<UserRow> {
  const viewer = requireAdministrator(ctx, 'user.create')
  const { email, displayName, username, isPlatformAdmin } = input
  const [id = ''] = await createManyOnce(ctx, 'createUser', input, async (tx) => {
    await holdAccount(tx, viewer, viewer.userId, 'user.create')
    // No password matches an empty hash, and finding that out takes the time of a wrong one.
    const account = { email, displayName, username, isPlatformAdmin, passwordHash: '', emailVerifiedAt: null }
    const { userId } = createAccount(tx, account)
    audit(ctx, tx, { action: 'user.create', target: encodeTypeId('user', userId), as: inNone(viewer) })
    await tx.em.flush()
    await tx.enqueue(accountMadeMail, { emailKey: nameKey(email), tokenId: newUuid(tx.now) })
    return [userId]
  }).catch(namedFacts)
  return getAccount(ctx, id)
}

/**
 * Changes somebody's account, and never its address: whoever could send the reset of a password to an address of their own
 * would be that person, and read what no administrator may. @throws {UsernameTaken | OwnAdministration}
 */
export async function updateUser(ctx: Context, change: UserChange): Promise<UserRow> {
  const { id, displayName, username, isPlatformAdmin } = change
  const target = encodeTypeId('user', id)
  const viewer = requireAdministrator(ctx, 'user.update', target)
  if (isPlatformAdmin === false && id === viewer.userId) throw new OwnAdministration('user.update', target)
  await transact(ctx, async (tx) => {
    await holdAccount(tx, viewer, id, 'user.update')
    await tx.unscoped
      .updateTable('user')
      .set({
        updated_at: tx.now,
        ...(displayName !== undefined && { display_name: displayName }),
        ...(username !== undefined && { username, username_key: username === null ? null : nameKey(username) }),
        ...(isPlatformAdmin !== undefined && { is_platform_admin: isPlatformAdmin }),
      })
      .where('id', '=', id)
      .execute()
    await tellViewer(tx, id, { type: 'ViewerUpdated' })
    audit(ctx, tx, { action: 'user.update', target, as: inNone(viewer) })
  }).catch(namedFacts)
  // Their own rights as they are now, if it was themselves.
  if (id === viewer.userId) becomeViewer(ctx, await currentViewer(ctx.platform, ctx.viewer))
  return getAccount(ctx, id)
}

/** Deletes somebody's account as they could themselves. @throws {OwnsOrganizations | OwnAdministration} */
export async function deleteUser(ctx: Context, id: string): Promise<void> {
  const target = encodeTypeId('user', id)
  const viewer = requireAdministrator(ctx, 'user.delete_other', target)
  if (id === viewer.userId) throw new OwnAdministration('user.delete_other', target)
  const organizationIds = await transact(ctx, async (tx) => {
    const { email } = await holdAccount(tx, viewer, id, 'user.delete_other')
    const memberships = tx.unscoped.selectFrom('membership').select('organization_id as organizationId')
    const rows = await memberships.where('user_id', '=', id).execute()
    const removal = { userId: id, email, action: 'user.delete_other', notice: 'ACCOUNT_DELETED_BY_ADMIN' } as const
    await removeAccount(tx, removal)
    audit(ctx, tx, { action: 'user.delete_other', target, as: inNone(viewer) })
    return rows.map(({ organizationId }) => organizationId)
  })
  for (const organizationId of organizationIds) await forgetProfile(ctx.platform, { userId: id, organizationId })
}

/** The account after a change, as its administrator sees it. */
export async function getAccount(ctx: Context, id: string): Promise<UserRow> {
  const account = await findAccount(ctx, id)
  if (account === null) throw new NotFound('user')
  return account
}
