import { type Kysely, sql } from 'kysely'
import { chunkHash, embeddedText } from '../../../lib/search-chunks.ts'
import { drawInTurn, type Turns } from '../../../platform/database/in-turn.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import { readSources } from './search-source.reads.ts'
import type { SearchKind } from './search-text.entity.ts'

/** Of each organization. */
const DRAWN_FROM = 256

/** A chunk that waits for its vector. */
export interface DueChunk {
  readonly id: string
  readonly subjectId: string
  readonly organizationId: string
  readonly kind: SearchKind
  readonly start: number
  readonly end: number
  readonly hash: Buffer
}

/** A chunk with the text that its hash is of. */
export interface ReadChunk extends DueChunk {
  readonly text: string
  readonly language: string | null
}

type DrawnChunk = Omit<DueChunk, 'subjectId' | 'organizationId'> & {
  readonly subject_id: string
  readonly organization_id: string
}

/** Some of the chunks that wait for their vectors. */
export async function listDueChunks(db: Kysely<Tables>, limit: number, turns: Turns): Promise<DueChunk[]> {
  const columns = ['id', 'subject_id', 'organization_id', 'kind', 'start', 'end', 'hash']
  const where = sql`waiting.model_id is null`
  const waiting = { table: 'search_chunk', columns, where, limit, drawnFrom: DRAWN_FROM }
  const rows = await drawInTurn<DrawnChunk>(db, waiting, turns)
  return rows.map(({ subject_id: subjectId, organization_id: organizationId, ...row }) => {
    return { ...row, subjectId, organizationId }
  })
}

/** Those of the chunks that are still what their texts say. */
export async function readTexts(db: Kysely<Tables>, due: readonly DueChunk[]): Promise<ReadChunk[]> {
  const idsOf = (kind: SearchKind) => [
    ...new Set(due.filter((chunk) => chunk.kind === kind).map(({ subjectId }) => subjectId)),
  ]
  const ids = { PAGE: idsOf('PAGE'), BLOCK: idsOf('BLOCK'), MESSAGE: idsOf('MESSAGE') }
  const live = new Map((await readSources(db, ids)).map((source) => [source.id, source]))
  return due.flatMap((chunk) => {
    const subject = live.get(chunk.subjectId)
    if (subject === undefined) return []
    const { title, language } = subject
    const text = embeddedText({ title, text: subject.text.slice(chunk.start, chunk.end) })
    return chunkHash(text).equals(chunk.hash) ? [{ ...chunk, text, language }] : []
  })
}
