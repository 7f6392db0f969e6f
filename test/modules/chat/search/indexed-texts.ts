import { hash } from 'node:crypto'
import { sql } from 'kysely'
import { chunkHash, chunksOf, embeddedText } from '../../../../src/lib/search-chunks.ts'
import type { SearchKind } from '../../../../src/modules/chat/search/search-text.entity.ts'
import type { Embedder } from '../../../../src/platform/embedder.ts'
import { newUuid } from '../../../../src/platform/uuid.ts'
import { type Stage, unit } from './vector-stage.ts'

/** A text as the indexer leaves it: with chunks that wait for their vectors. */
export interface IndexedText {
  readonly organizationId: string
  readonly kind: SearchKind
  readonly id: string
}

/** Makes a page, a block or a message that says something, and indexes it. A block's page has the title, or one made up. */
export async function addText(
  stage: Stage,
  text: Omit<IndexedText, 'id'> & { readonly says: string; readonly title?: string; readonly language?: string },
): Promise<IndexedText> {
  const { organizationId, kind, says, title = 'Tides', language = null } = text
  const makePage = (name: string) => insertPage(stage, organizationId, name, language)
  if (kind === 'PAGE') return index(stage, { organizationId, kind, id: await makePage(says) }, null, says)
  if (kind === 'MESSAGE')
    return index(stage, { organizationId, kind, id: await say(stage, organizationId, says) }, null, says)
  const id = await insertBlock(stage, organizationId, await makePage(title), says)
  return index(stage, { organizationId, kind, id }, title, says)
}

async function insertPage(stage: Stage, organizationId: string, title: string, language: string | null) {
  const id = newUuid(new Date())
  await sql`
    insert into page (id, organization_id, rank, title, language, created_by_id, updated_by_id, version, created_at, updated_at)
    values (${id}, ${organizationId}, ${id}, ${title}, ${language}, ${id}, ${id}, 1, now(), now())
  `.execute(stage.database.unscoped)
  return id
}

async function insertBlock(stage: Stage, organizationId: string, pageId: string, text: string) {
  const id = newUuid(new Date())
  await sql`
    insert into block (id, organization_id, page_id, type, content, aside, text, position, created_by_id, updated_by_id,
      version, created_at, updated_at)
    values (${id}, ${organizationId}, ${pageId}, 'PARAGRAPH', '{}', '{}', ${text}, ${id}, ${id}, ${id}, 1, now(), now())
  `.execute(stage.database.unscoped)
  return id
}

async function say(stage: Stage, organizationId: string, content: string) {
  const id = newUuid(new Date())
  await sql`
    with session as (
      insert into chat_session (id, organization_id, created_by_id, version, created_at, updated_at)
      values (${id}, ${organizationId}, ${id}, 1, now(), now())
    )
    insert into message (id, organization_id, session_id, branch_id, role, content, citations, status, fence, created_at, updated_at)
    values (${id}, ${organizationId}, ${id}, ${id}, 'USER', ${content}, '[]', 'COMPLETED', 0, now(), now())
  `.execute(stage.database.unscoped)
  return id
}

async function index(stage: Stage, text: IndexedText, title: string | null, says: string): Promise<IndexedText> {
  const { organizationId, kind, id } = text
  const { unscoped } = stage.database
  await sql`
    insert into search_text (subject_id, organization_id, kind, home_id, language, words, length, change_id)
    values (${id}, ${organizationId}, ${kind}, ${id}, 'simple', '', 0, 0)`.execute(unscoped)
  for (const [number, { start, end }] of chunksOf(says).entries()) {
    const hash = chunkHash(embeddedText({ title, text: says.slice(start, end) }))
    await sql`
      insert into search_chunk (id, subject_id, number, organization_id, kind, home_id, start, "end", hash)
      values (${newUuid(new Date())}, ${id}, ${number}, ${organizationId}, ${kind}, ${id}, ${start}, ${end}, ${hash})
    `.execute(unscoped)
  }
  return text
}

/** How far the chunks of a text are, in their order. */
export async function chunksIn(stage: Stage, { id }: Pick<IndexedText, 'id'>) {
  const { rows } = await sql<{ modelId: string | null; signs: string | null }>`
    select model_id as "modelId", signs::text from search_chunk where subject_id = ${id} order by number`.execute(
    stage.database.unscoped,
  )
  return rows
}

/** A model for tests: equal texts have equal vectors, others are far from each other. */
export interface FakeEmbedder extends Embedder {
  /** What it was given, call by call. */
  readonly given: readonly (readonly string[])[]
  /** How near texts are is what the model says; this is what it says of one. */
  vectorOf(text: string): Float32Array
}

/** Makes a model that makes no sense of Chinese; `meanwhile` happens while it works. */
export function fakeEmbedder(
  id: string,
  dimensions: number,
  meanwhile: (signal: AbortSignal) => Promise<void> = async () => undefined,
): FakeEmbedder {
  const given: (readonly string[])[] = []
  const vectorOf = (text: string) => {
    const bytes = hash('sha512', `${id}/${text}`, 'buffer')
    return unit(Array.from({ length: dimensions }, (_, at) => (bytes[at] ?? 0) - 127.5))
  }
  return {
    id,
    dimensions,
    given,
    vectorOf,
    reads: (text, language) => language !== 'zh' && !/\p{sc=Han}/u.test(text),
    embed: async (texts, { signal }) => {
      given.push([...texts])
      await meanwhile(signal)
      return texts.map(vectorOf)
    },
    close: async () => undefined,
  }
}
