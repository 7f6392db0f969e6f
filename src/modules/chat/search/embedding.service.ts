import { type Kysely, sql } from 'kysely'
import { signsOf, vectorBytes, vectorOf, vectorText } from '../../../lib/vectors.ts'
import type { Platform } from '../../../platform/context.ts'
import { createTurns } from '../../../platform/database/in-turn.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import { type Embedder, EmbedderFailed } from '../../../platform/embedder.ts'
import { type DueChunk, listDueChunks, type ReadChunk, readTexts } from './due-chunk.reads.ts'
import { embeddingTable, usesPgvector } from './vector-index.service.ts'

/** Chunks of one call: as many texts as a model is given at once. */
const CHUNKS_AT_ONCE = 32
/** Rows of one statement: pgvector links each to its neighbours, and the embedded database holds up everybody meanwhile. */
const ROWS_A_STATEMENT = 4

/** What every model makes a vector of, as long as it works. */
const PROBE = 'water'

/** What texts came to, by `keyOf` their chunks. */
type Vectors = Map<string, Float32Array>

/**
 * Gives some of the chunks that wait their vectors, and answers how many it is done with: 0 when none waits. The same text
 * costs an organization one embedding. No transaction is open while the model works, so two nodes may do the same chunk. One
 * that is not what its text says now is given back to the indexer. One that the model breaks down over, also alone, is done
 * with as if it made no sense. Without an embedder all wait. `turns` are kept from one call to the next, so that organizations
 * take turns.
 * @throws what the embedder does, and the chunks wait on
 */
export async function embedDue(
  { database, embedder }: Pick<Platform, 'database' | 'embedder'>,
  signal: AbortSignal,
  turns = createTurns(),
): Promise<number> {
  if (embedder === null) return 0
  const db = database.unscoped
  const due = await listDueChunks(db, CHUNKS_AT_ONCE, turns)
  if (due.length === 0) return 0
  const current = await readTexts(db, due)
  const stale = due.filter(({ id }) => !current.some((chunk) => chunk.id === id))
  let done = await giveBack(db, stale)
  const understood = current.filter(({ text, language }) => embedder.reads(text, language))
  const vectors = await vectorsOf(db, embedder, understood, signal)
  const isIndexed = await usesPgvector(database)
  for (let start = 0; start < current.length; start += ROWS_A_STATEMENT) {
    const chunks = current.slice(start, start + ROWS_A_STATEMENT)
    done += await settle(db, embedder.id, chunks, vectors, isIndexed)
  }
  return done
}

/** Vectors of an organization are its own, also where others have the same text. */
function keyOf({ organizationId, hash }: Pick<DueChunk, 'organizationId' | 'hash'>): string {
  return `${organizationId}/${hash.toString('hex')}`
}

/** The vectors of texts: those that are kept, and for the rest what the model makes of them, which is kept from then on. */
async function vectorsOf(
  db: Kysely<Tables>,
  embedder: Embedder,
  chunks: readonly ReadChunk[],
  signal: AbortSignal,
): Promise<Vectors> {
  const vectors = await findVectors(db, embedder.id, chunks)
  const missing = new Map(chunks.filter((chunk) => !vectors.has(keyOf(chunk))).map((chunk) => [keyOf(chunk), chunk]))
  if (missing.size === 0) return vectors
  const made = await embedTexts(embedder, [...new Set([...missing.values()].map(({ text }) => text))], signal)
  for (const [key, { text }] of missing) {
    const vector = made.get(text)
    if (vector === undefined) missing.delete(key)
    else vectors.set(key, vector)
  }
  await keepVectors(db, embedder.id, [...missing.values()], vectors)
  return vectors
}

