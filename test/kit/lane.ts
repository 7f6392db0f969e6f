import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import type { Config } from '../../src/config.ts'
import { loadConfig } from '../../src/config.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The lane's migrated template: a data directory when embedded, else the name of a database. */
    template: string
  }
}

/** Which lane this worker is in. */
export type Lane = 'embedded' | 'services'

/** The lane of this worker, as vitest.config.ts sets it. */
export const currentLane: Lane = process.env.LANE === 'services' ? 'services' : 'embedded'

/** The services of the services lane. @throws when they are not set: that lane does not run without them */
export function serviceUrls(): { databaseUrl: string; redisUrl: string } {
  const { TEST_DATABASE_URL: databaseUrl, TEST_REDIS_URL: redisUrl } = process.env
  if (!databaseUrl || !redisUrl) throw new Error('TEST_DATABASE_URL and TEST_REDIS_URL are not set')
  return { databaseUrl, redisUrl }
}

/** Runs statements on the server of the services lane, outside of any test database. */
export async function administer(...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: serviceUrls().databaseUrl })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

/** The URL of a database of this name on the services lane's server. */
export function databaseUrlOf(name: string): string {
  const url = new URL(serviceUrls().databaseUrl)
  url.pathname = `/${name}`
  return url.href
}

/** An empty directory of its own under the system's temporary one, and how to remove it. */
export function temporaryDirectory(): { path: string; remove: () => Promise<void> } {
  const path = mkdtempSync(join(tmpdir(), 'ocean-graph-test-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** Secrets of the servers under test: the templates hold a key that these seal. */
export const testSecrets = {
  SIGNING_KEY_SECRET: Buffer.alloc(32, 's').toString('base64'),
  REFRESH_TOKEN_SECRET: Buffer.alloc(32, 'r').toString('base64'),
}

// Tests sign many people up from one address; those about the limits take `realLimits`.
const openDoors = {
  EMAIL_VERIFICATION: 'optional',
  LOGIN_ATTEMPTS: '1000000',
  REGISTRATIONS_PER_HOUR: '1000000',
  RESETS_PER_HOUR: '1000000',
  VERIFICATIONS_PER_HOUR: '1000000',
  INVITATIONS_PER_HOUR: '1000000',
}

/** The product's own figures, for a server that a test starts about them. */
export const realLimits = {
  LOGIN_ATTEMPTS: '',
  REGISTRATIONS_PER_HOUR: '',
  RESETS_PER_HOUR: '',
  VERIFICATIONS_PER_HOUR: '',
  INVITATIONS_PER_HOUR: '',
}

/** Variables of a test's own; an empty one stands for the product's default. */
export type Environment = Readonly<Record<string, string>>

/** The environment of a server under test on free ports; `database` is a directory or a database's name, by lane. */
export function environmentOf(
  lane: Lane,
  database: string,
  dataDir: string,
  own: Environment = {},
): Record<string, string> {
  const common = {
    PORT: '0',
    HOST: '127.0.0.1',
    NODE_ENV: 'test',
    LOG_LEVEL: 'warn',
    // A model in every server and process is more than a test machine has to give.
    EMBEDDINGS: 'off',
    ...testSecrets,
    ...openDoors,
  }
  if (lane === 'embedded') return { ...common, DATA_DIR: database, ...own }
  return {
    ...common,
    DATA_DIR: dataDir,
    DATABASE_URL: databaseUrlOf(database),
    REDIS_URL: serviceUrls().redisUrl,
    PUBLIC_URL: 'http://ocean-graph.test',
    ...own,
  }
}

/** The configuration of `environmentOf`. */
export function configOf(lane: Lane, database: string, dataDir: string, own?: Environment): Config {
  return loadConfig(environmentOf(lane, database, dataDir, own))
}
