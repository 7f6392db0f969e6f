import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { scenarioText } from '../../src/platform/model-scenarios.ts'
import { newSeed, seededRandom } from '../contracts/channels-rig.ts'
import { ChatSessionDocument, PageDocument, type PageQuery } from '../gql/graphql.ts'
import { lastMessage } from '../kit/chat.ts'
import { createTestClient } from '../kit/client.ts'
import { createFollower } from '../kit/follower.ts'
import { environmentOf } from '../kit/lane.ts'
import { type ApiNode, startNode } from '../kit/nodes.ts'
import { type Person, signUp } from '../kit/people.ts'
import { copyTemplate } from '../kit/server.ts'
import { ask, createPage, openChat, write } from '../kit/test.ts'

// What becomes of answers, and of all that was acknowledged, when a server with the embedded database stops or is killed.

const isFull = process.env.FULL === '1'
const killCount = isFull ? 20 : 2
const stopLimitMillis = 15_000
const leaseSeconds = 3
/** A server that comes back finds the lease of a stranded answer over, or waits for its end and one look more. */
const strandedLimitMillis = (leaseSeconds * 1_000 * 4) / 3
// The text is written down every second; the rest is for the writing.
const lossLimitMillis = 1_500
const eventLimitMillis = 30_000
// Longer than any of the tests lets it run: 20 s.
const longAnswer = 4_000
const question = 'Still there?'

vi.setConfig({ testTimeout: isFull ? 600_000 : 120_000, hookTimeout: 120_000 })

let database: Awaited<ReturnType<typeof copyTemplate>>
let environment: Record<string, string>
let account: Person
const whole = scenarioText(longAnswer, question)

beforeAll(async () => {
  database = await copyTemplate()
  environment = environmentOf('embedded', database.name, database.dataDir)
  await using node = await startNode({ env: environment })
  account = await signUp(node, 'Keeper')
  await account.close()
  expect(await node.stop()).toMatchObject({ code: 0, stderr: '' })
})
afterAll(async () => {
  await database?.remove()
  vi.resetConfig()
})

test('a server that is told to stop ends the answer it is writing, and its watcher comes to know', async () => {
  await using node = await startNode({ env: environment })
  const person = personAt(node)
  const session = await openChat(person)
  const follower = createFollower(session.id, session.eventsCursor, () => account.tokens.accessToken)
  const { ended } = follower.connect(node.url)
  const answerId = await ask(person, session, `scenario/words-${longAnswer}`, question)
  await follower.untilLength(answerId, 300, eventLimitMillis)
  const exit = await node.stop()
  console.log(`stop in the middle of an answer: ${Math.round(exit.tookMillis)} ms`)
  expect(exit).toMatchObject({ code: 0, stderr: '' })
  expect(exit.tookMillis).toBeLessThan(stopLimitMillis)
  await ended
  const seen = follower.texts.get(answerId) ?? ''

  await using again = await startNode({ env: environment })
  const later = personAt(again)
  // At once: the lease of this one is of 15 s, and nobody waits for it.
  const { content = '', status } = (await lastMessage(later, session.id)) ?? {}
  expect(status).toBe('INTERRUPTED')
  expect(whole.startsWith(content)).toBe(true)
  expect(content.startsWith(seen)).toBe(true)
  follower.connect(again.url)
  await follower.untilEnd(answerId, eventLimitMillis)
  expect(follower.ends).toMatchObject([{ id: answerId, status: 'INTERRUPTED', content }])
  expect(follower.texts.get(answerId)).toBe(content)
  expect(follower.faults).toEqual({ holes: 0, repeats: 0 })
  follower.close()
  await Promise.all([person.close(), later.close()])
  expect(await again.stop()).toMatchObject({ code: 0, stderr: '' })
})

test(`a server that is killed in the middle of writes comes back with all it had acknowledged, ${killCount} times`, async () => {
  const random = seededRandom(newSeed('killed embedded server'))
  const env = { ...environment, GENERATION_LEASE_SECONDS: `${leaseSeconds}` }
  const figures: Figures[] = []
  let node = await startNode({ env })
  try {
    for (let round = 0; round < killCount; round++) {
      const before = await writeUntilKilled(node, random)
      node = await startNode({ env })
      figures.push(await expectAllThere(node, before))
    }
    expect(await node.stop()).toMatchObject({ code: 0, stderr: '' })
  } finally {
    await node.kill()
  }
  const all = (of: (figure: Figures) => number) => figures.map((figure) => Math.round(of(figure)))
  console.log(
    `${killCount} kills: ${sum(all((f) => f.blocks))} blocks and ${sum(all((f) => f.questions))} questions acknowledged, none ` +
      `lost; restarts of at most ${Math.max(...all((f) => f.startMillis))} ms; stranded answers ended at most ` +
      `${Math.max(...all((f) => f.strandedMillis))} ms after that, without at most the last ` +
      `${Math.max(...all((f) => f.lossMillis))} ms of text`,
  )
  expect(Math.max(...all((f) => f.strandedMillis))).toBeLessThan(strandedLimitMillis)
  expect(Math.max(...all((f) => f.lossMillis))).toBeLessThan(lossLimitMillis)
})

