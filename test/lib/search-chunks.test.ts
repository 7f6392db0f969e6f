import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chunkHash, chunksOf, embeddedText, MAX_CHUNKS } from '../../src/lib/search-chunks.ts'
import { inClass, unspacedScripts } from '../../src/lib/unspaced-scripts.ts'

const seed = Date.now() % 2 ** 31
console.log(`search chunks: seed ${seed}`)

/** By chance there are characters of any of them. */
const unspaced = new RegExp(`[${inClass(unspacedScripts)}]`, 'gu')
const partsOf = (text: string) => chunksOf(text).map(({ start, end }) => text.slice(start, end))
const words = (count: number, word = 'word') => Array.from({ length: count }, () => word).join(' ')
const said = (count: number) => `${words(count, 'Word')}.`
const says = (text: string) => /[\p{L}\p{N}]/u.test(text)

/** Texts of any script, with sentences, lines, long words, and halves of characters that lost the other. */
const someText = fc
  .array(
    fc.oneof(
      fc.constantFrom('. ', '! ', '\n', ' ', '。', ', ', '… ', '—', 'Dr. ', '🌊', '\u0301', '\ud83c', '\udf0a', ' '),
      fc.constantFrom('sea', 'The', 'x'.repeat(70), '海', '海の水はしょっぱい', 'ทะเล', 'море', '바다는', '1.5'),
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.integer({ min: 1, max: 130 }).map((count) => words(count)),
      fc.integer({ min: 1, max: 130 }).map((count) => '海'.repeat(count)),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''))

test.each<[string, string, string[]]>([
  ['short sentences and lines', 'One. Two!\nThree?', ['One. Two!\nThree?']],
  ['a sentence with spaces around it', '  One.  ', ['One.']],
  ['sentences that fill a chunk', `${said(40)} ${said(20)} ${said(10)}`, [`${said(40)} ${said(20)}`, said(10)]],
  ['sentences that do not fit together', `${said(40)} ${said(21)}`, [said(40), said(21)]],
  ['a long sentence', words(130), [words(60), words(60), words(10)]],
  ['a long sentence and another', `${said(70)} Next.`, [words(60, 'Word'), `${said(10)} Next.`]],
  ['an abbreviation', `${said(50)} Ask Dr. ${said(9)}`, [said(50), `Ask Dr. ${said(9)}`]],
  ['characters without spaces', '海'.repeat(250), ['海'.repeat(120), '海'.repeat(120), '海'.repeat(10)]],
  [
    'sentences without spaces',
    `${'海'.repeat(70)}。水水。${'水'.repeat(60)}`,
    [`${'海'.repeat(70)}。水水。`, '水'.repeat(60)],
  ],
  ['a key', 'x'.repeat(2_000), ['x'.repeat(1_800), 'x'.repeat(200)]],
  ['a line that says nothing', `${'— '.repeat(60)}\nAfter that.`, ['After that.']],
  ['signs', '… 🌊 — \n', []],
  ['nothing', '', []],
])('%s', (_name, text, parts) => {
  expect(partsOf(text)).toEqual(parts)
})

test('chunks follow each other and leave out nothing that says something', () => {
  const property = fc.property(someText, (text) => {
    const chunks = chunksOf(text)
    let last = 0
    for (const { start, end } of chunks) {
      expect(start).toBeGreaterThanOrEqual(last)
      expect(end).toBeGreaterThan(start)
      expect(says(text.slice(last, start))).toBe(false)
      last = end
    }
    expect(says(text.slice(last))).toBe(false)
    expect(last).toBeLessThanOrEqual(text.length)
  })
  fc.assert(property, { seed, numRuns: 500 })
})

test('a chunk says something, in at most 60 words or 120 characters, without spaces around it', () => {
  const property = fc.property(someText, (text) => {
    for (const part of partsOf(text)) {
      expect(says(part)).toBe(true)
      expect(part).toBe(part.trim())
      const characters = part.match(unspaced)?.length ?? 0
      const others = part.replace(unspaced, ' ').match(/\S+/g)?.length ?? 0
      expect(characters / 2 + others).toBeLessThanOrEqual(60)
    }
  })
  fc.assert(property, { seed, numRuns: 500 })
})

test('no character is cut in two', () => {
  const property = fc.property(someText, (text) => {
    for (const part of partsOf(text.toWellFormed())) expect(part.isWellFormed()).toBe(true)
  })
  fc.assert(property, { seed, numRuns: 500 })
  for (const before of ['', 'x']) {
    for (const part of partsOf(`${before}${'🌊'.repeat(3_000)}${'𠀀'.repeat(3_000)}`))
      expect(part.isWellFormed()).toBe(true)
  }
})

test('sentences stay whole where they can, and as many as fit are together', () => {
  const sentence = fc.integer({ min: 1, max: 60 }).map(said)
  const property = fc.property(fc.array(sentence, { minLength: 1, maxLength: 20 }), (sentences) => {
    const parts = partsOf(sentences.join(' '))
    expect(parts.join(' ')).toBe(sentences.join(' '))
    const counts = parts.map((part) => part.split(' ').length)
    for (const part of parts) expect(part.endsWith('.')).toBe(true)
    for (const [index, part] of parts.slice(1).entries()) {
      const first = part.slice(0, part.indexOf('.')).split(' ').length
      expect((counts[index] ?? 0) + first).toBeGreaterThan(60)
    }
  })
  fc.assert(property, { seed, numRuns: 200 })
})

test('a text has 200 chunks at most, the first ones', () => {
  const text = words(60 * 250)
  const parts = partsOf(text)
  expect(parts).toHaveLength(MAX_CHUNKS)
  expect(text.startsWith(parts.join(' '))).toBe(true)
})

test('no text takes long to cut', () => {
  const size = 64_000
  for (const part of ['word ', 'A. ', 'x', '. ', '海', '\n', ' ', '🌊', '\ud800', 'Dr. ', 'a.b', "it's ", '\u0301']) {
    const started = performance.now()
    chunksOf(part.repeat(size / part.length))
    expect(performance.now() - started, part).toBeLessThan(1_000)
  }
})

test('what is embedded says what it stands under', () => {
  expect(embeddedText({ title: 'Tides', text: 'Twice a day.' })).toBe('Tides: Twice a day.')
  expect(embeddedText({ title: '', text: 'Twice a day.' })).toBe('Twice a day.')
  expect(embeddedText({ title: null, text: 'Twice a day.' })).toBe('Twice a day.')
})

test('a hash is the first half of SHA-256', () => {
  expect(chunkHash('abc').toString('hex')).toBe('ba7816bf8f01cfea414140de5dae2223')
  expect(chunkHash('abc')).toHaveLength(16)
})
