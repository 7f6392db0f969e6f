import { print } from 'graphql'
import { createClient } from 'graphql-ws'
import { vi } from 'vitest'
import WebSocket from 'ws'
import { ChatEventsDocument, type ChatEventsSubscription } from '../gql/graphql.ts'

type Event = ChatEventsSubscription['chatEvents']
/** An answer as its end told it. */
export type Ended = NonNullable<Extract<Event, { __typename: 'MessageFinished' }>['message']>

/** One connection of a follower. */
export interface Connection {
  /** Ends the socket without a word, as a device does that loses its network; what had arrived has been taken. */
  cut(): void
  /** How the connection ended; pending while it is open. */
  readonly ended: Promise<unknown>
}

/** One device that follows a chat session over raw WebSockets, one after the other, and forgets nothing between them. */
export interface Follower {
  /** The texts by message, put together as the manual says. */
  readonly texts: ReadonlyMap<string, string>
  /** Every end that was told. */
  readonly ends: readonly Ended[]
  /** When the text of a message had which length: `performance.now()` and UTF-16 units. */
  readonly growth: readonly { readonly messageId: string; readonly at: number; readonly length: number }[]
  /** Deltas that began beyond the text so far, and deltas that repeated some of it; after a resync there is no text. */
  readonly faults: { readonly holes: number; readonly repeats: number }
  readonly resyncs: number
  /** Goes on from the newest cursor; the connection before must have been cut. */
  connect(url: string): Connection
  /** Waits until it has been told the end of a message. @throws when that takes longer */
  untilEnd(messageId: string, withinMillis: number): Promise<void>
  /** Waits until it knows so much of a message, or its end. @throws when that takes longer */
  untilLength(messageId: string, length: number, withinMillis: number): Promise<void>
  /** Cuts the connection there is. */
  close(): void
}

const MAX_ATTEMPTS = 5

/** Makes a follower that knows nothing yet but a cursor. */
export function createFollower(sessionId: string, eventsCursor: string | null, accessToken: () => string): Follower {
  const texts = new Map<string, string>()
  const ends: Ended[] = []
  const growth: { messageId: string; at: number; length: number }[] = []
  const faults = { holes: 0, repeats: 0 }
  let resyncs = 0
  let after = eventsCursor
  let address = ''
  let current: Connection | undefined

  const hasEnded = (messageId: string) => ends.some(({ id }) => id === messageId)
  const grow = ({ messageId, index, text }: Extract<Event, { __typename: 'MessageDelta' }>) => {
    const before = texts.get(messageId) ?? ''
    if (index > before.length) faults.holes += 1
    if (index < before.length) faults.repeats += 1
    texts.set(messageId, before.slice(0, index) + text)
    growth.push({ messageId, at: performance.now(), length: index + text.length })
  }
  const take = (event: Event) => {
    if (event.__typename === 'MessageDelta' && event.kind === 'TEXT') grow(event)
    if (event.__typename === 'MessageFinished' && event.message !== null) ends.push(event.message)
    if (event.__typename === 'ResyncRequired') {
      resyncs += 1
      // Who reads the session again has a text only once it has ended; the one that is being written comes anew.
      for (const id of texts.keys()) if (!hasEnded(id)) texts.delete(id)
    }
    if ('cursor' in event) after = event.cursor
  }
  const connect = (url: string): Connection => {
    address = url
    const { promise: ended, resolve } = Promise.withResolvers<unknown>()
    let socket: WebSocket | undefined
    let isCut = false
    const client = createClient({
      url: `${url.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: () => ({ authorization: `Bearer ${accessToken()}` }),
      retryAttempts: 0,
      on: {
        opened: (opened) => {
          socket = opened as WebSocket
        },
      },
    })
    const variables = { sessionId, after }
    client.subscribe<ChatEventsSubscription>(
      { query: print(ChatEventsDocument), variables },
      {
        next: ({ data, errors }) => {
          if (isCut) return
          if (data) take(data.chatEvents)
          else resolve(errors)
        },
        error: resolve,
        complete: () => resolve(undefined),
      },
    )
    current = {
      ended,
      cut: () => {
        isCut = true
        if (socket !== undefined) socket.terminate()
        // One that never came to be has failed, and `ended` has told of it.
        else void Promise.resolve(client.dispose()).catch(() => undefined)
      },
    }
    return current
  }
  // A machine that is too busy to shake hands in time is no fault of the stream: a device tries again.
  const isBusy = (reason: unknown) => [4408, 1013, 1006].includes((reason as { code?: number } | undefined)?.code ?? 0)
  const until = async (isThere: () => boolean, timeout: number, interval: number) => {
    let attempts = 0
    let lost: { readonly reason: unknown } | undefined
    const listen = () => void current?.ended.then((reason) => (lost = { reason }))
    listen()
    await vi.waitUntil(
      () => {
        if (isThere() || lost === undefined) return isThere()
        if (!isBusy(lost.reason) || ++attempts > MAX_ATTEMPTS) {
          throw new Error('The connection ended', { cause: lost.reason })
        }
        lost = undefined
        connect(address)
        listen()
        return false
      },
      { timeout, interval },
    )
  }
  return {
    texts,
    ends,
    growth,
    faults,
    get resyncs() {
      return resyncs
    },
    connect,
    untilLength: (messageId, length, timeout) =>
      until(() => (texts.get(messageId)?.length ?? 0) >= length || hasEnded(messageId), timeout, 5),
    untilEnd: (messageId, timeout) => until(() => hasEnded(messageId), timeout, 10),
    close: () => current?.cut(),
  }
}
