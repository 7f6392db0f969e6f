import { NIL } from 'uuid'
import { canonicalJson, sha256Hex } from '../../lib/hash.ts'
import type { JsonObject } from '../../platform/channels/channel.entity.ts'
import { secretFor } from '../../platform/crypto/sealed-box.ts'
import { createSigner, type Signer } from '../../platform/crypto/signer.ts'

/** Where a chain ends. */
export interface ChainEnd {
  /** An organization's id, or `noOrganization`. */
  readonly chain: string
  readonly seq: number
  readonly hash: string
}

/** The same, signed: as `audit_head` keeps it and the log is told. */
export interface ChainHead extends ChainEnd {
  readonly signedAt: Date
  readonly signature: string
}

/** The chain of events that concern no organization. */
export const noOrganization = NIL

/** What stands for the hash before the first. */
export const genesis = '0'.repeat(64)

/** The next end of a chain: SHA-256 of the hash before, the place, and every column of the event that is not null. */
export function chained({ chain, seq, hash }: ChainEnd, event: JsonObject): ChainEnd {
  return { chain, seq: seq + 1, hash: sha256Hex(canonicalJson([hash, chain, seq + 1, event])) }
}

/** Who signs heads: its key is made of `SIGNING_KEY_SECRET`, so whoever verifies needs that. */
export function headSigner(signingKeySecret: Uint8Array): Signer {
  return createSigner(secretFor('audit heads', signingKeySecret))
}

/** Signs where a chain ends. */
export function signHead(signer: Signer, { chain, seq, hash }: ChainEnd, signedAt: Date): ChainHead {
  return { chain, seq, hash, signedAt, signature: signer.sign(textOf({ chain, seq, hash, signedAt })) }
}

/** Whether this signer signed this head as it stands. */
export function isSigned(signer: Signer, head: ChainHead): boolean {
  return signer.verify(textOf(head), head.signature)
}

function textOf({ chain, seq, hash, signedAt }: Omit<ChainHead, 'signature'>): string {
  return canonicalJson({ what: 'audit head', chain, seq, hash, signedAt })
}
