import { expect } from 'vitest'
import { LogoutDocument, PageEventsDocument } from '../gql/graphql.ts'
import { signIn, signUp } from '../kit/people.ts'
import { startServer } from '../kit/server.ts'
import { createPage, test, write } from '../kit/test.ts'
import { type EventStream, type StreamMessage, watchPage } from './event-stream.ts'
import { signedIn } from './raw-socket.ts'

test('a stream brings the same events as a socket, in the same order', async ({ alice, bob, page }) => {
  const stream = await watchPage(bob, page)
  const socket = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  const texts = ['first', 'second', 'third']
  await write(alice, page.id, 'first', 'second')
  await write(alice, page.id, 'third')
  for (const text of texts) {
    const event = (await socket.next()).pageEvents
    expect(event).toMatchObject({ __typename: 'BlockCreated', block: { text } })
    expect(eventOf(await stream.next())).toEqual(event)
  }
  stream.abort()
  socket.stop()
})

test('a stream goes on after a cursor, wherever the reader was cut off', async ({ alice, page }) => {
  await write(alice, page.id, 'a', 'b', 'c')
  const stream = await watchPage(alice, page)
  const cursors = []
  for (const text of ['a', 'b', 'c']) {
    const event = eventOf(await stream.next())
    expect(event).toMatchObject({ block: { text } })
    cursors.push(event?.__typename === 'BlockCreated' ? event.cursor : '')
  }
  stream.abort()

  await write(alice, page.id, 'd')
  const resumed = await watchPage(alice, { ...page, eventsCursor: cursors[1] ?? '' })
  for (const text of ['c', 'd']) expect(eventOf(await resumed.next())).toMatchObject({ block: { text } })
  await write(alice, page.id, 'e')
  expect(eventOf(await resumed.next())).toMatchObject({ block: { text: 'e' } })
  resumed.abort()
})

test('a stream after a cursor that is none says that the page has to be read again', async ({ alice, page }) => {
  await write(alice, page.id, 'missed')
  const stream = await watchPage(alice, { ...page, eventsCursor: 'garbage' })
  expect(eventOf(await stream.next())).toEqual({ __typename: 'ResyncRequired', cursor: expect.any(String) })
  await write(alice, page.id, 'seen')
  expect(eventOf(await stream.next())).toMatchObject({ block: { text: 'seen' } })
  stream.abort()
})

test('a page that is not there is told in the stream, and that is its end', async ({ stranger, page }) => {
  const stream = await watchPage(stranger, page)
  expect(stream.status).toBe(200)
  expect((await stream.next())?.data?.errors).toMatchObject([{ extensions: { code: 'NOT_FOUND', family: 'API_404' } }])
  await expectComplete(stream)
})

test('who signs out hears that the session has ended, and the stream is complete', async ({ server, alice, page }) => {
  const elsewhere = await signIn(server, alice.email)
  const stream = await watchPage(elsewhere, page)
  await write(alice, page.id, 'seen')
  expect(eventOf(await stream.next())).toMatchObject({ block: { text: 'seen' } })
  await elsewhere.mutate(LogoutDocument, { input: {} })
  await write(alice, page.id, 'unseen')
  expect(eventOf(await stream.next())).toEqual({ __typename: 'SubscriptionEnded', reason: 'SESSION_ENDED' })
  await expectComplete(stream)
  await elsewhere.close()
})

test('a server that stops says so on every stream and socket before it closes them', async () => {
  const server = await startServer()
  const alice = await signUp(server, 'Alice')
  const page = await createPage(alice, 'Watched')
  const stream = await watchPage(alice, page)
  const socket = await signedIn(server.url, alice.tokens.accessToken)
  socket.subscribe('1', PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  await write(alice, page.id, 'seen')
  expect(eventOf(await stream.next())).toMatchObject({ block: { text: 'seen' } })
  expect(await socket.next('1')).toMatchObject({ payload: { data: { pageEvents: { block: { text: 'seen' } } } } })

  const closing = server.close()
  expect(eventOf(await stream.next())).toEqual({ __typename: 'SubscriptionEnded', reason: 'SERVER_RESTART' })
  await expectComplete(stream)
  expect(await socket.next('1')).toMatchObject({ payload: { data: { pageEvents: { reason: 'SERVER_RESTART' } } } })
  expect(await socket.next('1')).toEqual({ type: 'complete', id: '1' })
  expect(await socket.closed).toEqual({ code: 1012, reason: 'Service restart' })
  await closing
  await alice.close()
})

function eventOf(message: StreamMessage | null) {
  if (message?.event !== 'next') throw new Error(`Not an event but ${JSON.stringify(message)}`)
  return message.data?.data?.pageEvents
}

async function expectComplete(stream: EventStream): Promise<void> {
  expect(await stream.next()).toEqual({ event: 'complete', data: null })
  expect(await stream.next()).toBeNull()
}
