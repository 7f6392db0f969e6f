import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { entities } from '../../../../src/entities.ts'
import { signsOf, vectorBytes, vectorText } from '../../../../src/lib/vectors.ts'
import type { SearchKind } from '../../../../src/modules/chat/search/search-text.entity.ts'
import { embeddingTable, usesPgvector } from '../../../../src/modules/chat/search/vector-index.service.ts'
import { type Context, createContext, type Platform } from '../../../../src/platform/context.ts'
import type { Database } from '../../../../src/platform/database/database.ts'
import { openStore } from '../../../../src/platform/database/store.ts'
import { createLog } from '../../../../src/platform/log.ts'
import { newUuid } from '../../../../src/platform/uuid.ts'
import { currentLane, databaseUrlOf } from '../../../kit/lane.ts'
import type { Random } from '../../../kit/random.ts'
import { copyTemplate } from '../../../kit/server.ts'

/** A migrated database with no server on it, so that what a test puts there stays as it is. */
export interface Stage {
  readonly database: Database
  /** The lane embedded has pgvector; that of the services is made to go without, whatever its Postgres has. */
  readonly hasPgvector: boolean
  /** A made-up organization. */
  organization(): Promise<string>
  /** What somebody in the organization reads with; nobody's when null. */
  contextIn(organizationId: string | null): Context
  close(): Promise<void>
}

/** Opens one on a copy of the lane's template. */
export async function openStage(): Promise<Stage> {
  const copy = await copyTemplate()
  const isEmbedded = currentLane === 'embedded'
  const store = await openStore({
    databaseUrl: isEmbedded ? null : databaseUrlOf(copy.name),
    directory: copy.dataDir,
    entities,
    log: createLog({ level: 'warn' }),
    onFailure: (error) => console.error(error),
  })
  const { database } = store
  if (!isEmbedded) await sql`drop schema if exists pgvector cascade`.execute(database.unscoped)
  return {
    database,
    hasPgvector: await usesPgvector(database),
    organization: () => makeOrganization(database),
    contextIn: (organizationId) => contextIn(database, organizationId),
    close: async () => {
      await store.close()
      await copy.remove()
    },
  }
}

async function makeOrganization({ unscoped }: Database): Promise<string> {
  const id = newUuid(new Date())
  await unscoped
    .insertInto('organization')
    .values({
      id,
      name: 'Made up',
      slug: id,
      settings: '{}',
      agent_trust_limit: null,
      created_at: new Date(),
      deleted_at: null,
    } as never)
    .execute()
  return id
}

function contextIn(database: Database, organizationId: string | null): Context {
  const viewer =
    organizationId === null
      ? { kind: 'anonymous', reason: null }
      : { kind: 'user', organizationId, userId: newUuid(new Date()), role: 'VIEWER', grants: null }
  // Reads of vectors know of the platform its database, and of the viewer the organization.
  return createContext({ database } as Platform, {
    viewer: viewer as Context['viewer'],
    request: { id: newUuid(new Date()), address: null, userAgent: null },
    signal: new AbortController().signal,
  })
}

/** Chunks as they are once they are embedded. */
export interface NewChunks {
  readonly organizationId: string
  readonly modelId: string
  readonly vectors: readonly Float32Array[]
  readonly homeId?: string
  readonly kind?: SearchKind
}

/** Puts a chunk there for each of the vectors, and answers the ids of their subjects in this order. */
export async function addChunks(stage: Stage, chunks: NewChunks): Promise<string[]> {
  const { organizationId, modelId, vectors, homeId = newUuid(new Date()), kind = 'BLOCK' } = chunks
  const { unscoped } = stage.database
  const ids = vectors.map(() => newUuid(new Date()))
  const hashes = vectors.map(() => randomBytes(16))
  await sql`
    insert into search_text (subject_id, organization_id, kind, home_id, language, words, length, change_id)
    select id, ${organizationId}, ${kind}, ${homeId}, 'simple', '', 0, 0 from unnest(${ids}::uuid[]) as given(id)
  `.execute(unscoped)
  await sql`
    insert into search_chunk (id, subject_id, number, organization_id, kind, home_id, start, "end", hash, model_id, signs)
    select id, id, 0, ${organizationId}, ${kind}, ${homeId}, 3, 14, hash, ${modelId}, signs::varbit
    from unnest(${ids}::uuid[], ${hashes}::bytea[], ${vectors.map(signsOf)}::text[]) as given(id, hash, signs)
  `.execute(unscoped)
  await sql`
    insert into search_vector (organization_id, model_id, hash, vector)
    select ${organizationId}, ${modelId}, hash, vector
    from unnest(${hashes}::bytea[], ${vectors.map(vectorBytes)}::bytea[]) as given(hash, vector)
  `.execute(unscoped)
  if (stage.hasPgvector) {
    await sql`
      insert into ${sql.table(embeddingTable)} (chunk_id, model_id, embedding)
      select id, ${modelId}, embedding::vector
      from unnest(${ids}::uuid[], ${vectors.map(vectorText)}::text[]) as given(id, embedding)
    `.execute(unscoped)
  }
  return ids
}

/** The vector of unit length in a direction. */
export function unit(direction: ArrayLike<number>): Float32Array {
  const length = Math.hypot(...Array.from(direction))
  return Float32Array.from(direction, (value) => value / length)
}

/** A vector near another: noise of this length is added, in a random direction. */
export function near(vector: Float32Array, noise: number, random: Random): Float32Array {
  const direction = unit(vector.map(() => normal(random)))
  return unit(vector.map((value, index) => value + noise * (direction[index] ?? 0)))
}

/** About normally distributed, by the sum of twelve. */
function normal(random: Random): number {
  let sum = -6
  for (let count = 0; count < 12; count++) sum += random.below(2 ** 20) / 2 ** 20
  return sum
}
