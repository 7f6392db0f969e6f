import { type RawBuilder, sql } from 'kysely'

/** What waits in a table with an `id` that rises and an `organization_id`, each of them with an index of what waits. */
export interface Waiting {
  readonly table: string
  /** Columns of the table, `id` among them. */
  readonly columns: readonly string[]
  /** Which rows wait: over the alias `waiting`. */
  readonly where: RawBuilder<unknown>
  readonly limit: number
  /** From among how many of each organization they are drawn, so that nodes that look at once seldom draw the same. */
  readonly drawnFrom: number
}

/** Others are looked at once some of these have nothing left. */
const ORGANIZATIONS = 50

/**
 * A query for some of the rows that wait. Organizations take turns, so that nobody waits for what another has brought in; the
 * one with the oldest row has the first. Of each half are its oldest rows and half its newest: who has brought in much waits for
 * none of it to see what they write next.
 */
export function inTurn({ table, columns, where, limit, drawnFrom }: Waiting): RawBuilder<unknown> {
  const waiting = sql`${sql.table(table)} as waiting`
  const selected = sql.join(columns.map((column) => sql.ref(`waiting.${column}`)))
  const firstBehind = (organization: RawBuilder<unknown>) => sql`(
    select organization_id from ${waiting} where ${where} and ${organization} order by organization_id limit 1)`
  const some = (order: RawBuilder<unknown>) => sql`(
    select ${selected}, waiting.organization_id as owner from ${waiting}
    where waiting.organization_id = turn.organization_id and ${where} order by ${order} limit ${Math.ceil(drawnFrom / 2)})`
  return sql`
    with recursive turn (organization_id, first, number) as (
      (select organization_id, organization_id, 1 from ${waiting} where ${where} order by id limit 1)
      union all
      select next.organization_id, turn.first, turn.number + 1
      from turn cross join lateral (
        select coalesce(${firstBehind(sql`organization_id > turn.organization_id`)}, ${firstBehind(sql`true`)})
      ) as next (organization_id)
      where turn.number < ${ORGANIZATIONS} and next.organization_id <> turn.first
    ), drawn as (
      select waiting.*, row_number() over (partition by waiting.owner order by random()) as place
      from turn cross join lateral (${some(sql`id`)} union ${some(sql`id desc`)}) as waiting
    )
    select ${sql.join(columns.map((column) => sql.ref(column)))} from drawn order by place limit ${limit}`
}
