import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { escapeIdentifier, escapeLiteral, type Pool, type PoolClient, type QueryConfig } from 'pg'
import { sha256Hex } from '../../../lib/hash.ts'
import type { Database } from '../../../platform/database/database.ts'
import type { Embedder } from '../../../platform/embedder.ts'
import type { Log } from '../../../platform/log.ts'

// Where the database has pgvector, the vectors of chunks are kept once more, in its own form and with an index. No entity
// knows the table, since not every database has it: it is in a schema of its own, whose name, like that of pg-boss's, the
// comparison of the entities with the database takes for one of the system's.

/** What a model is known by. */
export type ModelFacts = Pick<Embedder, 'id' | 'dimensions'>

/** What is installed where. */
export interface VectorIndexOptions {
  readonly database: Database
  /** Null: the table is made, and no index. */
  readonly embedder: ModelFacts | null
  /** The embedded database, which holds up everybody while it links a vector to its neighbours. */
  readonly embedded: boolean
  readonly log: Log
}

/** The table of the vectors. */
export const embeddingTable = 'pgvector.embedding'

/** Links of a vector to others and the width of the search for them: pgvector's own, and what costs a third of that. */
const thorough = { m: 16, efConstruction: 64 }
const quick = { m: 8, efConstruction: 32 }
/** The most dimensions that pgvector has an index for. */
const MAX_INDEXED_DIMENSIONS = 2_000
const INDEX_PREFIX = 'embedding_of_'
const BUILD_LIMIT_MILLIS = 3_600_000
/** Rows that are read at once, each of which may fill a page. */
const ROWS_OF_A_SLICE = 1_000
const INSUFFICIENT_PRIVILEGE = '42501'

const present = new WeakMap<Database, Promise<boolean>>()

/** Whether this database keeps vectors for pgvector to look among; asked once. One that is too old is as good as none. */
export function usesPgvector(database: Database): Promise<boolean> {
  const known = present.get(database)
  if (known !== undefined) return known
  const asked = database.pool
    .query(
      `select from pg_extension where extname = 'vector' and ${isNewEnough('extversion')} and to_regclass($1) is not null`,
      [embeddingTable],
    )
    .then(({ rowCount }) => rowCount === 1)
  present.set(database, asked)
  asked.catch(() => present.delete(database))
  return asked
}

/**
 * Makes the table and the model's index where the database has pgvector; may be repeated, and does nothing elsewhere. Where
 * the rights for it are missing the log is told, and search does without.
 */
export async function installVectorIndex({ database, embedder, embedded, log }: VectorIndexOptions): Promise<void> {
  if (!(await isAvailable(database))) return
  present.delete(database)
  try {
    await define(database, 'create extension if not exists vector')
    await define(database, 'create schema if not exists pgvector')
    // Vectors stay in their rows, as far as a page has room: comparing many would else look up each beside the table.
    await define(
      database,
      `create table if not exists ${embeddingTable} (
        chunk_id uuid primary key references search_chunk (id) on delete cascade,
        model_id varchar(64) not null,
        embedding vector not null
      ) with (toast_tuple_target = 8160)`,
    )
    if (embedder !== null && embedder.dimensions <= MAX_INDEXED_DIMENSIONS) {
      await define(database, indexOf(embedder, embedded ? quick : thorough))
    }
  } catch (error) {
    if (!isRefused(error)) throw error
    log.warn({ err: error }, 'pgvector is there but may not be set up: vectors are compared without it')
  }
}

/**
 * Makes the model's index where it is missing, as after embeddings were off when the server began, or after somebody
 * dropped it. Does nothing while another node is at it, and gives up after an hour or when the signal aborts. Where the
 * rights for it are missing the log is told, and search does without.
 */
export async function mendIndex(database: Database, model: ModelFacts, log: Log, signal: AbortSignal): Promise<void> {
  if (model.dimensions > MAX_INDEXED_DIMENSIONS || signal.aborted) return
  const { rows } = await sql<{ has: boolean }>`select ${hasIndex(model.id)} as has`.execute(database.unscoped)
  if (rows[0]?.has === true) return
  try {
    if (hasOneSession(database)) await define(database, indexOf(model, quick))
    else await buildBeside(database, model, signal)
  } catch (error) {
    if (signal.aborted) return
    if (!isRefused(error)) throw error
    log.warn({ err: error }, 'the index of the model may not be made: vectors are compared without it')
  }
}

/**
 * Drops the indexes of models of which there is no vector left, but for the one that is given: a server of another model may
 * have been started beside this one. Where the rights for it are missing the log is told, and they stay.
 */
