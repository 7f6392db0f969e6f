import { describe, expect, test } from 'vitest'
import { folded, pairsIn, searchTerms, spacedPart, transposed } from '../../src/lib/search-words.ts'

describe('a text as it is compared', () => {
  test('has no capitals, accents or wide forms, and keeps the accents that make another letter', () => {
    expect(folded('Crème BRÛLÉE ＡＢＣ ｱｲ')).toBe('creme brulee abc アイ')
    expect(folded('й が')).toBe('й が')
  })

  test('is as long as it was, so that a place in one is a place in the other', () => {
    for (const text of ['İstanbul', 'ﬁn ﬂow', 'Straße', '①②', '🌊 Wave', 'ǅ'])
      expect([text, folded(text).length]).toEqual([text, text.length])
  })

  test('is without what has no spaces, and what a parser would take for a letter, in its spaced part', () => {
    const text = 'the 灯台 “keeper” 🌊 sails'
    expect(spacedPart(text)).toBe('the     keeper     sails')
    expect(spacedPart(text)).toHaveLength(text.length)
  })
})

describe('what a text is found by', () => {
  test('are its words, and the parts of addresses once more', () => {
    const { spaced, words } = searchTerms('See ocean-graph.example/Guide for it')
    expect(spaced.split(/\s+/)).toEqual([
      'see',
      'ocean-graph.example/guide',
      'for',
      'it',
      'ocean',
      'graph',
      'example',
      'guide',
    ])
    expect(words).toEqual(['see', 'ocean', 'graph', 'example', 'guide', 'for'])
  })

  test('are of scripts without spaces the pairs of neighbours, and the last character alone', () => {
    const { pairs, words, length } = searchTerms('海辺の灯台 sea')
    expect(pairs).toEqual(['海辺', '辺の', 'の灯', '灯台', '台'])
    expect([words, length]).toEqual([['sea'], 6])
  })

  test('are no pairs across what stands between, and the long vowel is one of kana', () => {
    expect(searchTerms('灯台、海').pairs).toEqual(['灯台', '台', '海'])
    expect(searchTerms('コーヒー').pairs).toEqual(['コー', 'ーヒ', 'ヒー', 'ー'])
  })

  test('is nothing of a text without letters', () => {
    expect(searchTerms('… 🌊 —')).toMatchObject({ words: [], pairs: [], length: 0 })
  })
})

test('a word in a script without spaces is all of its pairs, and one character none', () => {
  expect([pairsIn('灯台守'), pairsIn('灯')]).toEqual([['灯台', '台守'], []])
})

test('two neighbouring letters may have been swapped, in words of three letters and more', () => {
  expect(transposed('tide')).toEqual(['itde', 'tdie', 'tied'])
  expect(transposed('too')).toEqual(['oto'])
  expect([transposed('at'), transposed('x'.repeat(41))]).toEqual([[], []])
})
