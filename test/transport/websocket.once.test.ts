import { once } from 'node:events'
import { describe, expect, vi } from 'vitest'
import { CreatePageDocument, PageEventsDocument, ViewerDocument } from '../gql/graphql.ts'
import { test, write } from '../kit/test.ts'
import { openSocket, type RawSocket, signedIn } from './raw-socket.ts'
import { expectComplete, type WireError } from './wire.ts'

// Every frame and close reason is checked by `openSocket` to leak nothing.

const INIT = { type: 'connection_init' }
const OPERATION = { id: '1', type: 'subscribe', payload: { query: '{ __typename }' } }

describe.for<[what: string, code: number, breakRule: (socket: RawSocket) => void]>([
  ['a token that is none', 4403, (s) => s.send({ ...INIT, payload: { authorization: 'Bearer garbage' } })],
  ['credentials of a kind nobody knows', 4403, (s) => s.send({ ...INIT, payload: { Authorization: 'Basic YTpi' } })],
  ['an operation before the acknowledgement', 4401, (s) => s.send(OPERATION)],
  ['a second init', 4429, (s) => [INIT, INIT].map(s.send)],
  ['text that is no JSON', 4400, (s) => s.send('garbage')],
  ['bytes that are no text', 4400, (s) => s.send(Uint8Array.of(0xff, 0x00, 0xfe, 0x80))],
  ['JSON that is no object', 4400, (s) => s.send('[]')],
  ['a type nobody knows', 4400, (s) => s.send({ type: 'start' })],
  ['an operation without an id', 4400, (s) => s.send({ ...OPERATION, id: undefined })],
  ['a query that is no string', 4400, (s) => s.send({ ...OPERATION, payload: { query: {} } })],
  ['variables that are no object', 4400, (s) => s.send({ ...OPERATION, payload: { query: '', variables: [] } })],
  ['a frame over 1 MiB', 1009, (s) => s.send(' '.repeat(1024 * 1024 + 1))],
])('%s', ([, code, breakRule]) => {
  test(`closes the socket with ${code}`, async ({ server }) => {
    const socket = await openSocket(server.url)
    breakRule(socket)
    expect((await socket.closed).code).toBe(code)
  })
})

test('a socket that never says who it is, is closed with 4408 after three seconds', async ({ server }) => {
  const openedAt = performance.now()
  const socket = await openSocket(server.url)
  expect((await socket.closed).code).toBe(4408)
  expect(performance.now() - openedAt).toBeGreaterThan(2_500)
})

test('a socket of another protocol is closed with 4406', async ({ server }) => {
  const socket = await openSocket(server.url, { protocol: 'graphql-ws' }).catch((error: unknown) => error)
  // Its library closes a socket itself when the server agrees to none of its protocols.
  expect(String(socket)).toMatch(/no subprotocol|4406/i)
})

test('two running operations of one id close the socket with 4409', async ({ server, alice, page }) => {
  const socket = await signedIn(server.url, alice.tokens.accessToken)
  socket.subscribe('1', PageEventsDocument, { pageId: page.id })
  socket.subscribe('1', PageEventsDocument, { pageId: page.id })
  expect((await socket.closed).code).toBe(4409)
})

test('the upgrade is refused on any other path', async ({ server }) => {
  for (const path of ['/', '/graphql/', '/graphql2', '/health']) {
    await expect(openSocket(server.url, { path }), path).rejects.toThrow('404')
  }
})

test('pages of other sites are refused, and programs and our own pages are not', async ({ server }) => {
  for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example', 'garbage']) {
    await expect(openSocket(server.url, { origin }), origin).rejects.toThrow('403')
  }
  for (const origin of [server.url, 'http://localhost:3000', undefined]) {
    const socket = await openSocket(server.url, origin === undefined ? {} : { origin })
    socket.ws.close()
    expect((await socket.closed).code).toBe(1005)
  }
})

test('queries and mutations run over the socket as well', async ({ server, alice }) => {
  const socket = await signedIn(server.url, alice.tokens.accessToken)
  socket.subscribe('q', ViewerDocument)
  expect(await socket.next()).toMatchObject({
    type: 'next',
    payload: { data: { viewer: { actor: { id: alice.userId } } } },
  })
  expect(await socket.next()).toEqual({ type: 'complete', id: 'q' })
  socket.subscribe('m', CreatePageDocument, { input: { title: 'Made on a socket' } })
  expect(await socket.next()).toMatchObject({
    type: 'next',
    payload: { data: { createPage: { title: 'Made on a socket' } } },
  })
  expect(await socket.next()).toEqual({ type: 'complete', id: 'm' })
  socket.ws.close()
})

