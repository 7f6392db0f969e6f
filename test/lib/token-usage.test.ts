import { expect, test } from 'vitest'
import { sumOfUsage } from '../../src/lib/token-usage.ts'

const one = { inputTokens: 1, cachedInputTokens: 2, outputTokens: 3, reasoningTokens: 4 }
const nothing = { inputTokens: null, cachedInputTokens: null, outputTokens: null, reasoningTokens: null }

test('what two steps took is added up by kind', () => {
  const other = { inputTokens: 10, cachedInputTokens: 20, outputTokens: 30, reasoningTokens: 40 }
  const sum = { inputTokens: 11, cachedInputTokens: 22, outputTokens: 33, reasoningTokens: 44 }
  expect(sumOfUsage(one, other)).toEqual(sum)
})

test('with none at all it is the other, and of neither there is none', () => {
  expect(sumOfUsage(one, null)).toBe(one)
  expect(sumOfUsage(null, one)).toBe(one)
  expect(sumOfUsage(null, null)).toBeNull()
})

test('a kind that only one of them counted is what that one counted, and one that neither did stays unknown', () => {
  expect(sumOfUsage(one, nothing)).toEqual(one)
  expect(sumOfUsage(nothing, nothing)).toEqual(nothing)
  expect(sumOfUsage({ ...nothing, outputTokens: 0 }, nothing)).toEqual({ ...nothing, outputTokens: 0 })
})

test('it is estimated once either of them is, and else says nothing of that', () => {
  const estimated = { ...one, isEstimated: true }
  expect(sumOfUsage(one, estimated)?.isEstimated).toBe(true)
  expect(sumOfUsage(estimated, one)?.isEstimated).toBe(true)
  expect(sumOfUsage({ ...one, isEstimated: false }, one)).not.toHaveProperty('isEstimated')
})
