import { hash } from 'node:crypto'

/** SHA-256 of the text in UTF-8, as 64 lower-case hex digits. */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex')
}

/**
 * JSON with sorted keys and no white space (RFC 8785), so that equal inputs have equal hashes: a Date is its ISO text, a
 * field that is undefined is absent, undefined elsewhere is null.
 * @throws {TypeError} for what JSON would lose: NaN, infinities, bigints, functions, symbols, maps, sets, class instances, cycles.
 * @throws {RangeError} for an invalid Date.
 */
export function canonicalJson(value: unknown): string {
  return write(value, new Set())
}

function write(value: unknown, ancestors: Set<object>): string {
  switch (typeof value) {
    case 'undefined':
      return 'null'
    case 'string':
    case 'boolean':
      return JSON.stringify(value)
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('A number that is not finite has no canonical JSON')
      return JSON.stringify(value)
    case 'object':
      return value === null ? 'null' : writeObject(value, ancestors)
    default:
      throw new TypeError(`A ${typeof value} has no canonical JSON`)
  }
}

function writeObject(value: object, ancestors: Set<object>): string {
  if (value instanceof Date) return JSON.stringify(value.toISOString())
  if (ancestors.has(value)) throw new TypeError('A cycle has no canonical JSON')
  ancestors.add(value)
  const text = Array.isArray(value) ? writeArray(value, ancestors) : writeFields(value, ancestors)
  ancestors.delete(value)
  return text
}

function writeArray(items: readonly unknown[], ancestors: Set<object>): string {
  // Array.from also visits holes.
  return `[${Array.from(items, (item) => write(item, ancestors)).join()}]`
}

function writeFields(value: object, ancestors: Set<object>): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    throw new TypeError('Only plain objects have canonical JSON')
  // The default order is by UTF-16 code units, the one RFC 8785 asks for.
  const fields = Object.entries(value)
    .filter(([, held]) => held !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, held]) => `${JSON.stringify(key)}:${write(held, ancestors)}`)
  return `{${fields.join()}}`
}
