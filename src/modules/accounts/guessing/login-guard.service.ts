import { type Expression, sql } from 'kysely'
import { addressGroup } from '../../../lib/address-group.ts'
import { sha256Hex } from '../../../lib/hash.ts'
import type { Context } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { UserError } from '../../../platform/errors.ts'
import type { Guessing } from '../../../platform/settings.ts'

/** Too many wrong passwords in a row under this name; no password is tried until the lock ends. */
export class AccountLocked extends UserError {
  readonly code = 'ACCOUNT_LOCKED'
  /** Whole seconds, 1 at least. */
  readonly retryAfterSeconds: number
  constructor(retryAfterSeconds: number) {
    super('Too many wrong passwords in a row. Wait before you try again.')
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Who is to be signed in: a name as it was typed, of an account or not. */
export interface Attempted {
  readonly name: string
  /** Of a device that is known to have signed in under this name before, or what else has failures of its own; else null. Holds no space. */
  readonly deviceId: string | null
}

/** One password that may be checked; it counts as wrong until `succeeded`. */
export interface Attempt {
  /** Forgets all failures of the name, or of the name on the device; part of the transaction that signs in. */
  succeeded(tx: Pick<Transaction, 'unscoped'>): Promise<void>
  /** Takes the failure back: the password was not checked after all. */
  withdrawn(): Promise<void>
}

const MINUTE = 60
const QUARTER_HOUR = 900
const HOUR = 3_600
/** How much more than one account an address may have mailed to; it may be that of a whole office. */
const ACCOUNTS_PER_ADDRESS = 10

/**
 * Asks to check one password, and counts it as a failure before it is checked: of many at once, no more are let through
 * than failures are left. A device that signed in before is counted by itself, so that its owner gets in while strangers
 * keep the name locked (OWASP Authentication Cheat Sheet, device cookies). A known name and an unknown one are alike.
 * @throws {RateLimited} for the address, or for the name from this address
 * @throws {AccountLocked} while the name is locked, which does not prolong the lock
 */
export async function admitAttempt(ctx: Context, { name, deviceId }: Attempted): Promise<Attempt> {
  const { limits, settings } = ctx.platform
  const { loginsPerMinute, loginsPerName } = settings.guessing
  const group = addressGroup(ctx.request.address)
  // As accounts are looked up: else each spelling of a name would have failures of its own.
  const known = name.trim().toLowerCase()
  await limits.consume({ name: 'login', points: loginsPerMinute, windowSeconds: MINUTE }, group)
  await limits.consume({ name: 'login-name', points: loginsPerName, windowSeconds: QUARTER_HOUR }, `${group} ${known}`)
  // The first space is where the device ends, so that no name can be typed that stands for another on a device.
  const key = failureKey(known, deviceId)
  await countFailure(ctx, key)
  return {
    succeeded: async ({ unscoped }) => {
      await unscoped.deleteFrom('login_failure').where('key', '=', key).execute()
    },
    withdrawn: async () => {
      await ctx.platform.database.unscoped
        .updateTable('login_failure')
        .set((on) => ({ failures: on('failures', '-', 1), locked_until: null }))
        .where('key', '=', key)
        .where('failures', '>', 0)
        .execute()
    },
  }
}

function failureKey(name: string, deviceId: string | null): string {
  return sha256Hex(`${deviceId ?? ''} ${name}`)
}

/** Forgets the failures of names that were tried by whoever: their owner has shown who they are by other means. */
export async function forgiveNames(tx: Pick<Transaction, 'unscoped'>, names: readonly string[]): Promise<void> {
  const keys = names.map((name) => failureKey(name.trim().toLowerCase(), null))
  await tx.unscoped.deleteFrom('login_failure').where('key', 'in', keys).execute()
}

/**
 * Checks a password as an admitted attempt; where the queue of hashes is full nothing was tried, and nothing counts.
 * @throws {Unavailable}
 */
export async function checkPassword(
  { platform }: Context,
  attempt: Attempt,
  hash: string | null,
  password: string,
): Promise<boolean> {
  try {
    return await platform.passwords.verify(hash, password)
  } catch (error) {
    await attempt.withdrawn()
    throw error
  }
}

/** Counts one account about to be made from the caller's address. @throws {RateLimited} */
export async function limitRegistrations(ctx: Context): Promise<void> {
  const { limits, settings } = ctx.platform
  const points = settings.guessing.registrationsPerHour
  await limits.consume({ name: 'register', points, windowSeconds: HOUR }, addressGroup(ctx.request.address))
}

/** Counts one reset of a password asked for from the caller's address. @throws {RateLimited} */
export async function limitResets(ctx: Context): Promise<void> {
  const { limits, settings } = ctx.platform
  const points = settings.guessing.resetsPerHour
  await limits.consume({ name: 'reset', points, windowSeconds: HOUR }, addressGroup(ctx.request.address))
}

/** Counts one mail that is to prove an address, of an account or not. @throws {RateLimited} */
export async function limitVerifications(ctx: Context, email: string): Promise<void> {
  const { limits, settings } = ctx.platform
  const points = settings.guessing.verificationsPerHour
  // The address first: what it has no room for is not to use up the account's.
  await limits.consume(
    { name: 'verify-address', points: points * ACCOUNTS_PER_ADDRESS, windowSeconds: HOUR },
    addressGroup(ctx.request.address),
  )
  await limits.consume({ name: 'verify', points, windowSeconds: HOUR }, email.trim().toLowerCase())
}

/** A failure of this time or earlier no longer counts. */
export function forgottenBefore({ forgetSeconds }: Guessing, now: Date): Date {
  return new Date(now.getTime() - forgetSeconds * 1_000)
}

/** One statement decides and counts, so that parallel attempts wait for each other's outcome. @throws {AccountLocked} */
async function countFailure({ platform }: Context, key: string): Promise<void> {
  const { database, settings, clock } = platform
  const now = clock.now()
  const first = sql<number>`1`
  const next = sql<number>`case when login_failure.failed_at <= ${forgottenBefore(settings.guessing, now)} then 1
    else login_failure.failures + 1 end`
  const counted = await database.unscoped
    .insertInto('login_failure')
    .values({ key, failures: first, failed_at: now, locked_until: lockAfter(first, settings.guessing, now) })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({ failures: next, failed_at: now, locked_until: lockAfter(next, settings.guessing, now) })
        .where(({ or, eb }) =>
          or([eb('login_failure.locked_until', 'is', null), eb('login_failure.locked_until', '<=', now)]),
        ),
    )
    .returning('failures')
    .executeTakeFirst()
  if (counted !== undefined) return
  const { locked_until: until } =
    (await database.unscoped
      .selectFrom('login_failure')
      .select('locked_until')
      .where('key', '=', key)
      .executeTakeFirst()) ?? {}
  // Gone when somebody has signed in since.
  const restMillis = (until?.getTime() ?? 0) - now.getTime()
  throw new AccountLocked(Math.max(1, Math.ceil(restMillis / 1_000)))
}

/** The end of the lock that so many failures earn, or null: each one beyond the limit doubles it. */
function lockAfter(failures: Expression<number>, guessing: Guessing, now: Date) {
  const { failuresToLock, lockSeconds, maxLockSeconds } = guessing
  // 2^30 s are 34 years: beyond that, `power` only gets nearer to what `interval` cannot hold.
  return sql<Date | null>`case when ${failures} >= ${failuresToLock} then ${now}::timestamptz + interval '1 second' *
    least(${maxLockSeconds}, ${lockSeconds} * power(2, least(${failures} - ${failuresToLock}, 30))) end`
}
