import { LRUCache } from 'lru-cache'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { sha256Hex } from '../lib/hash.ts'
import { sparingly } from './channels/sparingly.ts'
import type { Clock } from './clock.ts'
import { RateLimited } from './errors.ts'
import type { Log } from './log.ts'
import { connectRedis, disconnectRedis, untilReady } from './redis.ts'

/** How often something may be done by one key: `points` times in each of the windows that the clock is cut into. */
export interface RateLimit {
  /** Tells rules apart that are asked of equal keys. */
  readonly name: string
  readonly points: number
  readonly windowSeconds: number
}

/** Counts what is done too often. Keys may be long and secret: only their hashes are kept. */
export interface RateLimits {
  /** Counts one more, also beyond the limit. @throws {RateLimited} when the window has no room for it */
  consume(rule: RateLimit, key: string): Promise<void>
  /** Resolves once counts are shared with other nodes. @throws the reason when the first attempt fails; attempts go on. */
  connected(): Promise<void>
  close(): Promise<void>
}

/** Where Redis is, and what keeps this product's keys apart from others' on it. */
export interface RedisRateLimitsOptions {
  readonly redisUrl: string
  readonly keyPrefix: string
  readonly clock: Clock
  readonly log: Log
}

const WARN_PERIOD_MILLIS = 10_000
// Some 20 MiB with their keys. Where there are more callers than that, those not seen for longest are forgotten.
const MAX_LOCAL_COUNTS = 50_000

/** Counts within this process: for a server that is alone. */
export function createMemoryRateLimits(clock: Clock): RateLimits {
  const count = localCounts()
  return {
    consume: async (rule, key) => {
      const window = windowOf(rule, key, clock)
      if (count(window.id) > rule.points) throw new RateLimited(window.restSeconds)
    },
    connected: async () => undefined,
    close: async () => undefined,
  }
}

/**
 * Counts in Redis, for all nodes together. While Redis is away each node counts for itself and lets through half as many,
 * one at least, so that neither does everybody wait nor do guessers gain a budget per node.
 */
export function createRedisRateLimits({ redisUrl, keyPrefix, clock, log }: RedisRateLimitsOptions): RateLimits {
  const warn = sparingly(WARN_PERIOD_MILLIS, (error, heldBack) =>
    // The error itself holds the command.
    log.warn({ reason: error instanceof Error ? error.message : String(error), heldBack }, 'limits on Redis fail'),
  )
  const redis = connectRedis(redisUrl, warn)
  const countHere = localCounts()
  const limiters = new Map<string, RateLimiterRedis>()
  const limiterOf = ({ name, points, windowSeconds }: RateLimit) => {
    const id = `${name} ${points} ${windowSeconds}`
    const known = limiters.get(id)
    if (known !== undefined) return known
    const options = { storeClient: redis, keyPrefix: `${keyPrefix}limit`, points, duration: windowSeconds }
    const made = new RateLimiterRedis({ ...options, rejectIfRedisNotReady: true })
    limiters.set(id, made)
    return made
  }
  return {
    consume: async (rule, key) => {
      const window = windowOf(rule, key, clock)
      try {
        await limiterOf(rule).consume(window.id)
      } catch (error) {
        if (error instanceof RateLimiterRes) throw new RateLimited(window.restSeconds)
        warn(error)
        if (countHere(window.id) > halfOf(rule.points)) throw new RateLimited(window.restSeconds)
      }
    },
    connected: () => untilReady(redis),
    close: () => disconnectRedis(redis),
  }
}

function halfOf(points: number): number {
  return Math.max(1, Math.floor(points / 2))
}

/** Where a key is counted now, and the whole seconds until it is counted anew. */
function windowOf({ name, windowSeconds }: RateLimit, key: string, clock: Clock) {
  const windowMillis = windowSeconds * 1_000
  const now = clock.now().getTime()
  const number = Math.floor(now / windowMillis)
  return {
    id: `${name}:${sha256Hex(key)}:${number}`,
    restSeconds: Math.ceil(((number + 1) * windowMillis - now) / 1_000),
  }
}

function localCounts(): (id: string) => number {
  const counts = new LRUCache<string, number>({ max: MAX_LOCAL_COUNTS })
  return (id) => {
    const count = (counts.get(id) ?? 0) + 1
    counts.set(id, count)
    return count
  }
}
