import { sql } from 'kysely'
import { test as base, expect, vi } from 'vitest'
import { createLog } from '../../src/platform/log.ts'
import { PageEventsDocument } from '../gql/graphql.ts'
import { type Person, signUp, uuidIn } from '../kit/people.ts'
import { startServer, type TestServer } from '../kit/server.ts'
import { blockCreated, createPage, record, write } from '../kit/test.ts'
import { watchPage } from './event-stream.ts'
import { openSocket, signedIn } from './raw-socket.ts'
import { ask } from './wire.ts'

// `ask`, `openSocket` and `watchPage` check of all they get that nothing internal is in it.

interface Line {
  readonly level: string
  readonly requestId?: string
  readonly msg?: string
  readonly err?: { readonly message: string; readonly stack: string }
}

interface Broken {
  readonly server: TestServer
  readonly alice: Person
  readonly logged: Line[]
  /** Takes a table away while `work` runs, so that every statement on it is an error of ours. */
  without(table: string, work: () => Promise<void>): Promise<void>
}

const test = base.extend<{ broken: Broken }>({
  broken: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
    async ({}, use) => {
      const logged: Line[] = []
      const log = createLog({
        level: 'warn',
        destination: { write: (line: string) => void logged.push(JSON.parse(line)) },
      })
      const server = await startServer({ log })
      const { unscoped } = server.app.platform.database
      const rename = (from: string, to: string) =>
        sql`alter table ${sql.id(from)} rename to ${sql.id(to)}`.execute(unscoped)
      const without = async (table: string, work: () => Promise<void>) => {
        await rename(table, `${table}_away`)
        await work().finally(() => rename(`${table}_away`, table))
      }
      const alice = await signUp(server, 'Alice')
      await use({ server, alice, logged, without })
      await alice.close()
      await server.close()
    },
    { scope: 'file' },
  ],
})

const INTERNAL = { code: 'INTERNAL_SERVER_ERROR', family: 'APP_001' }
const MASKED = { message: 'Something went wrong on our side.', extensions: INTERNAL }

const bearer = ({ tokens }: Person) => ({ authorization: `Bearer ${tokens.accessToken}` })

test('an error in a resolver blanks its field, is masked, and is logged with its stack', async ({ broken }) => {
  const { server, alice, logged, without } = broken
  const body = { query: '{ __typename pages { nodes { id } } }' }
  const ok = await ask(server.url, { body, headers: bearer(alice) })
  expect([ok.status, ok.body.errors]).toEqual([200, undefined])

  await without('page', async () => {
    const headers = { ...bearer(alice), 'x-request-id': 'find-me-in-the-log' }
    const query = '{ __typename node(id: "page_01h455vb4pex5vsknk084sn02q") { id } }'
    const answer = await ask(server.url, { body: { query }, headers })
    expect([answer.status, answer.body.data]).toEqual([200, { __typename: 'Query', node: null }])
    expect(answer.body.errors).toMatchObject([{ ...MASKED, path: ['node'] }])
  })
  const lines = logged.filter((line) => line.requestId === 'find-me-in-the-log')
  expect(lines).toMatchObject([{ level: 'error', err: { message: expect.stringContaining('"page" does not exist') } }])
  expect(lines[0]?.err?.stack).toMatch(/\n\s+at /)
})

test('a failure before anything was executed is a 500 for everybody, and logged once', async ({ broken }) => {
  const { server, alice, logged, without } = broken
  await without('device_session', async () => {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const headers = { ...bearer(alice), accept, 'x-request-id': `id-${accept.length}-of-failure` }
      const answer = await ask(server.url, { body: { query: '{ __typename }' }, headers })
      expect([answer.status, answer.headers['content-type']]).toEqual([500, `${accept}; charset=utf-8`])
      expect(answer.body).toMatchObject({ errors: [MASKED] })
      expect(answer.body).not.toHaveProperty('data')
      expect(logged.filter((line) => line.requestId === headers['x-request-id'])).toHaveLength(1)
    }
  })
  const again = await ask(server.url, { body: { query: '{ viewer { role } }' }, headers: bearer(alice) })
  expect(again.body).toEqual({ data: { viewer: { role: 'OWNER' } } })
})

test('a failing operation leaves its socket open', async ({ broken }) => {
  const { server, alice, logged, without } = broken
  const socket = await signedIn(server.url, alice.tokens.accessToken)
  await without('page', async () => {
    socket.subscribe('field', '{ pages { nodes { id } } }')
    expect(await socket.next('field')).toMatchObject({ type: 'next', payload: { data: null, errors: [MASKED] } })
    socket.subscribe('start', 'subscription { pageEvents(pageId: "page_01h455vb4pex5vsknk084sn02q") { __typename } }')
    expect(await socket.next('start')).toMatchObject({ type: 'next', payload: { errors: [MASKED] } })
  })
  await without('device_session', async () => {
    const extensions = { requestId: 'operation-on-a-socket' }
    socket.send({ id: 'context', type: 'subscribe', payload: { query: '{ viewer { role } }', extensions } })
    expect(await socket.next('context')).toMatchObject({ type: 'error', payload: [MASKED] })
    expect(logged.filter((line) => line.requestId === extensions.requestId)).toHaveLength(1)
  })
  socket.subscribe('again', '{ viewer { role } }')
  expect(await socket.next('again')).toMatchObject({ payload: { data: { viewer: { role: 'OWNER' } } } })
  socket.ws.close()
})

