import { expect } from 'vitest'
import {
  CreatePageDocument,
  PageEventsDocument,
  PagesDocument,
  RefreshTokensDocument,
  RegisterDocument,
} from '../gql/graphql.ts'
import { test } from '../kit/clocked.ts'
import { type Person, signIn, signUp } from '../kit/people.ts'
import { createPage, write } from '../kit/test.ts'
import { watchPage } from './event-stream.ts'
import { type RawSocket, signedIn } from './raw-socket.ts'

const lapsed = { code: 4403, reason: 'Forbidden' }
const told = (text: string) => ({ type: 'next', payload: { data: { pageEvents: { block: { text } } } } })

/** Trades the refresh token over HTTP; the access token is left as it was. */
async function refresh(person: Person): Promise<void> {
  const { refreshTokens } = await person.mutate(RefreshTokensDocument, {
    input: { refreshToken: person.tokens.refreshToken },
  })
  if (refreshTokens.__typename !== 'AuthPayload') throw new Error(`Not refreshed but ${refreshTokens.__typename}`)
  Object.assign(person.tokens, { refreshToken: refreshTokens.refreshToken })
}

/** A socket that watches a page, and has heard of it. */
async function watching(person: Person, page: { id: string; eventsCursor: string }): Promise<RawSocket> {
  const socket = await signedIn(person.url, person.tokens.accessToken)
  socket.subscribe('watch', PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  await write(person, page.id, 'seen')
  expect(await socket.next('watch')).toMatchObject(told('seen'))
  return socket
}

/** The same person on another device, whose tokens are fresh. */
async function withAnother<Result>(person: Person, use: (other: Person) => Promise<Result>): Promise<Result> {
  const other = await signIn(person, person.email)
  return use(other).finally(() => other.close())
}

test('an operation later than 25 s after the access token does nothing and closes the socket', async ({
  clocked,
  alice,
}) => {
  const socket = await signedIn(clocked.url, alice.tokens.accessToken)
  clocked.clock.advance({ minutes: 15, seconds: 20 })
  socket.subscribe('within', PagesDocument)
  expect(await socket.next('within')).toMatchObject({ payload: { data: { pages: { nodes: [] } } } })
  await socket.next('within')

  clocked.clock.advance({ seconds: 6 })
  socket.subscribe('late', CreatePageDocument, { input: { title: 'Late' } })
  expect(await socket.closed).toEqual(lapsed)
  expect(socket.pending()).toEqual([])
  const pages = await withAnother(alice, (other) => other.query(PagesDocument, {}))
  expect(pages.pages.nodes).toEqual([])
})

test('an event later than 25 s after the access token is not sent, and closes the socket', async ({
  clocked,
  alice,
}) => {
  const page = await createPage(alice, 'A page')
  const socket = await watching(alice, page)
  clocked.clock.advance({ minutes: 15, seconds: 26 })
  await withAnother(alice, (other) => write(other, page.id, 'unseen'))
  expect(await socket.closed).toEqual(lapsed)
  expect(socket.pending()).toEqual([])
})

test('what is open to everybody is not done either, whose answer could not be sent', async ({ clocked, alice }) => {
  const socket = await signedIn(clocked.url, alice.tokens.accessToken)
  clocked.clock.advance({ minutes: 16 })
  const input = { email: `late-${process.pid}@example.org`, password: alice.password, displayName: 'Late' }
  for (const id of ['a', 'b']) socket.subscribe(id, RegisterDocument, { input })
  expect(await socket.closed).toEqual(lapsed)
  // Started later, done later: time enough for the ones before.
  await (await signUp(clocked, 'Later')).close()
  await expect(signIn(clocked, input.email)).rejects.toThrow('InvalidCredentials')
})

test('a refresh on another door keeps the socket, for as long as new tokens are good for', async ({
  clocked,
  alice,
}) => {
  const page = await createPage(alice, 'A page')
  const socket = await watching(alice, page)
  for (const text of ['first', 'second', 'third']) {
    clocked.clock.advance({ minutes: 14 })
    await refresh(alice)
    clocked.clock.advance({ seconds: 62 })
    await withAnother(alice, (other) => write(other, page.id, text))
    expect(await socket.next('watch')).toMatchObject(told(text))
  }
  // Another device's refreshes are its own.
  clocked.clock.advance({ minutes: 14, seconds: 30 })
  await withAnother(alice, async (other) => {
    await refresh(other)
    await write(other, page.id, 'unseen')
  })
  expect(await socket.closed).toEqual(lapsed)
  expect(socket.pending()).toEqual([])
})

test('a refresh within 25 s after the access token keeps the socket', async ({ clocked, alice }) => {
  const socket = await signedIn(clocked.url, alice.tokens.accessToken)
  clocked.clock.advance({ minutes: 15, seconds: 15 })
  await refresh(alice)
  clocked.clock.advance({ minutes: 10 })
  socket.subscribe('pages', PagesDocument)
  expect(await socket.next('pages')).toMatchObject({ payload: { data: { pages: { nodes: [] } } } })
  socket.ws.close()
})

test('a socket on which nothing happens closes all the same, and a refresh after that comes too late for it', async ({
  clocked,
  alice,
}) => {
  const socket = await signedIn(clocked.url, alice.tokens.accessToken)
  clocked.clock.advance({ minutes: 15, seconds: 26 })
  expect(await socket.closed).toEqual(lapsed)
  await refresh(alice)
})

test('a stream goes on while its session is refreshed, and else says that the session has ended', async ({
  clocked,
  alice,
}) => {
  const page = await createPage(alice, 'A page')
  const stream = await watchPage(alice, page)
  clocked.clock.advance({ minutes: 14 })
  await refresh(alice)
  clocked.clock.advance({ minutes: 14 })
  await withAnother(alice, (other) => write(other, page.id, 'seen'))
  expect((await stream.next())?.data?.data?.pageEvents).toMatchObject({ block: { text: 'seen' } })

  clocked.clock.advance({ minutes: 1, seconds: 26 })
  await withAnother(alice, (other) => write(other, page.id, 'unseen'))
  const last = { __typename: 'SubscriptionEnded', reason: 'SESSION_ENDED' }
  expect((await stream.next())?.data?.data?.pageEvents).toEqual(last)
  expect(await stream.next()).toMatchObject({ event: 'complete' })
  expect(await stream.next()).toBeNull()
})
