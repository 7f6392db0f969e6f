import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renewVectors, tidyVectors } from '../../../../src/modules/chat/search/embedding.jobs.ts'
import { findNearest } from '../../../../src/modules/chat/search/nearest.reads.ts'
import {
  installVectorIndex,
  type ModelFacts,
  usesPgvector,
} from '../../../../src/modules/chat/search/vector-index.service.ts'
import type { Platform } from '../../../../src/platform/context.ts'
import type { Database } from '../../../../src/platform/database/database.ts'
import { createLog } from '../../../../src/platform/log.ts'
import { currentLane } from '../../../kit/lane.ts'
import { startServer } from '../../../kit/server.ts'
import { fakeEmbedder } from './indexed-texts.ts'
import { addChunks, openStage, type Stage, unit } from './vector-stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

const small = { id: "test/it's \\ 小 model", dimensions: 4 }
const east = unit([1, 0, 0, 0])

function install(embedder: ModelFacts | null, database: Database = stage.database) {
  const lines: string[] = []
  const log = {
    ...createLog({ level: 'warn' }),
    warn: (_fields: object | string, message = '') => void lines.push(message),
  }
  return installVectorIndex({ database, embedder, embedded: true, log }).then(() => lines)
}

/** What indexes of vectors are on, and which vectors are in them. */
async function indexes({ unscoped } = stage.database): Promise<{ name: string; definition: string }[]> {
  const { rows } = await sql<{ name: string; definition: string }>`
    select indexname as name, indexdef as definition from pg_indexes
    where schemaname = 'pgvector' and indexname like 'embedding_of_%' order by indexname`.execute(unscoped)
  return rows
}

const platformOf = ({ id, dimensions }: ModelFacts) =>
  ({
    database: stage.database,
    embedder: fakeEmbedder(id, dimensions),
    log: createLog({ level: 'warn' }),
  }) as unknown as Platform

/** A database that refuses a statement, in the words of Postgres. */
function refusing(statement: string, code: string): Database {
  const { pool } = stage.database
  const query = async (asked: string | { text: string }, values?: unknown[]) => {
    const text = typeof asked === 'string' ? asked : asked.text
    if (text.includes(statement)) throw Object.assign(new Error('permission denied'), { code })
    return typeof asked === 'string' ? pool.query(asked, values) : pool.query(asked)
  }
  return { ...stage.database, pool: { query } as never }
}

