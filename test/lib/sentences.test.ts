import { expect, test } from 'vitest'
import { sentencesOf } from '../../src/lib/sentences.ts'

test.each([
  [' One. Two!\nThree? ', ['One.', 'Two!', 'Three?']],
  ['It costs 1.5 euros, e.g. for Dr. Smith. Next.', ['It costs 1.5 euros, e.g. for Dr. Smith.', 'Next.']],
  ['Ask J. Doe. Or nobody', ['Ask J. Doe.', 'Or nobody']],
  ['十六周。从第一天开始！', ['十六周。', '从第一天开始！']],
  ['… 🌊 — \n', []],
  ['', []],
])('%j has the sentences %j', (text, sentences) => {
  expect(sentencesOf(text)).toEqual(sentences)
})

test('a sentence nobody would quote whole is cut at a space, or between two characters', () => {
  expect(sentencesOf('aaaa bbbb cccc', 10)).toEqual(['aaaa bbbb', 'cccc'])
  expect(sentencesOf(`x${'🌊'.repeat(6)}y`, 10)).toEqual([`x${'🌊'.repeat(4)}`, '🌊🌊y'])
})
