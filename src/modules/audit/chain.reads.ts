import { type Kysely, sql } from 'kysely'
import type { JsonObject } from '../../platform/channels/channel.entity.ts'
import type { Tables } from '../../platform/database/tables.ts'
import { type ChainHead, noOrganization } from './chain.service.ts'

/** A sealed place of a chain, and the event that is there; null when it is gone. */
export interface Link {
  readonly seq: number
  readonly hash: string
  readonly eventId: string
  readonly event: JsonObject | null
}

/** An event without a seal. */
export interface Unsealed {
  readonly eventId: string
  readonly at: Date
  /** False when only the note is left that it is to be sealed. */
  readonly exists: boolean
}

/** A record, in the chain of no organization, of where another chain ended. */
export interface HeadRecord {
  /** Of the record itself. */
  readonly eventId: string
  readonly seq: number
  readonly hash: string
  /** The hash that the chain has in this place; null when the place is gone. */
  readonly found: string | null
}

/** All that a verifier looks at, chain by chain and in order. */
export interface Trail {
  /** Every chain of which there is anything. */
  chains(): Promise<readonly string[]>
  head(chain: string): Promise<ChainHead | null>
  links(chain: string): AsyncIterable<readonly Link[]>
  /** What was recorded of a chain's heads. */
  recorded(chain: string): AsyncIterable<readonly HeadRecord[]>
  unsealed(chain: string): AsyncIterable<readonly Unsealed[]>
}

const BATCH = 1_000

/**
 * An event, called `e`, as it is sealed: every column the table has or will get, as JSON, without what is null, so that a
 * column that comes later changes no seal of before. `at` is written in UTC to the microsecond whatever the session's zone;
 * another time stamp would have to be as well.
 */
export const sealable = sql<JsonObject>`jsonb_strip_nulls(to_jsonb(e) || jsonb_build_object(
  'at', to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))`

/** The trail of a database. Read it in one snapshot: what is sealed meanwhile would look like a fault. */
export function databaseTrail(db: Kysely<Tables>): Trail {
  return {
    chains: () => chainsIn(db),
    head: async (chain) => {
      const query = db.selectFrom('audit_head').select(['chain', 'seq', 'hash', 'signed_at as signedAt', 'signature'])
      return (await query.where('chain', '=', chain).executeTakeFirst()) ?? null
    },
    links: (chain) =>
      inBatches<Link, number>(
        0,
        ({ seq }) => seq,
        (after) => linksAfter(db, chain, after),
      ),
    recorded: (chain) =>
      inBatches<HeadRecord, Pick<HeadRecord, 'seq' | 'eventId'>>(
        { seq: 0, eventId: noOrganization },
        (record) => record,
        (after) => recordsAfter(db, chain, after),
      ),
    unsealed: async function* (chain) {
      yield* inBatches<Unsealed & Place, Place>(
        { atText: '-infinity', eventId: noOrganization },
        (event) => event,
        (after) => unsealedAfter(db, chain, after),
      )
      yield* inBatches<Unsealed, string>(
        noOrganization,
        ({ eventId }) => eventId,
        (after) => notesAfter(db, chain, after),
      )
    },
  }
}

async function* inBatches<Row, Key>(
  start: Key,
  keyOf: (row: Row) => Key,
  read: (after: Key) => Promise<readonly Row[]>,
): AsyncGenerator<readonly Row[]> {
  let after = start
  for (;;) {
    const rows = await read(after)
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    if (rows.length < BATCH) return
    after = keyOf(last)
  }
}

async function linksAfter(db: Kysely<Tables>, chain: string, after: number): Promise<readonly Link[]> {
  const { rows } = await sql<Link>`
    select s.seq, s.hash, s.event_id as "eventId", case when e.id is null then null else ${sealable} end as event
    from audit_seal s left join audit_event e on e.id = s.event_id
    where s.chain = ${chain}::uuid and s.seq > ${after}::int8 order by s.seq limit ${BATCH}`.execute(db)
  return rows
}

// Whether a record is itself as it was written is for the chain that it stands in.
async function recordsAfter(db: Kysely<Tables>, chain: string, after: Pick<HeadRecord, 'seq' | 'eventId'>) {
  const { rows } = await sql<HeadRecord>`
    select e.id as "eventId", e.head_seq as seq, e.head_hash as hash, s.hash as found
    from audit_event e left join audit_seal s on s.chain = e.head_chain and s.seq = e.head_seq
    where e.head_chain = ${chain}::uuid and (e.head_seq, e.id) > (${after.seq}::int8, ${after.eventId}::uuid)
      and e.organization_id is null
    order by e.head_seq, e.id limit ${BATCH}`.execute(db)
  return rows
}

interface Place {
  /** To the microsecond. */
  readonly atText: string
  readonly eventId: string
}

async function unsealedAfter(db: Kysely<Tables>, chain: string, { atText, eventId }: Place) {
  const isOfChain = chain === noOrganization ? sql`e.organization_id is null` : sql`e.organization_id = ${chain}::uuid`
  const { rows } = await sql<Unsealed & Place>`
    select e.id as "eventId", e.at, e.at::text as "atText", true as "exists" from audit_event e
    where ${isOfChain} and (e.at, e.id) > (${atText}::timestamptz, ${eventId}::uuid)
      and not exists (select from audit_seal s where s.event_id = e.id)
    order by e.at, e.id limit ${BATCH}`.execute(db)
  return rows
}

/** Notes that there is an event to be sealed, without the event. */
async function notesAfter(db: Kysely<Tables>, chain: string, after: string): Promise<readonly Unsealed[]> {
  const { rows } = await sql<Unsealed>`
    select p.event_id as "eventId", 'epoch'::timestamptz as at, false as "exists" from audit_pending p
    where p.chain = ${chain}::uuid and p.event_id > ${after}::uuid
      and not exists (select from audit_event e where e.id = p.event_id)
    order by p.event_id limit ${BATCH}`.execute(db)
  return rows
}

// Each step is one look into an index: the tables are long, the chains few.
async function chainsIn(db: Kysely<Tables>): Promise<readonly string[]> {
  const { rows } = await sql<{ chain: string }>`
    ${distinct('audit_head', 'chain')} union ${distinct('audit_seal', 'chain')} union ${distinct('audit_pending', 'chain')}
    union ${distinct('audit_event', 'organization_id')} union ${distinct('audit_event', 'head_chain')}
    union select ${noOrganization}::uuid where exists (select from audit_event where organization_id is null)
    order by 1`.execute(db)
  return rows.map(({ chain }) => chain)
}

/** The different values of the first column of an index. */
export function distinct(table: string, column: string) {
  const [from, value] = [sql.table(table), sql.ref(column)]
  return sql<{ chain: string }>`(with recursive c as (
    (select ${value} as chain from ${from} where ${value} is not null order by 1 limit 1)
    union all
    select (select ${value} from ${from} where ${value} > c.chain order by 1 limit 1) from c where c.chain is not null
  ) select chain from c where chain is not null)`
}
