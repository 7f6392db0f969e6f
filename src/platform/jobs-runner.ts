import { setTimeout as delay } from 'node:timers/promises'
import { type Job as Claimed, type Db, type JobResult, PgBoss } from 'pg-boss'
import { assertInstalled, bossOptions, givenUp, type QueuePlan } from './jobs-schema.ts'
import type { Log } from './log.ts'

/** How one attempt ended. */
export type Outcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: unknown; readonly permanent: boolean }

/** What a worker does with the jobs of one queue; an attempt never throws. */
export interface Run {
  readonly name: string
  readonly concurrency: number
  attempt(content: unknown, signal: AbortSignal): Promise<Outcome>
}

/** The part of the jobs that lives between start and stop. */
export interface RunningNode {
  readonly boss: PgBoss
  wake(names: Iterable<string>): void
  /** Names of the queues with a job running or due anywhere; workers here are woken for those that are due. */
  look(): Promise<readonly string[]>
  stop(timeoutMillis: number): Promise<void>
}

/** What a node is made of. */
export interface NodeOptions {
  readonly db: Db
  readonly embedded: boolean
  readonly log: Log
  readonly plans: readonly QueuePlan[]
  readonly runs: readonly Run[]
  readonly pollMillis?: number
  readonly recoverSeconds?: number
}

const defaultPollMillis = 2_000
const defaultRecoverSeconds = 60
const reasonCharacters = 500

// All queues are watched by this one statement, and it wakes pg-boss's workers; their own polls, one statement for each
// worker, can then be rare. It probes job_i14, so its cost does not grow with what waits.
const queueStates = `
  select q.name,
    exists (select from pgboss.job j where j.name = q.name and j.state in ('created', 'retry') and not j.blocked
      and j.start_after <= now()) as due,
    exists (select from pgboss.job j where j.name = q.name and j.state = 'active') as active
  from unnest($1::text[]) as q (name)`
const workerPollSeconds = 900

/** Starts the workers of all queues. @throws {JobsNotInstalled} @throws {JobsInstalledByNewerVersion} */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const boss = openBoss(options)
  await assertInstalled(boss, options.plans)
  const workers = await startWorkers(boss, options)
  const wake = (names: Iterable<string>) => {
    for (const name of names) for (const id of workers.get(name) ?? []) boss.notifyWorker(id)
  }
  const names = options.plans.map((plan) => plan.name)
  const look = async () => {
    const { rows } = await options.db.executeSql(queueStates, [names])
    const states: readonly { name: string; due: boolean; active: boolean }[] = rows
    wake(states.filter((state) => state.due).map((state) => state.name))
    return states.filter((state) => state.due || state.active).map((state) => state.name)
  }
  const stopPolling = poll(look, options)
  const stop = async (timeoutMillis: number) => {
    await stopPolling()
    await boss.stop({ timeout: timeoutMillis })
  }
  return { boss, wake, look, stop }
}

function openBoss({ db, embedded, log, plans, recoverSeconds = defaultRecoverSeconds }: NodeOptions): PgBoss {
  const boss = new PgBoss({
    ...bossOptions(db, embedded),
    migrate: false,
    schedule: plans.some((plan) => plan.schedule !== undefined),
    superviseIntervalSeconds: recoverSeconds,
    monitorIntervalSeconds: recoverSeconds,
    // A schedule is exact to the minute and a half these two make, at a quarter of the default's statements.
    cronMonitorIntervalSeconds: 45,
    cronWorkerIntervalSeconds: 45,
    // We have no jobs that depend on others, which pg-boss would look for every 5 s.
    flowIntervalSeconds: 86_400,
    // PGlite has neither autovacuum to watch nor a second session to build an index in.
    monitorVacuum: !embedded,
    reindex: !embedded,
  })
  boss.on('error', (error) => log.warn({ err: error }, 'the job queue had an error'))
  // The rest of a warning's data can hold statements and their values.
  boss.on('warning', ({ message }) => log.warn({ warning: message }, 'the job queue warns'))
  return boss
}

async function startWorkers(boss: PgBoss, { runs, log }: NodeOptions): Promise<Map<string, string[]>> {
  const workers = new Map<string, string[]>()
  try {
    await boss.start()
    workers.set(givenUp, [await reportGivenUp(boss, log)])
    for (const run of runs) {
      const starts = Array.from({ length: run.concurrency }, () => startWorker(boss, run, log))
      workers.set(run.name, await Promise.all(starts))
    }
    return workers
  } catch (error) {
    await boss.stop({ graceful: false })
    throw error
  }
}

async function startWorker(boss: PgBoss, run: Run, log: Log): Promise<string> {
  let id = ''
  const work = async ([claimed]: Claimed<unknown>[]): Promise<JobResult[]> => {
    if (claimed === undefined) return []
    // Another may wait behind this one: the worker then looks again as soon as this one ends.
    boss.notifyWorker(id)
    const outcome = await run.attempt(claimed.data, claimed.signal)
    if (outcome.ok) return [{ id: claimed.id, status: 'completed' }]
    const { error, permanent } = outcome
    log.warn({ job: run.name, jobId: claimed.id, attempt: claimed.retryCount + 1, err: error }, 'a job failed')
    // `deadletter` is pg-boss's word for failing without a retry.
    return [{ id: claimed.id, status: permanent ? 'deadletter' : 'failed', output: { message: reasonOf(error) } }]
  }
  id = await boss.work(run.name, { perJobResults: true, pollingIntervalSeconds: workerPollSeconds }, work)
  return id
}

async function reportGivenUp(boss: PgBoss, log: Log): Promise<string> {
  let id = ''
  const options = { includeMetadata: true, pollingIntervalSeconds: workerPollSeconds } as const
  id = await boss.work(givenUp, options, async ([dead]) => {
    if (dead === undefined) return
    boss.notifyWorker(id)
    const { sourceName: job, sourceId: jobId, sourceRetryCount, sourceOutput } = dead
    log.error(
      { job, jobId, attempts: (sourceRetryCount ?? 0) + 1, reason: reasonOf(sourceOutput) },
      'a job was given up',
    )
  })
  return id
}

function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error).slice(0, reasonCharacters)
  if ('message' in error) return reasonOf(error.message)
  // Where pg-boss itself ends a run, it wraps its reason.
  return 'value' in error ? reasonOf(error.value) : 'unknown'
}

function poll(look: () => Promise<unknown>, { log, pollMillis }: NodeOptions): () => Promise<void> {
  const stopping = new AbortController()
  const looking = async () => {
    for (;;) {
      await delay(pollMillis ?? defaultPollMillis, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      await look().catch((error) => log.warn({ err: error }, 'jobs could not be looked for'))
    }
  }
  const ended = looking()
  return async () => {
    stopping.abort()
    await ended
  }
}
