import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { credentialKind, formatCredential, isCredential, shownPrefix } from '../../src/lib/credential.ts'
import { redact, redactText } from '../../src/lib/redact.ts'

const kinds = ['key', 'agent'] as const

describe.each(kinds)('the secret of a %s', (kind) => {
  test('is its prefix, 43 characters for 256 bits and 6 for the checksum', () => {
    for (const bytes of [Buffer.alloc(32), Buffer.alloc(32, 255), randomBytes(32)]) {
      const secret = formatCredential(kind, bytes)
      expect(secret).toMatch(new RegExp(`^oc_${kind}_[0-9A-Za-z]{49}$`))
      expect(isCredential(secret)).toBe(true)
      expect(credentialKind(secret)).toBe(kind)
      expect(shownPrefix(secret)).toBe(secret.slice(0, `oc_${kind}_`.length + 6))
    }
  })

  test('is malformed with any one character changed, added or missing', () => {
    const secret = formatCredential(kind, randomBytes(32))
    for (let index = 0; index < secret.length; index += 1) {
      const other = secret[index] === 'a' ? 'b' : 'a'
      expect(isCredential(secret.slice(0, index) + other + secret.slice(index + 1))).toBe(false)
      expect(isCredential(secret.slice(0, index) + secret.slice(index + 1))).toBe(false)
      expect(isCredential(`${secret.slice(0, index)}0${secret.slice(index)}`)).toBe(false)
    }
  })

  test('is in no log, whatever it is glued to', () => {
    const secret = formatCredential(kind, randomBytes(32))
    const random = secret.slice(-49)
    for (const text of [
      secret,
      `x${secret}`,
      `1${secret}.`,
      `Bearer ${secret}`,
      `x-api-key: ${secret}`,
      `?k=${secret}&`,
    ])
      expect(redactText(text)).not.toContain(random.slice(0, 8))
    const logged = redact({ apiKey: secret, 'x-api-key': secret, other: [secret], err: new Error(secret) })
    expect(JSON.stringify(logged)).not.toContain(random.slice(0, 8))
  })
})

test('what is no secret of these is none', () => {
  const body = formatCredential('key', randomBytes(32)).slice(7)
  for (const text of [
    '',
    'oc_key_',
    `oc_user_${body}`,
    `OC_KEY_${body}`,
    ` oc_key_${body}`,
    `oc_agent_${body}`,
    'x'.repeat(1e6),
  ])
    expect(isCredential(text), text.slice(0, 60)).toBe(false)
  expect(credentialKind('eyJhbGciOi')).toBeNull()
})

test('the same secret as ever is made of the same bytes', () => {
  const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => index))
  expect(formatCredential('key', bytes)).toBe('oc_key_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf3DLCut')
  expect(() => formatCredential('key', new Uint8Array(31))).toThrow(RangeError)
})
