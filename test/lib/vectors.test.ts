import fc from 'fast-check'
import { expect, test } from 'vitest'
import { signsOf, similarityOf, vectorBytes, vectorOf, vectorText } from '../../src/lib/vectors.ts'

const seed = Date.now() % 2 ** 31
console.log(`vectors: seed ${seed}`)

const someVector = fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 600 })

test('a vector comes back from its bytes and from its text as it was', () => {
  const property = fc.property(someVector, (vector) => {
    expect(vectorOf(vectorBytes(vector))).toEqual(vector)
    const read: number[] = JSON.parse(vectorText(vector))
    // JSON has no negative zero.
    expect(Float32Array.from(read)).toEqual(vector.map((value) => value + 0))
  })
  fc.assert(property, { seed, numRuns: 200 })
})

test('bytes are little-endian, wherever they lie', () => {
  expect(vectorBytes(Float32Array.of(1, -2)).toString('hex')).toBe('0000803f000000c0')
  const shifted = Buffer.from('ff0000803f000000c0', 'hex').subarray(1)
  expect(vectorOf(shifted)).toEqual(Float32Array.of(1, -2))
  expect(vectorOf(shifted.subarray(0, 7))).toEqual(Float32Array.of(1))
})

test('a sign is 1 for what is not negative', () => {
  expect(signsOf(Float32Array.of(0.5, -0.5, 0, -1e-9))).toBe('1010')
})

test('vectors of unit length are as near as the cosine between them', () => {
  const [east, north, west] = [Float32Array.of(1, 0), Float32Array.of(0, 1), Float32Array.of(-1, 0)]
  expect(similarityOf(east, east)).toBe(1)
  expect(similarityOf(east, north)).toBe(0)
  expect(similarityOf(east, west)).toBe(-1)
  expect(similarityOf(east, Float32Array.of(Math.SQRT1_2, Math.SQRT1_2))).toBeCloseTo(Math.SQRT1_2)
})
