import { setTimeout as delay } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import { fromKysely } from 'pg-boss'
import type { ZodType } from 'zod'
import { type Outcome, type RunningNode, startNode } from './jobs-runner.ts'
import { givenUp, installJobs, type QueuePlan, sqlOver } from './jobs-schema.ts'
import type { Log } from './log.ts'

/** When a failed run is tried again; `backoff` doubles the delay each time, with jitter, up to an hour. */
export interface JobRetry {
  readonly limit: number
  readonly delaySeconds: number
  readonly backoff: boolean
}

/** One kind of work that happens later: at least once, after the commit of what asked for it. */
export interface Job<Scope, Payload> {
  /** Also the queue's name, so it must not change while jobs wait: letters, digits, `_ - . /`. */
  readonly name: string
  /** Plain JSON; parsed when run, since older code may have written it. */
  readonly schema: ZodType<Payload>
  /** Whole seconds after which the run's signal aborts. */
  readonly expireSeconds: number
  /** 5 retries from 5 s on, with back-off, when absent. */
  readonly retry?: JobRetry
  /** Runs at a time on each node; 1 when absent. */
  readonly concurrency?: number
  /** Cron expression in UTC: each occurrence runs once in the whole deployment, with the payload `{}`. */
  readonly schedule?: string
  /** @throws {PermanentFailure} for what no retry can mend; anything else thrown is tried again. */
  run(scope: Scope, payload: Payload, signal: AbortSignal): Promise<void>
}

/** When one run is to be. */
export interface EnqueueOptions {
  /** Whole seconds before which it does not start, by the clock of the database; none when absent. */
  readonly delaySeconds?: number
}

/** Background jobs, kept in the same database as what they are about. */
export interface Jobs {
  /** Creates or upgrades tables, queues and schedules; may be repeated. @throws {JobsInstalledByNewerVersion} */
  install(): Promise<void>
  /** Starts to run jobs and changes no table. @throws {JobsNotInstalled} @throws {JobsInstalledByNewerVersion} */
  start(): Promise<void>
  /** Asks for a run in the caller's transaction: the job exists exactly if that commits. Only between start and stop. */
  enqueue<Payload>(
    tx: Pick<Kysely<unknown>, 'executeQuery'>,
    job: Job<never, Payload>,
    payload: Payload,
    options?: EnqueueOptions,
  ): Promise<void>
  /** Call after the commit: this node looks for jobs of these names at once instead of at its next poll. */
  wake(names: Iterable<string>): void
  /** Resolves when no job is running or due on any node. @throws {JobsStillBusy} after `withinMillis`. */
  idle(withinMillis: number): Promise<void>
  /** Takes no more jobs and waits, 1 s at least, for those that run; what outlasts that is aborted and tried again. */
  stop(options: { readonly timeoutMillis: number }): Promise<void>
}

export interface JobsOptions<Scope> {
  readonly pool: Pool
  /** The pool leads to the embedded database: one session, of this process alone. */
  readonly embedded: boolean
  readonly jobs: readonly Job<Scope, unknown>[]
  readonly log: Log
  /** What runs are given; asked anew for each. */
  readonly scope: () => Scope
  /** How late at most a job starts that became due without `wake`: elsewhere, by a retry or a schedule; 2,000 if absent. */
  readonly pollMillis?: number
  /** How often runs are looked for that outlasted their time because their node died; 60 if absent. */
  readonly recoverSeconds?: number
}

/** A failure that no retry can mend: the job is given up at once. */
export class PermanentFailure extends Error {
  override readonly name = 'PermanentFailure'
}

/** Jobs were still running or due when the time was over. */
export class JobsStillBusy extends Error {
  override readonly name = 'JobsStillBusy'
}

/** Keeps the types of a job together; `Scope` follows from how `run` annotates its first parameter. */
export function defineJob<Scope, Payload>(job: Job<Scope, Payload>): Job<Scope, Payload> {
  return job
}

