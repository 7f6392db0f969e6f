// A vector of a text has unit length, so that the cosine of two is their product.

const BYTES_A_FLOAT = 4

/** A vector as the database keeps it: little-endian 32-bit floats. */
export function vectorBytes(vector: Float32Array): Buffer {
  const bytes = Buffer.alloc(vector.length * BYTES_A_FLOAT)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * BYTES_A_FLOAT)
  return bytes
}

/** The vector in bytes of `vectorBytes`; what is left over of them is no part of it. */
export function vectorOf(bytes: Uint8Array): Float32Array {
  // One copy, which every machine that Node runs on takes for floats as they are: a search compares hundreds.
  const length = Math.floor(bytes.byteLength / BYTES_A_FLOAT)
  return new Float32Array(Uint8Array.prototype.slice.call(bytes, 0, length * BYTES_A_FLOAT).buffer)
}

/** The cosine of the angle between two vectors of unit length, from -1 to 1. */
export function similarityOf(one: Float32Array, other: Float32Array): number {
  let sum = 0
  for (let index = 0; index < one.length; index++) sum += (one[index] ?? 0) * (other[index] ?? 0)
  return sum
}

/** The signs of a vector's elements, as Postgres writes a bit string: 1 for what is not negative. */
export function signsOf(vector: Float32Array): string {
  return Array.from(vector, (value) => (value < 0 ? '0' : '1')).join('')
}

/** A vector as pgvector reads it. Nine digits are all that a 32-bit float has. */
export function vectorText(vector: Float32Array): string {
  return `[${Array.from(vector, (value) => Number(value.toPrecision(9))).join()}]`
}
