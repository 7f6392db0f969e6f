import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { NextStep } from '../../../platform/errors.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { cookieOf, deviceIn } from '../devices/device.service.ts'
import {
  demandCookieJar,
  enterSession,
  type IssuedTokens,
  lockUser,
  openSession,
  type TokenMode,
} from '../devices/device-session.service.ts'
import { limitRegistrations, limitVerifications } from '../guessing/login-guard.service.ts'
import { demandStrength } from '../passwords/password-rules.service.ts'
import { InvalidCredentials } from '../users/login.service.ts'
import { createAccount, EmailTaken, namedFacts, nameKey, UsernameTaken } from '../users/user.service.ts'
import { tellViewer } from '../users/viewer.events.ts'
import { InvalidToken, openLinkToken, ownerOfToken, spendToken } from './mail-link.service.ts'
import { Registration } from './registration.entity.ts'
import { registrationMail, verificationMail } from './verification.jobs.ts'

/** The account will exist once the link in the mail was opened; said to everyone alike, whether or not there is one already. */
export class RegistrationPending extends NextStep {
  readonly email: string
  /** How long the link will work. */
  readonly expiresInSeconds: number
  constructor(email: string, expiresInSeconds: number) {
    super('The address has to be proven first.')
    this.email = email
    this.expiresInSeconds = expiresInSeconds
  }
}

/** A new account. */
export interface NewRegistration {
  readonly email: string
  readonly password: string
  readonly displayName: string
  readonly username: string | null
  readonly deviceName: string | null
  readonly deviceToken: string | null
  readonly mode: TokenMode
}

/** Whose address was proven. */
export interface VerifiedEmail {
  readonly email: string
}

/**
 * Where addresses are taken on trust: makes an account with a personal organization, signs it in and mails the link that
 * proves the address. Where they have to be proven first: keeps the registration and mails.
 * @throws {WeakPassword | EmailTaken | UsernameTaken | RegistrationPending | RateLimited}
 */
export async function register(ctx: Context, input: NewRegistration): Promise<IssuedTokens> {
  demandCookieJar(ctx, input.mode)
  demandStrength(ctx.platform, input.password, input)
  await limitRegistrations(ctx)
  // Outside the transaction: a hash takes tens of milliseconds, and the embedded database has one session.
  const passwordHash = await ctx.platform.passwords.hash(input.password)
  if (ctx.platform.settings.emailVerification === 'required') return keepRegistration(ctx, input, passwordHash)
  const deviceId = await deviceIn(ctx, input.deviceToken ?? (input.mode === 'COOKIE' ? cookieOf(ctx, 'device') : null))
  const session = await transact(ctx, async (tx) => {
    const account = createAccount(tx, { ...input, passwordHash, emailVerifiedAt: null })
    audit(ctx, tx, { action: 'user.register', target: encodeTypeId('user', account.userId), as: account })
    await tx.em.flush()
    await tx.enqueue(verificationMail, mailFor(tx, input.email))
    return openSession(ctx, tx, { ...account, deviceName: input.deviceName, deviceId })
  }).catch(namedFacts)
  return enterSession(ctx, session, input.mode)
}

/** The same work and the same answer whether or not the address has an account: what comes of it is in the mail. */
async function keepRegistration(ctx: Context, input: NewRegistration, passwordHash: string): Promise<never> {
  const { verifySeconds } = ctx.platform.settings.mailLinks
  const { email, username, displayName } = input
  if (username !== null && (await isUsernameTaken(ctx, username))) throw new UsernameTaken()
  await transact(ctx, async (tx) => {
    const { id } = tx.em.create(Registration, {
      id: newUuid(tx.now),
      email,
      emailKey: nameKey(email),
      username,
      displayName,
      passwordHash,
      createdAt: tx.now,
      expiresAt: new Date(tx.now.getTime() + verifySeconds * 1_000),
    })
    audit(ctx, tx, { action: 'user.register', target: null, as: { userId: null, organizationId: null } })
    await tx.enqueue(registrationMail, { registrationId: id })
  })
  throw new RegistrationPending(email, verifySeconds)
}

/**
 * Proves an address by the token of its link, once: an account's address is verified from then on, and a pending
 * registration becomes an account, without its username if somebody else has taken that meanwhile. That takes the
 * password of the registration as well: whoever registered somebody else's address must not get an account by their click.
 * @throws {InvalidToken | InvalidCredentials | RateLimited}
 */
