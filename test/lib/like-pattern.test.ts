import { expect, test } from 'vitest'
import { containing } from '../../src/lib/like-pattern.ts'

test('a text is looked for as it is, with the signs that would stand for others', () => {
  expect(containing('plain')).toBe('%plain%')
  expect(containing('100%_\\')).toBe('%100\\%\\_\\\\%')
})
