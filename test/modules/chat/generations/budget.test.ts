import { expect } from 'vitest'
import { EstimateCompletionDocument } from '../../../gql/graphql.ts'
import { openChat } from '../../../kit/test.ts'
import { creditsOf, expectSoundBooks, rates, sendAndWait, test } from '../../usage/stage.ts'
import { otherwise } from './other-model.ts'

/** What the model of these tests is to do: look at nothing, several times. */
function lookTimes(times: number) {
  const look = [{ name: 'listProjects', input: {} }]
  return JSON.stringify([...Array.from({ length: times }, () => look), 'done'])
}

test('each step may write what is asked for at most, and a model that costs nothing what it can', async ({
  clocked,
  alice,
}) => {
  const { answerTokens } = clocked.app.platform.settings.credits
  const limits = async (model: string, change: object, settings: object) => {
    const session = await openChat(alice)
    using other = otherwise(clocked, model, change)
    await sendAndWait(alice, session.id, { model, settings })
    return other.asked.map(({ maxOutputTokens }) => maxOutputTokens)
  }
  expect(await limits('scenario/words-3', {}, {})).toEqual([answerTokens])
  expect(await limits('scenario/words-3', {}, { maxTokens: 200 })).toEqual([200])
  expect(await limits('scenario/words-3', { maxOutputTokens: 1_000 }, {})).toEqual([1_000])
  expect(await limits('scenario/words-3', { maxOutputTokens: 1_000 }, { maxTokens: 200 })).toEqual([200])
  expect(await limits('scenario/words-7', { maxOutputTokens: 1_000 }, {})).toEqual([null])
})

test('what one step leaves of the budget the next ones may take, and an answer never goes beyond it', async ({
  clocked,
  alice,
}) => {
  const session = await openChat(alice)
  const usage = { inputTokens: 20_000, cachedInputTokens: 0, outputTokens: 1_000, reasoningTokens: 0 }
  using other = otherwise(clocked, 'scenario/tools', {}, (part) => (part.type === 'end' ? { ...part, usage } : part))
  const asked = { content: lookTimes(7), model: 'scenario/tools', settings: { maxTokens: 1_000, maxIterations: 8 } }
  const { estimateCompletion } = await alice.query(EstimateCompletionDocument, { input: asked })
  const answer = await sendAndWait(alice, session.id, asked)
  expect(answer).toMatchObject({ status: 'FAILED', failureCode: 'BUDGET_SPENT' })
  const limits = other.asked.map(({ maxOutputTokens }) => maxOutputTokens ?? 0)
  expect(limits[0]).toBe(1_000)
  expect(limits.length).toBeGreaterThanOrEqual(2)
  expect(limits.length).toBeLessThan(8)
  for (const limit of limits) expect([limit >= 256, limit <= 1_000]).toEqual([true, true])
  const spent = BigInt(limits.length) * (20_000n * rates.input + 1_000n * rates.output)
  const most = BigInt(estimateCompletion.costMillionths)
  expect(BigInt(answer.costMillionths ?? 0)).toBe(spent < most ? spent : most)
  await expectSoundBooks(clocked, alice)
})

test('an answer of many steps that say little comes to its end', async ({ clocked, alice }) => {
  const session = await openChat(alice)
  const settings = { maxTokens: 1_000, maxIterations: 20 }
  const answer = await sendAndWait(alice, session.id, { model: 'scenario/tools', content: lookTimes(4), settings })
  expect(answer).toMatchObject({ status: 'COMPLETED', usage: { isEstimated: true } })
  await expectSoundBooks(clocked, alice)
})

test('of a model that thinks beside what it may write, that is held for as well', async ({ clocked, alice }) => {
  const held = async (reasoning: 'NONE' | 'HIGH') => {
    const session = await openChat(alice)
    using _ = otherwise(clocked, 'scenario/stall-1', { thinksOnTop: true, maxOutputTokens: 5_000 })
    const before = await creditsOf(alice)
    void sendAndWait(alice, session.id, {
      model: 'scenario/stall-1',
      settings: { maxTokens: 100, tools: [], reasoning },
    }).catch(() => undefined)
    await expect.poll(async () => (await creditsOf(alice)).held > before.held).toBe(true)
    return (await creditsOf(alice)).held - before.held
  }
  const [none, high] = [await held('NONE'), await held('HIGH')]
  expect(high - none).toBe(4_900n * rates.reasoning)
})

test('where another model may stand in, the dearest of them is held for', async ({ clocked, alice }) => {
  const { prices } = clocked.app.platform
  const find = prices.find.bind(prices)
  const dear = { input: 9_000_000n, cachedInput: 9_000_000n, output: 9_000_000n, reasoning: 9_000_000n }
  Object.assign(prices, {
    find: (id: string) => (id === 'scenario/words-4' ? { rates: dear, version: 'dear' } : find(id)),
  })
  try {
    const session = await openChat(alice)
    using _ = otherwise(clocked, 'scenario/words-3', { fallbackIds: ['scenario/words-4'] })
    const { estimateCompletion } = await alice.query(EstimateCompletionDocument, {
      input: { content: 'Anything?', model: 'scenario/words-3', settings: { maxTokens: 100, tools: [] } },
    })
    const { costMillionths, promptTokens } = estimateCompletion
    expect(BigInt(costMillionths)).toBe((BigInt(promptTokens) + 100n) * 9n)
    const own = await sendAndWait(alice, session.id, { model: 'scenario/words-3' })
    expect(own.costMillionths).toBe(String(9n * rates.input + 3n * rates.output))
    expect(own.priceVersion).toMatch(/^own-[0-9a-f]{12}$/)
    await expectSoundBooks(clocked, alice)
  } finally {
    Object.assign(prices, { find })
  }
})
