import { type Kysely, sql } from 'kysely'
import { chunkHash, chunksOf, embeddedText } from '../../../lib/search-chunks.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import { newUuid } from '../../../platform/uuid.ts'
import type { IndexedText } from './indexing.service.ts'
import type { SourceText } from './search-source.reads.ts'

/** A part of a text, as it is kept. */
export interface Chunk {
  readonly subjectId: string
  readonly number: number
  readonly start: number
  readonly end: number
  /** Hexadecimal. */
  readonly hash: string
}

/**
 * Makes the chunks of texts what the texts are now. What stays as it was keeps its vector; the rest waits for one. A text of
 * which somebody has indexed a later change meanwhile is left to them.
 */
export async function keepChunks(tx: Kysely<Tables>, texts: readonly IndexedText[]): Promise<void> {
  const chunks = texts.flatMap(({ chunks }) => chunks)
  const column = <Value>(of: (chunk: Chunk) => Value) => chunks.map(of)
  const current = sql`
    select text.subject_id, text.organization_id, text.kind, text.home_id from search_text as text
    join unnest(${texts.map(({ id }) => id)}::uuid[], ${texts.map(({ changeId }) => changeId)}::bigint[])
      as given(subject_id, change_id) on given.subject_id = text.subject_id and given.change_id = text.change_id`
  const made = sql`
    unnest(${chunks.map(() => newUuid(new Date()))}::uuid[], ${column(({ subjectId }) => subjectId)}::uuid[],
      ${column(({ number }) => number)}::smallint[], ${column(({ start }) => start)}::int[],
      ${column(({ end }) => end)}::int[], ${column(({ hash }) => hash)}::text[]
    ) as made(id, subject_id, number, start, "end", hash)`
  await sql`
    delete from search_chunk using (${current}) as text
    where search_chunk.subject_id = text.subject_id and not exists (
      select from ${made} where made.subject_id = search_chunk.subject_id and made.number = search_chunk.number
    )`.execute(tx)
  if (chunks.length === 0) return
  await sql`
    insert into search_chunk (id, subject_id, number, organization_id, kind, home_id, start, "end", hash)
    select made.id, made.subject_id, made.number, text.organization_id, text.kind, text.home_id, made.start, made."end",
      decode(made.hash, 'hex')
    from (${current}) as text join ${made} on made.subject_id = text.subject_id
    on conflict (subject_id, number) do update set home_id = excluded.home_id, start = excluded.start,
      "end" = excluded."end", hash = excluded.hash,
      model_id = case when search_chunk.hash = excluded.hash then search_chunk.model_id end,
      signs = case when search_chunk.hash = excluded.hash then search_chunk.signs end`.execute(tx)
}

/** The chunks of a text. */
export function chunked({ id, title, text }: Pick<SourceText, 'id' | 'title' | 'text'>): Chunk[] {
  return chunksOf(text).map(({ start, end }, number) => {
    const hash = chunkHash(embeddedText({ title, text: text.slice(start, end) })).toString('hex')
    return { subjectId: id, number, start, end, hash }
  })
}
