import { Migrator } from '@mikro-orm/migrations'
import { type EntityManager, MikroORM, type Options } from '@mikro-orm/postgresql'
import { Kysely, PostgresDialect } from 'kysely'
import { type Pool, type PoolConfig, type QueryConfig, types } from 'pg'
import type { Circuit } from '../circuit.ts'
import type { Log } from '../log.ts'
import { migrationsOptions } from './migrations.ts'
import { createPool } from './pool.ts'
import type { Tables } from './tables.ts'

/** Where the database is and how hard it may be used. */
export interface DatabaseOptions {
  readonly connection: Pick<
    PoolConfig,
    'connectionString' | 'host' | 'port' | 'user' | 'password' | 'database' | 'options'
  >
  /** Connections held at most; 1 for the embedded database, which has a single session. */
  readonly poolMax: number
  readonly entities: NonNullable<Options['entities']>
  readonly migrations?: Options['migrations']
  readonly log: Log
  /** Through which connections are got; each for itself when undefined. */
  readonly circuit?: Circuit | undefined
  /** Server-side limit of a statement; the embedded database ignores it, so the client's own limit is set as well. */
  readonly statementTimeoutMillis?: number
  /** Server-side limit of the wait for a transaction's next statement, after which its locks are free; none unless given. */
  readonly idleTransactionTimeoutMillis?: number
}

/** One pool of connections with two faces: Kysely for reads, MikroORM's unit of work for writes. */
export interface Database {
  /** No tenant predicate: for the platform, jobs and look-ups that come before an organization is known. */
  readonly unscoped: Kysely<Tables>
  readonly pool: Pool
  readonly orm: MikroORM
  /** A fresh identity map. */
  fork(): EntityManager
  /** Statements sent since the start, by either face; laws and benchmarks take differences of it. */
  statementCount(): number
  /** Resolves when the database answers. @throws when it does not, within 5 s for a connection and 3 s for the answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

const TIMESTAMPTZ = 1184
const INT8 = 20
const CONNECT_TIMEOUT_MILLIS = 5_000
const PING_TIMEOUT_MILLIS = 3_000

/** Opens the pool lazily: nothing is connected before the first statement. */
export function openDatabase(options: DatabaseOptions): Database {
  const statementTimeoutMillis = options.statementTimeoutMillis ?? 15_000
  const settings = {
    ...options.connection,
    max: options.poolMax,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MILLIS,
    // The client's limit is the later one, so that a real server cancels the statement itself.
    query_timeout: statementTimeoutMillis + 5_000,
    statement_timeout: statementTimeoutMillis,
    idle_in_transaction_session_timeout: options.idleTransactionTimeoutMillis,
    application_name: 'ocean-graph',
    types: { getTypeParser: typeParser },
  }
  const pool = createPool(settings, options.circuit)
  // Of an idle connection that the server drops, the pool tells with an event of its own.
  pool.on('error', (error) => {
    if (!pool.ending) options.log.warn({ err: error }, 'database connection lost')
  })

  let statements = 0
  const unscoped = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }), log: () => void statements++ })
  const orm = new MikroORM({
    driverOptions: unscoped,
    dbName: databaseName(options.connection),
    entities: options.entities,
    migrations: options.migrations ?? migrationsOptions,
    extensions: [Migrator],
    ensureDatabase: false,
    debug: false,
    allowGlobalContext: false,
  })

  return {
    unscoped,
    pool,
    orm,
    fork: () => orm.em.fork(),
    statementCount: () => statements,
    // The cast: pg reads the limit of a single query, its types do not have it.
    ping: async () => void (await pool.query({ text: 'select 1', query_timeout: PING_TIMEOUT_MILLIS } as QueryConfig)),
    close: async () => {
      await orm.close(true)
      if (!pool.ended) await pool.end()
    },
  }
}

/** Times as Date and 8-byte integers as number (none of ours passes 2^53; one that could is selected as text). */
function typeParser(oid: number, format?: 'text' | 'binary') {
  if (oid === TIMESTAMPTZ) return (text: string) => new Date(text)
  if (oid === INT8) return Number
  return types.getTypeParser(oid, format)
}

/** MikroORM wants the name, though the pool above is what connects. */
function databaseName(connection: DatabaseOptions['connection']): string {
  if (connection.connectionString === undefined) return connection.database ?? 'postgres'
  return decodeURIComponent(new URL(connection.connectionString).pathname.slice(1)) || 'postgres'
}