test('a ping is answered with what it carried', async ({ server }) => {
  const socket = await signedIn(server.url)
  socket.send({ type: 'ping', payload: { at: 1 } })
  expect(await socket.next()).toEqual({ type: 'pong', payload: { at: 1 } })
  socket.ws.close()
})

test('a ping of the WebSocket protocol is answered with what it carried', async ({ server }) => {
  const socket = await openSocket(server.url)
  const pong = once(socket.ws, 'pong')
  socket.ws.ping('at 1')
  expect(String((await pong)[0])).toBe('at 1')
  socket.ws.close()
})

test('a peer that asks and does not read is not read from, until it reads again', async ({ server }) => {
  const socket = await signedIn(server.url)
  const pings = 48
  socket.ws.pause()
  for (let at = 0; at < pings; at += 1) socket.send({ type: 'ping', payload: { at, filling: 'x'.repeat(1_000_000) } })
  const sent = 1_000_000 * pings
  let before = -1
  // What the systems' own buffers take is gone by the time the amount no longer changes.
  const isStill = () => {
    const still = socket.ws.bufferedAmount === before
    before = socket.ws.bufferedAmount
    return still
  }
  await vi.waitUntil(isStill, { interval: 300, timeout: 10_000 })
  expect(socket.ws.bufferedAmount).toBeGreaterThan(sent / 2)
  socket.ws.resume()
  for (let at = 0; at < pings; at += 1) {
    expect(await socket.next()).toMatchObject({ type: 'pong', payload: { at } })
  }
  socket.ws.close()
})

describe.for<[what: string, query: string, code: string, variables?: object]>([
  ['a syntax error', '{ viewer {', 'GRAPHQL_PARSE_FAILED'],
  ['an empty document', '', 'GRAPHQL_PARSE_FAILED'],
  ['an unknown field', '{ viever { role } }', 'GRAPHQL_VALIDATION_FAILED'],
  ['a missing variable', 'query ($id: ID!) { page(id: $id) { id } }', 'BAD_REQUEST'],
  [
    'a variable of the wrong type',
    'query ($id: ID!) { page(id: $id) { id } }',
    'BAD_REQUEST',
    { id: { deep: [[[[]]]] } },
  ],
  ['a document of 15,001 characters', `{ __typename }${' '.repeat(14_987)}`, 'BAD_REQUEST'],
  ['a document of 1,501 tokens', `{${' id'.repeat(1_499)}}`, 'BAD_REQUEST'],
  ['two operations and no name', 'query A { __typename } query B { __typename }', 'BAD_REQUEST'],
  ['a page nobody has', 'subscription { pageEvents(pageId: "garbage") { __typename } }', 'NOT_FOUND'],
  [
    'two root fields',
    'subscription { a: pageEvents(pageId: "a") { __typename } b: pageEvents(pageId: "b") { __typename } }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
])('%s', ([, query, code, variables]) => {
  test('fails its operation and nothing else on the socket', async ({ server, alice, page }) => {
    const socket = await signedIn(server.url, alice.tokens.accessToken)
    socket.subscribe('watch', PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
    socket.subscribe('bad', query, variables)
    const [error] = errorsOf(await socket.next('bad'))
    expect(error?.extensions?.code).toBe(code)
    await write(alice, page.id, 'still here')
    expect(await socket.next('watch')).toMatchObject({
      type: 'next',
      payload: { data: { pageEvents: { block: { text: 'still here' } } } },
    })
    socket.ws.close()
  })
})

test('an error carries the request id of its operation, or else of its socket', async ({ server }) => {
  const socket = await signedIn(server.url)
  const ask = async (id: string, extensions?: object) => {
    socket.send({ id, type: 'subscribe', payload: { query: '{', extensions } })
    const [error] = errorsOf(await socket.next(id))
    return error?.extensions?.requestId
  }
  expect(await ask('1', { requestId: 'my-own-id-1' })).toBe('my-own-id-1')
  const own = await ask('2')
  expect(own).toMatch(/^[\w-]{36}$/)
  expect(await ask('3', { requestId: 'not <harmless>' })).toBe(own)
  socket.ws.close()
})

/** The errors of an `error` frame or of a result, each checked to be complete. */
function errorsOf({ type, payload }: Awaited<ReturnType<RawSocket['next']>>): readonly WireError[] {
  const errors = (type === 'error' ? payload : payload?.errors) as readonly WireError[] | undefined
  expect(errors?.length).toBeGreaterThan(0)
  for (const error of errors ?? []) expectComplete(error, error.extensions?.requestId)
  return errors ?? []
}
