import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Cache, createCache } from '../../src/platform/cache.ts'
import { createRedisTexts, REST_MILLIS } from '../../src/platform/cache-redis.ts'
import type { Clock } from '../../src/platform/clock.ts'
import type { Log } from '../../src/platform/log.ts'
import { COMMAND_TIMEOUT_MILLIS } from '../../src/platform/redis.ts'
import { movableClock } from '../kit/fakes.ts'
import { type PrivateService, startPrivateRedis } from '../kit/private-services.ts'
import { cacheContract, limits, loaderOf, things } from './cache.contract.ts'
import { quietLog, recordingLog } from './channels-rig.ts'

const keyPrefix = `ocean_cache_${randomUUID()}:`
const ttlSeconds = 300
const textsOn = async (redisUrl: string, clock: Clock, log: Log = quietLog) => {
  const texts = createRedisTexts({ redisUrl, keyPrefix, ttlSeconds, clock, log })
  await texts.connected()
  return texts
}

cacheContract('a cache over Redis', (clock) => textsOn(process.env.TEST_REDIS_URL ?? '', clock))

describe('nodes that share a Redis', () => {
  let redis: PrivateService
  let raw: Redis
  const opened: Cache[] = []
  const node = async (clock: Clock = movableClock(), log: Log = quietLog) => {
    const shared = await textsOn(redis.url, clock, log)
    const cache = createCache({ limits, shared, clock, log })
    opened.push(cache)
    return cache
  }
  const nameOf = (cache: Cache, key: string, name: string) =>
    cache.read(things, key, '1', loaderOf({ name })).then((value) => value?.name)

  beforeAll(async () => {
    redis = await startPrivateRedis()
    raw = new Redis(redis.url)
    raw.on('error', () => undefined)
  }, 60_000)
  afterEach(async () => {
    await redis.start()
    for (const cache of opened.splice(0)) await cache.close()
  })
  afterAll(async () => {
    raw.disconnect()
    await redis.close()
  })

  test('what one has loaded the other does not load', async () => {
    const [one, other] = [await node(), await node()]
    const key = randomUUID()
    await one.put(things, key, '1', { name: 'shared', at: new Date(1e12) })
    const load = loaderOf(null)
    expect(await other.read(things, key, '1', load)).toEqual({ name: 'shared', at: new Date(1e12) })
    await other.read(things, key, '1', load)
    expect(load).not.toHaveBeenCalled()
    expect(other.counts()).toEqual({ things: { memoryHits: 1, sharedHits: 1, misses: 0 } })
  })

  test('what one has under an older version the other loads, and then both have it', async () => {
    const [one, other] = [await node(), await node()]
    const key = randomUUID()
    await one.put(things, key, '1', { name: 'old' })
    expect(await other.read(things, key, '2', loaderOf({ name: 'new' }))).toEqual({ name: 'new' })
    await expect.poll(() => raw.get(`${keyPrefix}cache:things:${key}`)).toContain('"version":"2"')
    expect(await one.read(things, key, '2', loaderOf({ name: 'none' }))).toEqual({ name: 'new' })
  })

  test('what one drops is gone from Redis', async () => {
    const [one, other] = [await node(), await node()]
    const key = randomUUID()
    await one.put(things, key, '1', { name: 'before' })
    await other.drop(things, key)
    expect(await nameOf(other, key, 'after')).toBe('after')
  })

  test('Redis keeps a value for as long as was said', async () => {
    const key = randomUUID()
    await (await node()).put(things, key, '1', { name: 'kept' })
    const left = await raw.pttl(`${keyPrefix}cache:things:${key}`)
    expect(left).toBeGreaterThan((ttlSeconds - 60) * 1_000)
    expect(left).toBeLessThanOrEqual(ttlSeconds * 1_000)
  })

  test.each([
    ['nothing', ''],
    ['no JSON', '{"version":"1","value":{"name":"x"}'],
    ['JSON of something else', '[]'],
    ['a bare value', '{"name":"poison"}'],
    ['a version that is a number', '{"version":1,"value":{"name":"poison"}}'],
    ['no value', '{"version":"1"}'],
    ['a value of another shape', '{"version":"1","value":{"name":["poison"]}}'],
    ['nested without an end', `{"version":"1","value":${'['.repeat(100_000)}`],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00])],
  ])('%s in Redis is a miss, and is written over', async (_, poison) => {
    const cache = await node()
    const key = randomUUID()
    const place = `${keyPrefix}cache:things:${key}`
    await raw.set(place, poison)
    expect(await nameOf(cache, key, 'loaded')).toBe('loaded')
    await expect.poll(() => raw.get(place)).toContain('loaded')
  })

  test('a key of another type is a miss, is written over, and does not keep the cache from Redis', async () => {
    const cache = await node()
    const [key, next] = [randomUUID(), randomUUID()]
    const place = `${keyPrefix}cache:things:${key}`
    await raw.lpush(place, 'poison')
    await raw.set(`${keyPrefix}cache:things:${next}`, '{"version":"1","value":{"name":"shared"}}')
    expect(await nameOf(cache, key, 'loaded')).toBe('loaded')
    expect(await nameOf(cache, next, 'loaded')).toBe('shared')
    await expect.poll(() => raw.type(place)).toBe('string')
  })

  test('without Redis the database answers, a line says so, and when Redis is back it is used again', async () => {
    const { messages, log } = recordingLog()
    const clock = movableClock()
    const cache = await node(clock, log)
    await redis.stop()
    for (let time = 0; time < 20; time++) expect(await nameOf(cache, randomUUID(), 'loaded')).toBe('loaded')
    await cache.drop(things, randomUUID())
    await cache.put(things, randomUUID(), '1', { name: 'secret-value' })
    expect(messages.length).toBeLessThanOrEqual(2)
    expect(messages[0]).toContain('the cache on Redis fails')
    expect(messages.join()).not.toContain('secret-value')
    await redis.start()
    await expect
      .poll(async () => {
        clock.advance({ seconds: REST_MILLIS / 1_000 })
        const key = randomUUID()
        await cache.put(things, key, '1', { name: 'back' })
        return raw.get(`${keyPrefix}cache:things:${key}`)
      })
      .toContain('back')
  })

  test('a Redis that does not answer is waited for once, and after a rest by one read alone', async () => {
    const clock = movableClock()
    const cache = await node(clock)
    redis.pause()
    const timed = async () => {
      const startedAt = performance.now()
      await nameOf(cache, randomUUID(), 'loaded')
      return performance.now() - startedAt
    }
    try {
      expect(await timed()).toBeGreaterThan(COMMAND_TIMEOUT_MILLIS - 100)
      for (let time = 0; time < 5; time++) expect(await timed()).toBeLessThan(COMMAND_TIMEOUT_MILLIS / 2)
      clock.advance({ seconds: REST_MILLIS / 1_000 })
      const waits = await Promise.all(Array.from({ length: 5 }, timed))
      expect(waits.filter((millis) => millis > COMMAND_TIMEOUT_MILLIS / 2)).toHaveLength(1)
    } finally {
      redis.resume()
    }
  })
})
