import { type Kysely, sql as raw } from 'kysely'
import type { Tables } from '../../../platform/database/tables.ts'
import { type SearchKind, searchKinds } from './search-text.entity.ts'

/** What is indexed of one text, in UTF-16 units: of a longer one only its beginning is found. */
export const MAX_INDEXED_LENGTH = 100_000

/** A text as it stands, as far as it is indexed, with what its meaning and its finding depend on. */
export interface SourceText {
  readonly id: string
  readonly kind: SearchKind
  readonly organizationId: string
  /** The page or the chat session it stands in; a page stands in itself. */
  readonly homeId: string
  /** What stands over it; empty for what has no title, and for titles themselves. */
  readonly title: string
  readonly text: string
  /** BCP 47, where somebody said it. */
  readonly language: string | null
}

/** Which rows are asked for. */
type Ids = readonly string[]

// Of all organizations: for the indexer, which acts for nobody.

/** The texts of pages, blocks and messages as they are committed; those that are gone, or being written yet, are left out. */
export async function readSources(sql: Kysely<Tables>, ids: Readonly<Record<SearchKind, Ids>>): Promise<SourceText[]> {
  // One after the other: inside a transaction there is one connection.
  const pages = await pagesOf(sql, ids.PAGE)
  const blocks = await blocksOf(sql, ids.BLOCK)
  const sources = [...pages, ...blocks, ...(await messagesOf(sql, ids.MESSAGE))]
  return sources.map((source) => ({ ...source, text: source.text.slice(0, MAX_INDEXED_LENGTH).toWellFormed() }))
}

/** The table of a kind's rows. */
export const sourceTables: Readonly<Record<SearchKind, string>> = { PAGE: 'page', BLOCK: 'block', MESSAGE: 'message' }

/**
 * Keeps rows from being deleted until the transaction ends: what is written about them is there when their deletion is noted.
 * Answers which; those that are gone, or that somebody is at who may be deleting them, are left out. It never waits, since
 * whoever deletes many takes them in an order of their own.
 */
export async function lockSources(
  tx: Kysely<Tables>,
  sources: readonly Pick<SourceText, 'id' | 'kind'>[],
): Promise<ReadonlySet<string>> {
  const locked = new Set<string>()
  for (const wanted of searchKinds) {
    const ids = sources.filter(({ kind }) => kind === wanted).map(({ id }) => id)
    if (ids.length === 0) continue
    const { rows } = await raw<{ id: string }>`
      select id from ${raw.table(sourceTables[wanted])} where id = any(${ids}::uuid[])
      order by id for key share skip locked`.execute(tx)
    for (const { id } of rows) locked.add(id)
  }
  return locked
}

async function pagesOf(sql: Kysely<Tables>, ids: Ids): Promise<SourceText[]> {
  if (ids.length === 0) return []
  const query = sql.selectFrom('page').where('id', 'in', ids)
  const rows = await query.select(['id', 'organization_id as organizationId', 'title', 'language']).execute()
  return rows.map(({ title, ...page }) => ({ ...page, kind: 'PAGE', homeId: page.id, title: '', text: title }))
}

async function blocksOf(sql: Kysely<Tables>, ids: Ids): Promise<SourceText[]> {
  if (ids.length === 0) return []
  const rows = await sql
    .selectFrom('block')
    .innerJoin('page', 'page.id', 'block.page_id')
    .where('block.id', 'in', ids)
    .select(['block.id', 'block.organization_id as organizationId', 'page.id as homeId', 'page.title', 'block.text'])
    .select('page.language')
    .execute()
  return rows.map((block) => ({ ...block, kind: 'BLOCK' }))
}

async function messagesOf(sql: Kysely<Tables>, ids: Ids): Promise<SourceText[]> {
  if (ids.length === 0) return []
  const rows = await sql
    .selectFrom('message')
    .where('id', 'in', ids)
    .where('status', '<>', 'STREAMING')
    .select(['id', 'organization_id as organizationId', 'session_id as homeId', 'content as text'])
    .execute()
  return rows.map((message) => ({ ...message, kind: 'MESSAGE', title: '', language: null }))
}
