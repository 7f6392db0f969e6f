import { randomBytes } from 'node:crypto'
import { type Kysely, sql as raw } from 'kysely'
import type { Position } from '../../lib/cursor.ts'
import type { Tables } from '../database/tables.ts'
import type { JsonObject } from './channel.entity.ts'

/** Something that happened, to be said on a channel. Names are case-sensitive. */
export interface NewChannelEvent {
  readonly channel: string
  readonly type: string
  readonly payload: JsonObject
}

/** Where a channel's log ends. */
export interface ChannelHead {
  readonly channel: string
  readonly epoch: string
  readonly seq: number
}

/** One event of a channel's log. */
export interface ChannelEvent {
  readonly channel: string
  readonly seq: number
  readonly type: string
  readonly payload: JsonObject
  readonly recordedAt: Date
}

/** Events that follow a position without a gap; none when `continuous` is false. */
export interface ChannelSlice {
  readonly items: readonly ChannelEvent[]
  /** The last seq of the log; 0 when there is none. */
  readonly head: number
  /** The log's identity, new when the log was lost; null when there is no log. */
  readonly epoch: string | null
  /** False when it cannot be proven that nothing is missing between the position and the first item. */
  readonly continuous: boolean
}

/** The one read side of every kind of log. */
export interface ChannelReader {
  /** At most `limit` events after a position; after null none, but where the log ends. */
  read(channel: string, after: Position | null, limit: number, signal?: AbortSignal): Promise<ChannelSlice>
  /** Where the logs end, in one query; a channel without a log is absent. */
  heads(channels: readonly string[], signal?: AbortSignal): Promise<Map<string, Position>>
}

/** A reader this many events behind is told to resync, which is cheaper for both sides than catching up. */
export const MAX_EVENTS_BEHIND = 5_000

const EPOCH_BYTES = 9

/** The logs of domain events, in Postgres. */
export function databaseReader(sql: Kysely<Tables>): ChannelReader {
  return {
    read: (channel, after, limit, signal) => readChannel(sql, channel, after, limit, signal),
    heads: (channels, signal) => readHeads(sql, channels, signal),
  }
}

/**
 * Writes events to their channels' logs and answers where these now end, in one statement.
 *
 * Belongs at the end of the change's own transaction: it locks the channels' heads until the commit, which makes the
 * order of seqs the order of commits. The heads are taken in sorted order, so that two writers never wait for each other.
 */
export async function appendEvents(
  sql: Kysely<Tables>,
  events: readonly NewChannelEvent[],
  now: Date,
): Promise<readonly ChannelHead[]> {
  if (events.length === 0) return []
  // One parameter whatever the number of events: Postgres takes 65,535 at most.
  const incoming = JSON.stringify(withDistances(events), storable)
  const { rows } = await raw<ChannelHead>`
    with incoming as materialized (
      select * from jsonb_to_recordset(${incoming}::jsonb)
        as e(channel text, epoch text, distance int8, type text, payload jsonb)
    ), head as (
      insert into channel_head as h (channel, epoch, seq)
      select channel, max(epoch), count(*) from incoming group by channel order by channel collate "C"
      on conflict (channel) do update set seq = h.seq + excluded.seq
      returning channel, epoch, seq
    ), written as (
      insert into channel_event (channel, seq, type, payload, recorded_at)
      select channel, head.seq - incoming.distance, incoming.type, incoming.payload, ${now}::timestamptz
      from incoming join head using (channel)
    )
    select channel, epoch, seq from head`.execute(sql)
  return rows
}

/** Each event with its distance from the head that its batch makes, and an epoch in case its channel has no log yet. */
function withDistances(events: readonly NewChannelEvent[]) {
  const batch = randomBytes(EPOCH_BYTES).toString('base64url')
  const after = new Map<string, number>()
  return events.toReversed().map(({ channel, type, payload }) => {
    const distance = after.get(channel) ?? 0
    after.set(channel, distance + 1)
    return { channel, epoch: batch, distance, type, payload }
  })
}

/** Postgres refuses in JSON what it has no character for, and a stray byte of a client must not undo its change. */
function storable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\ufffd') : value
}

