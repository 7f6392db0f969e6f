import { expect, test } from 'vitest'
import { backOffMillis } from '../../src/lib/back-off.ts'

const figures = { baseMillis: 500, maxMillis: 8_000 }

test('a wait is a random part of a time that doubles, up to a limit', () => {
  expect([1, 2, 3, 4, 5, 6, 60].map((failures) => backOffMillis(failures, figures, () => 1))).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000,
  ])
  expect([0, 0.25, 0.5].map((part) => backOffMillis(3, figures, () => part))).toEqual([0, 500, 1_000])
})
