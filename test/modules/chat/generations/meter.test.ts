import { expect, test } from 'vitest'
import { tapeOf } from '../../../../src/lib/answer-tape.ts'
import type { Budget } from '../../../../src/modules/chat/generations/budget.service.ts'
import { createMeter, firstReading, spentBy } from '../../../../src/modules/chat/generations/meter.service.ts'

const M = 1_000_000n
const cheap = { input: 2n * M, cachedInput: M, output: 5n * M, reasoning: 7n * M }
const dear = { input: 20n * M, cachedInput: 10n * M, output: 50n * M, reasoning: 70n * M }
const budget: Budget = {
  version: 'a test',
  rates: new Map([
    ['openai/gpt-5', cheap],
    ['anthropic/claude-opus-5-5', dear],
  ]),
  most: 100_000n,
  promptTokens: 100,
  maxOutputTokens: 1_000,
  thoughtTokens: 0,
}
const usage = { inputTokens: 10, cachedInputTokens: 4, outputTokens: 20, reasoningTokens: 5 }

test('each step is counted at the price of whoever wrote it', () => {
  const meter = createMeter(budget)
  meter.begin({ modelId: 'openai/gpt-5', promptTokens: 100, at: 0 })
  meter.end(usage)
  expect(meter.reading).toEqual({ cost: String(6 * 2 + 4 + 15 * 5 + 5 * 7), running: null })
  meter.begin({ modelId: 'openai/gpt-5', promptTokens: 200, at: 30 })
  meter.begin({ modelId: 'anthropic/claude-opus-5-5', promptTokens: 200, at: 30 })
  meter.end(usage)
  expect(meter.reading?.cost).toBe(String(126 * 11))
  expect(meter.usage).toEqual({ inputTokens: 20, cachedInputTokens: 8, outputTokens: 40, reasoningTokens: 10 })
  // Of one that nobody priced the dearest counts.
  meter.begin({ modelId: 'nobody/knows', promptTokens: 1, at: 60 })
  meter.end(usage)
  expect(meter.reading?.cost).toBe(String(126 * 21))
})

test('what is left affords less the more was spent, and at last no further step', () => {
  const meter = createMeter(budget)
  const affordable = () => meter.affordable(budget, 100)
  expect(affordable()).toBe(1_000)
  for (const spent of [400, 400]) {
    meter.begin({ modelId: 'anthropic/claude-opus-5-5', promptTokens: 0, at: 0 })
    meter.end({ inputTokens: 0, cachedInputTokens: 0, outputTokens: spent, reasoningTokens: 0 })
  }
  expect(affordable()).toBe(Math.floor((100_000 - 40_000 - 2_000) / 70))
  meter.begin({ modelId: 'anthropic/claude-opus-5-5', promptTokens: 0, at: 0 })
  meter.end({ inputTokens: 0, cachedInputTokens: 0, outputTokens: 1_000, reasoningTokens: 0 })
  expect(affordable()).toBeNull()
})

test('an answer that costs nothing has tokens, and no reading', async () => {
  const meter = createMeter(null)
  meter.begin({ modelId: 'embedded/extractive', promptTokens: 0, at: 0 })
  meter.end(usage)
  expect([meter.reading, meter.usage]).toEqual([null, usage])
  expect(await spentBy('something', null, usage)).toMatchObject({ cost: null, unfinished: null, usage })
})

test('whoever ends an answer charges all that is on its tape behind the steps that have ended', async () => {
  const tape = tapeOf({ text: 'The sea is deep.', thoughts: [{ at: 0, text: 'How deep is it?' }] })
  const first = firstReading(budget, 'openai/gpt-5')
  const spent = await spentBy(tape, first, null)
  expect(spent).toMatchObject({ cost: 0n, unfinished: { modelId: 'openai/gpt-5', usage: { inputTokens: 100 } } })
  expect(spent.unfinished?.usage.outputTokens).toBeGreaterThan(7)
  expect(spent.usage).toEqual(spent.unfinished?.usage)
  // Nothing was shown of it.
  expect(await spentBy('', first, null)).toEqual({ cost: 0n, unfinished: null, usage: null })
  const second = { cost: '55', running: { modelId: 'openai/gpt-5', promptTokens: 7, at: tape.length - 5 } }
  const rest = await spentBy(tape, second, usage)
  expect(rest).toMatchObject({ cost: 55n, unfinished: { usage: { inputTokens: 7 } } })
  expect(rest.usage?.inputTokens).toBe(17)
  expect(await spentBy(tape, { cost: '55', running: null }, usage)).toMatchObject({ cost: 55n, unfinished: null })
})

test('what is counted rather too high before is counted as it is afterwards, but for what OpenAI counts the same', async () => {
  const promptOf = async (modelId: string) => {
    const { unfinished } = await spentBy('x', { cost: '0', running: { modelId, promptTokens: 140, at: 0 } }, null)
    return unfinished?.usage.inputTokens
  }
  expect(await promptOf('openai/gpt-5')).toBe(140)
  expect(await promptOf('anthropic/claude-opus-5-5')).toBe(100)
})

test('what an earlier version kept as a count and is none spoils no end', async () => {
  const spoiled = { inputTokens: 12.5, cachedInputTokens: -1, outputTokens: 3e9, reasoningTokens: null }
  const { usage: kept } = await spentBy('', null, spoiled)
  expect(kept).toMatchObject({ inputTokens: null, cachedInputTokens: null, outputTokens: 2 ** 31 - 1 })
})
