import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'

/** Which stretch of an ordered list is asked for, by the keys of its neighbours; never by an offset. */
export interface Window {
  readonly after: readonly string[] | null
  readonly before: readonly string[] | null
  /** One more than a page, so that it is known whether another follows. */
  readonly limit: number
  /** Read from the end; the rows come in reverse. */
  readonly inverted: boolean
}

/** A part of a key: a column by its name, or an expression; never input. */
export type KeyColumn = string | RawBuilder<unknown>

/** Orders a query by a unique key and cuts it to a window. */
export function keyset<DB, TB extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, TB, Row>,
  columns: readonly KeyColumn[],
  direction: 'asc' | 'desc',
  window: Window,
): SelectQueryBuilder<DB, TB, Row> {
  const key = sql`(${sql.join(columns.map(expressionOf))})`
  const values = (row: readonly string[]) => sql`(${sql.join(row)})`
  const [beyond, short] = direction === 'asc' ? [sql`>`, sql`<`] : [sql`<`, sql`>`]
  let cut = query
  if (window.after !== null) cut = cut.where(sql<boolean>`${key} ${beyond} ${values(window.after)}`)
  if (window.before !== null) cut = cut.where(sql<boolean>`${key} ${short} ${values(window.before)}`)
  return inKeysetOrder(cut, columns, direction, window).limit(window.limit)
}

/** Orders rows as `keyset` does: for what is joined from several windows, since a join promises no order. */
export function inKeysetOrder<DB, TB extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, TB, Row>,
  columns: readonly KeyColumn[],
  direction: 'asc' | 'desc',
  { inverted }: Pick<Window, 'inverted'>,
): SelectQueryBuilder<DB, TB, Row> {
  const backwards = (direction === 'asc') === inverted
  return columns.reduce((ordered, column) => ordered.orderBy(expressionOf(column), backwards ? 'desc' : 'asc'), query)
}

/** A part of a key as an expression. */
export function expressionOf(column: KeyColumn): RawBuilder<unknown> {
  return typeof column === 'string' ? sql.ref(column) : column
}
