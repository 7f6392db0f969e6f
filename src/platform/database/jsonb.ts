import { type RawBuilder, sql } from 'kysely'

/** A list as one JSON value: the driver would take it for an array of Postgres's own. */
export function jsonb<Item>(list: readonly Item[]): RawBuilder<readonly Item[]> {
  return sql<readonly Item[]>`${JSON.stringify(list)}::jsonb`
}
