import { Kysely, PostgresDialect, sql } from 'kysely'
import type { JsonObject } from '../../platform/channels/channel.entity.ts'
import { appendEvents, type NewChannelEvent } from '../../platform/channels/log.ts'
import type { Platform } from '../../platform/context.ts'
import type { Signer } from '../../platform/crypto/signer.ts'
import type { Tables } from '../../platform/database/tables.ts'
import { auditEventRecorded } from './audit-event.events.ts'
import { distinct, sealable } from './chain.reads.ts'
import { type ChainEnd, type ChainHead, chained, genesis, isSigned, noOrganization, signHead } from './chain.service.ts'
import { recordHeads } from './head-record.service.ts'

/** What sealing needs; one for each node. */
export interface Sealing {
  readonly platform: Pick<Platform, 'clock' | 'log' | 'nudges'>
  readonly signer: Signer
  readonly db: Kysely<Tables>
  /** Told of each new end of a chain, once it is committed. */
  readonly onHead: (head: ChainHead) => void
  /** Chains that cannot be sealed, and until when they are left alone, in milliseconds of the clock. */
  readonly aside: Map<string, number>
}

/** Chains sealed in one transaction, and events of all of them together. */
const CHAINS_AT_ONCE = 100
const EVENTS_AT_ONCE = 500
const ASIDE_MILLIS = 60_000
const UNIQUE_VIOLATION = '23505'

/** Makes what `sealPending` needs. Its statements are not counted: what is counted are those of requests. */
export function createSealing(
  { clock, log, nudges, database: { pool } }: Pick<Platform, 'clock' | 'log' | 'nudges' | 'database'>,
  signer: Signer,
  onHead: Sealing['onHead'],
): Sealing {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  return { platform: { clock, log, nudges }, signer, db, onHead, aside: new Map() }
}

/**
 * Puts every event that waits at the end of its chain and answers how many those were. Any number of nodes may do so at once:
 * a chain that another one is at is skipped. A chain that cannot be gone on with, since its head is not what this server
 * signed or its place is taken, is left alone for a minute, and the log is told.
 */
export async function sealPending(sealing: Sealing, signal?: AbortSignal): Promise<number> {
  let sealed = 0
  for (;;) {
    const before = sealed
    const chains = await chainsThatWait(sealing)
    for (let start = 0; start < chains.length && !signal?.aborted; start += CHAINS_AT_ONCE) {
      sealed += await sealChains(sealing, chains.slice(start, start + CHAINS_AT_ONCE))
    }
    if (sealed === before || signal?.aborted) return sealed
  }
}

async function chainsThatWait({ db, aside, platform: { clock } }: Sealing): Promise<string[]> {
  const { rows } = await sql<{ chain: string }>`${distinct('audit_pending', 'chain')}`.execute(db)
  const now = clock.now().getTime()
  for (const [chain, until] of aside) if (until <= now) aside.delete(chain)
  return rows.map(({ chain }) => chain).filter((chain) => !aside.has(chain))
}

