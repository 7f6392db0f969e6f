import { setTimeout as pass } from 'node:timers/promises'
import { sql as raw } from 'kysely'
import { expect, test, vi } from 'vitest'
import { beforeAnyLog } from '../../src/lib/cursor.ts'
import {
  type ChannelsRig,
  channelNodes,
  commit,
  expectEvents,
  newChannel,
  recordingLog,
  soon,
  waiting,
} from './channels-rig.ts'

/** How a subscription ends, and that nothing else ends it. */
export function channelEndsContract(rig: () => ChannelsRig): void {
  const { node, say, openNudges, expectNothingMore } = channelNodes(rig)

  test('return() ends a waiting next() at once and leaves nothing behind', async () => {
    const { channels, nudges } = node({ tickMillis: soon })
    const channel = newChannel()
    const subscription = channels.open(channel, null)
    await subscription.joined
    const pending = [subscription.next(), subscription.next()]
    expect(channels.openCount()).toBe(1)
    const start = performance.now()
    expect(await subscription.return()).toEqual({ done: true, value: undefined })
    for (const next of pending) expect(await next).toEqual({ done: true, value: undefined })
    expect(performance.now() - start).toBeLessThan(500)
    expect(channels.openCount()).toBe(0)
    expect(await subscription.next()).toEqual({ done: true, value: undefined })
    expect(await subscription.return()).toEqual({ done: true, value: undefined })
    nudges.publish([{ channel, seq: 100 }])
    await expectNothingMore()
  })

  test('return() does not wait for a read that hangs, on the topic or on its own', async () => {
    const { channels, nudges } = node()
    const channel = newChannel()
    await say(nudges, channel, 1, 3)
    const warm = channels.open(channel, null)
    await warm.joined
    await lockedLog(async () => {
      const cold = channels.open(newChannel(), null)
      const behind = channels.open(channel, beforeAnyLog)
      const pending = [cold.next(), behind.next()]
      await Promise.all([cold.return(), behind.return()])
      expect(await Promise.all(pending)).toEqual([
        { done: true, value: undefined },
        { done: true, value: undefined },
      ])
      expect(await cold.joined).toBeNull()
      expect(channels.openCount()).toBe(1)
    })
    await say(nudges, channel, 4)
    await expectEvents(warm, 4, 4)
  })

  /** Every read of the log waits while `work` runs. */
  function lockedLog(work: () => Promise<void>): Promise<void> {
    const sql = rig().database.unscoped
    return sql.transaction().execute(async (transaction) => {
      // The embedded database has one session: there the open transaction alone is the lock.
      await transaction.schema.alterTable('channel_event').addCheckConstraint('locked', raw`true`).execute()
      await work()
      await transaction.schema.alterTable('channel_event').dropConstraint('locked').execute()
    })
  }

  test('an aborted signal ends a subscription, also before it begins', async () => {
    const { channels } = node()
    const controller = new AbortController()
    const subscription = channels.open(newChannel(), null, controller.signal)
    const pending = subscription.next()
    controller.abort()
    expect(await pending).toEqual({ done: true, value: undefined })
    const dead = channels.open(newChannel(), null, controller.signal)
    expect(await dead.next()).toEqual({ done: true, value: undefined })
    expect(await dead.joined).toBeNull()
    expect(channels.openCount()).toBe(0)
  })

  test('close() ends every subscription, and later ones have ended', async () => {
    const { channels } = node({ tickMillis: soon })
    const pending = Array.from({ length: 5 }, () => channels.open(newChannel(), null).next())
    await channels.close()
    for (const next of pending) expect(await next).toEqual({ done: true, value: undefined })
    expect(await channels.open(newChannel(), null).next()).toEqual({ done: true, value: undefined })
    expect(channels.openCount()).toBe(0)
    await expectNothingMore()
  })

  test('several waiting next() are answered in order', async () => {
    const { channels, nudges } = node()
    const channel = newChannel()
    const subscription = channels.open(channel, null)
    const pending = [subscription.next(), subscription.next(), subscription.next()]
    await subscription.joined
    await say(nudges, channel, 1, 3)
    expect((await Promise.all(pending)).map((result) => result.value?.position.seq)).toEqual([1, 2, 3])
  })

  for (const away of [['channel_event'], ['channel_event', 'channel_head']]) {
    test(`while ${away.join(' and ')} cannot be read events are late, not lost, and the failure is logged`, async () => {
      const { messages, log } = recordingLog()
      const { channels, nudges } = node({ tickMillis: soon, log })
      const channel = newChannel()
      await say(nudges, channel, 1, 300)
      const live = channels.open(channel, null)
      await live.joined
      await rename(away, (table) => [table, `${table}_away`])
      nudges.publish([{ channel, seq: 301 }])
      const behind = channels.open(channel, beforeAnyLog)
      const cold = channels.open(newChannel(), null)
      const next = [waiting(behind), waiting(cold)]
      await vi.waitFor(() => expect(messages.join()).toContain('a channel is late'), 10_000)
      const before = rig().database.statementCount()
      await pass(10 * soon)
      // A few for every tick, where an eager retry makes hundreds.
      expect(rig().database.statementCount() - before).toBeLessThan(60)
      expect(next.map((one) => one.isSettled())).toEqual([false, false])
      await rename(away, (table) => [`${table}_away`, table])
      expect((await next[0]?.result)?.value?.position.seq).toBe(1)
      await expectEvents(behind, 2, 300)
      await cold.joined
      await commit(rig().database, channel, 301)
      await expectEvents(live, 301, 301)
      await expectEvents(behind, 301, 301)
    })
  }

  async function rename(tables: readonly string[], names: (table: string) => [string, string]): Promise<void> {
    for (const [from, to] of tables.map(names)) {
      await rig().database.unscoped.schema.alterTable(from).renameTo(to).execute()
    }
  }

  test('a channel is heard until its last listener leaves', async () => {
    const [nudges, publisher] = [openNudges(), openNudges()]
    const [channel, other] = [newChannel(), newChannel()]
    const [one, two, elsewhere] = [vi.fn(), vi.fn(), vi.fn()]
    const stop = [nudges.listen(channel, one), nudges.listen(channel, two), nudges.listen(other, elsewhere)]
    const heardBy = async (listener: typeof one, name: string) => {
      listener.mockClear()
      await vi.waitFor(
        () => {
          publisher.publish([{ channel: name, seq: 3 }])
          expect(listener).toHaveBeenCalledWith(3)
        },
        { timeout: 10_000, interval: 20 },
      )
    }
    await heardBy(two, channel)
    stop[0]?.()
    stop[0]?.()
    one.mockClear()
    await heardBy(two, channel)
    expect(one).not.toHaveBeenCalled()
    stop[1]?.()
    two.mockClear()
    publisher.publish([{ channel, seq: 4 }])
    await heardBy(elsewhere, other)
    expect(two).not.toHaveBeenCalled()
  })
}
