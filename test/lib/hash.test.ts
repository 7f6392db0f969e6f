import { expect, test } from 'vitest'
import { canonicalJson, sha256Hex } from '../../src/lib/hash.ts'

test('the hash of a text is the SHA-256 of FIPS 180-2', () => {
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(sha256Hex('é')).toBe(sha256Hex('\u00e9'))
})

test('the order of keys does not show, at any depth', () => {
  const one = canonicalJson({ b: [{ y: 1, x: 2 }], a: null })
  expect(one).toBe(canonicalJson({ a: null, b: [{ x: 2, y: 1 }] }))
  expect(one).toBe('{"a":null,"b":[{"x":2,"y":1}]}')
})

test('keys that look like numbers are sorted as texts', () => {
  expect(canonicalJson({ 10: 'a', 9: 'b', a: 'c' })).toBe('{"10":"a","9":"b","a":"c"}')
})

test('the order of a list shows', () => {
  expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]))
})

test('a field that is undefined is absent, an item that is undefined or a hole is null', () => {
  expect(canonicalJson({ a: undefined, b: [undefined, 1] })).toBe('{"b":[null,1]}')
  expect(canonicalJson(new Array(2))).toBe('[null,null]')
  expect(canonicalJson(undefined)).toBe('null')
})

test('a date is its ISO text', () => {
  expect(canonicalJson({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}')
  expect(() => canonicalJson(new Date(Number.NaN))).toThrow(RangeError)
})

test('an object without a prototype is an object, and __proto__ is a key', () => {
  const bare = Object.assign(Object.create(null), { b: 1, a: 2 })
  expect(canonicalJson(bare)).toBe('{"a":2,"b":1}')
  expect(canonicalJson(JSON.parse('{"__proto__":{"admin":true}}'))).toBe('{"__proto__":{"admin":true}}')
})

test('what JSON would lose in silence is refused', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  const lossy = [Number.NaN, Number.POSITIVE_INFINITY, 1n, () => 1, Symbol('s'), new Map([[1, 2]]), new Set([1]), cycle]
  for (const value of [...lossy, new (class Thing {})(), new Uint8Array(2)]) {
    expect(() => canonicalJson({ value })).toThrow(TypeError)
  }
})

test('the same object twice is no cycle', () => {
  const shared = { a: 1 }
  expect(canonicalJson([shared, shared])).toBe('[{"a":1},{"a":1}]')
})
