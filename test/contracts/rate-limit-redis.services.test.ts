import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRedisRateLimits, type RateLimits } from '../../src/platform/rate-limit.ts'
import { connectRedis, disconnectRedis, untilReady } from '../../src/platform/redis.ts'
import { standingClock } from '../kit/fakes.ts'
import { type PrivateService, startPrivateRedis } from '../kit/private-services.ts'
import { quietLog, recordingLog } from './channels-rig.ts'
import { newRule, rateLimitContract, use } from './rate-limit.contract.ts'

const keyPrefix = `ocean_limits_${randomUUID()}:`
const redisUrl = process.env.TEST_REDIS_URL ?? ''

rateLimitContract('limits on Redis', (clock) => createRedisRateLimits({ redisUrl, keyPrefix, clock, log: quietLog }))

describe('two nodes on one Redis', { timeout: 60_000 }, () => {
  const clock = standingClock()
  const { messages, log } = recordingLog()
  const nodes: RateLimits[] = []
  let redis: PrivateService

  beforeAll(async () => {
    redis = await startPrivateRedis()
    for (let index = 0; index < 2; index++) {
      const node = createRedisRateLimits({ redisUrl: redis.url, keyPrefix, clock, log })
      nodes.push(node)
      await node.connected()
    }
  }, 60_000)
  afterAll(async () => {
    for (const node of nodes) await node.close()
    await redis.close()
  })
  const useBoth = async (points: number, times: number) => {
    const rule = newRule(points)
    const uses = await Promise.all(nodes.map((node) => use(node, rule, 'someone@example.org', times)))
    return uses.map(({ admitted }) => admitted)
  }

  test('count together', async () => {
    const [first = 0, second = 0] = await useBoth(10, 20)
    expect(first + second).toBe(10)
  })

  test('keep nothing longer than the window, and no key in plain text', async () => {
    const client = connectRedis(redis.url, () => undefined)
    await untilReady(client)
    const keys = await client.keys('*')
    expect(keys).not.toEqual([])
    for (const key of keys) {
      expect(key).toMatch(new RegExp(`^${keyPrefix}limit:rule-[\\w-]+:[0-9a-f]{64}:\\d+$`))
      expect(await client.ttl(key)).toBeGreaterThan(0)
      expect(await client.ttl(key)).toBeLessThanOrEqual(60)
    }
    await disconnectRedis(client)
  })

  test('let half as many through while Redis is away, each for itself, and say so once', async () => {
    await redis.stop()
    expect(await useBoth(10, 20)).toEqual([5, 5])
    expect(await useBoth(1, 2)).toEqual([1, 1])
    // One line a node and ten seconds, whatever fails.
    expect(messages.filter((line) => line.includes('limits on Redis fail')).length).toBeLessThanOrEqual(2)
    expect(messages.join()).not.toContain('someone@example.org')

    await redis.start()
    // Each alone lets through 1, together 3; while only one of them is back, 4.
    const together = async () => (await useBoth(3, 6)).reduce((sum, admitted) => sum + admitted)
    await expect.poll(together, { timeout: 20_000, interval: 200 }).toBe(3)
  })

  test('answer for themselves as well while Redis does not answer', async () => {
    redis.pause()
    expect(await useBoth(4, 8)).toEqual([2, 2])
    redis.resume()
  })
})
