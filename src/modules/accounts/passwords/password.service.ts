import { encodeTypeId } from '../../../lib/typeid.ts'
import { type ActingViewer, becomeViewer, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { requirePerson, requireViewer } from '../../../platform/gate.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { endTokensOf } from '../agents/agent.service.ts'
import { currentViewer } from '../devices/authentication.service.ts'
import { demandLiving, endOtherSessions, forgetDevices, lockUser } from '../devices/device-session.service.ts'
import { admitAttempt, checkPassword, forgiveNames, limitResets } from '../guessing/login-guard.service.ts'
import { revokeKeysOf } from '../keys/api-key.service.ts'
import { InvalidCredentials } from '../users/login.service.ts'
import { nameKey } from '../users/user.service.ts'
import { tellViewer } from '../users/viewer.events.ts'
import {
  InvalidToken,
  openLinkToken,
  ownerOfToken,
  spendOtherTokens,
  spendToken,
} from '../verification/mail-link.service.ts'
import { passwordResetMail } from '../verification/verification.jobs.ts'
import { sendNotice } from './notice.jobs.ts'
import { demandStrength } from './password-rules.service.ts'

/** A change of one's own password. */
export interface PasswordChange {
  readonly currentPassword: string
  readonly newPassword: string
}

/** A new password by the token of a mailed link. */
export interface PasswordReset {
  readonly token: string
  readonly newPassword: string
}

/**
 * Sets a new password and ends all other sessions; this one goes on, and so do keys and agents, which can be ended one by one.
 * @throws {InvalidCredentials | AccountLocked | WeakPassword | RateLimited}
 */
export async function changePassword(ctx: Context, input: PasswordChange): Promise<ActingViewer> {
  const viewer = requirePerson(ctx, 'user.change_password')
  const { userId, deviceSessionId } = viewer
  const user = await provePassword(ctx, userId, input.currentPassword, 'user.change_password')
  demandStrength(ctx.platform, input.newPassword, user)
  const passwordHash = await ctx.platform.passwords.hash(input.newPassword)
  await transact(ctx, async (tx) => {
    await lockUser(tx, userId)
    await demandLiving(tx, viewer)
    // Of two changes at once the second has proven a password that is no longer the one.
    if (!(await replacePassword(tx, userId, passwordHash, user.passwordHash))) throw new InvalidCredentials()
    await endOtherSessions(tx, userId, deviceSessionId)
    await spendOtherTokens(tx, userId, 'RESET_PASSWORD')
    await tellViewer(tx, userId, { type: 'SecurityAlert', kind: 'PASSWORD_CHANGED', deviceSessionId })
    await sendNotice(tx, userId, 'PASSWORD_CHANGED')
    audit(ctx, tx, { action: 'user.change_password', target: encodeTypeId('user', userId) })
  })
  becomeViewer(ctx, await currentViewer(ctx.platform, ctx.viewer))
  return requireViewer(ctx)
}

/** Mails the link that sets a new password; nobody is told whether there is such an account. @throws {RateLimited} */
export async function requestPasswordReset(ctx: Context, email: string): Promise<void> {
  await limitResets(ctx)
  await transact(ctx, async (tx) => {
    audit(ctx, tx, { action: 'user.request_password_reset', target: null, as: { userId: null, organizationId: null } })
    await tx.enqueue(passwordResetMail, { emailKey: nameKey(email), tokenId: newUuid(tx.now) })
  })
}

/**
 * Sets a new password by a mailed link, once, and ends all sessions, keys and tokens of agents: this is how an account is
 * taken back. A password that is refused spends nothing.
 * @throws {InvalidToken | WeakPassword}
 */
export async function resetPassword(ctx: Context, input: PasswordReset): Promise<void> {
  const { platform } = ctx
  const { use, id } = await openLinkToken(platform, input.token)
  if (use !== 'RESET_PASSWORD') throw new InvalidToken()
  // Looked at before it is spent: a spent or invented link must cost no hash.
  const user = await ownerOfToken(platform.database.unscoped, { id, purpose: use, now: platform.clock.now() })
  demandStrength(platform, input.newPassword, user)
  const passwordHash = await platform.passwords.hash(input.newPassword)
  await transact(ctx, async (tx) => {
    await lockUser(tx, user.id)
    await spendToken(tx, id, use)
    await spendOtherTokens(tx, user.id, use)
    await replacePassword(tx, user.id, passwordHash, null)
    await endOtherSessions(tx, user.id, null)
    await forgetDevices(tx, user.id, null)
    // Whoever was in the account may have made keys, to stay in it.
    await revokeKeysOf(tx, user.id)
    await endTokensOf(tx, user.id)
    // Whoever forgot the password has tried it, and the mail has shown who they are.
    await forgiveNames(tx, [user.email, ...(user.username === null ? [] : [user.username])])
    await tellViewer(tx, user.id, { type: 'SecurityAlert', kind: 'PASSWORD_RESET', deviceSessionId: null })
    await sendNotice(tx, user.id, 'PASSWORD_RESET')
    const as = { userId: user.id, organizationId: null }
    audit(ctx, tx, { action: 'user.reset_password', target: encodeTypeId('user', user.id), as })
  })
}

/**
 * Demands the account's password of its own signed-in person; guessing at it is limited as at the door.
 * @throws {InvalidCredentials | AccountLocked | RateLimited}
 */
export async function provePassword(ctx: Context, userId: string, password: string, action: string) {
  const user = await ctx.platform.database.unscoped
    .selectFrom('user')
    .select(['email', 'username', 'display_name as displayName', 'password_hash as passwordHash'])
    .where('id', '=', userId)
    .executeTakeFirstOrThrow()
  // Not the name's, and none that can be typed as a name: a stolen session must not lock its owner out at the door, nor
  // those at the door the owner's session.
  const attempt = await admitAttempt(ctx, { name: userId, deviceId: 'signed-in' })
  if (!(await checkPassword(ctx, attempt, user.passwordHash, password))) {
    await ctx.platform.recordDenial(ctx, action, encodeTypeId('user', userId))
    throw new InvalidCredentials()
  }
  await transact(ctx, (tx) => attempt.succeeded(tx))
  return user
}

/** Replaces a hash, and only `oldHash` if one is given; the mail proved the address where there was none to prove. */
async function replacePassword(
  tx: Transaction,
  userId: string,
  passwordHash: string,
  oldHash: string | null,
): Promise<boolean> {
  const update = tx.unscoped
    .updateTable('user')
    .set({ password_hash: passwordHash, updated_at: tx.now })
    .where('id', '=', userId)
  const byMail = update.set((on) => ({
    email_verified_at: on.fn.coalesce('email_verified_at', on.val(tx.now)),
  }))
  const done = await (oldHash === null ? byMail : update.where('password_hash', '=', oldHash)).executeTakeFirst()
  return done.numUpdatedRows > 0n
}
