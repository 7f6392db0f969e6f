import { pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { hash, verify } from 'argon2'
import { BulkheadRejectedError, bulkhead } from 'cockatiel'
import { type PasswordHash, type Pbkdf2Hash, readPasswordHash } from '../../lib/password-hash.ts'
import { Unavailable } from '../errors.ts'

/** Cost of one argon2id hash. */
export interface PasswordCost {
  readonly memoryKib: number
  readonly iterations: number
  readonly parallelism: number
}

/** OWASP Password Storage Cheat Sheet, argon2id, first row with p=1: 19 MiB, two passes. */
export const owaspPasswordCost: PasswordCost = { memoryKib: 19 * 1024, iterations: 2, parallelism: 1 }

/** Hashing of passwords; every call waits in one bounded queue, since a hash costs tens of milliseconds of a core. */
export interface Passwords {
  /** @throws {Unavailable} when the queue is full */
  hash(password: string): Promise<string>
  /**
   * Takes as long for a missing account (`hash` null) and for an unreadable hash, which matches nothing, as for a wrong
   * password on a hash of today's cost; an imported hash takes the time of its own. Bcrypt compares the first 72 bytes
   * alone: whoever signs in with such a hash should get a new one there and then, as `isOutdated` asks.
   * @throws {Unavailable} when the queue is full
   */
  verify(hash: string | null, password: string): Promise<boolean>
  /** Whether a hash was made by anything but argon2id at today's cost, be that lower or higher. */
  isOutdated(hash: string): boolean
}

// Two at most, and a core is left to everything else where there are two: each hash takes all of one.
const HASHES_AT_ONCE = Math.max(1, Math.min(2, availableParallelism() - 1))
const HASHES_WAITING = 64

/**
 * Hashes by argon2id at a cost; verifies argon2, bcrypt and PBKDF2 of any cost that `readPasswordHash` allows.
 * @throws {RangeError} when it does not allow this one, since nobody could sign in again
 */
export function createPasswords(cost: PasswordCost): Passwords {
  const options = { memoryCost: cost.memoryKib, timeCost: cost.iterations, parallelism: cost.parallelism }
  const queue = bulkhead(HASHES_AT_ONCE, HASHES_WAITING)
  const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await queue.execute(work)
    } catch (error) {
      if (error instanceof BulkheadRejectedError) throw new Unavailable()
      throw error
    }
  }
  const decoy = decoyHash(cost)
  if (readPasswordHash(decoy) === null) throw new RangeError('The cost of password hashes is out of bounds')

  return {
    hash: (password) => inTurn(() => hash(password, options)),
    verify: (known, password) =>
      inTurn(async () => {
        const read = known === null ? null : readPasswordHash(known)
        if (known !== null && read !== null) return matches(known, read, password)
        await verify(decoy, password)
        return false
      }),
    isOutdated: (known) => !isOfToday(readPasswordHash(known), cost),
  }
}

function matches(known: string, read: PasswordHash, password: string): Promise<boolean> {
  if (read.scheme === 'argon2') return verify(known, password)
  return read.scheme === 'bcrypt' ? matchesBcrypt(read.text, password) : matchesPbkdf2(read, password)
}

async function matchesBcrypt(known: string, password: string): Promise<boolean> {
  // Loaded by deployments that imported such hashes alone.
  const { compare } = await import('bcrypt')
  return compare(password, known)
}

const derive = promisify(pbkdf2)

async function matchesPbkdf2({ salt, iterations, digest }: Pbkdf2Hash, password: string): Promise<boolean> {
  return timingSafeEqual(await derive(password, salt, iterations, digest.length, 'sha256'), digest)
}

function isOfToday(known: PasswordHash | null, cost: PasswordCost): boolean {
  if (known?.scheme !== 'argon2' || known.variant !== 'id' || known.version !== 19) return false
  const { memoryKib, iterations, parallelism } = known
  return memoryKib === cost.memoryKib && iterations === cost.iterations && parallelism === cost.parallelism
}

/** A hash that nothing was hashed to: verifying against it gives an unknown account the same work as a known one. */
function decoyHash({ memoryKib, iterations, parallelism }: PasswordCost): string {
  const [salt, digest] = [16, 32].map((bytes) => randomBytes(bytes).toString('base64').replace(/=+$/, ''))
  return `$argon2id$v=19$m=${memoryKib},t=${iterations},p=${parallelism}$${salt}$${digest}`
}
