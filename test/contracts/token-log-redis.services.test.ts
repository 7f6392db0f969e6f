import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLiveTexts, type LiveTexts } from '../../src/platform/channels/live-text.ts'
import { createRedisNudges } from '../../src/platform/channels/nudges.ts'
import { createRedisTokenLog } from '../../src/platform/channels/token-log-redis.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { type PrivateService, startPrivateRedis } from '../kit/private-services.ts'
import { quietLog } from './channels-rig.ts'
import { tokenLogContract } from './token-log.contract.ts'

const keyPrefix = `ocean_tokens_${randomUUID()}:`
const onRedis = (redisUrl: string) => ({
  openLog: () => createRedisTokenLog({ redisUrl, keyPrefix, clock: systemClock, log: quietLog }),
  openNudges: () => createRedisNudges({ redisUrl, keyPrefix, log: quietLog }),
})

tokenLogContract('token streams on Redis', onRedis(process.env.TEST_REDIS_URL ?? ''))

describe('two nodes on one Redis', { timeout: 60_000 }, () => {
  let redis: PrivateService
  let writer: LiveTexts
  let reader: LiveTexts
  const checkpoints = new Map<string, string>()
  const opened: { close(): Promise<void> }[] = []

  beforeAll(async () => {
    redis = await startPrivateRedis()
    const node = async () => {
      const { openLog, openNudges } = onRedis(redis.url)
      const [tokens, nudges] = [openLog(), openNudges()]
      // What is appended before the log is connected goes to the checkpoints alone.
      await Promise.all([tokens.connected(), nudges.connected()])
      const options = {
        tokens,
        nudges,
        log: quietLog,
        checkpoints: async () => checkpoints,
        tickMillis: 200,
      }
      const live = createLiveTexts(options)
      opened.push(live, nudges)
      return live
    }
    writer = await node()
    reader = await node()
  }, 60_000)
  afterAll(async () => {
    for (const { close } of opened) await close()
    await redis.close()
  })

  test('what one node writes another sees, and may fence off', async () => {
    const id = randomUUID()
    const watched = reader.watch(id, () => undefined)
    await writer.append(id, { fence: 1, at: 0, text: 'here 🌊' })
    await expect.poll(watched.text).toBe('here 🌊')
    expect(await reader.seal(id, 2, 0)).toBe('here 🌊')
    expect(await writer.append(id, { fence: 1, at: 7, text: 'late' })).toBe(false)
    watched.close()
  })

  test('a Redis that goes and comes back delays the text and makes no hole in it', async () => {
    const id = randomUUID()
    const watched = reader.watch(id, () => undefined)
    await writer.append(id, { fence: 1, at: 0, text: 'before ' })
    await expect.poll(watched.text).toBe('before ')
    await redis.stop()
    expect(await writer.append(id, { fence: 1, at: 7, text: 'during ' })).toBe(true)
    const own = writer.watch(id, () => undefined)
    await expect.poll(own.text).toBe('before during ')
    checkpoints.set(id, 'before dur')
    await expect.poll(watched.text, { timeout: 10_000 }).toBe('before dur')
    await redis.start()
    let at = 14
    await expect
      .poll(
        async () => {
          await writer.append(id, { fence: 1, at, text: 'x' })
          at += 1
          return watched.text().startsWith('before during x')
        },
        { timeout: 20_000, interval: 200 },
      )
      .toBe(true)
    watched.close()
    own.close()
  })
})
