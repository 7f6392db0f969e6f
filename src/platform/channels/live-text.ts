import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../log.ts'
import type { Nudges } from './nudges.ts'
import { sparingly } from './sparingly.ts'
import type { TokenChunk, TokenLog } from './token-log.ts'

/** A text that somebody on this node watches while it grows. */
export interface LiveText {
  /** What is known of it; only ever grows. */
  text(): string
  /** Resolves after the first look at it. */
  readonly opened: Promise<void>
  /** Looks again, and resolves after that; what another node has shown by now is known then, if it is not lost. */
  look(): Promise<void>
  close(): void
}

/** The texts that are being written, on this node. */
export interface LiveTexts {
  /** Appends for the writer, and tells the nodes; false when another writer has taken over. */
  append(id: string, chunk: TokenChunk): Promise<boolean>
  /** Keeps writers with a lower fence out, and answers what is known of the text from a place on. */
  seal(id: string, fence: number, from: number): Promise<string>
  /** The text is in the database to its end: nothing of it is kept, but who would write too late. */
  end(id: string, fence: number): Promise<void>
  /** Calls `wake` whenever there is more; it must not throw. One read on this node serves all its watchers. */
  watch(id: string, wake: () => void): LiveText
  close(): Promise<void>
}

/** What the live texts of a node run on. */
export interface LiveTextsOptions {
  readonly tokens: TokenLog
  readonly nudges: Nudges
  readonly log: Log
  /** The texts as far as the database has them: what is shown while the log is away. */
  readonly checkpoints: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>
  /** The longest that text waits when its nudge was lost or the log is away. */
  readonly tickMillis?: number
}

interface Topic {
  text: string
  readonly wakers: Set<() => void>
  reading: Promise<void> | null
  again: boolean
  /** By `performance.now()`. */
  grewAt: number
  readonly unlisten: () => void
  readonly opened: Promise<void>
}

const WARN_PERIOD_MILLIS = 10_000
/** A text that has grown within this time has its log and its nudges: the database need not be asked. */
const QUIET_MILLIS = 250
const channelOf = (id: string) => `tokens/${id}`

/** Opens the live texts of this node; while nothing is watched, nothing runs. */
export function createLiveTexts(options: LiveTextsOptions): LiveTexts {
  const { tokens, nudges, log, checkpoints, tickMillis = 2_000 } = options
  const warn = sparingly(WARN_PERIOD_MILLIS, (err, heldBack) => log.warn({ err, heldBack }, 'live text is late'))
  const topics = new Map<string, Topic>()
  const closing = new AbortController()
  let ticking = false

  const grow = (topic: Topic, text: string) => {
    if (text.length <= topic.text.length) return
    topic.text = text
    topic.grewAt = performance.now()
    for (const wake of [...topic.wakers]) wake()
  }
  const read = async (id: string, topic: Topic) => {
    try {
      while (topic.again && topics.get(id) === topic) {
        topic.again = false
        grow(topic, topic.text + (await tokens.read(id, topic.text.length)))
      }
    } catch (error) {
      warn(error)
    } finally {
      topic.reading = null
    }
  }
  // Resolves after a read that began after the call: one that was under way may have missed what this is about.
  const refresh = (id: string, topic: Topic): Promise<void> => {
    topic.again = true
    topic.reading ??= read(id, topic)
    return topic.reading
  }
  const look = async (ids: readonly string[]) => {
    try {
      for (const [id, text] of await checkpoints(ids)) {
        const topic = topics.get(id)
        if (topic !== undefined) grow(topic, text)
      }
    } catch (error) {
      warn(error)
    }
    await Promise.all(ids.flatMap((id) => refreshOf(id)))
  }
  const refreshOf = (id: string) => {
    const topic = topics.get(id)
    return topic === undefined ? [] : [refresh(id, topic)]
  }
  const tick = async () => {
    if (ticking) return
    ticking = true
    while (topics.size > 0 && !closing.signal.aborted) {
      await pause(tickMillis, undefined, { signal: closing.signal, ref: false }).catch(() => undefined)
      const still = [...topics].filter(([, { grewAt }]) => performance.now() - grewAt > QUIET_MILLIS)
      if (still.length > 0 && !closing.signal.aborted) await look(still.map(([id]) => id))
    }
    ticking = false
  }
  const open = (id: string): Topic => {
    const opened = Promise.withResolvers<void>()
    const unlisten = nudges.listen(channelOf(id), (length) => {
      // Redis repeats what was said on this node.
      if (length > topic.text.length) void refresh(id, topic)
    })
    const topic: Topic = {
      text: '',
      wakers: new Set<() => void>(),
      reading: null,
      again: false,
      grewAt: Number.NEGATIVE_INFINITY,
      unlisten,
      opened: opened.promise,
    }
    topics.set(id, topic)
    void look([id]).finally(opened.resolve)
    void tick()
    return topic
  }
  const leave = (id: string, topic: Topic, wake: () => void) => {
    topic.wakers.delete(wake)
    if (topic.wakers.size > 0 || topics.get(id) !== topic) return
    topics.delete(id)
    topic.unlisten()
  }
  return {
    append: async (id, chunk) => {
      const isIn = await tokens.append(id, chunk)
      if (isIn) nudges.publish([{ channel: channelOf(id), seq: chunk.at + chunk.text.length }])
      return isIn
    },
    seal: async (id, fence, from) => {
      await tokens.seal(id, fence)
      return tokens.read(id, from).catch((error: unknown) => {
        warn(error)
        return ''
      })
    },
    end: (id, fence) => tokens.end(id, fence),
    watch: (id, wake) => {
      const topic = topics.get(id) ?? open(id)
      // A function of its own: two watchers may pass the same one.
      const waker = () => wake()
      topic.wakers.add(waker)
      return {
        text: () => topic.text,
        opened: topic.opened,
        look: () => look([id]),
        close: () => leave(id, topic, waker),
      }
    },
    close: async () => {
      closing.abort()
      for (const { unlisten } of topics.values()) unlisten()
      topics.clear()
      await tokens.close()
    },
  }
}
