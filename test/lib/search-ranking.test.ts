import { describe, expect, test } from 'vitest'
import {
  LEAST_SIMILARITY,
  merged,
  placed,
  scoreMeanings,
  scoreWords,
  wordWeight,
} from '../../src/lib/search-ranking.ts'

const block = (id: string, homeId: string) => ({ id, kind: 'BLOCK', homeId })
const page = (id: string) => ({ id, kind: 'PAGE', homeId: id })
const message = (id: string) => ({ id, kind: 'MESSAGE', homeId: 'session' })
const ids = (things: Iterable<{ readonly id: string }>) => [...things].map(({ id }) => id)

/** By words alone, the best first. */
function byWords(matches: Parameters<typeof scoreWords>[0], weights: readonly number[]) {
  return placed(merged(scoreWords(matches, weights)))
}

describe('words', () => {
  test('tell less the more texts they are in, and something also when they are in all', () => {
    const weights = [0, 10, 1_000, 1_000_000].map(wordWeight)
    expect(weights).toEqual(weights.toSorted((one, other) => other - one))
    expect(weights.at(-1)).toBeGreaterThan(0)
  })

  test('that are rare count more than common ones, two more than one, and as written more than nearly so', () => {
    const match = (id: string, exact: number, near = 0) => ({ ...message(id), exact, near, length: 20 })
    const matches = [match('both', 0b11), match('rare', 0b01), match('common', 0b10), match('nearly', 0, 0b01)]
    expect(ids(byWords(matches, [5, 1]))).toEqual(['both', 'rare', 'nearly', 'common'])
  })

  test('in a short text count more than in a long one', () => {
    const match = (id: string, length: number) => ({ ...message(id), exact: 1, near: 0, length })
    expect(ids(byWords([match('long', 500), match('usual', 20), match('short', 3)], [1]))).toEqual([
      'short',
      'usual',
      'long',
    ])
  })

  test('that stand nowhere count for nobody', () => {
    const match = { ...message('only'), exact: 0b01, near: 0, length: 20 }
    expect(byWords([match], [1, 9])).toEqual(byWords([match], [1]))
  })

  test('in a title count for what stands under it, and what stands together on a page counts for the page', () => {
    const matches = [
      { ...page('titled'), exact: 0b01, near: 0, length: 1 },
      { ...block('under it', 'titled'), exact: 0b10, near: 0, length: 20 },
      { ...block('alone', 'other'), exact: 0b10, near: 0, length: 20 },
    ]
    expect(ids(byWords(matches, [1, 1]))).toEqual(['titled', 'under it', 'alone', 'other'])
  })
})

describe('meaning', () => {
  test('counts from a similarity on below which texts have nothing in common', () => {
    const parts = [LEAST_SIMILARITY - 0.01, LEAST_SIMILARITY + 0.2].map((similarity, index) => {
      return { ...message(String(index)), similarity, start: index }
    })
    const scored = scoreMeanings(parts)
    expect(ids(scored.values())).toEqual(['1'])
    expect(scored.get('1')?.start).toBe(1)
  })

  test('of a text is that of its nearest part, and of a page also how much on it is near', () => {
    const part = (id: string, homeId: string, similarity: number) => ({ ...block(id, homeId), similarity, start: 0 })
    const scored = scoreMeanings([
      part('a', 'one', 0.8),
      part('b', 'two', 0.8),
      part('b', 'two', 0.3),
      part('c', 'two', 0.7),
    ])
    expect([scored.get('a')?.semantic, scored.get('b')?.semantic]).toEqual([0.8, 0.8])
    expect(scored.get('two')?.semantic).toBeGreaterThan(scored.get('one')?.semantic ?? 1)
  })
})

describe('the order of what is found', () => {
  const scored = (id: string, lexical: number | null, semantic: number | null) => {
    return { ...message(id), lexical, semantic, start: 0 }
  }

  test('goes by the sum of both shares, each against the best', () => {
    const things = placed([scored('words', 4, null), scored('meaning', null, 0.9), scored('both', 3, 0.8)])
    expect(things.map(({ id, score }) => [id, Number(score.toFixed(3))])).toEqual([
      ['both', 0.798],
      ['meaning', 0.5],
      ['words', 0.5],
    ])
    expect(things.map(({ lexical, semantic }) => [lexical, semantic?.toFixed(3) ?? null])).toEqual([
      [0.75, '0.846'],
      [null, '1.000'],
      [1, null],
    ])
  })

  test('of one way alone goes from 0 to 1, and equal ones are in the order of their ids', () => {
    const things = placed([scored('b', 2, null), scored('a', 2, null), scored('c', 1, null)])
    expect(things.map(({ id, score }) => [id, score])).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 0.5],
    ])
    expect(placed([])).toEqual([])
  })

  test('has each thing once, however often it was found, and where it is nearest', () => {
    const [thing, ...others] = merged(
      new Map([['x', scored('x', 2, null)]]),
      new Map([['x', { ...scored('x', null, 0.5), start: 70 }]]),
    )
    expect(thing).toEqual({ ...message('x'), lexical: 2, semantic: 0.5, start: 70 })
    expect(others).toEqual([])
  })
})
