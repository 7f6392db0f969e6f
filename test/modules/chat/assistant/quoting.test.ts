import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Embedder, EmbedderBusy } from '../../../../src/platform/embedder.ts'
import { wordEmbedder } from '../../../kit/fakes.ts'
import { type Person, signUp } from '../../../kit/people.ts'
import { startServer, type TestServer } from '../../../kit/server.ts'
import { ask, byWordsAlone, expectCited, nothing, publish, publishIn } from './stage.ts'

// What is quoted for what it means, by a model that knows some words which mean the same.

const synonyms = new Map([
  ['vacation', 'leave'],
  ['holidays', 'leave'],
  ['entitlement', 'days'],
  ['annual', 'year'],
])
/** How many texts were embedded at once for somebody who waits. */
const urgent: number[] = []
let isBusy = false

function synonymEmbedder(): Embedder {
  const words = wordEmbedder()
  const plain = (text: string) => text.toLowerCase().replace(/\p{L}+/gu, (word) => synonyms.get(word) ?? word)
  return {
    ...words,
    id: 'fake/synonyms',
    embed: async (texts, options) => {
      if (options.urgentFor !== undefined) urgent.push(texts.length)
      // The question itself is still embedded: what is near is known, and no longer how near.
      if (isBusy && texts.length > 1 && options.urgentFor !== undefined) throw new EmbedderBusy()
      return words.embed(texts.map(plain), options)
    },
  }
}

let server: TestServer
let alice: Person

beforeAll(async () => {
  server = await startServer({ embedder: synonymEmbedder() })
})
afterAll(async () => {
  await server.close()
})
beforeEach(async () => {
  alice = await signUp(server, 'Alice')
  return () => alice.close()
})

test('what is said in other words is quoted, by the sentence', async () => {
  const page = await publish(
    alice,
    'Contracts',
    'Everybody has 30 days of paid leave a year. The lamp in the kitchen is green.',
    'The cat of the office sleeps on the printer.',
  )
  const answer = await ask(server, alice, 'annual vacation entitlement')
  expectCited(answer, page)
  expect(answer.quotes).toEqual(['Everybody has 30 days of paid leave a year.'])
})

test('what stands under a heading that says it in other words is quoted', async () => {
  const page = await publish(alice, '', '# Holidays', 'Thirty.', '# Kitchen', 'Green.')
  const answer = await ask(server, alice, 'vacation')
  expectCited(answer, page)
  expect(answer.quotes).toEqual(['Thirty.'])
})

test('what is merely near is not quoted', async () => {
  // Two words of three: a cosine of 0.52.
  await publish(alice, 'Harbour', 'Ships leave all year.')
  expect((await ask(server, alice, 'annual vacation entitlement')).text).toBe(nothing)
})

test('what has only some of the words is quoted unless it means something else', async () => {
  // Cosines of 0.38 and 0.21.
  const page = await publish(alice, 'Rule', 'The captain has 30 days on land, in summer, after a journey.')
  await publish(alice, 'Rule', 'The captain of the old ferry paints birds.')
  const answer = await ask(server, alice, 'captain entitlement')
  expectCited(answer, page)
  expect(answer.quotes).toHaveLength(1)
  expect((await ask(byWordsAlone(server), alice, 'captain entitlement')).quotes).toHaveLength(2)
})

test('a page in a language that the model does not read is quoted for its words alone', async () => {
  const page = await publishIn('de', alice, 'Leave', 'Leave 30 days year.')
  expect((await ask(server, alice, 'annual vacation entitlement')).text).toBe(nothing)
  expectCited(await ask(server, alice, 'Leave?'), page)
})

test('a sentence that the model does not read costs the others nothing', async () => {
  const fact = 'Everybody has 30 days of paid leave a year.'
  const page = await publish(alice, 'Rule', `${fact} 每个人每年都有三十天的带薪休假。`)
  const answer = await ask(server, alice, 'annual vacation entitlement')
  expectCited(answer, page)
  expect(answer.quotes).toEqual([fact])
})

test('a model that has too much to do leaves what is found by words', async () => {
  const page = await publish(alice, 'Leave', 'Everybody has 30 days of paid leave a year.')
  const [sure, unsure] = ['Who has paid leave?', 'annual vacation entitlement']
  for (const question of [sure, unsure]) expectCited(await ask(server, alice, question), page)
  isBusy = true
  try {
    expectCited(await ask(server, alice, sure), page)
    expect((await ask(server, alice, unsure)).text).toBe(nothing)
  } finally {
    isBusy = false
  }
})

test('of however much that is near 40 sentences are compared', async () => {
  const sentences = Array.from({ length: 9 }, (_, index) => `Days of leave a year: ${index}.`).join(' ')
  await publish(alice, 'Leave', ...Array.from({ length: 30 }, (_, index) => `${index}. ${sentences}`))
  urgent.length = 0
  const answer = await ask(server, alice, 'annual vacation entitlement')
  expect(answer.quotes.length).toBeGreaterThan(1)
  expect(urgent).toEqual([1, 41])
})
