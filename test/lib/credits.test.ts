import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  affordableTokens,
  costOf,
  dearestOf,
  decimalText,
  lesserOf,
  MOST_MILLIONTHS,
  millionthsOf,
  monthOf,
  nextMonth,
  type Rates,
  ratesOfText,
  ratesText,
  worstCostOf,
} from '../../src/lib/credits.ts'
import type { TokenUsage } from '../../src/lib/token-usage.ts'

const seed = Date.now() % 2 ** 31
console.log(`credits: seed ${seed}`)

/** Each kind with a price that shows in a sum. */
const rates: Rates = { input: 3_000_000n, cachedInput: 1_000_000n, output: 500_000_000n, reasoning: 70_000_000_000n }
const none = { inputTokens: null, cachedInputTokens: null, outputTokens: null, reasoningTokens: null }

const someRate = fc.bigInt({ min: 1n, max: 1_000_000_000_000n })
const someRates = fc.record({ input: someRate, cachedInput: someRate, output: someRate, reasoning: someRate })
const someTokens = fc.nat({ max: 10_000_000 })
/** What a provider may say where it should say how many: anything that is a number, or nothing. */
const someCount = fc.oneof(fc.constant(null), fc.double(), fc.integer({ min: -5, max: 5 }), someTokens)

describe('what tokens cost', () => {
  test('is by their kind: what is cached and what is thought are part of the whole', () => {
    expect(costOf(rates, { ...none, inputTokens: 10 })).toBe(30n)
    expect(costOf(rates, { ...none, inputTokens: 10, cachedInputTokens: 4 })).toBe(6n * 3n + 4n)
    expect(costOf(rates, { ...none, outputTokens: 10 })).toBe(5_000n)
    expect(costOf(rates, { ...none, outputTokens: 10, reasoningTokens: 4 })).toBe(6n * 500n + 4n * 70_000n)
    expect(costOf(rates, none)).toBe(0n)
  })

  test('is rounded up, once and not for each kind', () => {
    const tiny: Rates = { input: 1n, cachedInput: 1n, output: 1n, reasoning: 1n }
    expect(costOf(tiny, { ...none, inputTokens: 1 })).toBe(1n)
    expect(
      costOf(tiny, { inputTokens: 400_000, cachedInputTokens: 200_000, outputTokens: 600_000, reasoningTokens: 1 }),
    ).toBe(1n)
    expect(costOf(tiny, { ...none, inputTokens: 400_000, outputTokens: 600_001 })).toBe(2n)
  })

  test('is exact beyond what a float can hold', () => {
    const dear: Rates = { ...rates, input: 999_999_999_999n }
    const inputTokens = Number.MAX_SAFE_INTEGER
    expect(costOf(dear, { ...none, inputTokens })).toBe(
      (BigInt(inputTokens) * 999_999_999_999n + 999_999n) / 1_000_000n,
    )
  })

  test.each([Number.NaN, -1, -1e300, 1e300, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5, 2 ** 53])(
    'is nothing for a count of %s',
    (count) => {
      const usage = { inputTokens: count, cachedInputTokens: count, outputTokens: count, reasoningTokens: count }
      expect(costOf(rates, usage)).toBe(0n)
      expect(costOf(rates, { ...usage, inputTokens: 10, outputTokens: 10 })).toBe(30n + 5_000n)
    },
  )

  test('takes no more for cached or thought than there is of the whole', () => {
    expect(costOf(rates, { ...none, inputTokens: 5, cachedInputTokens: 9 })).toBe(5n)
    expect(costOf(rates, { ...none, outputTokens: 5, reasoningTokens: 9 })).toBe(5n * 70_000n)
    expect(costOf(rates, { ...none, cachedInputTokens: 9, reasoningTokens: 9 })).toBe(0n)
  })
})

