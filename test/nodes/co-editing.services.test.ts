import { setTimeout as delay } from 'node:timers/promises'
import { createClient, type Client as SocketClient } from 'graphql-ws'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { runsOf } from '../../src/lib/rich-text.ts'
import { newSeed, seededRandom } from '../contracts/channels-rig.ts'
import { BlockDocument, EditBlockTextDocument, type EditBlockTextInput } from '../gql/graphql.ts'
import { createTestClient } from '../kit/client.ts'
import { type FaultProxy, startFaultProxy } from '../kit/fault-proxy.ts'
import { environmentOf } from '../kit/lane.ts'
import { type ApiNode, startNode } from '../kit/nodes.ts'
import { type Person, signIn, signUp } from '../kit/people.ts'
import { type PrivateService, startPrivateRedis } from '../kit/private-services.ts'
import { fromReadme } from '../kit/readme.ts'
import { copyTemplate } from '../kit/server.ts'
import { createPage, write } from '../kit/test.ts'

// Twenty writers on one text, on two nodes, with the README's own lines as their front ends and connections that are cut
// again and again. What was acknowledged is in the text in the end, once, and everybody has the same.

const isFull = process.env.FULL === '1'
const writerCount = 20
const editCount = isFull ? 30 : 10
const answersBetweenCuts = 14
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
  const [one, other] = nodes
  if (one === undefined || other === undefined) throw new Error('There are no two nodes')
  const writer = await signUp(one, 'Writer')
  people = [writer, await signIn(other, writer.email)]
})
afterAll(async () => {
  await Promise.all((people ?? []).map((person) => person.close()))
  const exits = await Promise.all((nodes ?? []).map((node) => node.stop()))
  await redis?.close()
  await database?.remove()
  vi.resetConfig()
  for (const exit of exits) expect(exit).toMatchObject({ code: 0, stderr: '' })
})

test(`${writerCount} writers on one text of two nodes lose nothing and end with the same`, async () => {
  const random = seededRandom(newSeed('co-editing'))
  const [person] = people
  if (person === undefined) throw new Error('Nobody is there')
  const page = await createPage(person, 'One text')
  const [id = ''] = await write(person, page.id, 'In the beginning 😀 there was a text.')
  const proxies = await Promise.all(
    nodes.map(({ url }) => startFaultProxy({ target: { host: '127.0.0.1', port: Number(new URL(url).port) } })),
  )
  // By what was done and not by the time: on a busy machine nothing would come between two cuts.
  let [answers, cuts] = [0, 0]
  const onAnswer = () => {
    answers += 1
    if (answers % answersBetweenCuts !== 0) return
    proxies[cuts % 2]?.cut()
    cuts += 1
  }
  const place = { pageId: page.id, after: page.eventsCursor, id, onAnswer }
  const writers = await Promise.all(
    Array.from({ length: writerCount }, (_, index) => openWriter(index, proxies[index % 2], place, random)),
  )
  onTestFinished(async () => {
    await Promise.all(writers.map(({ close }) => close()))
    await Promise.all(proxies.map((proxy) => proxy.close()))
  })

  const startedAt = performance.now()
  await Promise.all(writers.map((writer) => writeAll(writer, random)))
  await vi.waitUntil(() => writers.every(({ unsent }) => unsent.length === 0), { timeout: limitMillis, interval: 20 })
  const tookMillis = performance.now() - startedAt

  const { block } = await person.query(BlockDocument, { id })
  if (!block) throw new Error('The block is gone')
  const state = Buffer.from(block.textState, 'base64')
  await vi.waitUntil(() => writers.every(({ versions }) => versions.at(-1) === block.textVersion), {
    timeout: limitMillis,
    interval: 20,
  })
  const sent = writers.reduce((sum, { tries }) => sum + tries.length, 0)
  const reconnects = writers.reduce((sum, writer) => sum + writer.connections() - 1, 0)
  console.log(
    `${writerCount} × ${editCount} edits: ${sent} tries, ${block.textVersion - 1} changes, ${cuts} cuts, ` +
      `${reconnects} reconnects, ${state.length} bytes, ${Math.round(tookMillis)} ms`,
  )
  expect(reconnects).toBeGreaterThan(writerCount / 2)

  // One document for all: those of the writers, that of the database, and its plain text.
  const stored = runsOf(state)
  expect(stored.map(({ text }) => text).join('')).toBe(block.text)
  for (const { doc } of writers) {
    expect(runsOf(Y.encodeStateAsUpdate(doc))).toEqual(stored)
    expect(Y.encodeStateVector(doc)).toEqual(Y.encodeStateVectorFromUpdate(state))
  }
  // All that was acknowledged is there, once: nobody deletes marks.
  const acknowledged = writers.flatMap(({ marks }) => marks)
  expect(acknowledged).toHaveLength(writerCount * editCount)
  for (const mark of acknowledged) expect(block.text.split(mark), mark).toHaveLength(2)
  // Each change was told once and in order, through all cuts.
  const all = Array.from({ length: block.textVersion - 1 }, (_, index) => index + 2)
  for (const { versions } of writers) expect(versions).toEqual(all)
  expect(new Set(writers.flatMap(({ tries }) => tries))).toEqual(new Set(['Block', 'no answer']))
})

