import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import type { PageEventsSubscription } from '../gql/graphql.ts'
import type { Person } from '../kit/people.ts'
import { write } from '../kit/test.ts'
import type { EventStream } from '../transport/event-stream.ts'
import type { RawSocket } from '../transport/raw-socket.ts'

/** What came on one subscription, and when: `performance.now()`. */
export interface Overheard {
  readonly events: readonly { readonly event: PageEventsSubscription['pageEvents']; readonly at: number }[]
  /** Whether it was completed, or its connection has ended. */
  readonly isOver: boolean
}

/** How a subscription came to its end. */
export interface Ended {
  readonly reason: string
  /** Of the last event that was none about the subscription itself; null when there was none. */
  readonly lastAt: number | null
  readonly overAt: number
}

/** Between two writes of whoever writes all the time. */
const PAUSE_MILLIS = 50

/** Listens to an operation of a socket from now on, also behind its end. */
export function overhear({ ws }: RawSocket, id: string): Overheard {
  const events: Overheard['events'][number][] = []
  let isOver = false
  ws.setMaxListeners(0) // one for each operation is no leak
  ws.on('message', (bytes) => {
    const frame = JSON.parse(String(bytes))
    if (frame.id !== id) return
    if (frame.type === 'next')
      events.push({ event: Object.values(frame.payload.data)[0] as never, at: performance.now() })
    else isOver = true
  })
  ws.on('close', () => {
    isOver = true
  })
  return {
    events,
    get isOver() {
      return isOver
    },
  }
}

/** The same for a stream. */
export function overhearStream(stream: EventStream): Overheard {
  const events: Overheard['events'][number][] = []
  let isOver = false
  const listening = (async () => {
    for (let message = await stream.next(); message !== null; message = await stream.next()) {
      const event = message.data?.data?.pageEvents
      if (event !== undefined) events.push({ event, at: performance.now() })
    }
    isOver = true
  })()
  listening.catch(() => undefined) // a stream that was cut off is not over
  return {
    events,
    get isOver() {
      return isOver
    },
  }
}

/** The blocks that were told, in order; one that was gone for its reader by then is not. */
export function blocksIn({ events }: Overheard): string[] {
  return events.flatMap(({ event }) => (event.__typename === 'BlockCreated' && event.block ? [event.block.id] : []))
}

/** How it ended. Demands that the last thing said is why, and is said once. */
export function endOf({ events, isOver }: Overheard): Ended {
  expect(isOver).toBe(true)
  const [last, ...before] = events.toReversed()
  expect(last?.event).toEqual({ __typename: 'SubscriptionEnded', reason: expect.any(String) })
  expect(before.map(({ event }) => event.__typename)).not.toContain('SubscriptionEnded')
  const reason = last?.event.__typename === 'SubscriptionEnded' ? last.event.reason : ''
  return { reason, lastAt: before[0]?.at ?? null, overAt: last?.at ?? Number.NaN }
}

/** A page to which somebody appends a block some twenty times a second, until they are stopped or may not any more. */
export interface Writing {
  /** The blocks whose writing was acknowledged, in order. */
  readonly written: readonly string[]
  /** Ends it. @throws what a write failed with */
  stop(): Promise<void>
}

/** Lets somebody write to a page all the time. */
export function keepWriting(author: Person, pageId: string): Writing {
  const written: string[] = []
  let isOver = false
  const writing = (async () => {
    while (!isOver) {
      written.push(...(await write(author, pageId, 'still here')))
      await delay(PAUSE_MILLIS)
    }
  })()
  writing.catch(() => undefined) // told by `stop`
  return {
    written,
    stop: () => {
      isOver = true
      return writing
    },
  }
}
