import { setTimeout as delay } from 'node:timers/promises'
import type { Pool, QueryResult } from 'pg'
import { type Db, PgBoss, type QueueOptions } from 'pg-boss'
import pgBossPackage from 'pg-boss/package.json' with { type: 'json' }

/** A queue and its schedule as the code wants them. */
export interface QueuePlan {
  readonly name: string
  readonly options: QueueOptions & { readonly deadLetter?: string }
  /** Cron expression, UTC. */
  readonly schedule?: string | undefined
}

/** The tables or queues this version of the code needs are absent or older: they have to be installed first. */
export class JobsNotInstalled extends Error {
  override readonly name = 'JobsNotInstalled'
}

/** A newer version of the code has upgraded the tables of jobs; this one cannot use them. */
export class JobsInstalledByNewerVersion extends Error {
  override readonly name = 'JobsInstalledByNewerVersion'
}

/** Whatever job was given up, for any reason and by any node, is copied to this queue once: to be logged. */
export const givenUp = 'given-up'

const neededVersion = pgBossPackage.pgboss.schema
const advice = 'Run: npm run migrate'
const upgradeLimitMillis = 600_000

/** pg-boss over our pool. */
export function sqlOver(pool: Pool): Db {
  return {
    executeSql: async (text, values) => {
      // Of `BEGIN; …; COMMIT` in one text, pg-boss wants the rows of every statement. Where one fails, the pool drops the
      // connection, and with it the transaction; the embedded database too rolls back for a connection that went away.
      const result: QueryResult | QueryResult[] = await pool.query(text, values)
      return { rows: Array.isArray(result) ? result.flatMap(({ rows }) => rows) : result.rows }
    },
  }
}

/** Options of every pg-boss instance of ours: no second pool, no statements that nothing here reads. */
export function bossOptions(db: Db, embedded: boolean) {
  return {
    db,
    backend: embedded ? ('pglite' as const) : ('postgres' as const),
    registerInstance: false,
    openTelemetry: { enabled: false },
    // Queues change only by an installation, which comes before the start.
    queueCacheIntervalSeconds: 3_600,
  }
}

/** @throws {JobsNotInstalled} @throws {JobsInstalledByNewerVersion} */
export async function assertInstalled(boss: PgBoss, plans: readonly QueuePlan[]): Promise<void> {
  const version = (await boss.isInstalled()) ? ((await boss.schemaVersion()) ?? 0) : 0
  assertNotNewer(version)
  if (version < neededVersion) {
    throw new JobsNotInstalled(
      `The tables of jobs have version ${version}, version ${neededVersion} is needed. ${advice}`,
    )
  }
  const present = new Set((await boss.getQueues()).map((queue) => queue.name))
  const missing = plans.filter((plan) => !present.has(plan.name)).map((plan) => plan.name)
  if (missing.length > 0) throw new JobsNotInstalled(`These queues are missing: ${missing.join(', ')}. ${advice}`)
}

function assertNotNewer(version: number): void {
  if (version <= neededVersion) return
  const versions = `version ${version} of a newer ocean-graph, this one knows version ${neededVersion}`
  throw new JobsInstalledByNewerVersion(`The tables of jobs have ${versions}. Start that version instead.`)
}

/** Creates or upgrades pg-boss's schema, then makes queues and schedules as planned. */
export async function installJobs(db: Db, embedded: boolean, plans: readonly QueuePlan[]): Promise<void> {
  const boss = new PgBoss({ ...bossOptions(db, embedded), supervise: false, schedule: false, bamIntervalSeconds: 10 })
  const failures: unknown[] = []
  boss.on('error', (error) => failures.push(error))
  assertNotNewer((await boss.isInstalled()) ? ((await boss.schemaVersion()) ?? 0) : 0)
  try {
    await boss.start()
    await upgradeIndexes(boss, failures)
    await installQueues(boss, plans)
    await installSchedules(boss, plans)
  } finally {
    await boss.stop({ graceful: false })
  }
}

/** An upgrade leaves its index builds to a timer of pg-boss that runs only where tables may be changed: here. */
async function upgradeIndexes(boss: PgBoss, failures: readonly unknown[]): Promise<void> {
  const limit = Date.now() + upgradeLimitMillis
  for (;;) {
    const counts = await boss.getBamStatus()
    if (counts.every(({ status }) => status === 'completed')) return
    if (failures.length > 0) throw new AggregateError(failures, 'The indexes of jobs could not be built')
    if (Date.now() > limit) throw new Error('The indexes of jobs were not built in time')
    await delay(200)
  }
}

async function installQueues(boss: PgBoss, plans: readonly QueuePlan[]): Promise<void> {
  const present = new Map((await boss.getQueues()).map((queue) => [queue.name, queue]))
  for (const { name, options } of plans) {
    const queue = present.get(name)
    if (queue === undefined) await boss.createQueue(name, options)
    else if (differs(queue, options)) await boss.updateQueue(name, options)
  }
}

async function installSchedules(boss: PgBoss, plans: readonly QueuePlan[]): Promise<void> {
  const present = new Map((await boss.getSchedules()).map((schedule) => [schedule.name, schedule.cron]))
  for (const { name, schedule } of plans) {
    // An occurrence missed while nothing ran is made up for once: an embedded server is often off at night.
    if (schedule !== undefined && present.get(name) !== schedule) {
      await boss.schedule(name, schedule, {}, { missed: 'once' })
    }
  }
  const wanted = new Set(plans.filter((plan) => plan.schedule !== undefined).map((plan) => plan.name))
  for (const name of present.keys()) if (!wanted.has(name)) await boss.unschedule(name)
}

function differs(queue: object, options: object): boolean {
  const current = new Map(Object.entries(queue))
  return Object.entries(options).some(([key, value]) => current.get(key) !== value)
}