export async function verifyEmail(ctx: Context, token: string, password: string | null): Promise<VerifiedEmail> {
  const { use, id } = await openLinkToken(ctx.platform, token)
  if (use === 'VERIFY_EMAIL') return transact(ctx, (tx) => verifyAccount(ctx, tx, id))
  if (use !== 'REGISTER') throw new InvalidToken()
  await proveRegistrant(ctx, id, password)
  const complete = () => transact(ctx, (tx) => completeRegistration(ctx, tx, id)).catch(namedFacts)
  return complete().catch((error: unknown) => {
    // Somebody took the one or the other between the look and the flush; the second time the look finds it.
    if (error instanceof UsernameTaken || error instanceof EmailTaken) return complete()
    throw error
  })
}

/** Mails the link anew to an address that waits for it; nobody is told whether there is such a one. @throws {RateLimited} */
export async function resendVerification(ctx: Context, email: string): Promise<void> {
  await limitVerifications(ctx, email)
  await transact(ctx, async (tx) => {
    audit(ctx, tx, { action: 'user.resend_verification', target: null, as: { userId: null, organizationId: null } })
    await tx.enqueue(verificationMail, mailFor(tx, email))
  })
}

function mailFor(tx: Transaction, email: string) {
  return { emailKey: nameKey(email), tokenId: newUuid(tx.now) }
}

/** Demands the password that a registration was made with. */
async function proveRegistrant({ platform }: Context, id: string, password: string | null): Promise<void> {
  const { database, clock, limits, passwords } = platform
  const registrations = database.unscoped.selectFrom('registration').select('password_hash as passwordHash')
  const known = await registrations.where('id', '=', id).where('expires_at', '>', clock.now()).executeTakeFirst()
  if (known === undefined) throw new InvalidToken()
  await limits.consume({ name: 'registrant', points: PROOFS_PER_HOUR, windowSeconds: 3_600 }, id)
  if (!(await passwords.verify(known.passwordHash, password ?? ''))) throw new InvalidCredentials()
}

/** Of the holder of one link, who would guess at a password of their own. */
const PROOFS_PER_HOUR = 60

async function completeRegistration(ctx: Context, tx: Transaction, id: string): Promise<VerifiedEmail> {
  const registrations = tx.unscoped.selectFrom('registration')
  const sameAddress = registrations.select('email_key').where('id', '=', id)
  // All of the address, in order: two of its links, opened at once, come one after the other.
  const rows = await registrations
    .select(['id', 'email', 'email_key as emailKey', 'username', 'display_name as displayName'])
    .select(['password_hash as passwordHash', 'expires_at as expiresAt'])
    .where('email_key', '=', sameAddress)
    .orderBy('id')
    .forUpdate()
    .execute()
  const registration = rows.find((row) => row.id === id)
  if (registration === undefined || registration.expiresAt <= tx.now) throw new InvalidToken()
  const { email, emailKey, displayName, passwordHash } = registration
  await tx.unscoped.deleteFrom('registration').where('email_key', '=', emailKey).execute()
  const taken = tx.unscoped.selectFrom('user').select('id')
  if ((await taken.where('email_key', '=', emailKey).executeTakeFirst()) !== undefined) throw new InvalidToken()
  const wanted = registration.username
  const isFree =
    wanted !== null && (await taken.where('username_key', '=', nameKey(wanted)).executeTakeFirst()) === undefined
  const username = isFree ? wanted : null
  const account = createAccount(tx, { email, username, displayName, passwordHash, emailVerifiedAt: tx.now })
  audit(ctx, tx, { action: 'user.verify_email', target: encodeTypeId('user', account.userId), as: account })
  return { email }
}

async function verifyAccount(ctx: Context, tx: Transaction, id: string): Promise<VerifiedEmail> {
  const { id: userId } = await ownerOfToken(tx.unscoped, { id, purpose: 'VERIFY_EMAIL', now: tx.now })
  // Before the link's row, as everywhere.
  await lockUser(tx, userId)
  await spendToken(tx, id, 'VERIFY_EMAIL')
  const { email } = await tx.unscoped
    .updateTable('user')
    .set((on) => ({ email_verified_at: on.fn.coalesce('email_verified_at', on.val(tx.now)), updated_at: tx.now }))
    .where('id', '=', userId)
    .returning('email')
    .executeTakeFirstOrThrow()
  await tellViewer(tx, userId, { type: 'ViewerUpdated' })
  audit(ctx, tx, {
    action: 'user.verify_email',
    target: encodeTypeId('user', userId),
    as: { userId, organizationId: null },
  })
  return { email }
}

async function isUsernameTaken({ platform }: Context, username: string): Promise<boolean> {
  const users = platform.database.unscoped.selectFrom('user').select('id')
  return (await users.where('username_key', '=', nameKey(username)).executeTakeFirst()) !== undefined
}
