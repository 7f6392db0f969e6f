import { hkdfSync } from 'node:crypto'
import { CompactEncrypt, compactDecrypt } from 'jose'

/** Authenticated encryption of small JSON values under one secret. */
export interface SealedBox {
  seal(value: object): Promise<string>
  /** The sealed value, or null for anything this secret did not seal. Never throws. */
  open(text: string): Promise<unknown>
}

/** Characters of a token, sealed or signed: longer ones are refused before anything of them is parsed. */
export const MAX_TOKEN_LENGTH = 8 * 1024

/** A secret for one purpose alone, made of a general one (HKDF-SHA256, RFC 5869): what one box seals no other opens. */
export function secretFor(purpose: string, secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), `ocean-graph ${purpose}`, 32))
}

/** A JWE (dir, A256GCM) box. `secret` is 32 bytes. Nothing is inflated, so no zip bomb can hide inside. */
export function createSealedBox(secret: Uint8Array): SealedBox {
  return {
    seal: (value) =>
      new CompactEncrypt(new TextEncoder().encode(JSON.stringify(value)))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(secret),
    open: async (text) => {
      if (text.length > MAX_TOKEN_LENGTH) return null
      try {
        const { plaintext } = await compactDecrypt(text, secret, {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
          maxDecompressedLength: 0, // refuses `zip` before it inflates; jose would allow 250 kB
        })
        return JSON.parse(new TextDecoder().decode(plaintext))
      } catch {
        return null
      }
    },
  }
}
