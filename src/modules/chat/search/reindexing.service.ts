import { sql } from 'kysely'
import type { Database } from '../../../platform/database/database.ts'
import { sourceTables } from './search-source.reads.ts'
import { type SearchKind, searchKinds } from './search-text.entity.ts'

/** How much there is to do until everything can be found. */
export interface IndexBacklog {
  /** Texts whose words are not indexed yet. */
  readonly texts: number
  /** Parts of texts that have no vector yet. */
  readonly chunks: number
}

const ROWS_A_STATEMENT = 5_000
const FIRST = '00000000-0000-0000-0000-000000000000'

/**
 * Has everything indexed anew by whichever indexers run, as if all of it had just changed, and forgotten what is
 * gone. Answers how many texts there are.
 */
export async function noteEverything(database: Database, signal: AbortSignal): Promise<number> {
  let noted = 0
  for (const kind of searchKinds) noted += await noteTable(database, kind, signal)
  await noteGone(database, signal)
  return noted
}

/** In statements of their own, each of which is short. */
async function noteTable({ unscoped }: Database, kind: SearchKind, signal: AbortSignal): Promise<number> {
  const table = sql.table(sourceTables[kind])
  let noted = 0
  for (let after = FIRST; ; ) {
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

/** What can be found though its row is there no more: what is noted of it makes an indexer see that. */
async function noteGone({ unscoped }: Database, signal: AbortSignal): Promise<void> {
  const sources = searchKinds.map((kind) => sql`select ${kind}::text as kind, id from ${sql.table(sourceTables[kind])}`)
  for (let after = FIRST; ; ) {
    signal.throwIfAborted()
    const { rows } = await sql<{ id: string }>`
      with next as (
        select subject_id as id, organization_id, kind from search_text
        where subject_id > ${after} order by subject_id limit ${ROWS_A_STATEMENT}
      ),
      noted as (
        insert into text_change (organization_id, kind, subject_id) select organization_id, kind, id from next
        where not exists (
          select from (${sql.join(sources, sql` union all `)}) as source
          where source.kind = next.kind and source.id = next.id
        )
      )
      select id from next order by id desc limit 1`.execute(unscoped)
    const last = rows[0]?.id
    if (last === undefined) return
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