/** The vectors of texts by the texts; those that the model breaks down over are left out. */
async function embedTexts(
  embedder: Embedder,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Float32Array>> {
  try {
    const made = await embedder.embed(texts, { signal })
    return new Map(texts.map((text, index) => [text, ofModel(embedder, made[index])]))
  } catch (error) {
    if (!(error instanceof EmbedderFailed)) throw error
    return embedOneByOne(embedder, texts, signal)
  }
}

/** @throws {EmbedderFailed} when what any model reads fails as well: then it is not the texts that are to blame */
async function embedOneByOne(
  embedder: Embedder,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Float32Array>> {
  const vectors = new Map<string, Float32Array>()
  let works = false
  for (const text of texts) {
    try {
      const [vector] = await embedder.embed([text], { signal })
      vectors.set(text, ofModel(embedder, vector))
    } catch (error) {
      if (!(error instanceof EmbedderFailed)) throw error
      // At once, since each failure takes as long as a model may be silent.
      if (!works) await embedder.embed([PROBE], { signal })
    }
    works = true
  }
  return vectors
}

/** @throws when it is not what the model promises: one wrong vector would fail every comparison with it */
function ofModel({ id, dimensions }: Embedder, vector: Float32Array | undefined): Float32Array {
  if (vector?.length === dimensions && vector.every(Number.isFinite)) return vector
  throw new Error(`The model ${id} made no vector of ${dimensions} dimensions`)
}

async function findVectors(db: Kysely<Tables>, modelId: string, chunks: readonly DueChunk[]): Promise<Vectors> {
  const { rows } = await sql<{ organizationId: string; hash: Buffer; vector: Buffer }>`
    select given.organization_id as "organizationId", given.hash, kept.vector
    from unnest(${chunks.map(({ organizationId }) => organizationId)}::uuid[], ${chunks.map(({ hash }) => hash)}::bytea[])
      as given(organization_id, hash)
    cross join lateral (
      select vector from search_vector
      where organization_id = given.organization_id and model_id = ${modelId} and hash = given.hash offset 0
    ) as kept`.execute(db)
  return new Map(rows.map((row) => [keyOf(row), vectorOf(row.vector)]))
}

async function keepVectors(
  db: Kysely<Tables>,
  modelId: string,
  chunks: readonly DueChunk[],
  vectors: Vectors,
): Promise<void> {
  const bytes = chunks.map((chunk) => vectorBytes(vectors.get(keyOf(chunk)) ?? new Float32Array()))
  // In one order on every node: whoever finds a row that is being inserted waits for it, while holding its own.
  await sql`
    insert into search_vector (organization_id, model_id, hash, vector)
    select organization_id, ${modelId}, hash, vector
    from unnest(
      ${chunks.map(({ organizationId }) => organizationId)}::uuid[], ${chunks.map(({ hash }) => hash)}::bytea[],
      ${bytes}::bytea[]
    ) as given(organization_id, hash, vector)
    order by organization_id, hash
    on conflict do nothing`.execute(db)
}

/**
 * Notes what the chunks have come to: a vector, or none of a text that the model makes no sense of, or breaks down over. What has changed
 * meanwhile, or is being changed, is left alone.
 */
async function settle(
  db: Kysely<Tables>,
  modelId: string,
  chunks: readonly DueChunk[],
  vectors: Vectors,
  isIndexed: boolean,
): Promise<number> {
  const found = chunks.map((chunk) => vectors.get(keyOf(chunk)) ?? null)
  const signs = found.map((vector) => vector && signsOf(vector))
  const indexed = sql`, indexed as (
      insert into ${sql.table(embeddingTable)} (chunk_id, model_id, embedding)
      select held.id, ${modelId}, held.vector::vector from held where held.vector is not null
      on conflict (chunk_id) do update set model_id = excluded.model_id, embedding = excluded.embedding
    ), unindexed as (
      delete from ${sql.table(embeddingTable)} as near using held where near.chunk_id = held.id and held.vector is null
    )`
  const texts = isIndexed ? found.map((vector) => vector && vectorText(vector)) : found.map(() => null)
  const { rows } = await sql<{ count: number }>`
    with held as materialized (
      select chunk.id, given.signs, given.vector
      from search_chunk as chunk
      join unnest(${chunks.map(({ id }) => id)}::uuid[], ${chunks.map(({ hash }) => hash)}::bytea[], ${signs}::text[], ${texts}::text[])
        as given(id, hash, signs, vector) on given.id = chunk.id and given.hash = chunk.hash
      where chunk.model_id is null
      order by chunk.id for update of chunk skip locked
    ), settled as (
      update search_chunk as chunk set model_id = ${modelId}, signs = held.signs::varbit
      from held where chunk.id = held.id returning chunk.id
    )${isIndexed ? indexed : sql``}
    select count(*) as count from settled`.execute(db)
  return rows[0]?.count ?? 0
}

/**
 * Deletes chunks that are not what their texts say now, and notes a change of those texts: so they are not looked at again
 * and again, and made anew whatever they came from. Mostly the change that made them stale is on its way already.
 */
async function giveBack(db: Kysely<Tables>, chunks: readonly DueChunk[]): Promise<number> {
  if (chunks.length === 0) return 0
  const { rows } = await sql<{ count: number }>`
    with held as materialized (
      select chunk.id
      from search_chunk as chunk
      join unnest(${chunks.map(({ id }) => id)}::uuid[], ${chunks.map(({ hash }) => hash)}::bytea[]) as given(id, hash)
        on given.id = chunk.id and given.hash = chunk.hash
      where chunk.model_id is null
      order by chunk.id for update of chunk skip locked
    ), gone as (
      delete from search_chunk as chunk using held where chunk.id = held.id
      returning chunk.organization_id, chunk.kind, chunk.subject_id
    ), noted as (
      insert into text_change (organization_id, kind, subject_id)
      select distinct organization_id, kind, subject_id from gone
    )
    select count(*) as count from gone`.execute(db)
  return rows[0]?.count ?? 0
}