if (currentLane === 'embedded') {
  describe('where the database has pgvector', () => {
    test('a model has an index of its own, whatever it is called, and is given it once', async () => {
      const long = { id: 'test/'.padEnd(64, 'long'), dimensions: 8 }
      expect(await install(small)).toEqual([])
      expect(await install(small)).toEqual([])
      await install(long)
      await install(null)
      const made = await indexes()
      expect(made).toHaveLength(2)
      for (const { name, definition } of made) {
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63)
        expect(definition).toContain('USING hnsw')
      }
      expect(await usesPgvector(stage.database)).toBe(true)
      const organizationId = await stage.organization()
      const [id] = await addChunks(stage, { organizationId, modelId: small.id, vectors: [east] })
      const query = { modelId: small.id, vector: east, limit: 1, within: sql<boolean>`true`, exactUpTo: 0 }
      expect(await findNearest(stage.contextIn(organizationId), query)).toMatchObject([{ subjectId: id }])
    })

    test('a model with more dimensions than an index can have goes without one', async () => {
      const before = await indexes()
      const wide = { id: 'test/wide', dimensions: 2_001 }
      expect(await install(wide)).toEqual([])
      await renewVectors.run(platformOf(wide), {}, new AbortController().signal)
      expect(await indexes()).toEqual(before)
      const organizationId = await stage.organization()
      const vector = unit(new Float32Array(2_001).fill(1))
      const [id] = await addChunks(stage, { organizationId, modelId: wide.id, vectors: [vector] })
      const query = { modelId: wide.id, vector, limit: 1, within: sql<boolean>`true` }
      for (const exactUpTo of [0, 1]) {
        const found = await findNearest(stage.contextIn(organizationId), { ...query, exactUpTo })
        expect(found).toMatchObject([{ subjectId: id }])
      }
    })

    test('the indexes of other models go once nothing is left of theirs', async () => {
      const [past, present] = [
        { id: 'test/past', dimensions: 4 },
        { id: 'test/present', dimensions: 4 },
      ]
      for (const model of [past, present, small]) await install(model)
      const { unscoped } = stage.database
      const organizationId = await stage.organization()
      await addChunks(stage, { organizationId, modelId: present.id, vectors: [east] })
      await tidyVectors.run(platformOf(small), {}, new AbortController().signal)
      const definitions = async () => (await indexes()).map(({ definition }) => definition).toSorted()
      const left = [expect.stringContaining("it''s"), expect.stringContaining(present.id)]
      expect(await definitions()).toHaveLength(2)
      expect(await definitions()).toEqual(expect.arrayContaining(left))
      await sql`delete from pgvector.embedding where model_id in (${present.id}, ${small.id})`.execute(unscoped)
      await tidyVectors.run(platformOf(small), {}, new AbortController().signal)
      // That of the server's own model stays, though there is no vector of it yet.
      expect(await definitions()).toEqual([left[0]])
    })

    test('a model whose index is missing is asked without it, until the index is made again', async () => {
      const lost = { id: 'test/lost', dimensions: 4 }
      const organizationId = await stage.organization()
      const [id] = await addChunks(stage, { organizationId, modelId: lost.id, vectors: [east] })
      const query = { modelId: lost.id, vector: east, limit: 1, within: sql<boolean>`true`, exactUpTo: 0 }
      const statements = async () => {
        const before = stage.database.statementCount()
        expect(await findNearest(stage.contextIn(organizationId), query)).toMatchObject([{ subjectId: id }])
        return stage.database.statementCount() - before
      }
      // Which way is taken, and the comparing.
      expect(await statements()).toBe(2)
      await renewVectors.run(platformOf(lost), {}, new AbortController().signal)
      expect(await indexes()).toContainEqual(
        expect.objectContaining({ definition: expect.stringContaining('test/lost') }),
      )
      expect(await statements()).toBeGreaterThan(2)
      // As when it is still being made, or whoever made it did not come to the end.
      const setValid = (isValid: boolean) => sql`
        update pg_index set indisvalid = ${isValid}
        where indrelid = 'pgvector.embedding'::regclass and indexrelid::regclass::text like '%test_lost%'`
      await setValid(false).execute(stage.database.unscoped)
      expect(await statements()).toBe(2)
      await setValid(true).execute(stage.database.unscoped)
      expect(await statements()).toBeGreaterThan(2)
    })

    test('where the rights are missing the log is told, and other failures are no secret', async () => {
      const told = ['pgvector is there but may not be set up: vectors are compared without it']
      expect(await install(small, refusing('create extension', '42501'))).toEqual(told)
      await expect(install(small, refusing('create extension', '58P01'))).rejects.toThrow('permission denied')
    })
  })
} else {
  test('where the database has no pgvector nothing is installed', async () => {
    const { rowCount } = await stage.database.pool.query(
      "select from pg_available_extensions where name = 'vector' and default_version >= '0.8'",
    )
    expect(await install(small)).toEqual([])
    expect(await usesPgvector(stage.database)).toBe(rowCount === 1)
  })
}

test('a server that starts makes ready for its model, and has what is kept of another one renewed', async () => {
  const server = await startServer({ embedder: fakeEmbedder('test/started', 4) })
  try {
    const { database } = server.app.platform
    const { rows } = await sql`select from pgboss.job where name = ${renewVectors.name}`.execute(database.unscoped)
    expect(rows.length).toBeGreaterThan(0)
    const made = await indexes(database)
    if (currentLane === 'embedded')
      expect(made).toMatchObject([{ definition: expect.stringContaining('test/started') }])
  } finally {
    await server.close()
  }
})
