import { sql } from 'kysely'
import type { Database } from '../../../platform/database/database.ts'
import { type SearchKind, searchKinds } from './search-text.entity.ts'

/** How much there is to do until everything can be found. */
export interface IndexBacklog {
  /** Texts whose words are not indexed yet. */
  readonly texts: number
  /** Parts of texts that have no vector yet. */
  readonly chunks: number
}

const ROWS_A_STATEMENT = 5_000
const tables: Readonly<Record<SearchKind, string>> = { PAGE: 'page', BLOCK: 'block', MESSAGE: 'message' }

/** Has everything indexed anew by whichever indexers run, as if all of it had just changed. Answers how many texts. */
export async function noteEverything(database: Database, signal: AbortSignal): Promise<number> {
  let noted = 0
  for (const kind of searchKinds) noted += await noteTable(database, kind, signal)
  return noted
}

/** In statements of their own, each of which is short. */
async function noteTable({ unscoped }: Database, kind: SearchKind, signal: AbortSignal): Promise<number> {
  const table = sql.table(tables[kind])
  let noted = 0
  for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
    signal.throwIfAborted()
    const { rows } = await sql<{ id: string }>`
      with next as (select id, organization_id from ${table} where id > ${after} order by id limit ${ROWS_A_STATEMENT}),
      noted as (
        insert into text_change (organization_id, kind, subject_id) select organization_id, ${kind}, id from next
      )
      select id from next order by id desc`.execute(unscoped)
    noted += rows.length
    const last = rows[0]?.id
    if (last === undefined) return noted
    after = last
  }
}

/** What waits for the indexers. */
export async function indexBacklog({ unscoped }: Database): Promise<IndexBacklog> {
  const { rows } = await sql<IndexBacklog>`
    select (select count(*) from text_change) as texts,
      (select count(*) from search_chunk where model_id is null) as chunks`.execute(unscoped)
  return rows[0] ?? { texts: 0, chunks: 0 }
}
