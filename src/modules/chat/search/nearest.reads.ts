import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely'
import { signsOf, similarityOf, vectorOf, vectorText } from '../../../lib/vectors.ts'
import type { Context } from '../../../platform/context.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import type { SearchKind } from './search-text.entity.ts'
import { asVector, embeddingTable, hasIndex, usesPgvector } from './vector-index.service.ts'

// Only vectors of one model are ever compared. The statements run on the connection itself, since Kysely has no form for
// them; each has the organization in it.

/** What is looked for. */
export interface NearestQuery {
  readonly modelId: string
  /** Of unit length, by that model. */
  readonly vector: Float32Array
  readonly limit: number
  /** Which chunks count, over the alias `chunk` of `search_chunk`. */
  readonly within: RawBuilder<SqlBool>
  /** That only few of the organization's chunks count; not so unless given. */
  readonly isNarrow?: boolean
  /** How many chunks that count are all compared where there is an index; 5,000 unless given. */
  readonly exactUpTo?: number
}

/** A chunk whose meaning is near. */
export interface NearestChunk {
  readonly subjectId: string
  readonly kind: SearchKind
  readonly homeId: string
  /** Where it stands in its text, in UTF-16 units. */
  readonly start: number
  readonly end: number
  /** The cosine between the two, from -1 to 1. */
  readonly similarity: number
}

/** Comparing as many costs a real database about as long as asking the index, and finds all of them. */
const EXACT_UP_TO = 5_000
/** Chunks that are compared by their vectors after the nearest were guessed by signs. */
const GUESSED_FOR_EACH = 3
const GUESSED_AT_LEAST = 200
/** Chunks of which it is asked whether they count. */
const GUESSED_BROADLY = 500
/** How many neighbours a search keeps in sight (`hnsw.ef_search`): at least, for each that is wanted, and what pgvector allows. */
const IN_SIGHT_AT_LEAST = 200
const IN_SIGHT_FOR_EACH = 2
const IN_SIGHT_AT_MOST = 1_000

/** The chunks of the viewer's organization that are nearest in meaning, most similar first. */
export async function findNearest(ctx: Context, query: NearestQuery): Promise<NearestChunk[]> {
  const { organizationId } = ctx.db
  if (organizationId === null) return []
  const { database } = ctx.platform
  if (!(await usesPgvector(database))) return bySigns(database.unscoped, organizationId, query)
  // Without its index the table would be read from end to end, over all organizations.
  if (!(await isForIndex(database.unscoped, organizationId, query))) {
    return byAll(database.unscoped, organizationId, query)
  }
  const found = await byIndex(database.unscoped, organizationId, query)
  // The index gives up after 20,000 neighbours: what is left of them may be too few where others' chunks are many.
  return found.length < query.limit ? byAll(database.unscoped, organizationId, query) : found
}

/** The chunks that count: of the organization, with a vector of the model, and within. Without signs there is no vector. */
function chunksOf(organizationId: string, { modelId, within }: NearestQuery): RawBuilder<unknown> {
  return sql`search_chunk as chunk
    where chunk.organization_id = ${organizationId} and chunk.model_id = ${modelId} and chunk.signs is not null
      and (${within})`
}

const columns = sql`chunk.subject_id as "subjectId", chunk.kind, chunk.home_id as "homeId", chunk.start, chunk."end"`

/** Guesses by the number of equal signs, which is cheap and seldom far off, and then compares the vectors themselves. */
async function bySigns(db: Kysely<Tables>, organizationId: string, query: NearestQuery): Promise<NearestChunk[]> {
  const { modelId, vector, limit } = query
  const guesses = await guessed(db, organizationId, query)
  // What is kept of each guess is looked up by itself: of a join Postgres might read all there is.
  const { rows } = await sql<Omit<NearestChunk, 'similarity'> & { vector: string }>`
    select ${columns}, encode(kept.vector, 'base64') as vector
    from unnest(${guesses}::uuid[]) as guess(id)
    cross join lateral (select * from search_chunk where id = guess.id offset 0) as chunk
    cross join lateral (
      select vector from search_vector
      where organization_id = ${organizationId} and model_id = ${modelId} and hash = chunk.hash offset 0
    ) as kept`.execute(db)
  const compared = rows.map(({ vector: base64, ...chunk }) => {
    return { ...chunk, similarity: similarityOf(vector, vectorOf(Buffer.from(base64, 'base64'))) }
  })
  return mostSimilar(compared, limit)
}

