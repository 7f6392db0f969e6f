import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { SuspendUserDocument } from '../gql/graphql.ts'
import { createTestClient } from '../kit/client.ts'
import { type Ending, endings } from '../kit/endings.ts'
import { environmentOf } from '../kit/lane.ts'
import { filedToken } from '../kit/mail-files.ts'
import { type ApiNode, runToEnd, startNode } from '../kit/nodes.ts'
import { signIn, signUp } from '../kit/people.ts'
import { type PrivateService, startPrivateRedis } from '../kit/private-services.ts'
import { copyTemplate } from '../kit/server.ts'
import { admission, sessionEnded } from '../kit/sessions.ts'
import { createPage } from '../kit/test.ts'
import { openQuietSocket, openQuietStream, socketFarewell, streamFarewell } from '../transport/quiet.ts'

// A session is ended on one node; the other one has it in its memory, and quiet streams of it open.

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 })

const limitMillis = 2_000
// The tick of the channels is every 2 s, and a look at the session comes after it; the rest is for a busy machine.
const tickLimitMillis = 4_000

let database: Awaited<ReturnType<typeof copyTemplate>>
let redis: PrivateService
let one: ApiNode
let other: ApiNode

beforeAll(async () => {
  database = await copyTemplate()
  redis = await startPrivateRedis()
  const env = { ...environmentOf('services', database.name, database.dataDir), REDIS_URL: redis.url }
  ;[one, other] = await Promise.all([startNode({ env }), startNode({ env })])
})
afterAll(async () => {
  const exits = await Promise.all([one?.stop(), other?.stop()])
  await Promise.all([one?.kill(), other?.kill()])
  await redis?.close()
  await database?.remove()
  vi.resetConfig()
  for (const exit of exits) expect(exit).toMatchObject({ code: 0, stderr: '' })
})

/** Ends a session on one node by the way given; how long after the answer all it had open on the other was over. */
async function millisToTheEnd(prepare: Ending, whenReady: () => Promise<void> = async () => undefined) {
  const owner = await signUp(one, 'Owner')
  const ending = await signIn(other, owner.email)
  const elsewhere = createTestClient(other.url, () => ending.tokens.accessToken)
  onTestFinished(async () => void (await Promise.all([owner.close(), ending.close(), elsewhere.close()])))
  const page = await createPage(owner, 'Quiet')
  const resetToken = () => filedToken(database.dataDir, owner.email, /reset-password/)
  const { end } = await prepare({ owner, ending, resetToken })
  const { accessToken } = ending.tokens
  const socket = await openQuietSocket(other.url, accessToken, page)
  const stream = await openQuietStream(other.url, accessToken, page)
  expect(await admission(elsewhere)).toBe('admitted')
  await whenReady()

  const farewells = Promise.all([socketFarewell(socket), streamFarewell(stream), socket.closed])
  farewells.catch(() => undefined) // told below
  await end()
  const endedAt = performance.now()
  expect(await admission(elsewhere)).toBe(sessionEnded)
  const requestMillis = performance.now() - endedAt
  const [onSocket, onStream, closed] = await farewells
  const closedMillis = performance.now() - endedAt
  expect([onSocket.reason, onStream.reason]).toEqual(['SESSION_ENDED', 'SESSION_ENDED'])
  expect(closed).toEqual({ code: 4401, reason: 'Unauthorized' })
  return { requestMillis, slowestMillis: Math.max(onSocket.at - endedAt, onStream.at - endedAt, closedMillis) }
}

test('a session that ends on one node is refused by the other at once, and its quiet streams end there within 2 s', async () => {
  const figures = []
  for (const [name, prepare] of Object.entries(endings)) {
    const { requestMillis, slowestMillis } = await millisToTheEnd(prepare)
    console.log(
      `${name}: request refused in ${Math.round(requestMillis)} ms, streams over in ${Math.round(slowestMillis)} ms`,
    )
    figures.push(slowestMillis)
  }
  console.log(`slowest: ${Math.round(Math.max(...figures))} ms`)
  expect(Math.max(...figures)).toBeLessThan(limitMillis)
})

test('an account that is suspended on one node is refused by the other at once, and its streams end there within 2 s', async () => {
  const admin = await signUp(one, 'Admin')
  onTestFinished(() => admin.close())
  const env = environmentOf('services', database.name, database.dataDir)
  expect(await runToEnd('grantAdmin', { env, args: [admin.email] })).toMatchObject({ code: 0, stderr: '' })
  const { requestMillis, slowestMillis } = await millisToTheEnd(async ({ owner }) => ({
    end: async () => {
      const { suspendUser } = await admin.mutate(SuspendUserDocument, { input: { id: owner.userId } })
      expect(suspendUser).toMatchObject({ __typename: 'User', suspendedAt: expect.any(String) })
    },
  }))
  console.log(
    `suspendUser: request refused in ${Math.round(requestMillis)} ms, streams over in ${Math.round(slowestMillis)} ms`,
  )
  expect(slowestMillis).toBeLessThan(limitMillis)
})

test('without Redis the next request is refused as soon, and the streams end by the tick', async () => {
  const figures = []
  for (const name of ['revokeDeviceSession', 'refresh token reuse', 'changePassword', 'deleteAccount']) {
    const prepare = endings[name]
    if (prepare === undefined) throw new Error(`There is no ${name}`)
    const { requestMillis, slowestMillis } = await millisToTheEnd(prepare, () => redis.stop())
    await redis.start()
    console.log(
      `${name} without Redis: request refused in ${Math.round(requestMillis)} ms, streams over in ${Math.round(slowestMillis)} ms`,
    )
    figures.push(slowestMillis)
  }
  console.log(`slowest without Redis: ${Math.round(Math.max(...figures))} ms`)
  expect(Math.max(...figures)).toBeLessThan(tickLimitMillis)
})
