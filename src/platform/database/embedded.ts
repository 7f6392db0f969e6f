import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { lockDirectory } from './directory-lock.ts'
import type { EmbeddedWorkerOptions, EmbeddedWorkerReady } from './embedded.worker.ts'
import { openSocketDirectory, type SocketDirectory, socketPort } from './socket-directory.ts'

/** What a driver needs to reach a database. */
export interface DatabaseConnection {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password?: string
  readonly database: string
}

/** A running Postgres of this process alone: one session, shared by all connections, one query at a time. */
export interface EmbeddedPostgres {
  readonly connection: DatabaseConnection
  /** Settles, with the reason, only when the engine ends before `close`; every query then fails. */
  readonly failed: Promise<EmbeddedPostgresFailed>
  /** Ends all connections, writes everything to disk and frees the directory, within 15 seconds; may be called twice. */
  close(): Promise<void>
}

/** The embedded engine did not start, or ended by itself. */
export class EmbeddedPostgresFailed extends Error {
  override readonly name = 'EmbeddedPostgresFailed'
}

const startLimitMilliseconds = 120_000
const closeLimitMilliseconds = 15_000

/**
 * Starts Postgres on a directory, which it creates when missing; `signal` cancels the start.
 * @throws {DataDirectoryInUse} @throws {DataDirectoryUnusable} @throws {EmbeddedPostgresFailed}
 */
export async function startEmbeddedPostgres(options: {
  readonly directory: string
  readonly signal?: AbortSignal | undefined
}): Promise<EmbeddedPostgres> {
  options.signal?.throwIfAborted()
  const lock = lockDirectory(options.directory)
  let socket: SocketDirectory | undefined
  const free = () => {
    socket?.remove()
    lock.release()
  }
  try {
    if (process.platform !== 'win32') socket = openSocketDirectory(options.directory)
    const data = prepareData(resolve(options.directory))
    const worker = startWorker({ dataDirectory: data.path, socket: socket?.socket })
    const ready = await untilReady(worker, options)
    data.isComplete()
    const { host, port } = { host: socket?.path ?? '127.0.0.1', port: ready.port ?? socketPort }
    return {
      connection: { host, port, user: 'postgres', database: 'postgres' },
      failed: worker.failed,
      close: closeOnce(worker, free),
    }
  } catch (error) {
    free()
    throw error
  }
}

/** A first start that was killed leaves half a database, which Postgres could never open: it is made anew. */
function prepareData(directory: string): { path: string; isComplete(): void } {
  const path = join(directory, 'postgres')
  const unfinished = join(directory, 'initializing')
  if (existsSync(unfinished)) rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true, mode: 0o700 })
  // Only what began here as an empty directory may ever be thrown away, never what somebody restored.
  if (readdirSync(path).length === 0) writeFileSync(unfinished, '')
  return { path, isComplete: () => rmSync(unfinished, { force: true }) }
}

interface EngineWorker {
  readonly thread: Worker
  readonly ready: Promise<EmbeddedWorkerReady>
  readonly exited: Promise<void>
  readonly failed: Promise<EmbeddedPostgresFailed>
  closing: boolean
}

function startWorker(workerData: EmbeddedWorkerOptions): EngineWorker {
  const thread = new Worker(new URL('./embedded.worker.ts', import.meta.url), {
    name: 'embedded-postgres',
    workerData,
    execArgv: [],
  })
  const ready = Promise.withResolvers<EmbeddedWorkerReady>()
  const exited = Promise.withResolvers<void>()
  const failed = Promise.withResolvers<EmbeddedPostgresFailed>()
  const worker: EngineWorker = {
    thread,
    ready: ready.promise,
    exited: exited.promise,
    failed: failed.promise,
    closing: false,
  }
  let cause: unknown
  thread.once('message', ready.resolve)
  thread.on('error', (error) => {
    cause = error
  })
  thread.once('exit', (code) => {
    exited.resolve()
    const reason = cause instanceof Error ? cause.message : `its thread ended with code ${code}`
    if (!worker.closing)
      failed.resolve(new EmbeddedPostgresFailed(`The embedded Postgres failed: ${reason}`, { cause }))
  })
  return worker
}

async function untilReady(
  worker: EngineWorker,
  { directory, signal }: { directory: string; signal?: AbortSignal | undefined },
): Promise<EmbeddedWorkerReady> {
  const limit = AbortSignal.timeout(startLimitMilliseconds)
  const stop = signal === undefined ? limit : AbortSignal.any([limit, signal])
  const stopped = Promise.withResolvers<never>()
  const onAbort = () => stopped.reject(stop.reason)
  stop.addEventListener('abort', onAbort)
  const failed = worker.failed.then((error) => {
    throw new EmbeddedPostgresFailed(`${error.message} (starting on ${directory})`, { cause: error.cause })
  })
  try {
    return await Promise.race([worker.ready, failed, stopped.promise])
  } catch (error) {
    worker.closing = true
    await worker.thread.terminate()
    throw error
  } finally {
    stop.removeEventListener('abort', onAbort)
  }
}

function closeOnce(worker: EngineWorker, free: () => void): () => Promise<void> {
  let closed: Promise<void> | undefined
  const close = async () => {
    worker.closing = true
    worker.thread.postMessage('close')
    const limit = Promise.withResolvers<void>()
    const timer = setTimeout(limit.resolve, closeLimitMilliseconds)
    await Promise.race([worker.exited, limit.promise])
    clearTimeout(timer)
    // As safe as a killed process: what was acknowledged is in the write-ahead log.
    await worker.thread.terminate()
    free()
  }
  return () => {
    closed ??= close()
    return closed
  }
}
