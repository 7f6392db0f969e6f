import type { Redis } from 'ioredis'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { connectRedis, disconnectRedis, untilReady } from '../redis.ts'
import { sparingly } from './sparingly.ts'
import { createMemoryTokenLog, TOKEN_LOG_TTL_SECONDS, type TokenLog } from './token-log.ts'

/** Where Redis is, and what keeps this product's keys apart from others' on it. */
export interface RedisTokenLogOptions {
  readonly redisUrl: string
  readonly keyPrefix: string
  readonly clock: Clock
  readonly log: Log
}

const WARN_PERIOD_MILLIS = 10_000

// An entry's id is where it ends in the text, so that a place in the text is a place in the stream. A writer that does not
// know what became of its last append sends that again with what follows: entries may overlap, and never leave a hole.
const APPEND = `
local fence = tonumber(redis.call('GET', KEYS[2]) or '0')
if fence > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[5])
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local stop = last[1] and tonumber(string.match(last[1][1], '^%d+')) or 0
if stop < tonumber(ARGV[2]) then redis.call('XADD', KEYS[1], ARGV[2] .. '-1', 'at', ARGV[3], 'text', ARGV[4]) end
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1`

const SEAL = `
local fence = tonumber(redis.call('GET', KEYS[1]) or '0')
if fence < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
return 1`

/** A Redis Stream for each text. The writer's own node reads from its memory, so it also has what Redis did not take. */
export function createRedisTokenLog({ redisUrl, keyPrefix, clock, log }: RedisTokenLogOptions): TokenLog {
  const warn = sparingly(WARN_PERIOD_MILLIS, (error, heldBack) =>
    // The error itself holds the command, and that the text.
    log.warn(
      { reason: error instanceof Error ? error.message : String(error), heldBack },
      'token streams on Redis fail',
    ),
  )
  const redis = connectRedis(redisUrl, warn)
  const own = createMemoryTokenLog(clock)
  const taken = new Map<string, number>()
  // Of a text that was taken over here while its last words were on their way, Redis may know more.
  const sealed = new Set<string>()
  const streamOf = (id: string) => `${keyPrefix}tokens:{${id}}`
  const fenceOf = (id: string) => `${keyPrefix}fence:{${id}}`
  const keepOut = (id: string, fence: number) =>
    redis.eval(SEAL, 1, fenceOf(id), fence, TOKEN_LOG_TTL_SECONDS).catch(warn)
  return {
    append: async (id, { fence, at, text }) => {
      const from = Math.min(taken.get(id) ?? at, at)
      const unsent = (await own.read(id, from)).slice(0, at - from)
      const start = at - unsent.length
      try {
        const keys = [streamOf(id), fenceOf(id)]
        const end = at + text.length
        const isIn = await redis.eval(APPEND, 2, ...keys, fence, end, start, unsent + text, TOKEN_LOG_TTL_SECONDS)
        if (isIn !== 1) {
          taken.delete(id)
          await own.end(id, fence)
          return false
        }
        taken.set(id, end)
      } catch (error) {
        taken.set(id, start)
        warn(error)
      }
      return own.append(id, { fence, at, text })
    },
    seal: async (id, fence) => {
      sealed.add(id)
      await own.seal(id, fence)
      await keepOut(id, fence)
    },
    end: async (id, fence) => {
      taken.delete(id)
      sealed.delete(id)
      await own.end(id, fence)
      await keepOut(id, fence + 1)
    },
    read: async (id, from) => {
      const mine = await own.read(id, from)
      if (mine !== '' && !sealed.has(id)) return mine
      const theirs = await readStream(redis, streamOf(id), from).catch((error: unknown) => {
        if (mine === '') throw error
        return ''
      })
      return theirs.length > mine.length ? theirs : mine
    },
    connected: () => untilReady(redis),
    close: async () => {
      await own.close()
      await disconnectRedis(redis)
    },
  }
}

async function readStream(redis: Redis, stream: string, from: number): Promise<string> {
  const entries = await redis.xrange(stream, `(${from}-1`, '+')
  let text = ''
  for (const [, [, at, , piece = '']] of entries) {
    const known = from + text.length - Number(at)
    if (known < 0) break
    text += piece.slice(known)
  }
  return text
}
