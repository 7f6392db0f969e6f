import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { decodeCursor } from '../../src/lib/cursor.ts'
import { pageChannel } from '../../src/modules/ocean/pages/page.events.ts'
import { newSeed, seededRandom } from '../contracts/channels-rig.ts'
import { LogoutDocument, PageEventsDocument, type PageEventsSubscription, ViewerDocument } from '../gql/graphql.ts'
import { createTestClient } from '../kit/client.ts'
import { startFaultProxy } from '../kit/fault-proxy.ts'
import { environmentOf } from '../kit/lane.ts'
import { type ApiNode, startNode } from '../kit/nodes.ts'
import { type Person, signIn, signUp, uuidIn } from '../kit/people.ts'
import { type PrivateService, startPrivateRedis } from '../kit/private-services.ts'
import { copyTemplate } from '../kit/server.ts'
import { createPage, write } from '../kit/test.ts'

// Two processes on one database and one Redis: what is written on one node is watched on the other.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

// An event whose nudge was lost comes with the tick, every 2 s: what comes sooner, time and again, was nudged.
const promptMillis = 1_000
const eventCount = 300

let database: Awaited<ReturnType<typeof copyTemplate>>
let redis: PrivateService
let one: ApiNode
let other: ApiNode
let writer: Person
let reader: Person

beforeAll(async () => {
  database = await copyTemplate()
  redis = await startPrivateRedis()
  const env = { ...environmentOf('services', database.name, database.dataDir), REDIS_URL: redis.url }
  ;[one, other] = await Promise.all([startNode({ env }), startNode({ env })])
  writer = await signUp(one, 'Writer')
  reader = await signIn(other, writer.email)
})
afterAll(async () => {
  await Promise.all([writer?.close(), reader?.close()])
  const exits = await Promise.all([one?.stop(), other?.stop()])
  await Promise.all([one?.kill(), other?.kill()])
  await redis?.close()
  await database?.remove()
  vi.resetConfig()
  for (const exit of exits) expect(exit).toMatchObject({ code: 0, stderr: '' })
})

test('an event made on one node reaches a subscriber of the other', async () => {
  const page = await createPage(writer, 'Two nodes')
  const events = reader.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  const [blockId] = await write(writer, page.id, 'hello')
  expect(await events.next()).toMatchObject({ pageEvents: { __typename: 'BlockCreated', block: { id: blockId } } })
  events.stop()
})

test('a subscriber whose connection is cut again and again misses nothing, and gets nothing twice', async () => {
  const random = seededRandom(newSeed('cut connections'))
  const page = await createPage(writer, 'Cut')
  const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port: Number(new URL(other.url).port) } })
  onTestFinished(() => proxy.close())

  const following = followThroughCuts(`http://127.0.0.1:${proxy.port}`, page.id, page.eventsCursor)
  let isWriting = true
  let cuts = 0
  const cutting = (async () => {
    while (isWriting) {
      await delay(random() * 150)
      proxy.cut()
      cuts += 1
    }
  })()
  const written = await writeMany(page.id, eventCount, random)
  isWriting = false
  await cutting
  const { blocks, seqs, reconnects } = await following

  console.log(`${cuts} cuts, ${reconnects} reconnects`)
  expect(reconnects).toBeGreaterThan(3)
  // Every seq once and in order: no gap, no duplicate, no inversion.
  expect(seqs).toEqual(Array.from({ length: eventCount }, (_, index) => (seqs[0] ?? 0) + index))
  expect(blocks.toSorted()).toEqual(written.flat().toSorted())
  for (const own of written) expect(blocks.filter((id) => own.includes(id))).toEqual(own)
})

describe('while Redis is away', () => {
  test('writes go on and events come late, not never; once it is back, they are prompt again', async () => {
    const page = await createPage(writer, 'Without Redis')
    const events = reader.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
    const arrived: string[] = []
    const arriving = (async () => {
      while (true) arrived.push(blockOf(await events.next({ within: 60_000 })))
    })().catch(() => undefined)
    const probe = async () => {
      const startedAt = performance.now()
      const [id = ''] = await write(writer, page.id, 'probe')
      await vi.waitUntil(() => arrived.includes(id), { timeout: 20_000, interval: 5 })
      return performance.now() - startedAt
    }
    await untilPrompt(probe)

    await redis.stop()
    const acknowledged = [...arrived]
    const awayUntil = performance.now() + 5_000
    let slowestMillis = 0
    while (performance.now() < awayUntil) {
      const startedAt = performance.now()
      acknowledged.push(...(await write(writer, page.id, 'meanwhile')))
      slowestMillis = Math.max(slowestMillis, performance.now() - startedAt)
      await delay(20)
    }
    await vi.waitUntil(() => arrived.length >= acknowledged.length, { timeout: 20_000 })
    expect(arrived).toEqual(acknowledged)
    expect(await readyBody(other)).toMatchObject({ ready: true })
    console.log(`${acknowledged.length} events, slowest write ${Math.round(slowestMillis)} ms`)
    expect(slowestMillis).toBeLessThan(2_000)

    await redis.start()
    await untilPrompt(probe)
    events.stop()
    await arriving
    expect(new Set(arrived).size).toBe(arrived.length)
  })
})

