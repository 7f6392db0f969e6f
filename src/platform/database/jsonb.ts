import { type RawBuilder, sql } from 'kysely'

/** One JSON value: the driver would take a list for an array of Postgres's own. */
export function jsonb<Value>(value: Value): RawBuilder<Value> {
  return sql<Value>`${JSON.stringify(value)}::jsonb`
}
