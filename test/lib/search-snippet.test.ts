import { describe, expect, test } from 'vitest'
import { joined, placesOf, snippetOf } from '../../src/lib/search-snippet.ts'

/** Words enough for a long text, each with its number. */
const long = Array.from({ length: 200 }, (_, index) => `word${index}`).join(' ')
const shown = (snippet: ReturnType<typeof snippetOf>) =>
  snippet.highlights.map(({ start, end }) => snippet.text.slice(start, end))

describe('a snippet', () => {
  test('of a short text is the text, whatever stands out', () => {
    expect(snippetOf('A short text', [{ start: 2, end: 7 }], 8)).toEqual({
      text: 'A short text',
      highlights: [{ start: 2, end: 7 }],
    })
  })

  test('is where most stands out, in whole words, with what stands out at its new place', () => {
    const marks = placesOf(long, ['word5 ', 'word150', 'word152']).map((mark) => ({ ...mark, end: mark.start + 7 }))
    const snippet = snippetOf(long, marks, 0)
    expect(snippet.text).toMatch(/^…word\d+ .* word\d+…$/)
    expect(shown(snippet)).toEqual(['word150', 'word152'])
  })

  test('begins at a place where nothing stands out, and at the beginning of a word', () => {
    const { text, highlights } = snippetOf(long, [], long.indexOf('word99') + 3)
    expect([text.startsWith('…word99 '), highlights]).toEqual([true, []])
  })

  test('never cuts a character in two', () => {
    const waves = '🌊'.repeat(400)
    for (const place of [0, 100, 101, 333]) {
      const { text } = snippetOf(waves, [], place)
      expect([place, text.isWellFormed()]).toEqual([place, true])
    }
  })
})

test('places that overlap are one, and are in order', () => {
  expect(placesOf('abcabc', ['bc', 'ab', ''])).toEqual([
    { start: 0, end: 3 },
    { start: 3, end: 6 },
  ])
  expect(
    joined([
      { start: 4, end: 6 },
      { start: 0, end: 2 },
      { start: 2, end: 3 },
    ]),
  ).toEqual([
    { start: 0, end: 2 },
    { start: 2, end: 3 },
    { start: 4, end: 6 },
  ])
})
