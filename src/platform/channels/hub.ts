import { setTimeout as pause } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { beforeAnyLog, type Position } from '../../lib/cursor.ts'
import type { Tables } from '../database/tables.ts'
import type { Log } from '../log.ts'
import { type ChannelReader, databaseReader } from './log.ts'
import type { Nudges } from './nudges.ts'
import { sparingly } from './sparingly.ts'
import { type ChannelSubscription, follow } from './subscription.ts'
import { createTopic, nudged, refresh, type Topic, ticked } from './topic.ts'

/** The live channels of this node. */
export interface Channels {
  /**
   * Yields what follows a position, or from now on when it is null, and a `resync` instead of a hole. A failing database
   * makes it late, never wrong: only `return`, `signal` and `close` end it. Listening begins before this returns.
   */
  open(channel: string, after: Position | null, signal?: AbortSignal): ChannelSubscription
  /** Subscriptions that have not ended. */
  openCount(): number
  /** Ends all subscriptions; one opened later has ended. */
  close(): Promise<void>
}

/** What the channels of a node run on. */
export interface ChannelsOptions {
  readonly sql: Kysely<Tables>
  readonly nudges: Nudges
  readonly log: Log
  /** The longest an event waits when its nudge was lost; one query each, while anything is open. */
  readonly tickMillis?: number
}

interface Hub {
  readonly topics: Map<string, Topic>
  readonly ends: Set<() => void>
  readonly warn: (error: unknown) => void
  closed: boolean
}

const WARN_PERIOD_MILLIS = 10_000

/** Opens the channels of this node; while nothing is subscribed to, nothing runs. */
export function createChannels({ sql, nudges, log, tickMillis = 2_000 }: ChannelsOptions): Channels {
  const reader = databaseReader(sql)
  const warn = sparingly(WARN_PERIOD_MILLIS, (err, heldBack) => log.warn({ err, heldBack }, 'a channel is late'))
  const hub: Hub = { topics: new Map(), ends: new Set(), warn, closed: false }
  const ticker = createTicker(tickMillis, (signal) => tick(hub, reader, signal))

  const openTopic = (channel: string): Topic => {
    const topic = createTopic(channel, reader, warn)
    hub.topics.set(channel, topic)
    // Before the first read, or an event between the two would be seen by neither.
    const unlisten = nudges.listen(channel, (seq) => nudged(topic, seq))
    topic.closing.signal.addEventListener('abort', unlisten, { once: true })
    void refresh(topic)
    ticker.start()
    return topic
  }
  const leave = (topic: Topic) => {
    if (topic.wakers.size > 0) return
    hub.topics.delete(topic.channel)
    topic.closing.abort()
    if (hub.topics.size === 0) ticker.stop()
  }
  return {
    open: (channel, after, signal) => {
      const topic = hub.topics.get(channel) ?? openTopic(channel)
      const { subscription, end } = follow(topic, after, () => {
        hub.ends.delete(end)
        signal?.removeEventListener('abort', end)
        leave(topic)
      })
      hub.ends.add(end)
      signal?.addEventListener('abort', end)
      if (hub.closed || signal?.aborted) end()
      return subscription
    },
    openCount: () => hub.ends.size,
    close: async () => {
      hub.closed = true
      for (const end of [...hub.ends]) end()
    },
  }
}

/** Finds out in one query what the nudges did not tell. */
async function tick(hub: Hub, reader: ChannelReader, signal: AbortSignal): Promise<void> {
  // Those opened while the query runs are not in its answer.
  const topics = [...hub.topics.values()]
  try {
    const heads = await reader.heads(
      topics.map((topic) => topic.channel),
      signal,
    )
    for (const topic of topics) {
      if (!topic.closing.signal.aborted) ticked(topic, heads.get(topic.channel) ?? beforeAnyLog)
    }
  } catch (error) {
    if (!signal.aborted) hub.warn(error)
  }
}

/** Repeats `work`, a period after its last end, from `start` to `stop`; `stop` aborts one under way. */
function createTicker(periodMillis: number, work: (signal: AbortSignal) => Promise<void>) {
  let running: AbortController | undefined
  const run = async ({ signal }: AbortController) => {
    while (!signal.aborted) {
      await pause(periodMillis, undefined, { signal, ref: false }).catch(() => {})
      if (!signal.aborted) await work(signal)
    }
  }
  return {
    start: () => {
      if (running !== undefined) return
      running = new AbortController()
      void run(running)
    },
    stop: () => {
      running?.abort()
      running = undefined
    },
  }
}
