import { expect, test } from 'vitest'
import { jsonDepth } from '../../src/lib/json-depth.ts'

test.each([
  [0, null],
  [0, 'text'],
  [1, {}],
  [1, [1, 'a']],
  [3, { a: 1, b: [{ c: null }] }],
])('there are %i levels in %j', (depth, value) => {
  expect(jsonDepth(value)).toBe(depth)
})
