import { type Kysely, sql } from 'kysely'
import { encodeTypeId } from '../../lib/typeid.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Signer } from '../../platform/crypto/signer.ts'
import type { Tables } from '../../platform/database/tables.ts'
import { newUuid } from '../../platform/uuid.ts'
import { type ChainEnd, type ChainHead, isSigned, noOrganization } from './chain.service.ts'

/** What a record of a head is called in the trail. */
export const headAction = 'audit.head'

const HEADS_AT_ONCE = 500

/**
 * Writes where chains end into the chain of no organization, as events like any other, so that a chain that is gone or was set
 * back is missed there. What is recorded already is not written twice, and that chain's own end never. Takes no lock that
 * a writer or another sealer would wait for.
 */
export async function recordHeads(db: Kysely<Tables>, ends: readonly ChainEnd[], now: Date): Promise<void> {
  const rows = ends
    .filter(({ chain, seq }) => chain !== noOrganization && seq > 0)
    .map(({ chain, seq, hash }) => {
      return { id: newUuid(now), chain, seq, hash, target: encodeTypeId('organization', chain) }
    })
  if (rows.length === 0) return
  await sql`
    insert into audit_event (id, action, target, outcome, request_id, at, head_chain, head_seq, head_hash)
    select h.id, ${headAction}, h.target, 'allowed', 'sealer', ${now}::timestamptz, h.chain, h.seq, h.hash
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as h(id uuid, chain uuid, seq int8, hash text, target text)
    where not exists (
      select from audit_event e
      where e.organization_id is null and e.head_chain = h.chain and e.head_seq = h.seq and e.head_hash = h.hash
    )`.execute(db)
}

/**
 * Records the heads it is told of, of each chain the newest, once the database takes them; and, a batch with each writing,
 * those that were there at the start and that nobody recorded: of a node that was killed, or from before there were records.
 */
export function createHeadRecorder(db: Kysely<Tables>, signer: Signer, clock: Clock) {
  const unrecorded = new Map<string, ChainHead>()
  let foundUpTo: string | null = noOrganization
  return {
    told: (heads: readonly ChainHead[]) => {
      for (const head of heads) unrecorded.set(head.chain, head)
    },
    write: async () => {
      if (foundUpTo !== null) {
        const found = await headsAfter(db, foundUpTo)
        // What this server did not sign is for the verifier to tell of, not to be borne out here.
        const ours = found.filter((head) => isSigned(signer, head))
        await recordHeads(db, ours, clock.now())
        foundUpTo = found.length < HEADS_AT_ONCE ? null : (found.at(-1)?.chain ?? null)
      }
      const heads = [...unrecorded.values()]
      await recordHeads(db, heads, clock.now())
      for (const head of heads) if (unrecorded.get(head.chain) === head) unrecorded.delete(head.chain)
    },
  }
}

function headsAfter(db: Kysely<Tables>, chain: string): Promise<ChainHead[]> {
  const query = db.selectFrom('audit_head').select(['chain', 'seq', 'hash', 'signed_at as signedAt', 'signature'])
  return query.where('chain', '>', chain).orderBy('chain').limit(HEADS_AT_ONCE).execute()
}
