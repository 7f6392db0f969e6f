import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'

/** A migrated database of its own on a real Postgres, and what a server needs to use it. */
export interface ScratchDatabase {
  readonly client: Client
  readonly environment: Readonly<Record<string, string>>
  /** Drops it: after the server has ended. */
  drop(): Promise<void>
}

/**
 * Makes a database on the server of TEST_DATABASE_URL, for a node on it and TEST_REDIS_URL. @throws when they are not set
 */
export async function openScratchDatabase(): Promise<ScratchDatabase> {
  const { TEST_DATABASE_URL: databaseUrl, TEST_REDIS_URL: redisUrl } = process.env
  if (!databaseUrl || !redisUrl) throw new Error('Set TEST_DATABASE_URL and TEST_REDIS_URL to a Postgres and a Redis')
  const name = `ocean_bench_${process.pid}`
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  await onServer(databaseUrl, `create database ${name}`)
  const secret = () => randomBytes(32).toString('base64')
  const environment = {
    DATABASE_URL: url.href,
    REDIS_URL: redisUrl,
    PUBLIC_URL: 'http://localhost',
    SIGNING_KEY_SECRET: secret(),
    REFRESH_TOKEN_SECRET: secret(),
    // Counted in the Redis that others use as well.
    REGISTRATIONS_PER_HOUR: '1000000',
  }
  const migration = spawnSync(process.execPath, [fileURLToPath(new URL('../src/migrate.ts', import.meta.url))], {
    env: { PATH: process.env.PATH ?? '', ...environment },
    encoding: 'utf8',
  })
  if (migration.status !== 0) throw new Error(`The database was not migrated: ${migration.stderr}`)
  const client = new Client({ connectionString: url.href })
  await client.connect()
  return {
    client,
    environment,
    drop: async () => {
      await client.end()
      await onServer(databaseUrl, `drop database ${name} with (force)`)
    },
  }
}

async function onServer(databaseUrl: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
