import { expect, test, vi } from 'vitest'
import { beforeAnyLog, type Position } from '../../src/lib/cursor.ts'
import type { ChannelReader, ChannelSlice } from '../../src/platform/channels/log.ts'
import { follow } from '../../src/platform/channels/subscription.ts'
import { createTopic, nudged, refresh, type Topic } from '../../src/platform/channels/topic.ts'

// The order in which reads, commits and nudges meet is chosen here; the contract suite leaves it to chance.

/** A log in memory whose reads see it when they begin and answer when they are let go. */
function gatedLog() {
  let head = 0
  const held: (() => void)[] = []
  const read: ChannelReader['read'] = async (channel, after, limit) => {
    const slice = sliceOf(channel, head, after ?? { epoch: 'e', seq: head }, limit)
    const gate = Promise.withResolvers<void>()
    held.push(gate.resolve)
    await gate.promise
    return slice
  }
  return {
    reader: { read: vi.fn(read), heads: async () => new Map() },
    append: (count: number) => {
      head += count
    },
    /** Lets the oldest read answer, once there is one. */
    letGo: async () => {
      await vi.waitFor(() => expect(held.length).toBeGreaterThan(0))
      held.shift()?.()
    },
    heldReads: () => held.length,
  }
}

function sliceOf(channel: string, head: number, after: Position, limit: number): ChannelSlice {
  const items = Array.from({ length: Math.min(limit, head - after.seq) }, (_, index) => ({
    channel,
    seq: after.seq + 1 + index,
    type: 'counted',
    payload: {},
    recordedAt: new Date(0),
  }))
  return { items, head, epoch: 'e', continuous: true }
}

const fail = (error: unknown) => {
  throw error
}

async function openedTopic(log: ReturnType<typeof gatedLog>): Promise<Topic> {
  const topic = createTopic('channel', log.reader, fail)
  const first = refresh(topic)
  await log.letGo()
  await first
  return topic
}

test('a nudge that comes while a read is under way is not forgotten, whatever lies come with it', async () => {
  const log = gatedLog()
  log.append(1)
  const topic = await openedTopic(log)
  const { subscription } = follow(topic, null, () => {})
  const next = subscription.next()
  nudged(topic, 100)
  await vi.waitFor(() => expect(log.heldReads()).toBe(1))
  log.append(1)
  nudged(topic, 2)
  nudged(topic, Number.NaN)
  nudged(topic, 0)
  await log.letGo()
  await log.letGo()
  expect(await next).toMatchObject({ value: { position: { seq: 2 } } })
})

test('a nudge for what has been read costs nothing', async () => {
  const log = gatedLog()
  log.append(5)
  const topic = await openedTopic(log)
  for (const seq of [5, 4, -1, Number.NaN]) nudged(topic, seq)
  expect(log.reader.read).toHaveBeenCalledTimes(1)
  nudged(topic, 6)
  expect(log.reader.read).toHaveBeenCalledTimes(2)
})

test('one that finds nothing is woken although the channel has run far ahead meanwhile', async () => {
  const log = gatedLog()
  log.append(1_000)
  const topic = createTopic('channel', log.reader, fail)
  topic.head = { epoch: 'e', seq: 900 }
  // Its place is true, and further than this node has read.
  const { subscription } = follow(topic, { epoch: 'e', seq: 1_000 }, () => {})
  const next = subscription.next()
  await vi.waitFor(() => expect(log.heldReads()).toBe(1))
  log.append(700)
  topic.head = { epoch: 'e', seq: 1_700 }
  // Its own read, the topic's, and its own again.
  await log.letGo()
  await log.letGo()
  await log.letGo()
  expect(await next).toMatchObject({ value: { position: { seq: 1_001 } } })
})

test('what became recent during a catch-up read is yielded once', async () => {
  const log = gatedLog()
  const topic = await openedTopic(log)
  log.append(3)
  const { subscription } = follow(topic, { epoch: 'e', seq: 1 }, () => {})
  const next = [subscription.next(), subscription.next()]
  await vi.waitFor(() => expect(log.heldReads()).toBe(1))
  topic.head = beforeAnyLog
  const shared = refresh(topic)
  await vi.waitFor(() => expect(log.heldReads()).toBe(2))
  await log.letGo()
  await log.letGo()
  await shared
  expect((await Promise.all(next)).map((result) => result.value?.position.seq)).toEqual([2, 3])
})

test('a reader that is not asked for more reads nothing', async () => {
  const log = gatedLog()
  log.append(900)
  const topic = await openedTopic(log)
  const { subscription } = follow(topic, beforeAnyLog, () => {})
  const first = subscription.next()
  await log.letGo()
  await first
  for (let count = 1; count < 200; count++) await subscription.next()
  expect(log.reader.read).toHaveBeenCalledTimes(2)
  const next = subscription.next()
  expect(log.reader.read).toHaveBeenCalledTimes(3)
  await log.letGo()
  expect(await next).toMatchObject({ value: { position: { seq: 201 } } })
})

test('what is kept of a busy channel is bounded', async () => {
  const log = gatedLog()
  const topic = await openedTopic(log)
  log.append(2_000)
  const reading = refresh(topic)
  for (let reads = 0; reads < 4; reads++) await log.letGo()
  await reading
  expect(topic.head).toEqual({ epoch: 'e', seq: 2_000 })
  expect(topic.recent).toHaveLength(512)
  expect(topic.recent[0]?.position.seq).toBe(1_489)
})
