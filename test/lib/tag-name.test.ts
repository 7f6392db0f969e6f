import { expect, test } from 'vitest'
import { tagName, tagNameKey } from '../../src/lib/tag-name.ts'

test.for([
  ['Sea', 'SEA'],
  ['café', 'cafe\u0301'],
  ['ﬁsh', 'FISH'],
  ['Ｔｉｄｅ', 'tide'],
  ['Ⅳ', 'iv'],
  ['K', '\u212a'],
  ['a b', 'A\u00a0B'],
])('%s and %s are one name', ([one, other]) => {
  expect(tagNameKey(one ?? '')).toBe(tagNameKey(other ?? ''))
})

test.for([
  ['sea', 'see'],
  ['a b', 'ab'],
  ['o', 'ö'],
])('%s and %s are two names', ([one, other]) => {
  expect(tagNameKey(one ?? '')).not.toBe(tagNameKey(other ?? ''))
})

test('a name is one line of 1 to 60 characters, also written out', () => {
  expect(tagName.parse('  The sea ')).toBe('The sea')
  expect(tagName.parse('🌊'.repeat(60))).toBe('🌊'.repeat(60))
  for (const wrong of ['', ' ', 'x'.repeat(61), 'two\nlines', '\u202eback', '\ufdfa'.repeat(14)]) {
    expect(tagName.safeParse(wrong).success, wrong).toBe(false)
  }
})