test('neither node has logged an error', () => {
  const bad = nodes.flatMap(({ logs }) => logs.filter(({ level }) => level === 'error' || level === 'fatal'))
  expect(bad).toEqual([])
  for (const node of nodes) expect(node.stdout + node.stderr).not.toMatch(/unhandled|uncaught/i)
})

interface OpenText {
  readonly doc: Y.Doc
  readonly unsent: readonly Uint8Array[]
  readonly onEvent: (event: { blockId: string; update: string }) => void
}

interface Place {
  readonly pageId: string
  readonly after: string
  readonly id: string
  /** Called for each edit that was answered. */
  readonly onAnswer: () => void
}

interface Changed {
  readonly __typename: string
  readonly cursor: string
  readonly blockId: string
  readonly update: string
  readonly textVersion: number
}

type Writer = Awaited<ReturnType<typeof openWriter>>

const watching = `subscription ($pageId: ID!, $after: Cursor) { pageEvents(pageId: $pageId, after: $after) { __typename
  ... on BlockTextChanged { cursor blockId update textVersion } ... on BlockCreated { cursor } ... on ResyncRequired { cursor } } }`

/** A front end that reads the block, then watches and types, all through a proxy. */
async function openWriter(index: number, proxy: FaultProxy | undefined, place: Place, random: () => number) {
  const person = people[index % 2]
  if (person === undefined || proxy === undefined) throw new Error('Nobody is there')
  const accessToken = () => person.tokens.accessToken
  const http = createTestClient(`http://127.0.0.1:${proxy.port}`, accessToken)
  const { block } = await person.query(BlockDocument, { id: place.id })
  const tries: string[] = []
  // By the update that brings it, as it is sent.
  const marksOf = new Map<string, string>()
  const marks: string[] = []
  const editBlockText = async (input: EditBlockTextInput) => {
    try {
      const { editBlockText: result } = await http.mutate(EditBlockTextDocument, { input })
      tries.push(result.__typename)
      place.onAnswer()
      const mark = marksOf.get(input.update)
      if (result.__typename === 'Block' && mark !== undefined) marks.push(mark)
      return result
    } catch (error) {
      // A cut has no status; whatever else fails is no part of this.
      tries.push(error instanceof TypeError ? 'no answer' : String(error))
      throw error
    }
  }
  const retryLater = () => delay(5 + random() * 20)
  const openText = fromReadme<(of: unknown) => OpenText>('text', 'openText', { Y, editBlockText, retryLater })
  const open = openText(block)
  let connected = 0
  const client = fromReadme<SocketClient>('resume', 'resuming', {
    createClient: (options: Parameters<typeof createClient>[0]) =>
      createClient({
        ...options,
        webSocketImpl: WebSocket,
        retryWait: () => delay(random() * 30),
        on: { connected: () => void connected++ },
      }),
    url: `ws://127.0.0.1:${proxy.port}/graphql`,
    accessToken,
  })
  const versions: number[] = []
  const ends: unknown[] = []
  const { pageId, after } = place
  client.subscribe<{ pageEvents: Changed }>(
    { query: watching, variables: { pageId, after } },
    {
      next: ({ data }) => {
        if (data?.pageEvents.__typename !== 'BlockTextChanged') return
        versions.push(data.pageEvents.textVersion)
        open.onEvent(data.pageEvents)
      },
      error: (reason) => ends.push(reason),
      complete: () => ends.push('complete'),
    },
  )
  const close = async () => {
    expect(ends).toEqual([])
    await client.dispose()
    await http.close()
  }
  return { ...open, index, tries, marks, marksOf, versions, connections: () => connected, close }
}

/** Types, deletes and formats at random, never within a mark: `[3.17]`. */
async function writeAll({ doc, index, marksOf, unsent }: Writer, random: () => number): Promise<void> {
  const text = doc.getText('text')
  for (let count = 0; count < editCount; count += 1) {
    await delay(random() * 40)
    const mark = `[${index}.${count}]`
    const places = betweenMarks(text.toString())
    const from = random() * places.length
    const [start = 0, end = start] = [places[Math.floor(from)], places[Math.floor(from) + Math.floor(random() * 4)]]
    doc.transact(() => {
      // Only what has no mark in it.
      if (end > start && !/[[\]]/.test(text.toString().slice(start, end))) text.delete(start, end - start)
      const filler = ['a', 'é ', '😀', '👩‍👧'][Math.floor(random() * 4)] ?? ''
      text.insert(start, `${filler}${mark}${filler}`, random() < 0.3 ? { bold: true } : {})
      if (random() < 0.2) text.format(0, start, { italic: random() < 0.5 ? true : null })
    })
    const update = unsent.at(-1)
    if (update !== undefined) marksOf.set(Buffer.from(update).toString('base64'), mark)
  }
}

/** Where something can be typed: at the edges of characters and of marks. */
function betweenMarks(text: string): number[] {
  const places = [0]
  for (const [part] of text.matchAll(/\[\d+\.\d+\]|./gsu)) places.push((places.at(-1) ?? 0) + part.length)
  return places
}