export async function dropOtherIndexes(
  database: Database,
  modelId: string,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const { rows } = await database.pool.query<{ name: string; bare: string }>(
    `select indexrelid::regclass::text as name, relname as bare
      from pg_index join pg_class on pg_class.oid = indexrelid
      where indrelid = $1::regclass and starts_with(relname, $2) and relname <> $3`,
    [embeddingTable, INDEX_PREFIX, indexName(modelId)],
  )
  if (rows.length === 0) return
  const needed = new Set([...(await listModels(database, signal))].map(indexName))
  if (signal.aborted) return
  try {
    // The name as Postgres quotes it.
    for (const { name, bare } of rows) if (!needed.has(bare)) await define(database, `drop index if exists ${name}`)
  } catch (error) {
    if (!isRefused(error)) throw error
    log.warn({ err: error }, 'the index of another model may not be dropped')
  }
}

/** Whether a model has its index, and it is whole. */
export function hasIndex(modelId: string): RawBuilder<SqlBool> {
  const name = `pgvector.${escapeIdentifier(indexName(modelId))}`
  return sql<SqlBool>`exists (select from pg_index where indexrelid = to_regclass(${name}) and indisvalid)`
}

/** The embedded database has one, which holds up everybody while a statement runs. */
export function hasOneSession({ pool }: Database): boolean {
  return pool.options.max === 1
}

/** A vector as one of so many dimensions: the form in which vectors are in a model's index, so that a query finds it. */
export function asVector(expression: RawBuilder<unknown>, dimensions: number): RawBuilder<unknown> {
  return sql`${expression}::vector(${sql.lit(dimensions)})`
}

/** Of which models there are vectors; none has an index to look that up in, so it is read in slices. */
async function listModels({ pool }: Database, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const models = new Set<string>()
  let after: string | null = null
  do {
    const { rows }: { rows: { last: string | null; models: string[] | null }[] } = await pool.query(
      `with slice as materialized (
        select chunk_id, model_id from ${embeddingTable} where $1::uuid is null or chunk_id > $1 order by chunk_id limit $2
      )
      select (select chunk_id from slice order by chunk_id desc limit 1) as last, array_agg(distinct model_id) as models
      from slice`,
      [after, ROWS_OF_A_SLICE],
    )
    for (const model of rows[0]?.models ?? []) models.add(model)
    after = rows[0]?.last ?? null
  } while (after !== null && !signal.aborted)
  return models
}

/** Builds the index while others write, for which no transaction may be open. */
async function buildBeside({ pool }: Database, model: ModelFacts, signal: AbortSignal): Promise<void> {
  const client = await pool.connect()
  // It would be waited for when the pool ends. The server itself may go on for a while.
  const leave = () => void client.end().catch(() => undefined)
  signal.addEventListener('abort', leave, { once: true })
  try {
    const name = indexName(model.id)
    const { rows } = await client.query('select pg_try_advisory_lock(hashtextextended($1, 0)) as mine', [name])
    if (rows[0]?.mine !== true) return
    await client.query(`set statement_timeout = ${BUILD_LIMIT_MILLIS}`)
    // What is there but not whole was left by somebody who did not come to the end.
    await run(client, `drop index concurrently if exists pgvector.${escapeIdentifier(name)}`)
    await run(client, indexOf(model, thorough, 'concurrently'))
  } finally {
    signal.removeEventListener('abort', leave)
    // The limit and the lock end with the connection.
    client.release(true)
  }
}

async function isAvailable({ pool }: Database): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select from pg_available_extensions
      where name = 'vector' and ${isNewEnough('coalesce(installed_version, default_version)')}`,
  )
  return rowCount === 1
}

/** From 0.8 on a search goes on until it has found enough of what may be found. */
function isNewEnough(version: string): string {
  return `string_to_array(${version}, '.')::int[] >= '{0,8}'`
}

/** Postgres has no parameters where something is defined. The model's id is in the text, and the index finds it there. */
function indexOf({ id, dimensions }: ModelFacts, { m, efConstruction }: typeof thorough, how = ''): string {
  const name = escapeIdentifier(indexName(id))
  return `create index ${how} if not exists ${name} on ${embeddingTable}
    using hnsw ((embedding::vector(${dimensions})) vector_cosine_ops) with (m = ${m}, ef_construction = ${efConstruction})
    where model_id = ${escapeLiteral(id)}`
}

/** At most 63 bytes, which is what Postgres keeps of a name. */
function indexName(modelId: string): string {
  const readable = modelId.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')
  return `${INDEX_PREFIX}${readable.slice(0, 32)}_${sha256Hex(modelId).slice(0, 12)}`
}

/** Runs a statement that defines something: with many rows an index takes longer than the pool lets a statement take. */
async function define({ pool }: Database, statement: string): Promise<void> {
  await run(pool, `begin; set local statement_timeout = ${BUILD_LIMIT_MILLIS}; ${statement}; commit`)
}

async function run(client: Pick<Pool | PoolClient, 'query'>, text: string): Promise<void> {
  // The cast: pg reads the limit of a single query, its types do not have it.
  await client.query({ text, query_timeout: BUILD_LIMIT_MILLIS } as QueryConfig)
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === INSUFFICIENT_PRIVILEGE
}
