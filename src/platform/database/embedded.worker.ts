import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { btree_gin } from '@electric-sql/pglite/contrib/btree_gin'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import { vector } from '@electric-sql/pglite-pgvector'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { optimizeWasm } from '../wasm-optimizer.ts'
import { SharedSession } from './shared-session.ts'

/** What the main thread hands over: where the tables' files are, and the socket; none means a loopback port. */
export interface EmbeddedWorkerOptions {
  readonly dataDirectory: string
  readonly socket: string | undefined
}

/** Sent once connections are accepted; a start that fails ends the worker with an error instead. */
export interface EmbeddedWorkerReady {
  readonly port: number | undefined
}

const checkpointIntervalMilliseconds = 30_000

// The server forgets to uncount a connection that ends in a reset, so a tight limit would in time refuse everybody.
// What keeps strangers out is the socket's private directory.
const connectionsInALifetime = 100_000

const settings = ['timezone=UTC', 'log_timezone=UTC', 'max_wal_size=64MB', 'min_wal_size=32MB']

async function serve(options: EmbeddedWorkerOptions): Promise<void> {
  // Before the engine is compiled: the optimizing compiler takes 600 MB and a second of work for a single function of it,
  // during the first queries. Without it short queries are as fast, and long ones take up to twice as long.
  optimizeWasm(false)
  const session = new SharedSession({
    dataDir: options.dataDirectory,
    extensions: { btree_gin, pg_trgm, vector },
    startParams: [...PGlite.defaultStartParams, ...settings.flatMap((setting) => ['-c', setting])],
  })
  await session.waitReady
  const server = new PGLiteSocketServer({
    db: session,
    maxConnections: connectionsInALifetime,
    ...(options.socket === undefined ? { host: '127.0.0.1', port: 0 } : { path: options.socket }),
  })
  await server.start()
  const checkpoints = setInterval(() => session.checkpoint(), checkpointIntervalMilliseconds)

  parentPort?.once('message', async () => {
    clearInterval(checkpoints)
    await server.stop()
    await session.close()
    parentPort?.close()
  })
  const port = options.socket === undefined ? Number(server.getServerConn().split(':').at(-1)) : undefined
  parentPort?.postMessage({ port } satisfies EmbeddedWorkerReady)
}

await serve(workerData as EmbeddedWorkerOptions)
