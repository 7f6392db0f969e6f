const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const SUFFIX_LENGTH = 26
const MAX_PREFIX_LENGTH = 63
const PREFIX = /^[a-z](?:[a-z_]{0,61}[a-z])?$/
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const SUFFIX = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/

/**
 * Writes a UUID as a TypeID (specification 0.3): prefix, underscore, 26 characters of lower-case Crockford base32.
 * @throws {TypeError} when the prefix or the UUID is malformed.
 */
export function encodeTypeId(prefix: string, uuid: string): string {
  if (!PREFIX.test(prefix)) throw new TypeError('The prefix of a TypeID is 1 to 63 lower-case letters and underscores')
  if (!UUID.test(uuid)) throw new TypeError('Only a UUID can be written as a TypeID')
  let suffix = ''
  let bits = 0
  // Two leading zero bits make 128 bits 26 groups of five.
  let bitCount = 2
  for (const digit of uuid) {
    if (digit === '-') continue
    bits = (bits << 4) | Number.parseInt(digit, 16)
    bitCount += 4
    if (bitCount < 5) continue
    bitCount -= 5
    suffix += ALPHABET.charAt(bits >>> bitCount)
    bits &= (1 << bitCount) - 1
  }
  return `${prefix}_${suffix}`
}

/** Reads a TypeID with a prefix, or answers null for any other text; the UUID is in lower case. Never throws. */
export function decodeTypeId(text: string): { prefix: string; uuid: string } | null {
  if (typeof text !== 'string' || text.length > MAX_PREFIX_LENGTH + 1 + SUFFIX_LENGTH) return null
  const separator = text.lastIndexOf('_')
  if (separator < 1) return null
  const prefix = text.slice(0, separator)
  const suffix = text.slice(separator + 1)
  if (!PREFIX.test(prefix) || !SUFFIX.test(suffix)) return null
  let hex = ''
  let bits = 0
  let bitCount = -2
  for (const character of suffix) {
    bits = (bits << 5) | ALPHABET.indexOf(character)
    bitCount += 5
    while (bitCount >= 4) {
      bitCount -= 4
      hex += (bits >>> bitCount).toString(16)
      bits &= (1 << bitCount) - 1
    }
  }
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  return { prefix, uuid }
}