const defaultRetry: JobRetry = { limit: 5, delaySeconds: 5, backoff: true }
const longestRetryDelaySeconds = 3_600
const givenUpSeconds = 86_400
const idlePollMillis = 20

// A run that heeds its signal ends by itself within this time; after it, pg-boss gives the run up for lost.
const unwindSeconds = 10

/** Makes the jobs of one node; the database is not touched before `install` or `start`. */
export function createJobs<Scope>(options: JobsOptions<Scope>): Jobs {
  const plans = planQueues(options.jobs)
  const db = sqlOver(options.pool)
  let node: RunningNode | undefined

  return {
    install: () => installJobs(db, options.embedded, plans),
    start: async () => {
      if (node !== undefined) throw new Error('Jobs are started already')
      node = await startNode({ ...options, db, plans, runs: options.jobs.map((job) => toRun(job, options.scope)) })
    },
    enqueue: async (tx, job, payload, { delaySeconds: startAfter } = {}) => {
      if (node === undefined) throw new Error('Jobs are not started')
      // Any JSON value is stored as it is; pg-boss's type names objects alone.
      await node.boss.send(job.name, payload as object, { db: fromKysely(tx), ...(startAfter && { startAfter }) })
    },
    wake: (names) => node?.wake(names),
    idle: async (withinMillis) => {
      if (node === undefined) throw new Error('Jobs are not started')
      await untilIdle(node, withinMillis)
    },
    stop: async ({ timeoutMillis }) => {
      await node?.stop(timeoutMillis)
      node = undefined
    },
  }
}

function planQueues(jobs: readonly Job<never, unknown>[]): QueuePlan[] {
  const names = new Set([givenUp])
  const plans = jobs.map((job) => {
    if (names.has(job.name)) throw new Error(`Two jobs are named ${job.name}`)
    names.add(job.name)
    if (job.schedule !== undefined) job.schema.parse({})
    const { limit, delaySeconds, backoff } = job.retry ?? defaultRetry
    const options = {
      retryLimit: limit,
      retryDelay: delaySeconds,
      retryBackoff: backoff,
      ...(backoff ? { retryDelayMax: longestRetryDelaySeconds } : {}),
      expireInSeconds: job.expireSeconds + unwindSeconds,
      deadLetter: givenUp,
    }
    return { name: job.name, options, schedule: job.schedule }
  })
  return [{ name: givenUp, options: { deleteAfterSeconds: givenUpSeconds } }, ...plans]
}

async function untilIdle(node: RunningNode, withinMillis: number): Promise<void> {
  const limit = Date.now() + withinMillis
  for (;;) {
    const busy = await node.look()
    if (busy.length === 0) return
    if (Date.now() > limit) throw new JobsStillBusy(`Still busy: ${busy.join(', ')}`)
    await delay(idlePollMillis)
  }
}

function toRun<Scope>(job: Job<Scope, unknown>, scope: () => Scope) {
  const attempt = async (content: unknown, aborted: AbortSignal): Promise<Outcome> => {
    const signal = AbortSignal.any([aborted, AbortSignal.timeout(job.expireSeconds * 1_000)])
    try {
      await job.run(scope(), parsePayload(job.schema, content), signal)
      return { ok: true }
    } catch (error) {
      return { ok: false, error, permanent: error instanceof PermanentFailure }
    }
  }
  return { name: job.name, concurrency: job.concurrency ?? 1, attempt }
}

function parsePayload<Payload>(schema: ZodType<Payload>, content: unknown): Payload {
  const parsed = schema.safeParse(content)
  if (parsed.success) return parsed.data
  // Where and which rule, never the value: this text is logged.
  const faults = parsed.error.issues.map(({ path, code }) => `${path.join('.') || 'payload'} (${code})`)
  throw new PermanentFailure(`The payload is not valid: ${faults.join(', ')}`)
}