/** Reads at most `limit` events after a position, in one statement; after null none, but where the log ends. */
export async function readChannel(
  sql: Kysely<Tables>,
  channel: string,
  after: Position | null,
  limit: number,
  signal?: AbortSignal,
): Promise<ChannelSlice> {
  const isNear =
    after === null
      ? raw<boolean>`false`
      : raw<boolean>`h.seq - ${after.seq}::int8 between 0 and ${MAX_EVENTS_BEHIND}::int8`
  const rows = await sql
    .selectFrom('channel_head as h')
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('channel_event as e')
          .select(['e.seq', 'e.type', 'e.payload', 'e.recorded_at'])
          .whereRef('e.channel', '=', 'h.channel')
          .where('e.seq', '>', after?.seq ?? 0)
          .where(isNear)
          .orderBy('e.seq')
          .limit(limit)
          .as('e'),
      (join) => join.onTrue(),
    )
    .select(['h.epoch', 'h.seq as head', 'e.seq', 'e.type', 'e.payload', 'e.recorded_at'])
    .where('h.channel', '=', channel)
    .orderBy('e.seq')
    .execute({ signal })
  const items = rows.flatMap(({ seq, type, payload, recorded_at }) =>
    seq === null || type === null || payload === null || recorded_at === null
      ? []
      : [{ channel, seq, type, payload, recordedAt: recorded_at }],
  )
  return toSlice({ epoch: rows[0]?.epoch ?? null, seq: rows[0]?.head ?? 0 }, items, after)
}

function toSlice(head: Position, items: readonly ChannelEvent[], after: Position | null): ChannelSlice {
  const continuous = after === null || isContinuous(head, items, after)
  return { items: continuous ? items : [], head: head.seq, epoch: head.epoch, continuous }
}

function isContinuous(head: Position, items: readonly ChannelEvent[], after: Position): boolean {
  if (head.epoch !== after.epoch && !isBeforeAnyLog(after)) return false
  if (after.seq > head.seq) return false
  // Trimmed away, or so many that none was read.
  if (after.seq < head.seq && items.length === 0) return false
  return items.every((item, index) => item.seq === after.seq + 1 + index)
}

/** Who joined before there was a log has missed nothing of the log that came. */
function isBeforeAnyLog(after: Position): boolean {
  return after.epoch === null && after.seq === 0
}

/** Where channels' logs end, in one query; a channel without a log is absent. */
export async function readHeads(
  sql: Kysely<Tables>,
  channels: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, Position>> {
  const rows = await sql
    .selectFrom('channel_head')
    .select(['channel', 'epoch', 'seq'])
    .where('channel', '=', raw<string>`any(${[...channels]}::text[])`)
    .execute({ signal })
  return new Map(rows.map(({ channel, epoch, seq }) => [channel, { epoch, seq }]))
}

/** What is kept of each log. */
export interface ChannelRetention {
  readonly olderThan: Date
  readonly keepPerChannel: number
  /** Events deleted at most by one call. */
  readonly batchSize?: number
}

/**
 * Deletes one batch of events that are old or too many, and answers how many it was: call again while the batch was full.
 * The heads stay. What goes is always the beginning of a log, whatever the clocks of the writers said.
 */
export async function trimChannels(
  sql: Kysely<Tables>,
  { olderThan, keepPerChannel, batchSize = 5_000 }: ChannelRetention,
): Promise<number> {
  const { numAffectedRows } = await raw`
    with old as (
      select channel, seq from channel_event where recorded_at < ${olderThan}::timestamptz
      order by recorded_at limit ${batchSize}
    ), cut as (
      select channel, max(seq) as seq from old group by channel
      union all
      select channel, seq - ${keepPerChannel}::int8 from channel_head where seq > ${keepPerChannel}::int8
    ), doomed as (
      select e.channel, e.seq from (select channel, max(seq) as seq from cut group by channel) c
      cross join lateral (
        select channel, seq from channel_event
        where channel = c.channel and seq <= c.seq order by seq limit ${batchSize}
      ) e
      order by e.channel, e.seq limit ${batchSize}
    )
    delete from channel_event e using doomed d where e.channel = d.channel and e.seq = d.seq`.execute(sql)
  return Number(numAffectedRows ?? 0n)
}
