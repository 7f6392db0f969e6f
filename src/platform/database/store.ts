import type { Circuits } from '../circuit.ts'
import type { Log } from '../log.ts'
import { ServiceUnreachable } from '../service-unreachable.ts'
import { type Database, type DatabaseOptions, openDatabase } from './database.ts'
import { startEmbeddedPostgres } from './embedded.ts'
import { isAway } from './pool.ts'

/** The open database, and whether it is the embedded one. */
export interface Store {
  readonly database: Database
  readonly embedded: boolean
  close(): Promise<void>
}

/** Which database to open. */
export interface StoreOptions {
  /** Null: the embedded one in `directory`. */
  readonly databaseUrl: string | null
  readonly directory: string
  readonly entities: DatabaseOptions['entities']
  readonly log: Log
  /**
   * Where that of the database is to be; none unless given, and none for the embedded one: that runs within this process, and
   * who waits long for its one connection waits for somebody at work.
   */
  readonly circuits?: Circuits
  /** The embedded database ended by itself; nothing works from then on. */
  readonly onFailure: (error: Error) => void
}

// Six nodes share a Postgres as it is installed, which takes a hundred.
const POOL_MAX = 16
// Postgres compiles what it takes to be long, at each run: a search among 30,000 blocks took 64 ms for that and 15 to run, one
// among 100,000 a second. What takes long here is not worth it. Nor is a request worth several processes, which take twice the
// work for a third of the time: others are served beside it.
const SERVER_OPTIONS = '-c jit=off -c max_parallel_workers_per_gather=0'
// The limit of a statement: between two of one transaction nothing is done that takes longer. A node that vanished in the
// middle of a transaction keeps its locks no longer than this.
const IDLE_TRANSACTION_MILLIS = 15_000

/** Opens the database, starting the embedded one when there is no URL. @throws {ServiceUnreachable} */
export async function openStore(options: StoreOptions): Promise<Store> {
  return options.databaseUrl === null ? openEmbedded(options) : openReal(options, options.databaseUrl)
}

async function openEmbedded({ directory, entities, log, onFailure }: StoreOptions): Promise<Store> {
  const postgres = await startEmbeddedPostgres({ directory })
  void postgres.failed.then(onFailure)
  const database = openDatabase({ connection: postgres.connection, poolMax: 1, entities, log })
  return {
    database,
    embedded: true,
    close: async () => {
      await database.close()
      await postgres.close()
    },
  }
}

async function openReal({ entities, log, circuits }: StoreOptions, connectionString: string): Promise<Store> {
  const database = openDatabase({
    connection: { connectionString, options: SERVER_OPTIONS },
    poolMax: POOL_MAX,
    entities,
    log,
    circuit: circuits?.of('database', 'database', { isFailure: isAway }),
    idleTransactionTimeoutMillis: IDLE_TRANSACTION_MILLIS,
  })
  try {
    await database.ping()
  } catch (error) {
    await database.close()
    throw new ServiceUnreachable('DATABASE_URL', connectionString, error)
  }
  return { database, embedded: false, close: () => database.close() }
}