describe('the most that something can cost', () => {
  test('is never below what anything within its bounds costs, whatever was counted', () => {
    const bounded = fc.record({ promptTokens: someTokens, outputTokens: someTokens })
    const counts = fc.record({
      inputTokens: someCount,
      cachedInputTokens: someCount,
      outputTokens: someCount,
      reasoningTokens: someCount,
    })
    const property = fc.property(someRates, bounded, counts, (some, { promptTokens, outputTokens }, counted) => {
      const within = (count: number | null, most: number) => (count !== null && count > most ? most : count)
      const usage: TokenUsage = {
        ...counted,
        inputTokens: within(counted.inputTokens, promptTokens),
        outputTokens: within(counted.outputTokens, outputTokens),
      }
      const cost = costOf(some, usage)
      expect(cost).toBeGreaterThanOrEqual(0n)
      expect(worstCostOf(some, promptTokens, outputTokens)).toBeGreaterThanOrEqual(cost)
    })
    fc.assert(property, { seed, numRuns: 500 })
  })

  test('goes by the dearer kind, whichever that is', () => {
    expect(worstCostOf(rates, 10, 10)).toBe(10n * 3n + 10n * 70_000n)
    const other: Rates = { ...rates, cachedInput: rates.input * 2n, reasoning: 1n }
    expect(worstCostOf(other, 10, 10)).toBe(10n * 6n + 10n * 500n)
  })

  test('is what tokens can be had for: one more would be more than there is', () => {
    const property = fc.property(
      someRates,
      someTokens,
      // Of more the number of tokens would be no whole number that is exact.
      fc.bigInt({ min: 0n, max: 1_000_000_000n }),
      (some, promptTokens, millionths) => {
        const tokens = affordableTokens(some, promptTokens, millionths)
        expect(tokens).toBeGreaterThanOrEqual(0)
        if (tokens > 0) expect(worstCostOf(some, promptTokens, tokens)).toBeLessThanOrEqual(millionths)
        expect(worstCostOf(some, promptTokens, tokens + 1)).toBeGreaterThan(millionths)
      },
    )
    fc.assert(property, { seed, numRuns: 500 })
    const back = fc.property(someRates, someTokens, someTokens, (some, promptTokens, outputTokens) => {
      const most = worstCostOf(some, promptTokens, outputTokens)
      expect(affordableTokens(some, promptTokens, most)).toBeGreaterThanOrEqual(outputTokens)
    })
    fc.assert(back, { seed, numRuns: 500 })
  })

  test('leaves nothing to write when the prompt takes all, or more', () => {
    expect(affordableTokens(rates, 10, 30n)).toBe(0)
    expect(affordableTokens(rates, 10, 29n)).toBe(0)
    expect(affordableTokens(rates, 0, 70_000n)).toBe(1)
  })

  test('of several models is that of none of them below', () => {
    const property = fc.property(
      fc.array(someRates, { minLength: 1, maxLength: 4 }),
      someTokens,
      someTokens,
      (all, promptTokens, outputTokens) => {
        const most = worstCostOf(dearestOf(all), promptTokens, outputTokens)
        for (const each of all) expect(most).toBeGreaterThanOrEqual(worstCostOf(each, promptTokens, outputTokens))
        for (const kind of ['input', 'cachedInput', 'output', 'reasoning'] as const)
          expect(all.map((each) => each[kind])).toContain(dearestOf(all)[kind])
      },
    )
    fc.assert(property, { seed, numRuns: 200 })
    expect(dearestOf([])).toEqual({ input: 0n, cachedInput: 0n, output: 0n, reasoning: 0n })
  })
})

describe('amounts as text', () => {
  test('come back as they were', () => {
    const property = fc.property(fc.bigInt({ min: 0n, max: MOST_MILLIONTHS - 1n }), (amount) => {
      expect(millionthsOf(decimalText(amount))).toBe(amount)
    })
    fc.assert(property, { seed, numRuns: 500 })
  })

  test.each([
    ['0', 0n],
    ['2.5', 2_500_000n],
    ['0.000001', 1n],
    ['007', 7_000_000n],
    ['1.100000', 1_100_000n],
    ['999999999.999999', 999_999_999_999_999n],
  ])('%s is read', (text, amount) => expect(millionthsOf(text)).toBe(amount))

  test.each(['', ' 1', '1 ', '-1', '+1', '.5', '1.', '1,5', '1e3', '1.0000001', '1000000000', '0x10', 'NaN', '١'])(
    '%j is none',
    (text) => expect(millionthsOf(text)).toBeNull(),
  )

  test.each([
    [0n, '0'],
    [1n, '0.000001'],
    [1_000_000n, '1'],
    [1_200_000n, '1.2'],
  ])('%s is written without what says nothing', (amount, text) => expect(decimalText(amount)).toBe(text))
})

test('rates survive JSON', () => {
  const property = fc.property(someRates, (some) => {
    expect(ratesOfText(JSON.parse(JSON.stringify(ratesText(some))))).toEqual(some)
  })
  fc.assert(property, { seed, numRuns: 100 })
})

test('the lesser of two is the lesser, whichever comes first', () => {
  expect([lesserOf(1n, 2n), lesserOf(2n, 1n), lesserOf(2n, 2n)]).toEqual([1n, 1n, 2n])
})

test('months are those of UTC, compare as text, and the next begins at midnight, over the year’s end too', () => {
  expect(monthOf(new Date('2026-11-30T23:59:59.999Z'))).toBe('2026-11')
  expect(monthOf(new Date('2026-12-01T00:30:00+01:00'))).toBe('2026-11')
  expect(monthOf(new Date('2027-01-01T00:00:00Z')) > monthOf(new Date('2026-12-31T00:00:00Z'))).toBe(true)
  expect(nextMonth(new Date('2026-12-31T23:59:59.999Z'))).toEqual(new Date('2027-01-01T00:00:00Z'))
  expect(nextMonth(new Date('2027-01-31T12:00:00Z'))).toEqual(new Date('2027-02-01T00:00:00Z'))
})
