import type { Kysely } from 'kysely'
import type { Signer } from '../../platform/crypto/signer.ts'
import type { Tables } from '../../platform/database/tables.ts'
import { databaseTrail, type Link, type Trail } from './chain.reads.ts'
import { type ChainEnd, type ChainHead, chained, genesis, isSigned, signHead } from './chain.service.ts'

/** What can be wrong with a trail. */
export type FaultKind =
  /** The event is not what was sealed in this place, or the seal is not the one that was made. */
  | 'EVENT_CHANGED'
  /** There is a seal, and no event of its. */
  | 'EVENT_DELETED'
  /** Seals are missing between two others. */
  | 'SEALS_DELETED'
  /** There is less than the head says. */
  | 'CUT_OFF'
  /** There is more than the head says, or there is none. */
  | 'HEAD_BEHIND'
  /** The head is not signed by this server as it stands. */
  | 'HEAD_FORGED'
  /** An event, or the note that there was one, has waited for its seal for longer than a minute. */
  | 'NOT_SEALED'
  /** A record in the chain of no organization says something else of this place: the chain is gone, or was set back. */
  | 'DIFFERS_FROM_RECORDED'
  /** A head that was kept elsewhere says something else of this place. */
  | 'DIFFERS_FROM_KEPT'
  /** A head that was kept elsewhere is not signed by this server: it proves nothing. */
  | 'KEPT_FORGED'

/** One thing that is wrong; `seq` and `eventId` are null where it is about neither. */
export interface TrailFault {
  readonly kind: FaultKind
  readonly seq: number | null
  readonly eventId: string | null
}

/** What was found out about one chain. */
export interface ChainReport {
  readonly chain: string
  readonly sealed: number
  /** Events younger than a minute that wait for their seal: no fault. */
  readonly waiting: number
  /** The first hundred. */
  readonly faults: readonly TrailFault[]
  readonly faultCount: number
}

/** What a trail is checked against. */
export interface Verification {
  readonly signer: Signer
  readonly now: Date
  /**
   * Heads that were kept elsewhere, such as in the log, by chain. Without them the chain of no organization, which has the
   * records of all others, is whole where it was set back together with its head.
   */
  readonly kept?: ReadonlyMap<string, readonly ChainHead[]>
}

const MAX_FAULTS = 100
/** A sealer takes a second; a node that was killed may leave some until the next start. */
const WAIT_MILLIS = 60_000

/** Checks every chain of a trail, one after the other, without holding more than a batch of one. */
export async function* verifyTrail(trail: Trail, verification: Verification): AsyncGenerator<ChainReport> {
  const chains = new Set([...(await trail.chains()), ...(verification.kept?.keys() ?? [])])
  for (const chain of [...chains].sort()) yield await verifyChain(trail, chain, verification)
}

/**
 * Verifies, and signs the heads anew in which nothing is wrong but who signed them: for after a change of the secret, before
 * which the trail was verified with the old one. Their reports no longer have that fault; a chain with any other is left
 * as it is.
 */
export async function* signHeads(db: Kysely<Tables>, verification: Verification): AsyncGenerator<ChainReport> {
  const trail = databaseTrail(db)
  for await (const report of verifyTrail(trail, verification)) {
    const head = await trail.head(report.chain)
    const [fault, ...others] = report.faults
    if (head === null || fault?.kind !== 'HEAD_FORGED' || others.length > 0) {
      yield report
      continue
    }
    const { signedAt, signature } = signHead(verification.signer, head, verification.now)
    const update = db.updateTable('audit_head').set({ signed_at: signedAt, signature })
    await update.where('chain', '=', head.chain).execute()
    yield { ...report, faults: [], faultCount: 0 }
  }
}

async function verifyChain(trail: Trail, chain: string, verification: Verification): Promise<ChainReport> {
  const faults = createFaults()
  const kept = keptOf(chain, verification, faults.add)
  let sealed = 0
  let end: ChainEnd = { chain, seq: 0, hash: genesis }
  for await (const links of trail.links(chain)) {
    for (const link of links) {
      sealed += 1
      end = follow(end, link, faults.add)
      kept.check(end)
    }
  }
  checkHead(await trail.head(chain), end, verification.signer, faults.add)
  kept.checkRest(end)
  await checkRecords(trail, chain, faults.add)
  const waiting = await countWaiting(trail, chain, verification.now, faults.add)
  return { chain, sealed, waiting, faults: faults.first, faultCount: faults.count() }
}

type AddFault = (kind: FaultKind, seq?: number | null, eventId?: string | null) => void

function createFaults() {
  const first: TrailFault[] = []
  let count = 0
  const add: AddFault = (kind, seq = null, eventId = null) => {
    count += 1
    if (first.length < MAX_FAULTS) first.push({ kind, seq, eventId })
  }
  return { first, add, count: () => count }
}

/** Goes on from what the seal says, right or wrong: one change is told of once, and not again by all that follow. */
function follow(before: ChainEnd, { seq, hash, eventId, event }: Link, fault: AddFault): ChainEnd {
  const { chain } = before
  if (seq !== before.seq + 1) fault('SEALS_DELETED', before.seq + 1)
  else if (event === null) fault('EVENT_DELETED', seq, eventId)
  else if (event.id !== eventId || chained(before, event).hash !== hash) fault('EVENT_CHANGED', seq, eventId)
  return { chain, seq, hash }
}

function checkHead(head: ChainHead | null, end: ChainEnd, signer: Signer, fault: AddFault): void {
  if (head === null) {
    // A chain whose first event still waits need not have one.
    if (end.seq > 0) fault('HEAD_BEHIND', end.seq)
    return
  }
  if (!isSigned(signer, head)) fault('HEAD_FORGED', head.seq)
  if (head.seq > end.seq) fault('CUT_OFF', end.seq + 1)
  else if (head.seq < end.seq || head.hash !== end.hash) fault('HEAD_BEHIND', end.seq)
}

function keptOf(chain: string, { kept, signer }: Verification, fault: AddFault) {
  const signed = new Map<number, Set<string>>()
  for (const head of kept?.get(chain) ?? []) {
    if (!isSigned(signer, head)) fault('KEPT_FORGED', head.seq)
    else signed.set(head.seq, (signed.get(head.seq) ?? new Set()).add(head.hash))
  }
  return {
    check: ({ seq, hash }: ChainEnd) => {
      const hashes = signed.get(seq)
      if (hashes !== undefined && (hashes.size > 1 || !hashes.has(hash))) fault('DIFFERS_FROM_KEPT', seq)
    },
    checkRest: ({ seq }: ChainEnd) => {
      const last = signed.keys().reduce((a, b) => Math.max(a, b), 0)
      if (last > seq) fault('DIFFERS_FROM_KEPT', last)
    },
  }
}

async function checkRecords(trail: Trail, chain: string, fault: AddFault): Promise<void> {
  for await (const records of trail.recorded(chain)) {
    for (const { eventId, seq, hash, found } of records) {
      if (found !== hash) fault('DIFFERS_FROM_RECORDED', seq, eventId)
    }
  }
}

async function countWaiting(trail: Trail, chain: string, now: Date, fault: AddFault): Promise<number> {
  let waiting = 0
  for await (const events of trail.unsealed(chain)) {
    for (const { eventId, at, exists } of events) {
      // A note without an event: whoever deleted it was faster than the sealer.
      if (!exists) fault('EVENT_DELETED', null, eventId)
      else if (now.getTime() - at.getTime() > WAIT_MILLIS) fault('NOT_SEALED', null, eventId)
      else waiting += 1
    }
  }
  return waiting
}
