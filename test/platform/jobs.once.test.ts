import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/database/embedded.ts'
import { jobsContract } from './jobs.contract.ts'

const directory = mkdtempSync(join(tmpdir(), 'ocean-jobs-'))
let postgres: EmbeddedPostgres
let pool: Pool

beforeAll(async () => {
  postgres = await startEmbeddedPostgres({ directory })
  pool = new Pool({ ...postgres.connection, max: 1, connectionTimeoutMillis: 5_000, query_timeout: 20_000 })
  pool.on('error', () => undefined)
}, 120_000)

afterAll(async () => {
  await pool.end()
  await postgres.close()
  rmSync(directory, { recursive: true, force: true })
})

jobsContract('jobs in the embedded Postgres', {
  embedded: true,
  openPools: async () => {
    await pool.query('drop schema if exists pgboss cascade')
    return [pool, pool]
  },
})
