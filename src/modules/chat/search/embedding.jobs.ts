import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import type { Platform } from '../../../platform/context.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import { defineJob } from '../../../platform/jobs.ts'
import { dropOtherIndexes, embeddingTable, usesPgvector } from './vector-index.service.ts'

/** Rows of one statement, which is soon over whatever it finds. */
const ROWS_A_STATEMENT = 2_000

/**
 * Makes what is kept of vectors follow the server's model and the chunks: those with a vector of another model wait for a new
 * one, as do those whose vector is gone, and vectors that nothing needs are deleted. It may run on several nodes at once, and
 * again. With embeddings off it does nothing, so that switching them off for a while costs nothing.
 */
export const renewVectors = defineJob({
  name: 'chat.renew-vectors',
  schema: z.object({}),
  expireSeconds: 600,
  // Often: while servers with another model are being replaced one by one, theirs undo what those of the new one do.
  schedule: '*/10 * * * *',
  run: async ({ database, embedder, log }: Platform, _payload, signal) => {
    if (embedder === null) return
    const isIndexed = await usesPgvector(database)
    await walk(signal, (after: string | null) => renewChunks(database.unscoped, embedder.id, isIndexed, after))
    await walk(signal, (after: VectorKey | null) => deleteUnused(database.unscoped, embedder.id, after))
    if (isIndexed && !signal.aborted) await dropOtherIndexes(database, embedder.id, log)
  },
})

/** Goes through a table in the order of its keys, until the step that found none. */
async function walk<Key>(signal: AbortSignal, step: (after: Key | null) => Promise<Key | null>): Promise<void> {
  let after: Key | null = null
  do {
    if (signal.aborted) return
    after = await step(after)
  } while (after !== null)
}

/** Of the chunks behind one: lets those wait that lack a vector of the model. Answers the last it looked at. */
async function renewChunks(
  db: Kysely<Tables>,
  modelId: string,
  isIndexed: boolean,
  after: string | null,
): Promise<string | null> {
  const unindexed = sql<boolean>`not exists (
    select from ${sql.table(embeddingTable)} as near where near.chunk_id = chunk.id and near.model_id = ${modelId})`
  const { rows } = await sql<{ id: string }>`
    with slice as materialized (
      select id from search_chunk where ${after}::uuid is null or id > ${after} order by id limit ${ROWS_A_STATEMENT}
    ), wrong as materialized (
      select chunk.id from slice join search_chunk as chunk on chunk.id = slice.id
      where chunk.model_id <> ${modelId} or chunk.signs is not null and (
        not exists (
          select from search_vector as kept
          where kept.organization_id = chunk.organization_id and kept.model_id = ${modelId} and kept.hash = chunk.hash
        ) or ${isIndexed ? unindexed : sql`false`}
      )
      for update of chunk skip locked
    ), renewed as (
      update search_chunk as chunk set model_id = null, signs = null from wrong where chunk.id = wrong.id
    )
    select id from slice order by id desc limit 1`.execute(db)
  return rows[0]?.id ?? null
}

interface VectorKey {
  readonly organizationId: string
  readonly modelId: string
  readonly hash: Buffer
}

/** Of the vectors behind one: deletes those of other models and of texts that are no chunk's. Answers the last it looked at. */
async function deleteUnused(db: Kysely<Tables>, modelId: string, after: VectorKey | null): Promise<VectorKey | null> {
  const behind =
    after === null
      ? sql`true`
      : sql`(organization_id, model_id, hash) > (${after.organizationId}::uuid, ${after.modelId}, ${after.hash}::bytea)`
  const { rows } = await sql<VectorKey>`
    with slice as materialized (
      select organization_id, model_id, hash from search_vector
      where ${behind} order by organization_id, model_id, hash limit ${ROWS_A_STATEMENT}
    ), gone as (
      delete from search_vector as kept using slice
      where (kept.organization_id, kept.model_id, kept.hash) = (slice.organization_id, slice.model_id, slice.hash)
        and (slice.model_id <> ${modelId} or not exists (
          select from search_chunk as chunk
          where chunk.organization_id = slice.organization_id and chunk.hash = slice.hash
        ))
    )
    select organization_id as "organizationId", model_id as "modelId", hash
    from slice order by organization_id desc, model_id desc, hash desc limit 1`.execute(db)
  return rows[0] ?? null
}
