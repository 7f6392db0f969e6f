import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { Unavailable, UserError } from '../../../platform/errors.ts'
import { audit } from '../../audit/audit.service.ts'
import { cookieOf, deviceIn, isKnownDevice } from '../devices/device.service.ts'
import {
  demandCookieJar,
  enterSession,
  type IssuedTokens,
  lockUser,
  openSession,
  type TokenMode,
} from '../devices/device-session.service.ts'
import { AccountLocked, admitAttempt, checkPassword } from '../guessing/login-guard.service.ts'
import { organizationToActIn } from '../organizations/active-organization.service.ts'
import { nameKey } from './user.service.ts'

/** No account matches, or the password is wrong: which of the two is nobody's business. */
export class InvalidCredentials extends UserError {
  readonly code = 'INVALID_CREDENTIALS'
  constructor() {
    super('The e-mail address, username or password is wrong.')
  }
}

/** The password is right, but the account's address was never proven, and here it has to be. */
export class EmailUnverified extends UserError {
  readonly code = 'EMAIL_UNVERIFIED'
  constructor() {
    super('Confirm your address first: open the link in our mail, or ask for a new one.')
  }
}

/** The password is right, but an administrator of the platform suspended the account. */
export class AccountSuspended extends UserError {
  readonly code = 'ACCOUNT_SUSPENDED'
  constructor() {
    super('This account is suspended. Ask whoever runs this service.')
  }
}

/** An attempt to sign in, by e-mail address or username. */
export interface Login {
  readonly identifier: string
  readonly password: string
  readonly deviceName: string | null
  readonly deviceToken: string | null
  readonly mode: TokenMode
}

/**
 * Signs in on a device. Wrong names and wrong passwords take the same time and the same steps.
 * @throws {InvalidCredentials | AccountLocked | AccountSuspended | EmailUnverified | RateLimited}
 */
export async function login(ctx: Context, input: Login): Promise<IssuedTokens> {
  demandCookieJar(ctx, input.mode)
  const name = nameKey(input.identifier)
  const user = await findAccount(ctx, name)
  // A device that is known by its cookie stays known by that alone: no script gets its token.
  const deviceId = await deviceIn(ctx, input.deviceToken ?? (input.mode === 'COOKIE' ? cookieOf(ctx, 'device') : null))
  const isKnown = deviceId !== null && (await isKnownDevice(ctx, user?.userId ?? null, deviceId))
  const attempt = await admitAttempt(ctx, { name, deviceId: isKnown ? deviceId : null }).catch(
    async (error: unknown) => {
      // What is over the limits of rate alone is not written down: it could fill the trail.
      if (error instanceof AccountLocked) await tellDenied(ctx, user)
      throw error
    },
  )
  const matches = await checkPassword(ctx, attempt, user?.passwordHash ?? null, input.password)
  if (user === null || !matches) {
    await tellDenied(ctx, user)
    throw new InvalidCredentials()
  }
  const rehashed = await rehashOf(ctx, user.passwordHash, input.password)
  const isUnproven = ctx.platform.settings.emailVerification === 'required' && user.emailVerifiedAt === null
  const session = await transact(ctx, async (tx) => {
    await lockUser(tx, user.userId)
    // A password that was changed while this one was checked ended all sessions, and must not leave one behind.
    const account = await accountOfHash(tx, user)
    if (account === undefined) return 'changed'
    await attempt.succeeded(tx)
    if (rehashed !== null) await replaceHash(tx, user, rehashed)
    if (account.suspendedAt !== null) return 'suspended'
    if (isUnproven) return 'unverified'
    const organizationId = await organizationToActIn(tx, user.userId)
    const as = { userId: user.userId, organizationId }
    const opened = await openSession(ctx, tx, { ...as, deviceName: input.deviceName, deviceId })
    const target = encodeTypeId('device_session', opened.deviceSessionId)
    audit(ctx, tx, { action: 'session.login', target, as })
    return opened
  })
  if (typeof session === 'string') {
    await tellDenied(ctx, user)
    throw new refusals[session]()
  }
  return enterSession(ctx, session, input.mode)
}

/** Why nobody is signed in although the password was right. */
const refusals = { changed: InvalidCredentials, suspended: AccountSuspended, unverified: EmailUnverified }

interface KnownAccount {
  readonly userId: string
  /** The one whose trail tells of attempts that failed; null for a member of none. */
  readonly organizationId: string | null
  readonly passwordHash: string
  readonly emailVerifiedAt: Date | null
}

/** The account of a name and the living organization it was in first, or null. */
async function findAccount({ platform }: Context, name: string): Promise<KnownAccount | null> {
  const row = await platform.database.unscoped
    .selectFrom('user')
    .leftJoin('membership', 'membership.user_id', 'user.id')
    .leftJoin('organization', (join) =>
      join.onRef('organization.id', '=', 'membership.organization_id').on('organization.deleted_at', 'is', null),
    )
    .select([
      'user.id as userId',
      'user.password_hash as passwordHash',
      'user.email_verified_at as emailVerifiedAt',
      'organization.id as organizationId',
    ])
    .where(name.includes('@') ? 'user.email_key' : 'user.username_key', '=', name)
    // Those that are deleted come last.
    .orderBy((on) => on('organization.id', 'is', null))
    .orderBy('membership.joined_at')
    .limit(1)
    .executeTakeFirst()
  return row ?? null
}

/** Writes down whom somebody wanted to be; who they are is not known, least of all that they are the viewer. */
async function tellDenied(ctx: Context, user: KnownAccount | null): Promise<void> {
  await transact(ctx, async (tx) => {
    const target = user === null ? null : encodeTypeId('user', user.userId)
    const as = { userId: null, organizationId: user?.organizationId ?? null }
    audit(ctx, tx, { action: 'session.login', target, outcome: 'denied', as })
  })
}

/**
 * The hash at today's cost of a password that just matched one at another; null where there is none to make, or no time:
 * the next sign-in makes it.
 */
async function rehashOf({ platform }: Context, passwordHash: string, password: string): Promise<string | null> {
  if (!platform.passwords.isOutdated(passwordHash)) return null
  // Of what bcrypt does not see, a slip of the finger would become part of the password.
  if (passwordHash.startsWith('$2') && Buffer.byteLength(password) > BCRYPT_BYTES) return null
  try {
    return await platform.passwords.hash(password)
  } catch (error) {
    if (error instanceof Unavailable) return null
    throw error
  }
}

const BCRYPT_BYTES = 72

/** The account as it stands under its lock, if the hash is still the one. */
async function accountOfHash(tx: Transaction, { userId, passwordHash }: KnownAccount) {
  const users = tx.unscoped.selectFrom('user').select('suspended_at as suspendedAt').where('id', '=', userId)
  return users.where('password_hash', '=', passwordHash).executeTakeFirst()
}

/** Only while the old hash still stands: a password changed meanwhile wins. */
async function replaceHash(tx: Transaction, { userId, passwordHash }: KnownAccount, newHash: string): Promise<void> {
  await tx.unscoped
    .updateTable('user')
    .set({ password_hash: newHash })
    .where('id', '=', userId)
    .where('password_hash', '=', passwordHash)
    .execute()
}
