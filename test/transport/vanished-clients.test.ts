import { getEventListeners, once } from 'node:events'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { print } from 'graphql'
import { describe, expect, vi } from 'vitest'
import { createHttpServer } from '../../src/transport/http.ts'
import { originRule } from '../../src/transport/origins.ts'
import { openWebSocketDoor } from '../../src/transport/websocket.ts'
import { createEngine } from '../../src/transport/yoga.ts'
import { PageEventsDocument } from '../gql/graphql.ts'
import { type FaultProxy, startFaultProxy } from '../kit/fault-proxy.ts'
import type { Person } from '../kit/people.ts'
import type { TestServer } from '../kit/server.ts'
import { test as base, write } from '../kit/test.ts'
import { watchPage } from './event-stream.ts'
import { signedIn } from './raw-socket.ts'

const PING_MILLIS = 500
const ROUNDS = 100
const TICK_MILLIS = 2_000

/** Doors of their own before the worker's server, behind a proxy, with everything in reach that could be left behind. */
interface Doors {
  readonly proxy: FaultProxy
  readonly url: string
  leftovers(): object
  close(): Promise<void>
}

const test = base.extend<{ doors: Doors }>({
  doors: async ({ server }, use) => {
    const doors = await openDoors(server)
    await use(doors)
    await doors.close()
  },
})

async function openDoors(server: TestServer): Promise<Doors> {
  const { platform } = server.app
  const stopping = new AbortController()
  const allowsOrigin = originRule(null)
  const yoga = createEngine(platform, { allowsOrigin })
  const door = { yoga, stopping: stopping.signal, isTrusted: () => false, metrics: null }
  const http = createHttpServer(platform, door)
  const sockets = openWebSocketDoor(http, platform, { ...door, allowsOrigin, pingMillis: PING_MILLIS })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const { port } = http.address() as AddressInfo
  const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port } })
  const heard = countNudgeListeners(server)
  let connections = 0
  http.on('connection', (socket) => {
    connections++
    socket.once('close', () => connections--)
  })
  return {
    proxy,
    url: `http://127.0.0.1:${proxy.port}`,
    leftovers: () => ({
      subscriptions: platform.channels.openCount(),
      nudgeListeners: heard.count(),
      connections,
      abortListeners: getEventListeners(stopping.signal, 'abort').length,
      serverListeners: http.eventNames().map((name) => `${String(name)} ${http.listenerCount(name)}`),
    }),
    close: async () => {
      heard.restore()
      await proxy.close()
      await sockets.close()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

function countNudgeListeners(server: TestServer) {
  const { nudges } = server.app.platform
  let count = 0
  const listen = nudges.listen
  const spy = vi.spyOn(nudges, 'listen').mockImplementation((channel, listener) => {
    const unlisten = listen(channel, listener)
    count++
    return () => {
      count--
      unlisten()
    }
  })
  return { count: () => count, restore: () => spy.mockRestore() }
}

type Page = { readonly id: string; readonly eventsCursor: string }
type Watch = (doors: Doors, person: Person, page: Page) => Promise<() => unknown>

/** Subscribes over a socket, sees the first event, and answers how to drop the connection without a word. */
const overSocket: Watch = async (doors, person, page) => {
  const socket = await signedIn(doors.url, person.tokens.accessToken)
  socket.subscribe('1', PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  expect((await socket.next('1')).payload?.data).toMatchObject({ pageEvents: { __typename: 'BlockCreated' } })
  return () => socket.ws.terminate()
}

const overStream: Watch = async (doors, person, page) => {
  const stream = await watchPage({ url: doors.url, tokens: person.tokens }, page)
  expect((await stream.next())?.data?.data?.pageEvents).toMatchObject({ __typename: 'BlockCreated' })
  return () => stream.abort()
}

describe.for<[how: string, watch: Watch, vanish: (doors: Doors, drop: () => unknown) => unknown]>([
  ['drops its socket', overSocket, (_doors, drop) => drop()],
  ['is cut off its socket by a reset', overSocket, (doors) => doors.proxy.cut()],
  ['falls silent on its socket and answers no ping', overSocket, (doors) => doors.proxy.blackhole()],
  ['drops its stream', overStream, (_doors, drop) => drop()],
  ['is cut off its stream by a reset', overStream, (doors) => doors.proxy.cut()],
])('a watcher who %s', ([, watch, vanish]) => {
  test('leaves nothing behind', async ({ doors, alice, page }) => {
    await write(alice, page.id, 'seen')
    const before = doors.leftovers()
    const drop = await watch(doors, alice, page)
    // The page's channel, that of the person, whose session may end, and that of everybody's access in the organization.
    expect(doors.leftovers()).toMatchObject({ subscriptions: 3, nudgeListeners: 3, connections: 1 })
    await vanish(doors, drop)
    await vi.waitFor(() => expect(doors.leftovers()).toEqual(before), { timeout: 10_000 })
    doors.proxy.resume()
  })
})

test('a hundred vanished watchers leave no more behind than one', { timeout: 60_000 }, async ({
  doors,
  alice,
  page,
  server,
}) => {
  await write(alice, page.id, 'seen')
  const round = async (index: number) => {
    const drop = await (index % 2 === 0 ? overSocket : overStream)(doors, alice, page)
    if (index % 3 === 0) doors.proxy.cut()
    else drop()
  }
  const before = doors.leftovers()
  await round(0)
  await vi.waitFor(() => expect(doors.leftovers()).toEqual(before), { timeout: 10_000 })
  const timersBefore = timers()

  for (let index = 0; index < ROUNDS; index++) await round(index)

  await vi.waitFor(() => expect(doors.leftovers()).toEqual(before), { timeout: 10_000 })
  // The job queue's own timers come and go.
  await vi.waitFor(() => expect(timers()).toBeLessThan(timersBefore + ROUNDS / 10), { timeout: 10_000 })
  const statements = server.app.platform.database.statementCount()
  await pause(TICK_MILLIS * 1.5) // that nothing happens can only be waited for
  expect(server.app.platform.database.statementCount()).toBe(statements)
})

test('watchers who leave before they are answered leave nothing behind', async ({ doors, alice, page }) => {
  const before = doors.leftovers()
  for (let index = 0; index < 20; index++) {
    const socket = await signedIn(doors.url, alice.tokens.accessToken)
    socket.subscribe('1', PageEventsDocument, { pageId: page.id })
    const stream = startWatching(doors.url, alice, page)
    // A little later each time, so that some are caught at each step of the way.
    await pause(index)
    socket.ws.terminate()
    stream.destroy()
  }
  await vi.waitFor(() => expect(doors.leftovers()).toEqual(before), { timeout: 10_000 })
})

function startWatching(url: string, person: Person, page: Page) {
  const sent = request(`${url}/graphql`, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${person.tokens.accessToken}`,
    },
  })
  sent.on('error', () => undefined)
  return sent.end(JSON.stringify({ query: print(PageEventsDocument), variables: { pageId: page.id } }))
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate').length
}
