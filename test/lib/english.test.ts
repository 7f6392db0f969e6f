import { expect, test } from 'vitest'
import { mayBeEnglish } from '../../src/lib/english.ts'

test.each([
  ['Two words', null],
  ['Two words', 'en'],
  ['Two words', 'EN-gb'],
  ['a1 b2', null],
  ['naïve', null],
  ['ab 海洋', null],
])('%j in %j may be English', (text, language) => {
  expect(mayBeEnglish(text, language)).toBe(true)
})

test.each([
  ['', null],
  ['x', null],
  ['1 + 1 = 2 \0 🌊', null],
  ['Zwei Worte', 'de'],
  ['Two words', 'enm'],
  ['ab 海洋洋', null],
  ['Слово is', null],
  ['\ud800\u0301', null],
])('%j in %j is not English', (text, language) => {
  expect(mayBeEnglish(text, language)).toBe(false)
})
