/** A stored hash that can be verified, with what it costs. */
export type PasswordHash = Argon2Hash | BcryptHash | Pbkdf2Hash

/** Argon2 (RFC 9106) as a PHC string. */
export interface Argon2Hash {
  readonly scheme: 'argon2'
  readonly variant: 'id' | 'i' | 'd'
  /** 16 where the string names none. */
  readonly version: 16 | 19
  readonly memoryKib: number
  readonly iterations: number
  readonly parallelism: number
}

/** Bcrypt; it sees the first 72 bytes of a password and no more. */
export interface BcryptHash {
  readonly scheme: 'bcrypt'
  /** With the prefix `$2b$`, whichever it came with: for up to 72 bytes all three name the same function. */
  readonly text: string
}

/** PBKDF2 with HMAC-SHA-256 (RFC 8018). */
export interface Pbkdf2Hash {
  readonly scheme: 'pbkdf2-sha256'
  readonly iterations: number
  readonly salt: Buffer
  readonly digest: Buffer
}

/** What the column of hashes holds, in characters. */
const MAX_LENGTH = 255
// Whoever wrote a hash decides what a sign-in costs, so that each has a ceiling: some seconds of one core, 256 MiB.
const MAX_MEMORY_KIB = 256 * 1024
const MAX_PASSES = 10
const MAX_LANES = 8
const MIN_ROUNDS = 1_000
const MAX_ROUNDS = 2_000_000

const ARGON2 =
  /^\$argon2(id|i|d)\$(?:v=(16|19)\$)?((?:[mtp]=\d{1,7},){2}[mtp]=\d{1,7})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/
// The last character of a salt and of a digest has bits to spare; where they are set, no password ever matches.
const BCRYPT = /^\$2[aby](\$(?:0[4-9]|1[0-4])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26])$/
const DJANGO = /^pbkdf2_sha256\$(\d{4,7})\$([\x21-\x23\x25-\x7e]+)\$([^$]+)$/
const PASSLIB = /^\$pbkdf2-sha256\$(\d{4,7})\$([^$]+)\$([^$]+)$/
const PHC_PBKDF2 = /^\$pbkdf2-sha256\$i=(\d{4,7})(?:,l=(\d{2}))?\$([^$]+)\$([^$]+)$/

/**
 * Recognises a hash of argon2 (at most 256 MiB, 10 passes, 8 lanes), bcrypt (cost 4 to 14) or PBKDF2-SHA256 (1,000 to
 * 2,000,000 rounds; as Django, passlib or PHC write it). Null for any other text.
 */
export function readPasswordHash(text: string): PasswordHash | null {
  if (text.length > MAX_LENGTH) return null
  return readArgon2(text) ?? readBcrypt(text) ?? readPbkdf2(text)
}

function readArgon2(text: string): Argon2Hash | null {
  const [, variant, version = '16', costs = '', salt = '', digest = ''] = ARGON2.exec(text) ?? []
  if (variant !== 'id' && variant !== 'i' && variant !== 'd') return null
  const { m = 0, t = 0, p = 0 } = Object.fromEntries(costs.split(',').map(costOf))
  const isAffordable = isWithin(p, 1, MAX_LANES) && isWithin(t, 1, MAX_PASSES) && isWithin(m, 8 * p, MAX_MEMORY_KIB)
  // The least salt of the reference implementation is 8 bytes.
  if (!isAffordable || bytesOf(salt, 8, 64) === null || bytesOf(digest, 16, 64) === null) return null
  return {
    scheme: 'argon2',
    variant,
    version: version === '19' ? 19 : 16,
    memoryKib: m,
    iterations: t,
    parallelism: p,
  }
}

function costOf(parameter: string): [string, number] {
  const [name = '', value] = parameter.split('=')
  return [name, Number(value)]
}

function readBcrypt(text: string): BcryptHash | null {
  const rest = BCRYPT.exec(text)?.[1]
  return rest === undefined ? null : { scheme: 'bcrypt', text: `$2b${rest}` }
}

function readPbkdf2(text: string): Pbkdf2Hash | null {
  const [, rounds, salt = '', digest = ''] = DJANGO.exec(text) ?? []
  // Django hashes the letters of its salt, the others the bytes that theirs stands for.
  if (rounds !== undefined) return pbkdf2Of(rounds, Buffer.from(salt), bytesOf(digest, 16, 64))
  const [, passlibRounds, passlibSalt = '', passlibDigest = ''] = PASSLIB.exec(text) ?? []
  if (passlibRounds !== undefined) {
    return pbkdf2Of(passlibRounds, bytesOf(passlibSalt, 1, 128), bytesOf(passlibDigest, 16, 64))
  }
  const [, phcRounds = '0', length, phcSalt = '', phcDigest = ''] = PHC_PBKDF2.exec(text) ?? []
  const bytes = bytesOf(phcDigest, 16, 64)
  if (length !== undefined && Number(length) !== bytes?.length) return null
  return pbkdf2Of(phcRounds, bytesOf(phcSalt, 1, 128), bytes)
}

function pbkdf2Of(rounds: string, salt: Buffer | null, digest: Buffer | null): Pbkdf2Hash | null {
  const iterations = Number(rounds)
  if (salt === null || digest === null || !isWithin(iterations, MIN_ROUNDS, MAX_ROUNDS)) return null
  return { scheme: 'pbkdf2-sha256', iterations, salt, digest }
}

/** The bytes of a text in base64, padded or not, or in passlib's with `.` for `+`; null unless it is exactly that. */
function bytesOf(text: string, least: number, most: number): Buffer | null {
  const plain = text.replaceAll('.', '+').replace(/={1,2}$/, '')
  const bytes = Buffer.from(plain, 'base64')
  const isExact = bytes.toString('base64').replace(/=+$/, '') === plain
  return isExact && isWithin(bytes.length, least, most) ? bytes : null
}

function isWithin(count: number, least: number, most: number): boolean {
  return count >= least && count <= most
}
