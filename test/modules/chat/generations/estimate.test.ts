import fc from 'fast-check'
import { expect } from 'vitest'
import {
  EstimateCompletionDocument,
  type EstimateCompletionInput,
  StopGenerationDocument,
} from '../../../gql/graphql.ts'
import { codeOf } from '../../../kit/administrators.ts'
import { untilEnded } from '../../../kit/chat.ts'
import type { Client } from '../../../kit/client.ts'
import { createRandom } from '../../../kit/random.ts'
import { openChat } from '../../../kit/test.ts'
import {
  creditsOf,
  expectSoundBooks,
  lastAnswer,
  MONTHLY,
  rates,
  send,
  sendAndWait,
  short,
  test,
} from '../../usage/stage.ts'

async function estimate(person: Client, input: Partial<EstimateCompletionInput> = {}) {
  const asked = { content: 'Anything?', model: 'scenario/words-10', settings: short, ...input }
  return (await person.query(EstimateCompletionDocument, { input: asked })).estimateCompletion
}

test('an estimate is what is set aside for the same question, history and tools counted', async ({
  clocked,
  alice,
}) => {
  const session = await openChat(alice)
  const settings = [
    short,
    { maxTokens: 50 },
    { tools: ['readPage'], maxIterations: 2 },
    { reasoning: 'HIGH' as const },
    {},
  ]
  const seen = new Set<string>()
  for (const one of settings) {
    const asked = { model: 'scenario/slow-400', settings: one }
    const { costMillionths, promptTokens, isAffordable } = await estimate(alice, { sessionId: session.id, ...asked })
    expect(isAffordable).toBe(true)
    const sent = await send(alice, session.id, asked)
    if (sent.__typename !== 'SentMessage') throw new Error(JSON.stringify(sent))
    expect((await creditsOf(alice)).held).toBe(BigInt(costMillionths))
    await alice.mutate(StopGenerationDocument, { input: { messageId: sent.answer.id } })
    seen.add(`${costMillionths} ${promptTokens}`)
  }
  expect(seen.size).toBe(settings.length)
  await expectSoundBooks(clocked, alice)
})

test('no answer is charged more than its estimate, whatever is asked and however it ends', async ({
  clocked,
  alice,
}) => {
  const random = createRandom()
  console.log(`estimates: seed ${random.seed}`)
  const session = await openChat(alice)
  const question = fc.record({
    model: fc
      .constantFrom('words-30', 'think-20', 'cut-9', 'error-12', 'limited-3', 'tools', 'badjson')
      .map((kind) => `scenario/${kind}`),
    content: fc
      .string({ minLength: 1, maxLength: 300, unit: 'grapheme' })
      .filter((text) => text.trim() !== '' && !text.includes('\0')),
    settings: fc.record({
      maxTokens: fc.integer({ min: 60, max: 500 }),
      maxIterations: fc.integer({ min: 1, max: 4 }),
    }),
  })
  for (const asked of fc.sample(question, { numRuns: 25, seed: random.seed })) {
    const { costMillionths } = await estimate(alice, { sessionId: session.id, ...asked })
    const before = await creditsOf(alice)
    const answer = await sendAndWait(alice, session.id, asked)
    const charged = BigInt(answer.costMillionths ?? -1)
    expect(charged).toBeGreaterThanOrEqual(0n)
    expect(charged).toBeLessThanOrEqual(BigInt(costMillionths))
    expect(before.available - (await creditsOf(alice)).available).toBe(charged)
  }
  await expectSoundBooks(clocked, alice)
})

test('it says what a step may write, by which prices, and whether there are credits for it', async ({ alice, bob }) => {
  const one = await estimate(alice)
  expect(one).toMatchObject({ model: { id: 'scenario/words-10' }, maxOutputTokens: 100, isAffordable: true })
  expect(one.priceVersion).toMatch(/^own-/)
  expect(BigInt(one.costMillionths)).toBe(BigInt(one.promptTokens) * rates.input + 100n * rates.reasoning)
  const dear = await estimate(bob, { settings: { maxTokens: Number(MONTHLY), tools: [] } })
  expect(dear).toMatchObject({ isAffordable: false })
  const free = await estimate(bob, { model: 'scenario/words-7' })
  expect(free).toMatchObject({
    costMillionths: '0',
    priceVersion: null,
    isAffordable: true,
    promptTokens: one.promptTokens,
  })
})

test('a session that is not one’s own, an answer of another one and a model nobody knows are refused as for sending', async ({
  alice,
  stranger,
}) => {
  const session = await openChat(alice)
  const other = await openChat(alice)
  await sendAndWait(alice, other.id)
  const refusal = async (person: Client, input: Partial<EstimateCompletionInput>) => {
    const asked = { content: 'Anything?', ...input }
    return codeOf(await person.send(EstimateCompletionDocument, { input: asked }))
  }
  expect(await refusal(stranger, { sessionId: session.id })).toBe('NOT_FOUND')
  expect(await refusal(alice, { model: 'nobody/knows' })).toBe('BAD_REQUEST')
  expect(await refusal(alice, { content: ' ' })).toBe('BAD_REQUEST')
  const { id: parentId } = await lastAnswer(alice, other.id)
  expect(await refusal(alice, { sessionId: session.id, parentId })).toBe('BAD_REQUEST')
  expect(await refusal(alice, { parentId })).toBe('BAD_REQUEST')
  await untilEnded(alice, other.id)
})

test('how often one person may ask in a minute is limited', async ({ clocked, alice }) => {
  const { estimatesPerMinute } = clocked.app.platform.settings.credits
  // Twice as often, since a minute may end meanwhile.
  const input = { content: 'Anything?', model: 'scenario/words-7' }
  const codes = []
  for (let asked = 0; asked < 2 * estimatesPerMinute + 20; asked += 20) {
    const told = Array.from({ length: 20 }, () => alice.send(EstimateCompletionDocument, { input }))
    codes.push(...(await Promise.all(told)).map(codeOf))
  }
  expect(codes.filter((code) => code === null).length).toBeGreaterThanOrEqual(estimatesPerMinute)
  expect(new Set(codes)).toEqual(new Set([null, 'RATE_LIMITED']))
})
