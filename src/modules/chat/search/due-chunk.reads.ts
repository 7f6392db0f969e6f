import { type Kysely, sql } from 'kysely'
import { chunkHash, embeddedText } from '../../../lib/search-chunks.ts'
import type { Tables } from '../../../platform/database/tables.ts'

/** From among how many they are drawn, so that nodes that look at the same time seldom take the same. */
const DRAWN_FROM = 256

/** A chunk that waits for its vector. */
export interface DueChunk {
  readonly id: string
  readonly subjectId: string
  readonly organizationId: string
  readonly start: number
  readonly end: number
  readonly hash: Buffer
}

/** A chunk with the text that its hash is of. */
export interface ReadChunk extends DueChunk {
  readonly text: string
  readonly language: string | null
}

/** Some of the chunks that wait for their vectors. */
export async function listDueChunks(db: Kysely<Tables>, limit: number): Promise<DueChunk[]> {
  const { rows } = await sql<DueChunk>`
    select id, subject_id as "subjectId", organization_id as "organizationId", start, "end", hash
    from (select * from search_chunk where model_id is null order by id limit ${DRAWN_FROM}) as waiting
    order by random() limit ${limit}`.execute(db)
  return rows
}

interface LiveText {
  readonly id: string
  readonly title: string | null
  readonly text: string
  readonly language: string | null
}

/** Those of the chunks that are still what their texts say. */
export async function readTexts(db: Kysely<Tables>, due: readonly DueChunk[]): Promise<ReadChunk[]> {
  const ids = [...new Set(due.map(({ subjectId }) => subjectId))]
  const { rows } = await sql<LiveText>`
    select id, null as title, title as text, language from page where id = any(${ids}::uuid[])
    union all
    select block.id, page.title, block.text, page.language from block join page on page.id = block.page_id
    where block.id = any(${ids}::uuid[])
    union all
    select id, null, content, null from message where id = any(${ids}::uuid[])`.execute(db)
  const live = new Map(rows.map((row) => [row.id, row]))
  return due.flatMap((chunk) => {
    const subject = live.get(chunk.subjectId)
    if (subject === undefined) return []
    const { title, language } = subject
    const text = embeddedText({ title, text: subject.text.slice(chunk.start, chunk.end) })
    return chunkHash(text).equals(chunk.hash) ? [{ ...chunk, text, language }] : []
  })
}
