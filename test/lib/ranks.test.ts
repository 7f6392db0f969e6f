import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_RANK_LENGTH, ranksBetween } from '../../src/lib/ranks.ts'

const rising = (ranks: readonly string[]) =>
  ranks.every((rank, index) => index === 0 || (ranks[index - 1] ?? '') < rank)

test('wherever ranks are asked for, they are in between, in order and short, until there is no room', () => {
  const step = fc.record({ at: fc.nat(), count: fc.integer({ min: 1, max: 5 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const ranks: string[] = []
      for (const { at, count } of steps) {
        const index = at % (ranks.length + 1)
        const made = ranksBetween(ranks[index - 1] ?? null, ranks[index] ?? null, count)
        if (made === null) return
        expect(made).toHaveLength(count)
        ranks.splice(index, 0, ...made)
      }
      expect(rising(ranks)).toBe(true)
      expect(ranks.filter((rank) => rank.length > MAX_RANK_LENGTH)).toEqual([])
    }),
  )
})

test('a gap that is asked for over and over ends without room, not with long ranks', () => {
  const low = 'a0'
  let high = 'a1'
  let asked = 0
  for (let made: string[] | null = [high]; made !== null; asked += 1) {
    high = made[0] ?? ''
    made = ranksBetween(low, high, 1)
  }
  expect(asked).toBeGreaterThan(100)
  expect(high.length).toBeLessThanOrEqual(MAX_RANK_LENGTH)
})

test('200 fit into the narrowest gap there is, or none do; on an empty page there is always room', () => {
  const low = `a1${'V'.repeat(MAX_RANK_LENGTH - 2)}`
  expect(ranksBetween(low, `${low.slice(0, -1)}W`, 200)).toBeNull()
  for (const count of [1, 200, 20_000]) {
    const ranks = ranksBetween(null, null, count) ?? []
    expect(ranks).toHaveLength(count)
    expect(rising(ranks)).toBe(true)
  }
})

test('ranks that are too long are not reckoned with: the generator would not come back', () => {
  expect(ranksBetween('a0', `a1${'V'.repeat(300)}`, 1)).toBeNull()
  expect(ranksBetween(`a0${'V'.repeat(300)}`, null, 1)).toBeNull()
})
