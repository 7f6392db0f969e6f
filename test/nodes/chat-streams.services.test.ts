import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { scenarioText } from '../../src/platform/model-scenarios.ts'
import { newSeed, seededRandom } from '../contracts/channels-rig.ts'
import { lastMessage } from '../kit/chat.ts'
import { startFaultProxy } from '../kit/fault-proxy.ts'
import { createFollower, type Follower } from '../kit/follower.ts'
import { environmentOf } from '../kit/lane.ts'
import { type ApiNode, startNode } from '../kit/nodes.ts'
import { type Person, signIn, signUp } from '../kit/people.ts'
import { type PrivateService, startPrivateRedis } from '../kit/private-services.ts'
import { copyTemplate } from '../kit/server.ts'
import { ask, openChat } from '../kit/test.ts'

// Many answers at once on two nodes, each followed by a client that loses its connection in the middle of it, again and
// again, and comes back to the other node: what it has in the end is the answer, byte for byte.

const isFull = process.env.FULL === '1'
const streamCount = isFull ? 200 : 20
const cutCount = 3
const tokenCount = 600
const limitMillis = isFull ? 240_000 : 60_000

vi.setConfig({ testTimeout: 2 * limitMillis, hookTimeout: 120_000 })

let database: Awaited<ReturnType<typeof copyTemplate>>
let redis: PrivateService
let nodes: readonly ApiNode[]
let people: readonly Person[]

beforeAll(async () => {
  database = await copyTemplate()
  redis = await startPrivateRedis()
  const env = { ...environmentOf('services', database.name, database.dataDir), REDIS_URL: redis.url }
  nodes = await Promise.all([startNode({ env }), startNode({ env })])
  const writer = await signUp(at(nodes, 0), 'Writer')
  people = [writer, await signIn(at(nodes, 1), writer.email)]
})
afterAll(async () => {
  await Promise.all((people ?? []).map((person) => person.close()))
  const exits = await Promise.all((nodes ?? []).map((node) => node.stop()))
  await redis?.close()
  await database?.remove()
  vi.resetConfig()
  for (const exit of exits) expect(exit).toMatchObject({ code: 0, stderr: '' })
})

test(`${streamCount} answers reach clients whole and once through ${cutCount} cuts each`, async () => {
  const random = seededRandom(newSeed('cut streams'))
  const startedAt = performance.now()
  const streams = await Promise.all(Array.from({ length: streamCount }, (_, index) => followThroughCuts(index, random)))
  const tookMillis = performance.now() - startedAt

  for (const { follower, answerId, whole, message } of streams) {
    expect(follower.faults).toEqual({ holes: 0, repeats: 0 })
    expect(message).toMatchObject({ id: answerId, status: 'COMPLETED', content: whole })
    expect(follower.texts.get(answerId)).toBe(whole)
  }
  const midAnswer = streams.reduce((sum, { midAnswerCuts }) => sum + midAnswerCuts, 0)
  const resyncs = streams.reduce((sum, { follower }) => sum + follower.resyncs, 0)
  console.log(
    `${streamCount} answers of ${tokenCount} tokens: ${streamCount * cutCount} cuts, ${midAnswer} of them before the ` +
      `client knew the end, ${resyncs} resyncs, ${Math.round(tookMillis)} ms`,
  )
  expect(midAnswer).toBeGreaterThan(streamCount)
  expect(resyncs).toBe(0)

  // Another answer in each session: whoever was told an end twice has heard of it by the end of that, on the connection
  // that was cut as on a fresh one from the beginning.
  await Promise.all(streams.map((stream, index) => expectOneEnd(stream, index)))
})

test('neither node has logged an error', () => {
  const bad = nodes.flatMap(({ logs }) => logs.filter(({ level }) => level === 'error' || level === 'fatal'))
  expect(bad).toEqual([])
  for (const node of nodes) expect(node.stdout + node.stderr).not.toMatch(/unhandled|uncaught/i)
})

type Stream = Awaited<ReturnType<typeof followThroughCuts>>

/** Asks on one node and follows from both in turn; cut at places of the text, so that cuts come in the middle of it. */
async function followThroughCuts(index: number, random: () => number) {
  const person = at(people, index)
  const content = 'x'.repeat(1 + (index % 11))
  const whole = scenarioText(tokenCount, content)
  const places = Array.from({ length: cutCount }, () => Math.floor(random() * whole.length * 0.9))
  const pauses = places.map(() => random() * 300)
  const isReset = places.map(() => random() < 0.5)
  const session = await openChat(person)
  const follower = createFollower(session.id, session.eventsCursor, () => person.tokens.accessToken)
  onTestFinished(() => follower.close())
  const answerId = await ask(person, session, `scenario/words-${tokenCount}`, content)
  let midAnswerCuts = 0
  for (const [turn, place] of places.toSorted((a, b) => a - b).entries()) {
    const cut = await connectCuttably(follower, at(nodes, index + turn + 1), isReset[turn] === true)
    await follower.untilLength(answerId, place, limitMillis)
    if (follower.ends.length === 0) midAnswerCuts += 1
    await cut()
    await delay(pauses[turn])
  }
  follower.connect(at(nodes, index + cutCount + 1).url)
  await follower.untilEnd(answerId, limitMillis)
  return { session, follower, answerId, whole, midAnswerCuts, message: await lastMessage(person, session.id) }
}

/** Connects, directly or through a proxy that resets; answers how to cut that. */
async function connectCuttably(follower: Follower, node: ApiNode, isReset: boolean): Promise<() => Promise<void>> {
  if (!isReset) {
    const { cut } = follower.connect(node.url)
    return async () => cut()
  }
  const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port: Number(new URL(node.url).port) } })
  onTestFinished(() => proxy.close())
  const { ended, cut } = follower.connect(`http://127.0.0.1:${proxy.port}`)
  return async () => {
    await proxy.close()
    // A connection that was not there yet fails by itself.
    await ended
    cut()
  }
}

async function expectOneEnd({ session, follower, answerId, whole }: Stream, index: number): Promise<void> {
  const person = at(people, index)
  const nextId = await ask(person, session, 'scenario/words-1', 'And?')
  const fresh = createFollower(session.id, session.eventsCursor, () => person.tokens.accessToken)
  fresh.connect(at(nodes, index).url)
  try {
    for (const one of [follower, fresh]) {
      await one.untilEnd(nextId, limitMillis)
      expect(one.ends.map(({ id }) => id)).toEqual([answerId, nextId])
      expect(one.texts.get(answerId)).toBe(whole)
      expect(one.ends[0]).toMatchObject({ status: 'COMPLETED', content: whole })
    }
  } finally {
    fresh.close()
    follower.close()
  }
}

function at<Value>(list: readonly Value[], index: number): Value {
  const value = list[index % list.length]
  if (value === undefined) throw new Error('The list is empty')
  return value
}
