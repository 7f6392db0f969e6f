import { randomUUID } from 'node:crypto'
import { setTimeout as pass } from 'node:timers/promises'
import { afterEach, expect } from 'vitest'
import { beforeAnyLog, type Position } from '../../src/lib/cursor.ts'
import { ChannelEvent, ChannelHead } from '../../src/platform/channels/channel.entity.ts'
import { type Channels, type ChannelsOptions, createChannels } from '../../src/platform/channels/hub.ts'
import { appendEvents, type NewChannelEvent } from '../../src/platform/channels/log.ts'
import type { Nudges } from '../../src/platform/channels/nudges.ts'
import type { ChannelSubscription } from '../../src/platform/channels/subscription.ts'
import type { ChannelItem } from '../../src/platform/channels/topic.ts'
import { type Database, type DatabaseOptions, openDatabase } from '../../src/platform/database/database.ts'
import { createLog } from '../../src/platform/log.ts'

/** One combination of adapters under the contract. */
export interface ChannelsRig {
  readonly database: Database
  /** The nudges of one more node; closed by whoever asked for them. */
  openNudges(): Nudges
  close(): Promise<void>
}

export const quietLog = createLog({ level: 'silent' })

/** A log whose messages can be counted. */
export function recordingLog() {
  const messages: string[] = []
  return { messages, log: createLog({ level: 'warn', destination: { write: (line) => void messages.push(line) } }) }
}

/** Opens a database that has the channels' tables and nothing else. */
export async function openChannelsDatabase(
  connection: DatabaseOptions['connection'],
  poolMax: number,
): Promise<Database> {
  const database = openDatabase({
    connection,
    poolMax,
    entities: [ChannelEvent, ChannelHead],
    log: quietLog,
  })
  await database.orm.schema.create()
  return database
}

/** A channel that no other test uses. */
export const newChannel = () => `channel:${randomUUID()}`

/** An event that knows its number. */
export const numbered = (channel: string, n: number): NewChannelEvent => ({ channel, type: 'counted', payload: { n } })

/** Commits one transaction of numbered events and answers the heads, without a nudge. */
export function commit(database: Database, channel: string, from: number, to = from) {
  const events = Array.from({ length: to - from + 1 }, (_, index) => numbered(channel, from + index))
  return database.unscoped.transaction().execute((transaction) => appendEvents(transaction, events, new Date()))
}

/** The position after the event `seq`, in the channel's log as it is now. */
export async function positionAt(database: Database, channel: string, seq: number): Promise<Position> {
  if (seq === 0) return beforeAnyLog
  const row = await database.unscoped
    .selectFrom('channel_head')
    .select('epoch')
    .where('channel', '=', channel)
    .executeTakeFirstOrThrow()
  return { epoch: row.epoch, seq }
}

/** The next item; fails when there is none in time. */
export async function nextItem(subscription: ChannelSubscription, limitMillis = 10_000): Promise<ChannelItem> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`no item within ${limitMillis} ms`)), limitMillis)
  try {
    const result = await Promise.race([subscription.next(), late.promise])
    if (result.done) throw new Error('the subscription ended')
    return result.value
  } finally {
    clearTimeout(timer)
  }
}

/** Reads events numbered as their seqs and expects exactly these, in order. */
export async function expectEvents(subscription: ChannelSubscription, from: number, to: number): Promise<void> {
  for (let seq = from; seq <= to; seq++) {
    const item = await nextItem(subscription)
    expect(item).toMatchObject({ kind: 'event', position: { seq }, event: { seq, payload: { n: seq } } })
  }
}

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A seed for one test, printed so that a failure can be repeated by setting SEED. */
export function newSeed(test: string): number {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`${test}: SEED=${seed}`)
  return seed
}

// Long enough that no event of a test arrives by the tick, or short enough that none waits for it.
const never = 3_600_000
export const soon = 30

/** Opens the channels of nodes, and closes them after each test. */
export function channelNodes(rig: () => ChannelsRig) {
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close()
  })
  const openNudges = () => {
    const nudges = rig().openNudges()
    opened.push(nudges)
    return nudges
  }
  return {
    openNudges,
    node: (options: Partial<ChannelsOptions> = {}): { channels: Channels; nudges: Nudges } => {
      const nudges = openNudges()
      const sql = rig().database.unscoped
      const channels = createChannels({ sql, nudges, log: quietLog, tickMillis: never, ...options })
      opened.push(channels)
      return { channels, nudges }
    },
    /** Commits numbered events and nudges. */
    say: async (nudges: Nudges, channel: string, from: number, to = from) =>
      nudges.publish(await commit(rig().database, channel, from, to)),
    /** What must not come cannot be waited for: time passes, and a statement may still be under way in the first of it. */
    expectNothingMore: async () => {
      await pass(soon)
      const before = rig().database.statementCount()
      await pass(5 * soon)
      expect(rig().database.statementCount()).toBe(before)
    },
  }
}

/** A `next` that is under way, and whether it has been answered. */
export function waiting(subscription: ChannelSubscription) {
  let settled = false
  const result = subscription.next().finally(() => {
    settled = true
  })
  return { result, isSettled: () => settled }
}