/** The ids of the chunks that count and have most signs in common. */
async function guessed(db: Kysely<Tables>, organizationId: string, query: NearestQuery): Promise<readonly string[]> {
  const wanted = Math.max(GUESSED_AT_LEAST, GUESSED_FOR_EACH * query.limit)
  const all = { ...query, within: sql<SqlBool>`true` }
  if (query.isNarrow !== true) {
    // Whether one counts is asked of the nearest alone: to ask it of each costs as much again as to compare the signs.
    const { rows } = await sql<{ ids: readonly string[]; isAll: boolean }>`
      with near as materialized (${nearestBySigns(organizationId, all, GUESSED_BROADLY)})
      select array(
        select chunk.id from near
        cross join lateral (select * from search_chunk where id = near.id offset 0) as chunk
        where ${query.within} order by near.distance limit ${wanted}
      ) as ids, count(*) < ${GUESSED_BROADLY} as "isAll" from near`.execute(db)
    const [found] = rows
    if (found !== undefined && (found.isAll || found.ids.length === wanted)) return found.ids
  }
  const { rows } = await sql<{ id: string }>`${nearestBySigns(organizationId, query, wanted)}`.execute(db)
  return rows.map(({ id }) => id)
}

/** Of all that are compared nothing is carried along but their ids. Those of one model have as many signs. */
function nearestBySigns(organizationId: string, query: NearestQuery, limit: number): RawBuilder<unknown> {
  return sql`
    select chunk.id, bit_count(chunk.signs # ${signsOf(query.vector)}::varbit) as distance
    from ${chunksOf(organizationId, query)} order by distance limit ${limit}`
}

/** Whether the model has an index, and more chunks count than are soon compared: of few it would pass over too many others. */
async function isForIndex(db: Kysely<Tables>, organizationId: string, query: NearestQuery): Promise<boolean> {
  const few = query.exactUpTo ?? EXACT_UP_TO
  // They are counted only where there is an index.
  const { rows } = await sql<{ isForIndex: boolean }>`
    select case when ${hasIndex(query.modelId)}
      then (select count(*) from (select from ${chunksOf(organizationId, query)} limit ${few + 1}) as counted) > ${few}::int
      else false end as "isForIndex"`.execute(db)
  return rows[0]?.isForIndex ?? false
}

/** Compares with all of them. */
async function byAll(db: Kysely<Tables>, organizationId: string, query: NearestQuery): Promise<NearestChunk[]> {
  const { modelId, vector, limit } = query
  // Not in the words of the index, which would take the search over; and of no other model, whatever is looked at first.
  const distance = sql`case when near.model_id = ${modelId} then near.embedding <=> ${vectorText(vector)}::vector end`
  const { rows } = await sql<NearestChunk>`
    with chunk as materialized (select chunk.* from ${chunksOf(organizationId, query)}),
    compared as materialized (
      select ${columns}, ${distance} as distance
      from chunk join ${sql.table(embeddingTable)} as near on near.chunk_id = chunk.id and near.model_id = ${modelId}
    )
    select "subjectId", kind, "homeId", start, "end", 1 - distance as similarity
    from compared order by distance limit ${limit}`.execute(db)
  return rows
}

/** Asks the index, which goes on until as many that count are found, in nearly the order of their distance. */
async function byIndex(db: Kysely<Tables>, organizationId: string, query: NearestQuery): Promise<NearestChunk[]> {
  const { modelId, vector, limit } = query
  const inSight = Math.min(IN_SIGHT_AT_MOST, Math.max(IN_SIGHT_AT_LEAST, IN_SIGHT_FOR_EACH * limit))
  const one = asVector(sql`near.embedding`, vector.length)
  const other = asVector(sql`${vectorText(vector)}`, vector.length)
  const rows = await db.transaction().execute(async (tx) => {
    await sql`
      select set_config('hnsw.iterative_scan', 'relaxed_order', true),
        set_config('hnsw.ef_search', ${String(inSight)}, true)`.execute(tx)
    // The condition stands by itself, so that nothing but the index can be begun with: what Postgres knows of how many rows
    // meet it is little, and in the embedded database nothing.
    const { rows } = await sql<NearestChunk>`
      with near as materialized (
        select near.chunk_id, ${one} <=> ${other} as distance
        from ${sql.table(embeddingTable)} as near
        where near.model_id = ${modelId}
          and (select true from ${chunksOf(organizationId, query)} and chunk.id = near.chunk_id)
        order by ${one} <=> ${other}
        limit ${limit}
      )
      select ${columns}, 1 - near.distance as similarity
      from near join search_chunk as chunk on chunk.id = near.chunk_id`.execute(tx)
    return rows
  })
  return mostSimilar(rows, limit)
}

function mostSimilar(chunks: readonly NearestChunk[], limit: number): NearestChunk[] {
  return chunks.toSorted((one, other) => other.similarity - one.similarity).slice(0, limit)
}
