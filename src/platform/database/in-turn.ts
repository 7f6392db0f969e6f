import { type Kysely, sql } from 'kysely'
import type { Tables } from './tables.ts'

/** A table with an `id` that rises and an `organization_id`, and an index of what waits in it by each of them alone and by both. */
export interface Waiting {
  readonly table: string
  /** Columns to read, `id` among them. */
  readonly columns: readonly string[]
  /** Which rows wait: over the alias `waiting`. */
  readonly where: ReturnType<typeof sql>
  readonly limit: number
  /** From among how many of its oldest, of each organization: more than the limit, so that nodes that look at once draw others. */
  readonly drawnFrom: number
}

/** Whose turn it was last, of those who draw one after the other; for one table. */
export interface Turns {
  last: string | null
}

/** Nobody's turn yet. */
export function createTurns(): Turns {
  return { last: null }
}

/** Organizations that are looked at for one draw. */
const ORGANIZATIONS = 50

/**
 * Some of the rows that wait. Organizations take turns, row by row, and the next draw goes on behind whoever had the last one: so
 * nobody waits for what another has brought in. Of each, half are its newest rows, and half are drawn from among its oldest: what
 * came last does not wait for all that came before.
 */
export async function drawInTurn<Row>(
  db: Kysely<Tables>,
  { table, columns, where, limit, drawnFrom }: Waiting,
  turns: Turns,
): Promise<Row[]> {
  const waiting = sql`${sql.table(table)} as waiting`
  const selected = sql.join(columns.map((column) => sql.ref(`waiting.${column}`)))
  const firstBehind = (organization: ReturnType<typeof sql>) => sql`(
    select organization_id from ${waiting} where ${where} and ${organization} order by organization_id limit 1)`
  const behind = (last: ReturnType<typeof sql>) => sql`
    coalesce(${firstBehind(sql`organization_id > ${last}`)}, ${firstBehind(sql`true`)})`
  const end = (order: ReturnType<typeof sql>, count: number) => sql`(
    select ${selected} from ${waiting}
    where waiting.organization_id = turn.owner and ${where} order by ${order} limit ${count}) as waiting`
  const { rows } = await sql<Row & { owner: string }>`
    with recursive turn (owner, first, number) as (
      select first.owner, first.owner, 1 from (select ${behind(sql`${turns.last}::uuid`)} as owner) as first
      where first.owner is not null
      union all
      select next.owner, turn.first, turn.number + 1
      from turn cross join lateral (select ${behind(sql`turn.owner`)} as owner) as next
      where turn.number < ${ORGANIZATIONS} and next.owner <> turn.first
    ), drawn as (
      select distinct on (found.id) found.*, turn.owner, turn.number
      from turn cross join lateral (
        select waiting.*, row_number() over (order by id desc) as place from ${end(sql`id desc`, Math.ceil(limit / 2))}
        union all
        select waiting.*, row_number() over (order by random()) from ${end(sql`id`, drawnFrom)}
      ) as found
      order by found.id, found.place
    )
    select ${sql.join(columns.map((column) => sql.ref(column)))}, owner
    from drawn order by row_number() over (partition by owner order by place), number limit ${limit}`.execute(db)
  turns.last = rows.at(-1)?.owner ?? turns.last
  return rows
}
