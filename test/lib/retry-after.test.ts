import { describe, expect, test } from 'vitest'
import { retryAfterSeconds } from '../../src/lib/retry-after.ts'

const now = new Date('2026-11-26T20:00:00Z')

describe('what is asked for is read', () => {
  test.each([
    ['seconds', { 'retry-after': '7' }, 7],
    ['none', { 'retry-after': '0' }, 0],
    ['parts of seconds, as some send them', { 'retry-after': '0.25' }, 0.25],
    ['a date', { 'retry-after': 'Thu, 26 Nov 2026 20:00:09 GMT' }, 9],
    ['a date that has passed', { 'retry-after': 'Thu, 26 Nov 2026 19:00:00 GMT' }, 0],
    ['milliseconds before seconds', { 'retry-after-ms': '1500', 'retry-after': '2' }, 1.5],
  ])('as %s', (_what, headers, seconds) => {
    expect(retryAfterSeconds(headers, now)).toBe(seconds)
  })
})

test.each(['', 'soon', '-1', '1e9', 'NaN', '9'.repeat(40), 'Infinity', '2026-11-26'])('%j asks for nothing', (text) => {
  expect(retryAfterSeconds({ 'retry-after': text }, now)).toBeNull()
})

test('without the header nothing is asked for', () => {
  expect(retryAfterSeconds({}, now)).toBeNull()
})
