import type { Position } from '../../lib/cursor.ts'
import { type ChannelItem, noteFailure, recentAfter, refresh, type Topic, toItems } from './topic.ts'

/** A channel's items in order, pulled. `next` waits for one; `return` ends it at once, even while a `next` waits. */
export interface ChannelSubscription extends AsyncIterableIterator<ChannelItem, undefined, undefined> {
  /** Where it began: whatever came after this will be yielded. Null when it ended before that was known. */
  readonly joined: Promise<Position | null>
  next(): Promise<IteratorResult<ChannelItem, undefined>>
  return(): Promise<IteratorResult<ChannelItem, undefined>>
}

interface Follower {
  readonly topic: Topic
  readonly joined: PromiseWithResolvers<Position | null>
  /** After the last item handed out; null until the head to join at is known. */
  position: Position | null
  /** Items of its own catch-up read; what is recent is shared by all. */
  ahead: ChannelItem[]
  /** Calls of `next` that wait for an item. */
  waiting: ((result: IteratorResult<ChannelItem, undefined>) => void)[]
  /** Ends its own read; null while there is none. */
  catchUp: AbortController | null
  /** The log had nothing for it, or could not be read: it waits to be woken. */
  idle: boolean
  ended: boolean
}

/** Events of one catch-up read, and so the most that a slow reader holds for itself. */
const CATCH_UP_LIMIT = 200

const DONE = { done: true, value: undefined } as const

/** Follows a topic from a position, or from its head; `onEnd` is called once, whatever ends it. */
export function follow(
  topic: Topic,
  after: Position | null,
  onEnd: () => void,
): { subscription: ChannelSubscription; end: () => void } {
  const follower = createFollower(topic)
  const wake = () => wakeUp(follower)
  const end = () => {
    if (follower.ended) return
    topic.wakers.delete(wake)
    close(follower)
    onEnd()
  }
  topic.wakers.add(wake)
  join(follower, after ?? topic.head)
  const subscription: ChannelSubscription = {
    joined: follower.joined.promise,
    next: () => next(follower),
    return: async () => {
      end()
      return DONE
    },
    [Symbol.asyncIterator]: () => subscription,
  }
  return { subscription, end }
}

function createFollower(topic: Topic): Follower {
  return {
    topic,
    joined: Promise.withResolvers(),
    position: null,
    ahead: [],
    waiting: [],
    catchUp: null,
    idle: false,
    ended: false,
  }
}

function close(follower: Follower): void {
  follower.ended = true
  follower.catchUp?.abort()
  follower.ahead = []
  for (const settle of follower.waiting.splice(0)) settle(DONE)
  follower.joined.resolve(null)
}

function join(follower: Follower, position: Position | null): void {
  if (position === null) return
  follower.position = position
  follower.joined.resolve(position)
}

function next(follower: Follower): Promise<IteratorResult<ChannelItem, undefined>> {
  if (follower.ended) return Promise.resolve(DONE)
  const { promise, resolve } = Promise.withResolvers<IteratorResult<ChannelItem, undefined>>()
  follower.waiting.push(resolve)
  advance(follower)
  return promise
}

function wakeUp(follower: Follower): void {
  follower.idle = false
  if (follower.position === null) join(follower, follower.topic.head)
  advance(follower)
}

/** Hands out what is there; reads the log when only that knows what follows. Nothing is read that nobody waits for. */
function advance(follower: Follower): void {
  // The topic's first read tells the position to join at, and makes most other reads needless. What became recent while
  // its own read is under way comes with that read, and must not come twice.
  if (follower.topic.head === null || follower.catchUp !== null) return
  while (follower.waiting.length > 0 && follower.position !== null) {
    const item = follower.ahead.shift() ?? recentAfter(follower.topic, follower.position)
    if (item === 'end') return
    if (item === 'unknown') {
      if (!follower.idle) void catchUp(follower, follower.position)
      return
    }
    follower.position = item.position
    follower.waiting.shift()?.({ done: false, value: item })
  }
}

async function catchUp(follower: Follower, after: Position): Promise<void> {
  const { topic } = follower
  const reading = new AbortController()
  follower.catchUp = reading
  try {
    const slice = await topic.reader.read(topic.channel, after, CATCH_UP_LIMIT, reading.signal)
    if (follower.ended) return
    follower.ahead = slice.continuous
      ? toItems(slice.items, slice.epoch)
      : [{ kind: 'resync', position: { epoch: slice.epoch, seq: slice.head } }]
    follower.idle = follower.ahead.length === 0
    // The log ends where this one stands, and the topic has not read as far: its next read wakes this one.
    if (follower.idle) void refresh(topic)
  } catch (error) {
    if (follower.ended) return
    follower.idle = true
    noteFailure(topic, error)
  } finally {
    follower.catchUp = null
  }
  advance(follower)
}