async function sealChains(sealing: Sealing, chains: readonly string[]): Promise<number> {
  try {
    return await sealTogether(sealing, chains)
  } catch (error) {
    if (!isTaken(error)) throw error
    const [chain = ''] = chains
    if (chains.length === 1) return putAside(sealing, chain, 'an audit chain goes on behind its head: it is not sealed')
    let sealed = 0
    for (const one of chains) if (!sealing.aside.has(one)) sealed += await sealChains(sealing, [one])
    return sealed
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION
}

function putAside({ aside, platform: { clock, log } }: Sealing, chain: string, message: string): 0 {
  aside.set(chain, clock.now().getTime() + ASIDE_MILLIS)
  log.error({ chain }, message)
  return 0
}

async function sealTogether(sealing: Sealing, chains: readonly string[]): Promise<number> {
  const { db, signer, platform, onHead } = sealing
  await beginChains(sealing, chains)
  const { heads, channelHeads, sealed } = await db.transaction().execute(async (tx) => {
    const now = platform.clock.now()
    const locked = (await lockHeads(tx, chains)).filter((head) => isOurs(sealing, head))
    const events = await takeEvents(tx, locked)
    const { seals, ends } = chainUp(locked, events)
    const heads = ends.map((end) => signHead(signer, end, now))
    await write(tx, seals, heads)
    const begun = new Set(locked.filter(({ seq }) => seq === 0).map(({ chain }) => chain))
    // With the seals, so that no chain is there for a moment without a record that it is.
    const beginnings = heads.filter(({ chain }) => begun.has(chain))
    await recordHeads(tx, beginnings, now)
    const told: NewChannelEvent[] = seals
      .filter(({ chain }) => chain !== noOrganization)
      .map(({ chain, eventId }) => auditEventRecorded(chain, eventId))
    return { heads, sealed: seals.length, channelHeads: await appendEvents(tx, told, now) }
  })
  platform.nudges.publish(channelHeads)
  for (const head of heads) onHead(head)
  return sealed
}

/** Heads of chains that have none. They are signed too: whoever cuts a chain off cannot start it anew with one of their own. */
async function beginChains({ db, signer, platform }: Sealing, chains: readonly string[]): Promise<void> {
  const known = await db.selectFrom('audit_head').select('chain').where('chain', 'in', chains).execute()
  const missing = new Set(chains).difference(new Set(known.map(({ chain }) => chain)))
  if (missing.size === 0) return
  const now = platform.clock.now()
  const heads = [...missing].map((chain) => signHead(signer, { chain, seq: 0, hash: genesis }, now))
  const rows = heads.map(({ signedAt, ...head }) => ({ ...head, signed_at: signedAt }))
  await db
    .insertInto('audit_head')
    .values(rows)
    .onConflict((on) => on.doNothing())
    .execute()
}

function lockHeads(tx: Kysely<Tables>, chains: readonly string[]): Promise<ChainHead[]> {
  return tx
    .selectFrom('audit_head')
    .select(['chain', 'seq', 'hash', 'signed_at as signedAt', 'signature'])
    .where('chain', 'in', chains)
    .orderBy('chain')
    .forUpdate()
    .skipLocked()
    .execute()
}

/** To sign what follows a head that somebody else wrote would make good what they did. */
function isOurs(sealing: Sealing, head: ChainHead): boolean {
  if (isSigned(sealing.signer, head)) return true
  putAside(sealing, head.chain, 'the head of an audit chain is not signed by this server: the chain is not sealed')
  return false
}

interface Waiting {
  readonly chain: string
  readonly eventId: string
  readonly event: JsonObject
}

/** Read after the heads are locked, so that nobody else has sealed them. */
async function takeEvents(tx: Kysely<Tables>, heads: readonly ChainEnd[]): Promise<readonly Waiting[]> {
  if (heads.length === 0) return []
  const each = Math.max(1, Math.floor(EVENTS_AT_ONCE / heads.length))
  const { rows } = await sql<Waiting>`
    select c.chain, w.* from unnest(${heads.map(({ chain }) => chain)}::uuid[]) as c(chain)
    cross join lateral (
      select p.event_id as "eventId", ${sealable} as event
      from audit_pending p join audit_event e on e.id = p.event_id
      where p.chain = c.chain order by p.event_id limit ${each}
    ) w order by c.chain, w."eventId"`.execute(tx)
  return rows
}

type Seal = ChainEnd & { readonly eventId: string }

function chainUp(heads: readonly ChainEnd[], events: readonly Waiting[]): { seals: Seal[]; ends: ChainEnd[] } {
  const ends = new Map<string, ChainEnd>(heads.map((head) => [head.chain, head]))
  const moved = new Map<string, ChainEnd>()
  const seals = events.flatMap(({ chain, eventId, event }) => {
    const end = moved.get(chain) ?? ends.get(chain)
    if (end === undefined) return []
    const next = chained(end, event)
    moved.set(chain, next)
    return [{ ...next, eventId }]
  })
  return { seals, ends: [...moved.values()] }
}

async function write(tx: Kysely<Tables>, seals: readonly Seal[], heads: readonly ChainHead[]): Promise<void> {
  if (seals.length === 0) return
  // One parameter each whatever the number: Postgres takes 65,535 at most.
  await sql`
    with seal as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(seals)}::jsonb)
        as s("eventId" uuid, chain uuid, seq int8, hash text)
    ), sealed as (
      insert into audit_seal (event_id, chain, seq, hash) select "eventId", chain, seq, hash from seal
    ), done as (
      delete from audit_pending p using seal where p.event_id = seal."eventId"
    )
    update audit_head h set seq = n.seq, hash = n.hash, signed_at = n."signedAt", signature = n.signature
    from jsonb_to_recordset(${JSON.stringify(heads)}::jsonb)
      as n(chain uuid, seq int8, hash text, "signedAt" timestamptz, signature text)
    where h.chain = n.chain`.execute(tx)
}