interface Figures {
  readonly blocks: number
  readonly questions: number
  readonly startMillis: number
  readonly strandedMillis: number
  readonly lossMillis: number
}

type Before = Awaited<ReturnType<typeof writeUntilKilled>>

/** Writes blocks and asks questions beside a long answer, kills the server somewhere in that; answers what was acknowledged. */
async function writeUntilKilled(node: ApiNode, random: () => number) {
  const person = personAt(node)
  const session = await openChat(person)
  const follower = createFollower(session.id, session.eventsCursor, () => account.tokens.accessToken)
  follower.connect(node.url)
  const askedAt = performance.now()
  const strandedId = await ask(person, session, `scenario/words-${longAnswer}`, question)
  const page = await createPage(person, 'Before the kill')
  const blocks: string[] = []
  const questions: { sessionId: string; answerId: string }[] = []
  let isKilled = false
  const untilKilled = async (step: () => Promise<void>) => {
    try {
      while (!isKilled) await step()
    } catch (error) {
      if (!isKilled) throw error
    }
  }
  const writing = Promise.all([
    untilKilled(async () => void blocks.push(...(await write(person, page.id, 'one')))),
    untilKilled(async () => void blocks.push(...(await write(person, page.id, 'two', 'three')))),
    untilKilled(async () => {
      const { id } = await openChat(person)
      questions.push({ sessionId: id, answerId: await ask(person, { id }, 'scenario/words-1') })
    }),
  ])
  const killing = (async () => {
    await vi.waitUntil(() => blocks.length > 2 && questions.length > 1, { timeout: eventLimitMillis, interval: 5 })
    await follower.untilLength(strandedId, 300, eventLimitMillis)
    await delay(random() * 1_500)
    isKilled = true
    const killedAt = performance.now()
    await node.kill()
    return killedAt
  })()
  const [killedAt] = await Promise.all([killing, writing])
  follower.close()
  await person.close()
  return { session, follower, askedAt, strandedId, pageId: page.id, blocks, questions, killedAt }
}

async function expectAllThere(node: ApiNode, before: Before): Promise<Figures> {
  const readyAt = performance.now()
  const { follower, askedAt, strandedId, blocks, questions, killedAt, session } = before
  follower.connect(node.url)
  const person = personAt(node)
  const found = await blocksOf(person, before.pageId)
  expect(blocks.filter((id) => !found.has(id))).toEqual([])

  await follower.untilEnd(strandedId, eventLimitMillis)
  const strandedMillis = performance.now() - readyAt
  const { content = '', status } = (await lastMessage(person, session.id)) ?? {}
  expect(status).toBe('INTERRUPTED')
  expect(whole.startsWith(content)).toBe(true)
  expect(follower.ends).toMatchObject([{ id: strandedId, status: 'INTERRUPTED', content }])
  expect(follower.texts.get(strandedId) ?? '').toBe(content)
  expect(follower.faults).toEqual({ holes: 0, repeats: 0 })
  follower.close()
  for (const { sessionId, answerId } of questions) await expectEnded(person, sessionId, answerId)
  await person.close()

  expect(node.stderr).toBe('')
  expect(node.logs.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
  const kept = follower.growth.filter(({ at, length }) => at <= killedAt && length <= content.length)
  // What was lost was written after the last of what stays had been shown, or after the question.
  const lossMillis = killedAt - Math.max(askedAt, ...kept.map(({ at }) => at))
  return {
    blocks: blocks.length,
    questions: questions.length,
    startMillis: node.startMillis,
    strandedMillis,
    lossMillis,
  }
}

/** The question stands, and its answer has ended one way or the other, or does so with its lease. */
async function expectEnded(person: Person, id: string, answerId: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const { chatSession } = await person.query(ChatSessionDocument, { id, last: 5 })
      const [asked, answer] = chatSession?.messages.nodes ?? []
      expect(asked).toMatchObject({ role: 'USER', content: 'Anything?', status: 'COMPLETED' })
      expect(answer?.id).toBe(answerId)
      expect(answer?.status).toMatch(/^(COMPLETED|INTERRUPTED)$/)
    },
    { timeout: 2 * strandedLimitMillis, interval: 50 },
  )
}

async function blocksOf(person: Person, id: string): Promise<Set<string>> {
  const found = new Set<string>()
  let after: string | null = null
  do {
    const { page }: PageQuery = await person.query(PageDocument, { id, first: 100, after })
    for (const block of page?.blocks.nodes ?? []) found.add(block.id)
    after = page?.blocks.pageInfo.hasNextPage === true ? (page.blocks.pageInfo.endCursor ?? null) : null
  } while (after !== null)
  return found
}

/** The one person, with connections of their own to a server. */
function personAt(node: ApiNode): Person {
  return { ...account, ...createTestClient(node.url, () => account.tokens.accessToken) }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
