import { expect, test } from 'vitest'
import { newUuid } from '../../src/platform/uuid.ts'

const millisOf = (uuid: string) => Number.parseInt(uuid.replaceAll('-', '').slice(0, 12), 16)

test('a uuid is a version 7 one and carries the given time', () => {
  for (const time of ['1970-01-01T00:00:00.000Z', '2026-11-22T20:48:12.345Z', '9999-12-31T23:59:59.999Z']) {
    const uuid = newUuid(new Date(time))
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Date(millisOf(uuid)).toISOString()).toBe(time)
  }
})

test('100,000 uuids of one millisecond are different and sort in the order they were made', () => {
  const now = new Date('2026-11-22T20:48:12.345Z')
  const uuids = Array.from({ length: 100_000 }, () => newUuid(now))
  expect(new Set(uuids).size).toBe(uuids.length)
  expect(uuids.every((uuid, index) => index === 0 || uuid > (uuids[index - 1] ?? ''))).toBe(true)
})

test('an earlier time is taken as given', () => {
  newUuid(new Date(2_000))
  expect(millisOf(newUuid(new Date(1_000)))).toBe(1_000)
})

test('the tail is random, so that an id cannot be guessed from its neighbour', () => {
  const now = new Date(5_000)
  const tails = Array.from({ length: 1_000 }, () => newUuid(now).slice(-10))
  expect(new Set(tails).size).toBe(tails.length)
})

test('an invalid time is refused', () => {
  for (const millis of [Number.NaN, -1]) expect(() => newUuid(new Date(millis))).toThrow(RangeError)
})
