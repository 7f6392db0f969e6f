import { randomBytes } from 'node:crypto'
import { UniqueConstraintViolationException } from '@mikro-orm/postgresql'
import { missingFromPassword } from '../../../lib/password-rules.ts'
import { slugOf } from '../../../lib/slug.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { UserError } from '../../../platform/errors.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { enterSession, type IssuedTokens, openSession } from '../devices/device-session.service.ts'
import { Membership } from '../memberships/membership.entity.ts'
import { Organization } from '../organizations/organization.entity.ts'
import type { TokenSubject } from '../tokens/access-token.service.ts'
import { User } from './user.entity.ts'
import { welcomeMail } from './user.jobs.ts'

/** Another account has this address. */
export class EmailTaken extends UserError {
  readonly code = 'EMAIL_TAKEN'
  constructor() {
    super('An account with this e-mail address exists already.')
  }
}

/** Another account has this username, ignoring case. */
export class UsernameTaken extends UserError {
  readonly code = 'USERNAME_TAKEN'
  constructor() {
    super('This username is taken.')
  }
}

/** The password breaks the rules. */
export class WeakPassword extends UserError {
  readonly code = 'WEAK_PASSWORD'
  readonly missing: readonly string[]
  constructor(missing: readonly string[]) {
    super(`The password needs ${missing.join(', ')}.`)
    this.missing = missing
  }
}

/** No account matches, or the password is wrong: which of the two is nobody's business. */
export class InvalidCredentials extends UserError {
  readonly code = 'INVALID_CREDENTIALS'
  constructor() {
    super('The e-mail address, username or password is wrong.')
  }
}

/** A new account. */
export interface Registration {
  readonly email: string
  readonly password: string
  readonly displayName: string
  readonly username: string | null
  readonly deviceName: string | null
}

/** An attempt to sign in, by e-mail address or username. */
export interface Login {
  readonly identifier: string
  readonly password: string
  readonly deviceName: string | null
}

/**
 * Makes an account with a personal organization and signs it in; it gets the welcome mail unless `isWelcomed` is false.
 * @throws {WeakPassword | EmailTaken | UsernameTaken}
 */
export async function register(
  ctx: Context,
  input: Registration,
  { isWelcomed = true }: { readonly isWelcomed?: boolean } = {},
): Promise<IssuedTokens> {
  const missing = missingFromPassword(input.password)
  if (missing.length > 0) throw new WeakPassword(missing)
  // Outside the transaction: a hash takes tens of milliseconds, and the embedded database has one session.
  const passwordHash = await ctx.platform.passwords.hash(input.password)
  const subject = await transact(ctx, async (tx) => {
    const { userId, organizationId } = createAccount(tx, input, passwordHash)
    const deviceSessionId = openSession(ctx, tx, { userId, organizationId, deviceName: input.deviceName })
    audit(ctx, tx, { action: 'user.register', target: encodeTypeId('user', userId), as: { userId, organizationId } })
    if (isWelcomed) await tx.enqueue(welcomeMail, { userId })
    return { role: 'OWNER', userId, organizationId, deviceSessionId } satisfies TokenSubject
  }).catch(namedFacts)
  return enterSession(ctx, subject, 0)
}

/** Signs in on a device. Wrong names and wrong passwords cost the same time. @throws {InvalidCredentials} */
export async function login(ctx: Context, input: Login): Promise<IssuedTokens> {
  const { database, passwords } = ctx.platform
  const key = input.identifier.trim().toLowerCase()
  const user = await database.unscoped
    .selectFrom('user')
    .innerJoin('membership', 'membership.user_id', 'user.id')
    .select(['user.id', 'user.password_hash', 'membership.organization_id', 'membership.role'])
    .where(key.includes('@') ? 'user.email_key' : 'user.username_key', '=', key)
    .orderBy('membership.joined_at')
    .limit(1)
    .executeTakeFirst()
  const matches = await passwords.verify(user?.password_hash ?? null, input.password)
  const as = user && { userId: user.id, organizationId: user.organization_id }
  if (as === undefined || user === undefined || !matches) {
    await transact(ctx, async (tx) => {
      const target = as === undefined ? null : encodeTypeId('user', as.userId)
      // Whom they wanted to be is known, not who they are: least of all the viewer, who may be signed in as another.
      const tried = { userId: null, organizationId: as?.organizationId ?? null }
      audit(ctx, tx, { action: 'session.login', target, outcome: 'denied', as: tried })
    })
    throw new InvalidCredentials()
  }
  const rehashed = passwords.isOutdated(user.password_hash) ? await passwords.hash(input.password) : null
  const deviceSessionId = await transact(ctx, async (tx) => {
    if (rehashed !== null) await replaceHash(tx, user.id, user.password_hash, rehashed)
    const sessionId = openSession(ctx, tx, { ...as, deviceName: input.deviceName })
    audit(ctx, tx, { action: 'session.login', target: encodeTypeId('device_session', sessionId), as })
    return sessionId
  })
  return enterSession(ctx, { ...as, role: user.role, deviceSessionId }, 0)
}

function createAccount(tx: Transaction, input: Registration, passwordHash: string) {
  const userId = newUuid(tx.now)
  const organizationId = newUuid(tx.now)
  tx.em.create(User, {
    id: userId,
    email: input.email,
    emailKey: input.email.toLowerCase(),
    username: input.username,
    usernameKey: input.username?.toLowerCase() ?? null,
    displayName: input.displayName,
    avatarUrl: null,
    passwordHash,
    emailVerifiedAt: null,
    preferences: {},
    accessEpoch: 0,
    deletedAt: null,
    createdAt: tx.now,
    updatedAt: tx.now,
  })
  tx.em.create(Organization, {
    id: organizationId,
    name: `${[...input.displayName].slice(0, 68).join('')}'s workspace`,
    // 40 random bits: even the millionth of one name meets a taken slug with a chance of one in a million.
    slug: `${slugOf(input.displayName, 36) || 'workspace'}-${randomBytes(5).toString('hex')}`,
    accessEpoch: 0,
    createdAt: tx.now,
    deletedAt: null,
  })
  tx.em.create(Membership, {
    id: newUuid(tx.now),
    organization: organizationId,
    user: userId,
    role: 'OWNER',
    joinedAt: tx.now,
  })
  return { userId, organizationId }
}

/** Only while the old hash still stands: a password changed meanwhile wins. */
async function replaceHash(tx: Transaction, userId: string, oldHash: string, newHash: string): Promise<void> {
  await tx.unscoped
    .updateTable('user')
    .set({ password_hash: newHash })
    .where('id', '=', userId)
    .where('password_hash', '=', oldHash)
    .execute()
}

/** Uniqueness is decided by the constraints; this gives their violations names. */
function namedFacts(error: unknown): never {
  if (error instanceof UniqueConstraintViolationException) {
    const constraint = (error as { constraint?: string }).constraint ?? ''
    if (constraint.includes('email')) throw new EmailTaken()
    if (constraint.includes('username')) throw new UsernameTaken()
  }
  throw error
}
