import { expect, test } from 'vitest'
import { createSigner } from '../../src/platform/crypto/signer.ts'

test('a signature is that of Ed25519 (RFC 8032, section 7.1, test 1)', () => {
  const secret = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
  const signature =
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b'
  expect(createSigner(secret).sign('')).toBe(signature)
  expect(createSigner(secret).verify('', signature)).toBe(true)
})

test('another text, another secret or another signature does not verify', () => {
  const [one, other] = [createSigner(Buffer.alloc(32, 'a')), createSigner(Buffer.alloc(32, 'b'))]
  const signature = one.sign('a text')
  expect(one.verify('a text', signature)).toBe(true)
  expect(one.verify('another text', signature)).toBe(false)
  expect(other.verify('a text', signature)).toBe(false)
  const spoiled = ['', 'x', signature.toUpperCase(), signature.slice(2), `${signature}00`, '0'.repeat(128)]
  for (const text of spoiled) expect(one.verify('a text', text), text).toBe(false)
})
