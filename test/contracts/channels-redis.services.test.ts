import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createChannels } from '../../src/platform/channels/hub.ts'
import { createRedisNudges, type Nudges } from '../../src/platform/channels/nudges.ts'
import type { Database } from '../../src/platform/database/database.ts'
import { type PrivateService, startPrivateRedis } from '../kit/private-services.ts'
import { channelsContract } from './channels.contract.ts'
import {
  commit,
  expectEvents,
  newChannel,
  nextItem,
  openChannelsDatabase,
  quietLog,
  recordingLog,
} from './channels-rig.ts'

const databaseUrl = process.env.TEST_DATABASE_URL ?? ''
const redisUrl = process.env.TEST_REDIS_URL ?? ''
const keyPrefix = `ocean_channels_${randomUUID()}:`

async function onServer(statement: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(statement)
  await client.end()
}

async function openOwnDatabase(): Promise<{ database: Database; close(): Promise<void> }> {
  const name = `ocean_channels_${randomUUID().replaceAll('-', '')}`
  await onServer(`create database ${name}`)
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  const database = await openChannelsDatabase({ connectionString: url.href }, 12)
  return {
    database,
    close: async () => {
      await database.close()
      await onServer(`drop database ${name} with (force)`)
    },
  }
}

channelsContract('channels on Postgres, nudged over Redis', async () => {
  const own = await openOwnDatabase()
  return { ...own, openNudges: () => createRedisNudges({ redisUrl, keyPrefix, log: quietLog }) }
})

describe('nudges over a Redis that fails', { timeout: 60_000 }, () => {
  let own: Awaited<ReturnType<typeof openOwnDatabase>>
  let redis: PrivateService
  const opened: { close(): Promise<void> }[] = []
  beforeAll(async () => {
    own = await openOwnDatabase()
    redis = await startPrivateRedis()
  }, 60_000)
  afterEach(async () => {
    vi.restoreAllMocks()
    for (const one of opened.splice(0).reverse()) await one.close()
  })
  afterAll(async () => {
    await redis?.close()
    await own?.close()
  })
  const openNudges = (log = quietLog): Nudges => {
    const nudges = createRedisNudges({ redisUrl: redis.url, keyPrefix, log })
    opened.push(nudges)
    return nudges
  }
  const openChannels = (nudges: Nudges, tickMillis: number) => {
    const channels = createChannels({ sql: own.database.unscoped, nudges, log: quietLog, tickMillis })
    opened.push(channels)
    return channels
  }
  /** Waits until a nudge of one node reaches the other. */
  const expectConnected = async (from: Nudges, to: Nudges) => {
    const channel = newChannel()
    const heard = vi.fn<(seq: number) => void>()
    const unlisten = to.listen(channel, heard)
    await vi.waitFor(
      () => {
        from.publish([{ channel, seq: 7 }])
        expect(heard).toHaveBeenCalledWith(7)
      },
      { timeout: 15_000, interval: 50 },
    )
    unlisten()
  }

  for (const [outage, reason, begin, end] of [
    ['is killed', /not connected|ECONN|closed/, () => redis.kill(), () => redis.start()],
    ['freezes', /timed out/, async () => redis.pause(), async () => redis.resume()],
  ] as const) {
    test(`an event is late, not lost, while Redis ${outage}, and fast again afterwards`, async () => {
      const { messages, log } = recordingLog()
      // Where ioredis writes the errors that nobody listens to.
      const printed = vi.spyOn(console, 'error')
      const [here, there] = [openNudges(), openNudges(log)]
      const ticking = openChannels(here, 100)
      const nudged = openChannels(here, 3_600_000)
      const channel = newChannel()
      const subscription = ticking.open(channel, null)
      const byNudge = nudged.open(channel, null)
      await Promise.all([subscription.joined, byNudge.joined])
      await expectConnected(here, there)
      await expectConnected(there, here)
      await begin()
      for (let seq = 1; seq <= 5; seq++) {
        there.publish(await commit(own.database, channel, seq))
        await expectEvents(subscription, seq, seq)
      }
      await vi.waitFor(
        () => {
          there.publish([{ channel, seq: 5 }])
          expect(messages.join()).toMatch(reason)
        },
        { timeout: 20_000, interval: 50 },
      )
      await end()
      await expectConnected(there, here)
      // The channel itself is subscribed to again too, with nobody's help.
      there.publish(await commit(own.database, channel, 6))
      await expectEvents(byNudge, 1, 6)
      await expectEvents(subscription, 6, 6)
      expect(messages.length).toBeLessThan(10)
      expect(printed).not.toHaveBeenCalled()
    })
  }

  test('listeners of the same node are told at once, and closing does not hang, while Redis is away', async () => {
    await redis.stop()
    const { messages, log } = recordingLog()
    const nudges = openNudges(log)
    // Between two attempts there is no connection whose end could be waited for.
    await vi.waitFor(() => expect(messages.join()).toContain('ECONNREFUSED'), 10_000)
    const heard: number[] = []
    const unlisten = nudges.listen('here', (seq) => heard.push(seq))
    nudges.publish([{ channel: 'here', seq: 1 }])
    expect(heard).toEqual([1])
    unlisten()
    nudges.publish([{ channel: 'here', seq: 2 }])
    expect(heard).toEqual([1])
    const start = performance.now()
    await nudges.close()
    expect(performance.now() - start).toBeLessThan(1_500)
    await redis.start()
  })

  test('a channel is subscribed to on Redis only while somebody listens', async () => {
    const nudges = openNudges()
    const observer = new Redis(redis.url)
    opened.push({ close: async () => observer.disconnect() })
    const subscribed = async () => await observer.pubsub('CHANNELS', `${keyPrefix}*`)
    const channels = openChannels(nudges, 3_600_000)
    const [one, two] = [channels.open('a', null), channels.open('a', null)]
    await vi.waitFor(async () => expect(await subscribed()).toEqual([`${keyPrefix}a`]), 5_000)
    await one.return()
    nudges.publish(await commit(own.database, 'a', 1))
    expect(await nextItem(two)).toMatchObject({ kind: 'event', position: { seq: 1 } })
    await two.return()
    await vi.waitFor(async () => expect(await subscribed()).toEqual([]), 5_000)
  })

  test('a closed adapter has ended its connections', async () => {
    const observer = new Redis(redis.url)
    opened.push({ close: async () => observer.disconnect() })
    const connections = async () =>
      String(await observer.client('LIST'))
        .trim()
        .split('\n').length
    await vi.waitFor(async () => expect(await connections()).toBe(1), 5_000)
    const nudges = openNudges()
    await vi.waitFor(async () => expect(await connections()).toBe(3), 5_000)
    await nudges.close()
    await vi.waitFor(async () => expect(await connections()).toBe(1), 5_000)
  })
})
