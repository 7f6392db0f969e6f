import { setTimeout as pass } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { beforeAnyLog, nowhere, type Position } from '../../src/lib/cursor.ts'
import { trimChannels } from '../../src/platform/channels/log.ts'
import {
  type ChannelsRig,
  channelNodes,
  commit,
  expectEvents,
  newChannel,
  newSeed,
  nextItem,
  positionAt,
  seededRandom,
  soon,
  waiting,
} from './channels-rig.ts'

/** What every subscriber of a channel is promised while it follows. */
export function channelLiveContract(rig: () => ChannelsRig): void {
  const { node, say, expectNothingMore } = channelNodes(rig)

  test('who joins gets what comes after, from where it was told that it joined', async () => {
    const { channels, nudges } = node()
    const channel = newChannel()
    await say(nudges, channel, 1, 5)
    const early = channels.open(channel, null)
    expect(await early.joined).toEqual(await positionAt(rig().database, channel, 5))
    await say(nudges, channel, 6)
    await expectEvents(early, 6, 6)
    const late = channels.open(channel, null)
    await say(nudges, channel, 7)
    await expectEvents(late, 7, 7)
    await expectEvents(early, 7, 7)
  })

  test('who joins before there is a log gets its first event', async () => {
    const { channels, nudges } = node()
    const channel = newChannel()
    const subscription = channels.open(channel, null)
    expect(await subscription.joined).toEqual(beforeAnyLog)
    await say(nudges, channel, 1, 2)
    await expectEvents(subscription, 1, 2)
  })

  test('an event of another node arrives by its nudge', async () => {
    const [here, there] = [node(), node()]
    const channel = newChannel()
    const subscription = here.channels.open(channel, null)
    await subscription.joined
    // The other node's first nudges may come before this one's subscription has reached the server.
    const next = waiting(subscription)
    const [head] = await commit(rig().database, channel, 1)
    await vi.waitFor(
      () => {
        there.nudges.publish(head ? [head] : [])
        expect(next.isSettled()).toBe(true)
      },
      { timeout: 10_000, interval: 20 },
    )
    expect(await next.result).toMatchObject({ value: { position: { seq: 1 } } })
  })

  test('reading resumes from every position, on a cold channel and on a warm one', async () => {
    const cold = node()
    const warm = node()
    const channel = newChannel()
    const keptWarm = warm.channels.open(channel, null)
    await keptWarm.joined
    for (let seq = 1; seq <= 12; seq++) await say(warm.nudges, channel, seq)
    await expectEvents(keptWarm, 1, 12)
    for (const { channels } of [cold, warm]) {
      for (let seq = 0; seq < 12; seq++) {
        const subscription = channels.open(channel, await positionAt(rig().database, channel, seq))
        await expectEvents(subscription, seq + 1, 12)
        await subscription.return()
      }
    }
  })

  test('a position that the log cannot continue is answered with a resync, then with what follows it', async () => {
    const { channels, nudges } = node()
    const channel = newChannel()
    await say(nudges, channel, 1, 3)
    const here = await positionAt(rig().database, channel, 3)
    const lost: Position[] = [nowhere, { epoch: 'another', seq: 3 }, { ...here, seq: 4 }, { epoch: null, seq: 3 }]
    const subscriptions = lost.map((position) => channels.open(channel, position))
    for (const subscription of subscriptions) {
      expect(await nextItem(subscription)).toEqual({ kind: 'resync', position: here })
    }
    await say(nudges, channel, 4)
    for (const subscription of subscriptions) await expectEvents(subscription, 4, 4)
    // What is in memory by now is no answer to a position in another log either.
    const now = await positionAt(rig().database, channel, 4)
    const another = channels.open(channel, { epoch: 'another', seq: 3 })
    expect(await nextItem(another)).toEqual({ kind: 'resync', position: now })
    const empty = channels.open(newChannel(), here)
    expect(await nextItem(empty)).toEqual({ kind: 'resync', position: beforeAnyLog })
  })

  test('a position before what was trimmed is answered with a resync', async () => {
    const { channels, nudges } = node()
    const channel = newChannel()
    await say(nudges, channel, 1, 10)
    while ((await trimChannels(rig().database.unscoped, { olderThan: new Date(0), keepPerChannel: 4 })) > 0);
    const at = (seq: number) => positionAt(rig().database, channel, seq)
    expect(await nextItem(channels.open(channel, await at(5)))).toEqual({ kind: 'resync', position: await at(10) })
    await expectEvents(channels.open(channel, await at(6)), 7, 10)
  })

  test('a lost log is noticed by the tick, also when it is shorter than before', async () => {
    const { channels, nudges } = node({ tickMillis: soon })
    const channel = newChannel()
    await say(nudges, channel, 1, 3)
    const subscriptions = [channels.open(channel, null), channels.open(channel, null)]
    await Promise.all(subscriptions.map(({ joined }) => joined))
    const sql = rig().database.unscoped
    await sql.deleteFrom('channel_head').where('channel', '=', channel).execute()
    await sql.deleteFrom('channel_event').where('channel', '=', channel).execute()
    for (const subscription of subscriptions) {
      expect(await nextItem(subscription)).toEqual({ kind: 'resync', position: beforeAnyLog })
    }
    await say(nudges, channel, 1)
    for (const subscription of subscriptions) await expectEvents(subscription, 1, 1)
  })

  test('a lost nudge makes an event late, not lost', async () => {
    const { channels } = node({ tickMillis: soon })
    const channel = newChannel()
    const subscription = channels.open(channel, null)
    await subscription.joined
    for (let seq = 1; seq <= 5; seq++) {
      await commit(rig().database, channel, seq)
      await expectEvents(subscription, seq, seq)
    }
  })

  test('the tick is one statement for all open channels, and none when nothing is open', async () => {
    const { channels } = node({ tickMillis: soon })
    const subscriptions = Array.from({ length: 20 }, () => channels.open(newChannel(), null))
    await Promise.all(subscriptions.map(({ joined }) => joined))
    const before = rig().database.statementCount()
    const start = performance.now()
    await pass(10 * soon)
    const statements = rig().database.statementCount() - before
    expect(statements).toBeGreaterThan(0)
    // One more may have been under way when the counting began.
    expect(statements).toBeLessThanOrEqual(Math.ceil((performance.now() - start) / soon) + 1)
    for (const subscription of subscriptions) await subscription.return()
    await expectNothingMore()
  })

  test('nudges that lie, repeat themselves and come too early make no hole and no duplicate', async () => {
    const random = seededRandom(newSeed('lying nudges'))
    const { channels, nudges } = node()
    const channel = newChannel()
    const subscription = channels.open(channel, null)
    const all = expectEvents(subscription, 1, 60)
    const lies = [Number.NaN, -1, 0, 1, 7, 61, 1e15, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER]
    for (let seq = 1; seq <= 60; seq++) {
      for (let count = random() * 4; count > 1; count--) {
        nudges.publish([{ channel, seq: lies[Math.floor(random() * lies.length)] ?? 0 }])
      }
      await say(nudges, channel, seq)
      if (random() < 0.3) nudges.publish([{ channel, seq }])
    }
    await all
  })

  test('50 subscribers cost one read an event', async () => {
    const { channels, nudges } = node()
    const channel = newChannel()
    const subscriptions = Array.from({ length: 50 }, () => channels.open(channel, null))
    await Promise.all(subscriptions.map(({ joined }) => joined))
    for (let seq = 1; seq <= 10; seq++) {
      const heads = await commit(rig().database, channel, seq)
      const before = rig().database.statementCount()
      nudges.publish(heads)
      await Promise.all(subscriptions.map((subscription) => expectEvents(subscription, seq, seq)))
      expect(rig().database.statementCount() - before).toBe(1)
    }
    const before = rig().database.statementCount()
    const reconnected = channels.open(channel, await positionAt(rig().database, channel, 4))
    await expectEvents(reconnected, 5, 10)
    // One for the position; what was missed is still in memory.
    expect(rig().database.statementCount() - before).toBe(1)
  })

  test('a slow reader gets everything in order while others are served at once', async () => {
    const { channels, nudges } = node()
    const channel = newChannel()
    const slow = channels.open(channel, null)
    const fast = channels.open(channel, null)
    await slow.joined
    for (let burst = 0; burst < 15; burst++) {
      await say(nudges, channel, burst * 100 + 1, (burst + 1) * 100)
      await expectEvents(fast, burst * 100 + 1, (burst + 1) * 100)
      await expectEvents(slow, burst * 3 + 1, burst * 3 + 3)
    }
    await expectEvents(slow, 46, 1_500)
  })

  test('catching up meets the live events without a seam', async () => {
    const random = seededRandom(newSeed('catching up'))
    const { channels, nudges } = node({ tickMillis: soon })
    const channel = newChannel()
    await say(nudges, channel, 1, 700)
    const reading: Promise<void>[] = []
    for (let seq = 701; seq <= 760; seq++) {
      const from = Math.floor(random() * seq)
      const subscription = channels.open(channel, await positionAt(rig().database, channel, from))
      if (seq % 4 === 0) reading.push(expectEvents(subscription, from + 1, 760))
      if (random() < 0.5) await say(nudges, channel, seq)
      else await commit(rig().database, channel, seq)
    }
    await Promise.all(reading)
  })
}
