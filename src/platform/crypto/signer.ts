import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** Signatures of texts by one key (Ed25519, RFC 8032). */
export interface Signer {
  /** 128 lower-case hex digits; the same for the same text. */
  sign(text: string): string
  /** Whether this key made the signature of this text. Never throws. */
  verify(text: string, signature: string): boolean
}

// Ed25519 private keys in PKCS #8 (RFC 8410, section 7): this, and the 32 bytes of the seed.
const PKCS8_START = Buffer.from('302e020100300506032b657004220420', 'hex')
const SIGNATURE = /^[0-9a-f]{128}$/

/** A signer whose key is made of a secret of 32 bytes: whoever has the secret can sign and verify. */
export function createSigner(secret: Uint8Array): Signer {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_START, secret]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key)
  return {
    sign: (text) => sign(null, Buffer.from(text), key).toString('hex'),
    verify: (text, signature) => isSignature(publicKey, text, signature),
  }
}

function isSignature(publicKey: KeyObject, text: string, signature: string): boolean {
  return SIGNATURE.test(signature) && verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'hex'))
}
