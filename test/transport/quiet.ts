import { expect } from 'vitest'
import { PageEventsDocument } from '../gql/graphql.ts'
import { type EventStream, watchPage } from './event-stream.ts'
import { type RawSocket, signedIn } from './raw-socket.ts'

// Subscriptions to which nothing happens: what ends them is not found out at an event.

type Page = { readonly id: string; readonly eventsCursor: string }

/** What a quiet subscription heard last, and when: `performance.now()`. */
export interface Farewell {
  readonly reason: string
  readonly at: number
}

/** Watches a page on a socket of its own, as whom the token is of, and waits until the server knows. */
export async function openQuietSocket(url: string, accessToken: string, page: Page): Promise<RawSocket> {
  const socket = await signedIn(url, accessToken)
  socket.subscribe('watch', PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  await expectAlive(socket)
  return socket
}

/** Demands that a socket still takes operations, which come after those it was given before. */
export async function expectAlive(socket: RawSocket): Promise<void> {
  socket.subscribe('alive', '{ viewer { role } }')
  expect(await socket.next('alive')).toMatchObject({
    type: 'next',
    payload: { data: { viewer: { role: expect.any(String) } } },
  })
  expect(await socket.next('alive')).toMatchObject({ type: 'complete' })
}

/** Watches a page over server-sent events. */
export async function openQuietStream(url: string, accessToken: string, page: Page): Promise<EventStream> {
  return watchPage({ url, tokens: { accessToken, refreshToken: '' } }, page)
}

/** The last event of the subscription of a quiet socket, which must be its first, and that it is complete. */
export async function socketFarewell(socket: RawSocket): Promise<Farewell> {
  const frame = await socket.next('watch')
  const at = performance.now()
  expect(await socket.next('watch')).toEqual({ type: 'complete', id: 'watch' })
  return { reason: reasonIn(frame.payload?.data?.pageEvents), at }
}

/** The same for a stream, which then ends. */
export async function streamFarewell(stream: EventStream): Promise<Farewell> {
  const message = await stream.next()
  const at = performance.now()
  expect(await stream.next()).toMatchObject({ event: 'complete' })
  expect(await stream.next()).toBeNull()
  return { reason: reasonIn(message?.data?.data?.pageEvents), at }
}

function reasonIn(event: unknown): string {
  expect(event).toEqual({ __typename: 'SubscriptionEnded', reason: expect.any(String) })
  return (event as { reason: string }).reason
}