test('a session that ends on one node is refused by the other at its next request', async () => {
  const session = await signIn(one, writer.email)
  const elsewhere = createTestClient(other.url, () => session.tokens.accessToken)
  expect((await elsewhere.query(ViewerDocument, {})).viewer).toBeTruthy()
  const { logout } = await session.mutate(LogoutDocument, { input: {} })
  expect(logout.__typename).toBe('LogoutPayload')
  const answer = await elsewhere.send(ViewerDocument, {})
  expect(answer.data?.viewer ?? null).toBeNull()
  await Promise.all([session.close(), elsewhere.close()])
})

test('a node that stops sends its subscriber to the other, which goes on where it was', async () => {
  const env = { ...environmentOf('services', database.name, database.dataDir), REDIS_URL: redis.url }
  await using third = await startNode({ env })
  const page = await createPage(writer, 'Moving')
  const there = createTestClient(third.url, () => reader.tokens.accessToken)
  const before = there.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  const [first] = await write(writer, page.id, 'before')
  const { pageEvents } = await before.next()
  if (pageEvents.__typename !== 'BlockCreated') throw new Error(pageEvents.__typename)
  expect(pageEvents.block?.id).toBe(first)

  const stopping = third.stop()
  const last = await before.next().catch((error: unknown) => String(error))
  expect(JSON.stringify(last)).toMatch(/SERVER_RESTART|1012/)
  const [second] = await write(writer, page.id, 'after')
  const after = reader.subscribe(PageEventsDocument, { pageId: page.id, after: pageEvents.cursor })
  expect(blockOf(await after.next())).toBe(second)
  expect(await stopping).toMatchObject({ code: 0, stderr: '' })
  after.stop()
  await there.close()
})

test('neither node has logged an error', () => {
  const bad = [one, other].flatMap(({ logs }) => logs.filter(({ level }) => level === 'error' || level === 'fatal'))
  expect(bad).toEqual([])
  for (const node of [one, other]) expect(node.stdout + node.stderr).not.toMatch(/unhandled|uncaught/i)
})

function blockOf({ pageEvents }: PageEventsSubscription): string {
  if (pageEvents.__typename !== 'BlockCreated') throw new Error(`Not an event: ${JSON.stringify(pageEvents)}`)
  return pageEvents.block?.id ?? ''
}

/** Follows a page as the README tells clients to: after every cut again, from the last cursor. */
async function followThroughCuts(url: string, pageId: string, from: string) {
  const channel = pageChannel(uuidIn(writer.organizationId), uuidIn(pageId))
  const blocks: string[] = []
  const seqs: number[] = []
  let after = from
  let reconnects = -1
  const giveUpAt = performance.now() + 60_000
  while (blocks.length < eventCount) {
    if (performance.now() > giveUpAt) throw new Error(`Only ${blocks.length} events came`)
    reconnects += 1
    const client = createTestClient(url, () => reader.tokens.accessToken)
    const events = client.subscribe(PageEventsDocument, { pageId, after })
    // A cut ends the subscription, and this loop, by a rejection.
    const next = () => events.next({ within: 10_000 }).catch(() => null)
    for (let item = await next(); item !== null; item = await next()) {
      blocks.push(blockOf(item))
      if (item.pageEvents.__typename === 'BlockCreated') after = item.pageEvents.cursor
      seqs.push(decodeCursor(channel, after)?.seq ?? Number.NaN)
      if (blocks.length >= eventCount) break
    }
    await client.close()
  }
  return { blocks, seqs, reconnects }
}

/** Some writers at once, each one to three blocks at a time; answers each one's ids in the order of their making. */
async function writeMany(pageId: string, count: number, random: () => number): Promise<string[][]> {
  let left = count
  const writeOwn = async () => {
    const own: string[] = []
    while (left > 0) {
      const size = Math.min(left, 1 + Math.floor(random() * 3))
      left -= size
      own.push(...(await write(writer, pageId, ...Array.from({ length: size }, () => 'x'))))
    }
    return own
  }
  return Promise.all([writeOwn(), writeOwn(), writeOwn()])
}

/** Passes when eight events in a row are prompt; the tick alone would not make them. */
async function untilPrompt(probe: () => Promise<number>): Promise<void> {
  const giveUpAt = performance.now() + 40_000
  for (let inRow = 0; inRow < 8; ) {
    inRow = (await probe()) < promptMillis ? inRow + 1 : 0
    if (performance.now() > giveUpAt) throw new Error('Events are not prompt')
  }
}

async function readyBody({ url }: ApiNode): Promise<unknown> {
  return (await fetch(`${url}/ready`)).json()
}
