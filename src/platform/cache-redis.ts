import type { SharedTexts } from './cache.ts'
import { sparingly } from './channels/sparingly.ts'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import { connectRedis, disconnectRedis, untilReady } from './redis.ts'

/** Where Redis is, what keeps this product's keys apart from others' on it, and how long a text is kept. */
export interface RedisTextsOptions {
  readonly redisUrl: string
  readonly keyPrefix: string
  readonly ttlSeconds: number
  readonly clock: Clock
  readonly log: Log
}

const WARN_PERIOD_MILLIS = 10_000

/** How long Redis is left alone after it failed, so that not each read waits for a time-out. */
export const REST_MILLIS = 3_000

/** Texts in Redis, on a connection of their own. `connected` resolves when that is ready for the first time. */
export function createRedisTexts(options: RedisTextsOptions): SharedTexts & { connected(): Promise<void> } {
  const { redisUrl, keyPrefix, ttlSeconds, clock, log } = options
  const warn = sparingly(WARN_PERIOD_MILLIS, (error, heldBack) =>
    // The error itself holds the command, and that the value.
    log.warn({ reason: error instanceof Error ? error.message : String(error), heldBack }, 'the cache on Redis fails'),
  )
  const redis = connectRedis(redisUrl, warn)
  const keyOf = (place: string) => `${keyPrefix}cache:${place}`
  let isDoubted = false
  let restsUntil = 0
  const rest = () => {
    isDoubted = true
    restsUntil = clock.now().getTime() + REST_MILLIS
  }
  const trust = () => {
    isDoubted = false
    restsUntil = 0
  }
  const ask = async <Answer>(command: () => Promise<Answer>): Promise<Answer | null> => {
    if (clock.now().getTime() < restsUntil) return null
    // After a rest one command tries; the others wait for what comes of it.
    if (isDoubted) rest()
    try {
      const answer = await command()
      trust()
      return answer
    } catch (error) {
      warn(error)
      // A refusal came in time and may be about one key alone, which the next write mends.
      if (error instanceof Error && error.name === 'ReplyError') trust()
      else rest()
      return null
    }
  }
  return {
    get: (place) => ask(() => redis.get(keyOf(place))),
    set: async (place, text) => void (await ask(() => redis.set(keyOf(place), text, 'PX', ttlSeconds * 1_000))),
    delete: async (place) => void (await ask(() => redis.del(keyOf(place)))),
    connected: () => untilReady(redis),
    close: () => disconnectRedis(redis),
  }
}
