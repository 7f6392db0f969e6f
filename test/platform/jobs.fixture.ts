import { Kysely, PostgresDialect } from 'kysely'
import type { Pool } from 'pg'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { createJobs, defineJob, type Job, type Jobs } from '../../src/platform/jobs.ts'
import type { Log } from '../../src/platform/log.ts'

/** A database in which nothing is installed yet. */
export interface JobsLane {
  readonly embedded: boolean
  /** The pools of two nodes, closed when the test ends; embedded, both are the one there is. */
  openPools(): Promise<readonly [Pool, Pool]>
}

/** What runs are given: they write down what they saw. */
export interface Seen {
  readonly payloads: unknown[]
  readonly aborted: unknown[]
}

/** One line that was logged. */
export interface LogLine {
  readonly level: string
  readonly fields: object
}

/** What the jobs of these tests carry. */
export const textSchema = z.object({ text: z.string() })

/** The first failure is the last. */
export const noRetry = { limit: 0, delaySeconds: 0, backoff: false }

/** A job that writes down its payload. */
export function recording(name: string, extra: { concurrency?: number } = {}): Job<Seen, { text: string }> {
  const run = async (seen: Seen, payload: { text: string }) => void seen.payloads.push(payload)
  return defineJob({ name, schema: textSchema, expireSeconds: 30, retry: noRetry, ...extra, run })
}

/** A job that ends only when it is aborted. */
export function waiting(name: string, expireSeconds: number): Job<Seen, { text: string }> {
  const run = async (seen: Seen, payload: { text: string }, signal: AbortSignal) => {
    seen.payloads.push(payload)
    const aborted = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => aborted.resolve())
    await aborted.promise
    seen.aborted.push(signal.reason)
    throw signal.reason
  }
  return defineJob({ name, schema: textSchema, expireSeconds, retry: noRetry, run })
}

/** The version of pg-boss's tables. */
export async function versionOf(pool: Pool): Promise<number> {
  return (await pool.query('select version from pgboss.version')).rows[0].version
}

type NodeSettings = { pollMillis?: number; recoverSeconds?: number; nodes?: 1 | 2 }

/** Installs and starts one node or two on a fresh database; all runs write to the same `seen`. */
export async function startNode(lane: JobsLane, jobs: readonly Job<Seen, unknown>[], settings: NodeSettings = {}) {
  const [pool, otherPool] = await lane.openPools()
  const seen: Seen = { payloads: [], aborted: [] }
  const lines: LogLine[] = []
  const options = { jobs, seen, lines, ...settings }
  const node = makeJobs(lane, pool, options)
  const other = settings.nodes === 1 ? node : makeJobs(lane, otherPool, options)
  await node.install()
  for (const started of new Set([node, other])) {
    await started.start()
    onTestFinished(() => started.stop({ timeoutMillis: 1_000 }))
  }
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  const enqueue = async <Payload>(job: Job<Seen, Payload>, payload: Payload) => {
    await kysely.transaction().execute((tx) => node.enqueue(tx, job, payload))
    node.wake([job.name])
  }
  const states = async (name: string): Promise<string[]> => {
    const found = await pool.query('select state from pgboss.job where name = $1 order by state::text', [name])
    return found.rows.map((row) => row.state)
  }
  const fieldsOf = (level: string) => lines.filter((line) => line.level === level).map((line) => line.fields)
  return { jobs: node, other, pool, kysely, seen, enqueue, states, lines: fieldsOf, allLines: () => lines }
}

interface MakeOptions {
  readonly jobs: readonly Job<Seen, unknown>[]
  readonly seen?: Seen
  readonly lines?: LogLine[]
  readonly pollMillis?: number
  readonly recoverSeconds?: number
}

/** Jobs that poll often, so that tests need not wait. */
export function makeJobs(
  lane: JobsLane,
  pool: Pool,
  { jobs, seen, lines, pollMillis, recoverSeconds }: MakeOptions,
): Jobs {
  const scope = () => seen ?? { payloads: [], aborted: [] }
  return createJobs({
    pool,
    embedded: lane.embedded,
    jobs,
    log: recordLog(lines ?? []),
    scope,
    pollMillis: pollMillis ?? 100,
    recoverSeconds: recoverSeconds ?? 60,
  })
}

/** A log that keeps its lines. */
export function recordLog(lines: LogLine[]): Log {
  const write = (level: string) => (fields: object | string, message?: string) => {
    const first = typeof fields === 'string' ? { message: fields } : fields
    lines.push({ level, fields: { ...first, ...(message === undefined ? {} : { message }) } })
  }
  const log: Log = {
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
    child: () => log,
  }
  return log
}
