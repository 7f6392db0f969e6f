import { randomBytes } from 'node:crypto'
import { hash, needsRehash, verify } from 'argon2'
import { BulkheadRejectedError, bulkhead } from 'cockatiel'
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
  /** Takes as long for a missing account (`hash` null) as for a wrong password. @throws {Unavailable} when the queue is full */
  verify(hash: string | null, password: string): Promise<boolean>
  /** Whether a hash was made at another cost than today's, be it lower or higher. */
  isOutdated(hash: string): boolean
}

const HASHES_AT_ONCE = 2
const HASHES_WAITING = 64

/** Argon2id at a cost. */
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

  return {
    hash: (password) => inTurn(() => hash(password, options)),
    verify: (known, password) =>
      inTurn(async () => {
        const matches = await verify(known ?? decoy, password)
        return known !== null && matches
      }),
    isOutdated: (known) => needsRehash(known, options),
  }
}

/** A hash that nothing was hashed to: verifying against it gives an unknown account the same work as a known one. */
function decoyHash({ memoryKib, iterations, parallelism }: PasswordCost): string {
  const [salt, digest] = [16, 32].map((bytes) => randomBytes(bytes).toString('base64').replace(/=+$/, ''))
  return `$argon2id$v=19$m=${memoryKib},t=${iterations},p=${parallelism}$${salt}$${digest}`
}
