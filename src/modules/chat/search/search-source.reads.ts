import type { Kysely } from 'kysely'
import type { Tables } from '../../../platform/database/tables.ts'
import type { SearchKind } from './search-text.entity.ts'

/** A text as it stands, with what its meaning and its finding depend on. */
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
  return [...pages, ...blocks, ...(await messagesOf(sql, ids.MESSAGE))]
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
