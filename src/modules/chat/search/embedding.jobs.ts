import { type Kysely, type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import type { Platform } from '../../../platform/context.ts'
import type { Database } from '../../../platform/database/database.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import { defineJob } from '../../../platform/jobs.ts'
import { uncounted } from './indexer.service.ts'
import { dropOtherIndexes, embeddingTable, hasOneSession, mendIndex, usesPgvector } from './vector-index.service.ts'

/** Rows of one statement, which is soon over whatever it finds; fewer where it holds up everybody meanwhile. */
const ROWS_A_STATEMENT = 2_000
const ROWS_A_STATEMENT_EMBEDDED = 200
/** More than the hour that an index may take. */
const EXPIRE_SECONDS = 4_000

/**
 * Lets the chunks with a vector of another model than the server's wait for a new one, and makes the model's index where it
 * is missing. It may run on several nodes at once, and again. With embeddings off it does nothing, so that switching them off
 * for a while costs nothing.
 */
export const renewVectors = defineJob({
  name: 'chat.renew-vectors',
  schema: z.object({}),
  expireSeconds: EXPIRE_SECONDS,
  // Often: while servers with another model are being replaced one by one, theirs undo what those of the new one do.
  schedule: '*/10 * * * *',
  run: async (platform: Platform, _payload, signal) => {
    const { database, embedder, log } = uncounted(platform)
    if (embedder === null) return
    const { unscoped } = database
    if (await hasOthers(unscoped, embedder.id)) {
      const isWrong = sql<boolean>`chunk.model_id <> ${embedder.id}`
      await walk(signal, (after: string | null) => renewChunks(unscoped, isWrong, rowsOf(database), after))
    }
    if (await usesPgvector(database)) await mendIndex(database, embedder, log, signal)
  },
})

/**
 * Looks at all that is kept of vectors: chunks whose vector is of another model or gone wait for a new one, and vectors and
 * indexes that nothing needs are deleted. As often as one likes, as above, and with embeddings off not at all.
 */
export const tidyVectors = defineJob({
  name: 'chat.tidy-vectors',
  schema: z.object({}),
  expireSeconds: EXPIRE_SECONDS,
  // Once a day, since all is read for it.
  schedule: '40 2 * * *',
  run: async (platform: Platform, _payload, signal) => {
    const { database, embedder, log } = uncounted(platform)
    if (embedder === null) return
    const { unscoped } = database
    const isIndexed = await usesPgvector(database)
    const isWrong = lacksVector(embedder.id, isIndexed)
    await walk(signal, (after: string | null) => renewChunks(unscoped, isWrong, rowsOf(database), after))
    await walk(signal, (after: VectorKey | null) => deleteUnused(unscoped, embedder.id, rowsOf(database), after))
    if (isIndexed && !signal.aborted) await dropOtherIndexes(database, embedder.id, log, signal)
  },
})

function rowsOf(database: Database): number {
  return hasOneSession(database) ? ROWS_A_STATEMENT_EMBEDDED : ROWS_A_STATEMENT
}

/**
 * Whether there are vectors of other models, by two looks into their key for each organization: chunks have no index for it.
 * Chunks of another model in a database where it made no vector at all are left to the job of the day.
 */
async function hasOthers(db: Kysely<Tables>, modelId: string): Promise<boolean> {
  const some = (where: RawBuilder<unknown>) => sql`exists (
    select from search_vector as kept where kept.organization_id = organization.id and ${where})`
  const { rows } = await sql<{ has: boolean }>`
    select exists (
      select from organization
      where ${some(sql`kept.model_id < ${modelId}`)} or ${some(sql`kept.model_id > ${modelId}`)}
    ) as has`.execute(db)
  return rows[0]?.has ?? false
}

/** Whether a chunk is of another model, or has signs but no vector. */
function lacksVector(modelId: string, isIndexed: boolean): RawBuilder<unknown> {
  const unindexed = sql`not exists (
    select from ${sql.table(embeddingTable)} as near where near.chunk_id = chunk.id and near.model_id = ${modelId})`
  return sql`chunk.model_id <> ${modelId} or chunk.signs is not null and (
    not exists (
      select from search_vector as kept
      where kept.organization_id = chunk.organization_id and kept.model_id = ${modelId} and kept.hash = chunk.hash
    ) or ${isIndexed ? unindexed : sql`false`}
  )`
}

/** Goes through a table in the order of its keys, until the step that found none. */
async function walk<Key>(signal: AbortSignal, step: (after: Key | null) => Promise<Key | null>): Promise<void> {
  let after: Key | null = null
  do {
    if (signal.aborted) return
    after = await step(after)
  } while (after !== null)
}

/** Of the chunks behind one: lets those wait that are wrong. Answers the last it looked at. */
async function renewChunks(
  db: Kysely<Tables>,
  isWrong: RawBuilder<unknown>,
  limit: number,
  after: string | null,
): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`
    with slice as materialized (
      select id from search_chunk where ${after}::uuid is null or id > ${after} order by id limit ${limit}
    ), wrong as materialized (
      select chunk.id from slice join search_chunk as chunk on chunk.id = slice.id
      where ${isWrong}
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
async function deleteUnused(
  db: Kysely<Tables>,
  modelId: string,
  limit: number,
  after: VectorKey | null,
): Promise<VectorKey | null> {
  const behind =
    after === null
      ? sql`true`
      : sql`(organization_id, model_id, hash) > (${after.organizationId}::uuid, ${after.modelId}, ${after.hash}::bytea)`
  const { rows } = await sql<VectorKey>`
    with slice as materialized (
      select organization_id, model_id, hash from search_vector
      where ${behind} order by organization_id, model_id, hash limit ${limit}
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