test('a caller who cannot be authenticated for a fault of ours is told to come back', async ({ broken }) => {
  const { server, alice, logged, without } = broken
  await without('device_session', async () => {
    const socket = await openSocket(server.url)
    socket.send({ type: 'connection_init', payload: bearer(alice) })
    expect(await socket.closed).toEqual({ code: 1013, reason: 'Try again later' })
  })
  expect(logged.at(-1)).toMatchObject({ level: 'error', err: { message: expect.stringContaining('device_session') } })
})

test('an event whose reader cannot be checked is held until that works again', async ({ broken }) => {
  const { server, alice, logged, without } = broken
  const { page, stream, socket } = await watchTwice(broken)
  const [blockId = ''] = await write(alice, (await createPage(alice, 'Elsewhere')).id, 'held')
  const held = () => logged.filter((line) => line.msg?.startsWith('event held'))

  await without('device_session', async () => {
    await record(server, blockCreated(alice, page, uuidIn(blockId)))
    await vi.waitFor(() => expect(held().length).toBeGreaterThanOrEqual(2), { timeout: 10_000 })
  })
  expect((await stream.next())?.data?.data?.pageEvents).toMatchObject({ block: { text: 'held' } })
  expect(await socket.next('1')).toMatchObject({ payload: { data: { pageEvents: { block: { text: 'held' } } } } })
  stream.abort()
  socket.ws.close()
})

test('an event held for a minute ends its subscription so that clients come back, and those gone are not missed', async ({
  broken,
}) => {
  const { server, alice, logged, without } = broken
  const { page, stream, socket } = await watchTwice(broken)
  const { channels } = server.app.platform
  const [blockId = ''] = await write(alice, (await createPage(alice, 'Elsewhere')).id, 'late')
  const held = () => logged.filter((line) => line.msg?.startsWith('event held'))
  const heldBefore = held().length
  const errors = () => logged.filter((line) => line.level === 'error')
  const errorsBefore = errors().length

  await without('device_session', async () => {
    await record(server, blockCreated(alice, page, uuidIn(blockId)))
    await vi.waitUntil(() => held().length >= heldBefore + 2, { timeout: 10_000 })
    const open = channels.openCount()
    stream.abort()
    await vi.waitUntil(() => channels.openCount() === open - 1, { timeout: 5_000 })
    // Twice the pause between two looks of the one that is left.
    const heldThen = held().length
    await vi.waitUntil(() => held().length >= heldThen + 3, { timeout: 10_000 })
    expect(errors()).toHaveLength(errorsBefore)
    server.clock.advance({ seconds: 61 })
    const ended = { __typename: 'SubscriptionEnded', reason: 'SERVER_RESTART' }
    expect(await socket.next('1')).toMatchObject({ type: 'next', payload: { data: { pageEvents: ended } } })
    expect(await socket.next('1')).toEqual({ type: 'complete', id: '1' })
  })
  expect(errors()).toHaveLength(errorsBefore)
  socket.subscribe('2', PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  const texts = [await socket.next('2'), await socket.next('2')].map(({ payload }) => payload?.data?.pageEvents)
  expect(texts).toMatchObject([{ block: { text: 'before' } }, { block: { text: 'late' } }])
  socket.ws.close()
})

test('an event of a kind this code does not know makes its subscribers read again, and is logged once', async ({
  broken,
}) => {
  const { page, stream, socket } = await watchTwice(broken)
  const known = blockCreated(broken.alice, page, uuidIn(page.id))
  const resync = { data: { pageEvents: { __typename: 'ResyncRequired', cursor: expect.any(String) } } }
  await record(broken.server, { ...known, type: 'SomethingOfTomorrow' })
  expect(await stream.next()).toMatchObject({ event: 'next', data: resync })
  expect(await socket.next('1')).toMatchObject({ type: 'next', payload: resync })
  await write(broken.alice, page.id, 'after')
  expect((await stream.next())?.data?.data?.pageEvents).toMatchObject({ block: { text: 'after' } })
  expect(await socket.next('1')).toMatchObject({ payload: { data: { pageEvents: { block: { text: 'after' } } } } })
  expect(broken.logged.filter((line) => line.msg?.startsWith('events of an unknown type'))).toHaveLength(1)
  stream.abort()
  socket.ws.close()
})

/** A page, watched over a stream and over a socket that both have seen its first event. */
async function watchTwice({ server, alice }: Broken) {
  const page = await createPage(alice, 'Watched')
  const stream = await watchPage(alice, page)
  const socket = await signedIn(server.url, alice.tokens.accessToken)
  socket.subscribe('1', PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  await write(alice, page.id, 'before')
  expect((await stream.next())?.data?.data?.pageEvents).toMatchObject({ block: { text: 'before' } })
  expect(await socket.next('1')).toMatchObject({ payload: { data: { pageEvents: { block: { text: 'before' } } } } })
  return { page, stream, socket }
}
