import type { Position } from '../../lib/cursor.ts'
import type { ChannelEvent, ChannelReader } from './log.ts'

/** What a subscription yields: the next event, or that events are missing and it goes on from `position`. */
export type ChannelItem =
  | { readonly kind: 'event'; readonly event: ChannelEvent; readonly position: Position }
  | { readonly kind: 'resync'; readonly position: Position }

/** One channel on this node while somebody has it open: it is read once for all its subscribers. */
export interface Topic {
  readonly channel: string
  readonly reader: ChannelReader
  /** Called after every read, as long as the topic is open. */
  readonly wakers: Set<() => void>
  /** Ends a read that is under way. */
  readonly closing: AbortController
  readonly warn: (error: unknown) => void
  /** How far this node has read; null before the first read. */
  head: Position | null
  /** The last events up to `head`, without a gap. */
  recent: ChannelItem[]
  reading: boolean
  /** Something has to be read once more although the head has not moved. */
  failed: boolean
  /** The highest seq nudged while a read was under way, which may have come too early to see it. */
  nudgedTo: number
}

/** Events kept in memory per open channel. */
const MAX_RECENT = 512

/** Makes a topic that has not read yet. */
export function createTopic(channel: string, reader: ChannelReader, warn: (error: unknown) => void): Topic {
  return {
    channel,
    reader,
    warn,
    wakers: new Set(),
    closing: new AbortController(),
    head: null,
    recent: [],
    reading: false,
    failed: false,
    nudgedTo: 0,
  }
}

/** Acts on a nudge. What it claims is never taken for a fact, it only decides whether to read. */
export function nudged(topic: Topic, seq: number): void {
  if (Number.isNaN(seq)) return
  if (topic.reading) topic.nudgedTo = Math.max(topic.nudgedTo, seq)
  else if (topic.head === null || seq > topic.head.seq) void refresh(topic)
}

/** Acts on the log's head as the tick read it. */
export function ticked(topic: Topic, head: Position): void {
  if (topic.head?.epoch !== head.epoch || topic.head.seq !== head.seq) void refresh(topic)
  else if (topic.failed) wakeAll(topic)
}

/** Reads what is new and wakes the subscribers; one read at a time, and never a rejection. */
export async function refresh(topic: Topic): Promise<void> {
  if (topic.reading) {
    topic.nudgedTo = Number.POSITIVE_INFINITY
    return
  }
  topic.reading = true
  try {
    for (let more = true; more; ) {
      topic.nudgedTo = 0
      const logHead = await readOnce(topic)
      if (topic.closing.signal.aborted) return
      more = topic.nudgedTo > logHead || (topic.head?.seq ?? 0) < logHead
      wakeAll(topic)
    }
  } catch (error) {
    if (!topic.closing.signal.aborted) noteFailure(topic, error)
  } finally {
    topic.reading = false
  }
}

/** Notes that a read failed; the next tick that reaches the log wakes the subscribers again. */
export function noteFailure(topic: Topic, error: unknown): void {
  topic.failed = true
  topic.warn(error)
}

function wakeAll(topic: Topic): void {
  topic.failed = false
  for (const wake of [...topic.wakers]) wake()
}

/** Moves the head forward and answers the seq at which the log ended. */
async function readOnce(topic: Topic): Promise<number> {
  const slice = await topic.reader.read(topic.channel, topic.head, MAX_RECENT, topic.closing.signal)
  if (topic.head === null || !slice.continuous) {
    topic.head = { epoch: slice.epoch, seq: slice.head }
    topic.recent = []
    return slice.head
  }
  for (const item of toItems(slice.items, slice.epoch)) {
    topic.recent.push(item)
    topic.head = item.position
  }
  topic.recent.splice(0, topic.recent.length - MAX_RECENT)
  return slice.head
}

/** Events with the positions after them. */
export function toItems(events: readonly ChannelEvent[], epoch: string | null): ChannelItem[] {
  return events.map((event) => ({ kind: 'event', event, position: { epoch, seq: event.seq } }))
}

/**
 * What follows a position without a read: the next item, `'end'` when there is none yet, `'unknown'` when only the log can
 * tell.
 */
export function recentAfter(topic: Topic, { epoch, seq }: Position): ChannelItem | 'end' | 'unknown' {
  if (topic.head === null) return 'unknown'
  // A position before any log fits only a window that still holds the first event.
  if (epoch !== topic.head.epoch && !(epoch === null && seq === 0)) return 'unknown'
  if (epoch === topic.head.epoch && seq === topic.head.seq) return 'end'
  const index = seq - (topic.head.seq - topic.recent.length)
  return topic.recent[index] ?? 'unknown'
}
