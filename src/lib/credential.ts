import { crc32 } from 'node:zlib'

/** Of whom a program's secret is: a person's key, or an agent's token. */
export type CredentialKind = 'key' | 'agent'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 62^43 is the first power of 62 beyond 2^256. */
const SECRET_LENGTH = 43
/** And 62^6 the first beyond 2^32. */
const CHECKSUM_LENGTH = 6
const SECRET_BYTES = 32
const FORM = /^oc_(key|agent)_[0-9A-Za-z]{49}$/
/** How much of a secret is shown again, to tell it from others: 36 of its 256 random bits. */
const SHOWN_LENGTH = 6

/**
 * Writes a secret: `oc_key_` or `oc_agent_`, 43 characters of base62 for 256 random bits, and 6 for the CRC-32 of all
 * before them, which tells a mistyped secret without a look-up. @throws {RangeError} for any other number of bytes
 */
export function formatCredential(kind: CredentialKind, random: Uint8Array): string {
  if (random.length !== SECRET_BYTES) throw new RangeError(`A secret is made of ${SECRET_BYTES} bytes`)
  const body = `oc_${kind}_${base62(BigInt(`0x${Buffer.from(random).toString('hex')}`), SECRET_LENGTH)}`
  return body + checksumOf(body)
}

/** What a text claims to be by how it begins, whole or not; null where it is no secret of these. */
export function credentialKind(text: string): CredentialKind | null {
  if (text.startsWith('oc_key_')) return 'key'
  return text.startsWith('oc_agent_') ? 'agent' : null
}

/** Whether a text is a secret as they are issued: of the right form, and with the right checksum. Never throws. */
export function isCredential(text: string): boolean {
  if (!FORM.test(text)) return false
  const body = text.slice(0, -CHECKSUM_LENGTH)
  return checksumOf(body) === text.slice(-CHECKSUM_LENGTH)
}

/** How a secret begins, for lists in which keys are told apart. */
export function shownPrefix(credential: string): string {
  return credential.slice(0, credential.lastIndexOf('_') + 1 + SHOWN_LENGTH)
}

function checksumOf(body: string): string {
  return base62(BigInt(crc32(body)), CHECKSUM_LENGTH)
}

function base62(value: bigint, length: number): string {
  let text = ''
  for (let rest = value; text.length < length; rest /= 62n) text = ALPHABET.charAt(Number(rest % 62n)) + text
  return text
}
