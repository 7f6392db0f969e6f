import { readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { similarityOf, vectorOf } from '../../../../src/lib/vectors.ts'
import { findNearest, type NearestQuery } from '../../../../src/modules/chat/search/nearest.reads.ts'
import { installVectorIndex } from '../../../../src/modules/chat/search/vector-index.service.ts'
import { createLog } from '../../../../src/platform/log.ts'
import { newUuid } from '../../../../src/platform/uuid.ts'
import { currentLane } from '../../../kit/lane.ts'
import { createRandom } from '../../../kit/random.ts'
import { addChunks, near, openStage, type Stage, unit } from './vector-stage.ts'

// In the lane embedded by pgvector, in that of the services by signs.

const everything = sql<boolean>`true`
const modelId = 'test/small'
const east = unit([1, 0, 0, 0])
/** From east to north, the nearest to east first. */
const turned = [0, 0.1, 0.2, 0.4, 0.8, 1.6].map((angle) => unit([Math.cos(angle), Math.sin(angle), 0, 0]))

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

const lookFor = (organizationId: string | null, query: Partial<NearestQuery> = {}) =>
  findNearest(stage.contextIn(organizationId), { modelId, vector: east, limit: 10, within: everything, ...query })
const subjectsOf = async (found: ReturnType<typeof lookFor>) => (await found).map(({ subjectId }) => subjectId)

test('what is nearer comes first, with how near it is and where it stands', async () => {
  const organizationId = await stage.organization()
  const homeId = newUuid(new Date())
  const shuffled = turned.toReversed()
  const ids = await addChunks(stage, { organizationId, modelId, vectors: shuffled, homeId, kind: 'MESSAGE' })
  const found = await lookFor(organizationId, { limit: 4 })
  const place = { kind: 'MESSAGE', homeId, start: 3, end: 14 }
  const wanted = ids.toReversed().slice(0, 4)
  expect(found).toEqual(wanted.map((subjectId) => ({ ...place, subjectId, similarity: expect.any(Number) })))
  for (const [index, { similarity }] of found.entries()) {
    expect(similarity).toBeCloseTo(similarityOf(east, turned[index] ?? east), 5)
  }
})

test('what does not count is not found', async () => {
  const organizationId = await stage.organization()
  const [open, closed] = [newUuid(new Date()), newUuid(new Date())]
  await addChunks(stage, { organizationId, modelId, vectors: turned.slice(0, 3), homeId: closed })
  const ids = await addChunks(stage, { organizationId, modelId, vectors: turned.slice(3), homeId: open })
  const within = sql<boolean>`chunk.home_id = ${open}`
  expect(await subjectsOf(lookFor(organizationId, { within }))).toEqual(ids)
  expect(await subjectsOf(lookFor(organizationId, { within: sql<boolean>`false or chunk.kind = 'PAGE'` }))).toEqual([])
})

test('what counts is found however much that does not is nearer', async () => {
  const organizationId = await stage.organization()
  const [open, closed] = [newUuid(new Date()), newUuid(new Date())]
  // More than are asked at first whether they count.
  await addChunks(stage, { organizationId, modelId, vectors: Array(1_100).fill(east), homeId: closed })
  const ids = await addChunks(stage, { organizationId, modelId, vectors: turned.slice(3), homeId: open })
  const within = sql<boolean>`chunk.home_id = ${open}`
  for (const isNarrow of [false, true])
    expect([isNarrow, await subjectsOf(lookFor(organizationId, { within, isNarrow }))]).toEqual([isNarrow, ids])
})

test('what is of another organization is never found, and by nobody is nothing', async () => {
  const [one, other] = [await stage.organization(), await stage.organization()]
  const ids = await addChunks(stage, { organizationId: one, modelId, vectors: turned })
  // More, and nearer, than would be compared.
  await addChunks(stage, { organizationId: other, modelId, vectors: Array(300).fill(east) })
  // A condition that would let in more is only one more condition.
  const within = sql<boolean>`false or true`
  expect(await subjectsOf(lookFor(one, { within }))).toEqual(ids)
  expect(await subjectsOf(lookFor(null, { within }))).toEqual([])
})

test('vectors of two models are never compared', async () => {
  const organizationId = await stage.organization()
  const ids = await addChunks(stage, { organizationId, modelId, vectors: turned })
  await addChunks(stage, { organizationId, modelId: 'test/alike', vectors: Array(300).fill(east) })
  const wide = turned.map((vector) => unit([...vector, 0.5, 0.5]))
  const wideIds = await addChunks(stage, { organizationId, modelId: 'test/wide', vectors: wide })
  expect(await subjectsOf(lookFor(organizationId))).toEqual(ids)
  const query = { modelId: 'test/wide', vector: wide[0] ?? east }
  expect(await subjectsOf(lookFor(organizationId, query))).toEqual(wideIds)
  expect(await subjectsOf(lookFor(organizationId, { modelId: 'test/none' }))).toEqual([])
})

test('what has no vector is not found', async () => {
  const organizationId = await stage.organization()
  const ids = await addChunks(stage, { organizationId, modelId, vectors: turned })
  const { unscoped } = stage.database
  await sql`update search_chunk set model_id = null, signs = null where subject_id = ${ids[0]}`.execute(unscoped)
  await sql`update search_chunk set signs = null where subject_id = ${ids[1]}`.execute(unscoped)
  expect(await subjectsOf(lookFor(organizationId))).toEqual(ids.slice(2))
})

describe('in the documents of a product', () => {
  const random = createRandom()
  console.log(`nearest: seed ${random.seed}`)
  const docs = { modelId: 'test/fiori', dimensions: 384 }
  let organizationId: string
  let vectors: readonly Float32Array[]
  let ids: readonly string[]
  let queries: readonly Float32Array[]

  beforeAll(async () => {
    vectors = await readFioriVectors(docs.dimensions)
    organizationId = await stage.organization()
    ids = await addChunks(stage, { organizationId, modelId: docs.modelId, vectors })
    queries = Array.from({ length: 100 }, () => near(random.pick(vectors), 0.6, random))
  })

  /** The ten nearest, by comparing with all. */
  const truth = (query: Float32Array, among: (index: number) => boolean = () => true) =>
    vectors
      .map((vector, index) => ({
        id: ids[index] ?? '',
        similarity: similarityOf(query, vector),
        isAmong: among(index),
      }))
      .filter(({ isAmong }) => isAmong)
      .sort((one, other) => other.similarity - one.similarity)
      .slice(0, 10)

  /** Which part of the ten nearest is found, and how long a search takes. */
  async function recallOf(query: Partial<NearestQuery>, among?: (index: number) => boolean) {
    let hits = 0
    const started = performance.now()
    const found: Set<string>[] = []
    for (const vector of queries) {
      found.push(new Set(await subjectsOf(lookFor(organizationId, { modelId: docs.modelId, vector, ...query }))))
    }
    const millis = (performance.now() - started) / queries.length
    for (const [index, vector] of queries.entries()) {
      hits += truth(vector, among).filter(({ id }) => found[index]?.has(id)).length
    }
    return { recall: hits / (queries.length * 10), millis }
  }

  const tell = (way: string, { recall, millis }: Awaited<ReturnType<typeof recallOf>>) =>
    console.log(`recall@10 of ${way} among ${vectors.length}: ${recall.toFixed(3)}, ${millis.toFixed(1)} ms each`)

  test('the ten nearest are found', async () => {
    const result = await recallOf({})
    tell(stage.hasPgvector ? 'comparing with all' : 'signs', result)
    expect(result.recall).toBeGreaterThanOrEqual(stage.hasPgvector ? 0.999 : 0.95)
  })

  if (currentLane === 'embedded') {
    describe('by the index', () => {
      const log = createLog({ level: 'warn' })
      beforeAll(async () => {
        const embedder = { id: docs.modelId, dimensions: docs.dimensions }
        await installVectorIndex({ database: stage.database, embedder, embedded: true, log })
      })

      test('the ten nearest are found', async () => {
        const before = await scansOf(stage)
        const result = await recallOf({ exactUpTo: 0 })
        tell('the index', result)
        expect(result.recall).toBeGreaterThanOrEqual(0.95)
        expect(await scansOf(stage)).toBeGreaterThan(before)
      })

      test('what does not count is passed over until there is enough', async () => {
        const homeId = newUuid(new Date())
        const isOpen = (index: number) => index % 20 === 0
        const open = ids.filter((_id, index) => isOpen(index))
        const { unscoped } = stage.database
        await sql`update search_chunk set home_id = ${homeId} where subject_id = any(${open})`.execute(unscoped)
        const within = sql<boolean>`chunk.home_id = ${homeId}`
        const query = { modelId: docs.modelId, vector: vectors[1] ?? east, exactUpTo: 0, within }
        // The index goes on by itself: there is no second search.
        const before = stage.database.statementCount()
        await lookFor(organizationId, { ...query, within: everything, limit: 30 })
        const statements = stage.database.statementCount() - before
        await lookFor(organizationId, { ...query, limit: 30 })
        expect(stage.database.statementCount() - before).toBe(2 * statements)
        const result = await recallOf({ exactUpTo: 0, within }, isOpen)
        tell('the index, of which a twentieth counts,', result)
        expect(result.recall).toBeGreaterThanOrEqual(0.95)
        // Where it gives up all are compared. The embedded database has one session.
        const { pool } = stage.database
        await pool.query('set hnsw.max_scan_tuples = 1')
        expect(await lookFor(organizationId, { ...query, limit: 30 })).toHaveLength(30)
        await pool.query('reset hnsw.max_scan_tuples')
      })

      test('where few of many count the index is not asked', async () => {
        const homeId = newUuid(new Date())
        const few = ids.filter((_id, index) => index % 20 === 1)
        const { unscoped } = stage.database
        await sql`update search_chunk set home_id = ${homeId} where subject_id = any(${few})`.execute(unscoped)
        const within = sql<boolean>`chunk.home_id = ${homeId}`
        const query = { modelId: docs.modelId, vector: vectors[1] ?? east, within }
        const before = await scansOf(stage)
        expect(await lookFor(organizationId, { ...query, exactUpTo: few.length })).toHaveLength(10)
        expect(await scansOf(stage)).toBe(before)
        expect(await lookFor(organizationId, { ...query, exactUpTo: few.length - 1 })).toHaveLength(10)
        expect(await scansOf(stage)).toBeGreaterThan(before)
      })

      test('what is of another organization is not found either', async () => {
        const other = await stage.organization()
        const [first = east] = vectors
        const query = { modelId: docs.modelId, vector: first, exactUpTo: 0 }
        expect(await subjectsOf(lookFor(other, query))).toEqual([])
        const [own] = await addChunks(stage, { organizationId: other, modelId: docs.modelId, vectors: [first] })
        expect(await subjectsOf(lookFor(other, query))).toEqual([own])
        expect((await subjectsOf(lookFor(organizationId, query))).includes(own ?? '')).toBe(false)
      })
    })
  }
})

/** How often indexes of vectors were asked. */
async function scansOf({ database }: Stage): Promise<number> {
  await sql`select pg_stat_force_next_flush()`.execute(database.unscoped)
  const { rows } = await sql<{ scans: number }>`
    select coalesce(sum(idx_scan), 0)::int as scans from pg_stat_user_indexes
    where schemaname = 'pgvector' and indexrelname like 'embedding_of_%'`.execute(database.unscoped)
  return rows[0]?.scans ?? 0
}

/** The vectors of the pages of SAP's documentation, which are of unit length. */
async function readFioriVectors(dimensions: number): Promise<Float32Array[]> {
  const url = new URL(
    '../../../../node_modules/@sap-ux/fiori-docs-embeddings/data/embeddings/embeddings.bin',
    import.meta.url,
  )
  const all = vectorOf(await readFile(url))
  return Array.from({ length: all.length / dimensions }, (_, index) =>
    all.subarray(index * dimensions, (index + 1) * dimensions),
  )
}
