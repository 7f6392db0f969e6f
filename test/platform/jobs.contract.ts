import { sql } from 'kysely'
import { Pool } from 'pg'
import { getRollbackPlans } from 'pg-boss'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { createJobs, defineJob, type Job, JobsStillBusy, PermanentFailure } from '../../src/platform/jobs.ts'
import { JobsInstalledByNewerVersion, JobsNotInstalled, sqlOver } from '../../src/platform/jobs-schema.ts'
import {
  type JobsLane,
  makeJobs,
  noRetry,
  recording,
  recordLog,
  type Seen,
  startNode,
  textSchema,
  versionOf,
  waiting,
} from './jobs.fixture.ts'

const patience = { timeout: 20_000, interval: 20 }
// The oldest whose upgrade builds an index beside the running tables.
const oldVersion = 40

/** The promises of background jobs, for any database. */
export function jobsContract(name: string, lane: JobsLane): void {
  describe(name, { timeout: 60_000 }, () => {
    deliveryTests(lane)
    failureTests(lane)
    stopTests(lane)
    installTests(lane)
  })
}

function deliveryTests(lane: JobsLane): void {
  test('a job enqueued in a transaction that rolls back never runs', async () => {
    const job = recording('note')
    const node = await startNode(lane, [job])
    await expect(
      node.kysely.transaction().execute(async (tx) => {
        await node.jobs.enqueue(tx, job, { text: 'never' })
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    node.jobs.wake(['note'])
    await node.enqueue(job, { text: 'committed later' })
    await node.jobs.idle(20_000)
    expect(node.seen.payloads).toEqual([{ text: 'committed later' }])
  })

  test('a job does not run before the transaction that asked for it commits', async () => {
    const job = recording('note')
    const node = await startNode(lane, [job])
    await node.kysely.transaction().execute(async (tx) => {
      await node.jobs.enqueue(tx, job, { text: 'hello' })
      node.jobs.wake(['note'])
      // Embedded, the only session is busy with this transaction.
      if (!lane.embedded) await node.other.idle(20_000)
      expect(node.seen.payloads).toEqual([])
    })
    node.jobs.wake(['note'])
    await vi.waitFor(() => expect(node.seen.payloads).toEqual([{ text: 'hello' }]), patience)
  })

  test('twenty producers on two nodes have each job run exactly once', async () => {
    const job = recording('note', { concurrency: 2 })
    const node = await startNode(lane, [job])
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`)
    await Promise.all(
      texts.map(async (text, index) => {
        const jobs = index % 2 === 0 ? node.jobs : node.other
        await node.kysely.transaction().execute((tx) => jobs.enqueue(tx, job, { text }))
        node.jobs.wake(['note'])
        node.other.wake(['note'])
      }),
    )
    await node.jobs.idle(20_000)
    const ran = node.seen.payloads.map((payload) => textSchema.parse(payload).text)
    expect(ran.sort()).toEqual(texts.sort())
  })

  test('one wake starts all waiting jobs of a name long before the next poll', async () => {
    const job = recording('note')
    const node = await startNode(lane, [job], { pollMillis: 600_000, nodes: 1 })
    await node.kysely.transaction().execute(async (tx) => {
      for (const text of ['first', 'second', 'third']) await node.jobs.enqueue(tx, job, { text })
    })
    node.jobs.wake(['note'])
    await vi.waitFor(() => expect(node.seen.payloads).toHaveLength(3), patience)
  })

  test('a job with a delay starts after it and not before, and nothing waits for it', async () => {
    const job = recording('note')
    const node = await startNode(lane, [job])
    const started = performance.now()
    const enqueue = (text: string, delaySeconds: number) =>
      node.kysely.transaction().execute((tx) => node.jobs.enqueue(tx, job, { text }, { delaySeconds }))
    await enqueue('in an hour', 3_600)
    await enqueue('soon', 2)
    await node.enqueue(job, { text: 'now' })
    await node.jobs.idle(20_000)
    expect(node.seen.payloads).toContainEqual({ text: 'now' })
    await vi.waitFor(() => expect(node.seen.payloads).toEqual([{ text: 'now' }, { text: 'soon' }]), patience)
    expect(performance.now() - started).toBeGreaterThan(1_900)
    await expect.poll(() => node.states('note')).toEqual(['completed', 'completed', 'created'])
  })

  test('a job that became due without a wake is found by polling', async () => {
    const job = recording('note')
    const node = await startNode(lane, [job])
    await node.kysely.transaction().execute((tx) => node.jobs.enqueue(tx, job, { text: 'quiet' }))
    await vi.waitFor(() => expect(node.seen.payloads).toHaveLength(1), patience)
  })
}

function failureTests(lane: JobsLane): void {
  test('a failing job is tried again, then given up and logged without its payload', async () => {
    const attempts: number[] = []
    const job = defineJob({
      name: 'doomed',
      schema: textSchema,
      expireSeconds: 30,
      retry: { limit: 2, delaySeconds: 0, backoff: false },
      run: async (_: Seen) => {
        attempts.push(1)
        throw new Error('the far side is away')
      },
    })
    const node = await startNode(lane, [job])
    await node.enqueue(job, { text: 'private words' })
    await vi.waitFor(() => expect(node.lines('error')).toHaveLength(1), patience)
    expect(attempts).toHaveLength(3)
    const [line] = node.lines('error')
    expect(line).toMatchObject({
      job: 'doomed',
      jobId: expect.any(String),
      attempts: 3,
      reason: 'the far side is away',
    })
    expect(JSON.stringify(node.allLines())).not.toContain('private words')
    await node.jobs.idle(20_000)
    expect(await node.states('doomed')).toEqual(['failed'])
  })

  test('a job that failed once succeeds on its retry', async () => {
    let attempts = 0
    const job = defineJob({
      name: 'shaky',
      schema: textSchema,
      expireSeconds: 30,
      retry: { limit: 1, delaySeconds: 1, backoff: true },
      run: async (seen: Seen, payload) => {
        attempts += 1
        if (attempts === 1) throw new Error('not yet')
        seen.payloads.push(payload)
      },
    })
    const node = await startNode(lane, [job])
    await node.enqueue(job, { text: 'again' })
    await vi.waitFor(() => expect(node.seen.payloads).toEqual([{ text: 'again' }]), patience)
    expect(node.lines('error')).toEqual([])
  })

  test('a permanent failure is given up at once', async () => {
    let attempts = 0
    const job = defineJob({
      name: 'hopeless',
      schema: textSchema,
      expireSeconds: 30,
      run: async (_: Seen) => {
        attempts += 1
        throw new PermanentFailure('the address does not exist')
      },
    })
    const node = await startNode(lane, [job])
    await node.enqueue(job, { text: 'x' })
    await vi.waitFor(() => expect(node.lines('error')).toHaveLength(1), patience)
    expect(node.lines('error')[0]).toMatchObject({ job: 'hopeless', attempts: 1, reason: 'the address does not exist' })
    expect(attempts).toBe(1)
    expect(await node.states('hopeless')).toEqual(['failed'])
  })

  test('a payload that no longer fits its schema is given up without running, and is not logged', async () => {
    const job = recording('note')
    const node = await startNode(lane, [job])
    const older = { ...job, schema: z.unknown() }
    await node.enqueue(older, { text: 42, secret: 'private words' })
    await vi.waitFor(() => expect(node.lines('error')).toHaveLength(1), patience)
    expect(node.lines('error')[0]).toMatchObject({
      job: 'note',
      reason: 'The payload is not valid: text (invalid_type)',
    })
    expect(node.seen.payloads).toEqual([])
    expect(JSON.stringify(node.allLines())).not.toContain('private words')
  })

  test('a job whose node died is run by another, or given up when that was its last attempt', async () => {
    const [job, last] = [recording('note'), recording('last')]
    const node = await startNode(lane, [job, last], { recoverSeconds: 1 })
    await node.pool.query(
      `insert into pgboss.job (name, data, state, started_on, expire_seconds, retry_limit, dead_letter)
       select name, '{"text": "orphan"}', 'active', now() - interval '1 hour', 40, retries, 'given-up'
       from (values ('note', 1), ('last', 0)) as orphan (name, retries)`,
    )
    await vi.waitFor(() => expect(node.seen.payloads).toEqual([{ text: 'orphan' }]), patience)
    await vi.waitFor(() => expect(node.lines('error')).toHaveLength(1), patience)
    expect(node.lines('error')[0]).toMatchObject({ job: 'last', attempts: 1, reason: 'job timed out' })
  })

  test('the signal aborts when the time of a run is over', async () => {
    const job = waiting('slow', 1)
    const node = await startNode(lane, [job])
    await node.enqueue(job, { text: 'x' })
    await vi.waitFor(() => expect(node.seen.aborted).toHaveLength(1), patience)
    expect(node.seen.aborted[0]).toMatchObject({ name: 'TimeoutError' })
    await vi.waitFor(() => expect(node.lines('error')).toHaveLength(1), patience)
  })
}

function stopTests(lane: JobsLane): void {
  test('a stop waits for the running job, which may still enqueue, and takes no other', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const job = defineJob({
      name: 'note',
      schema: textSchema,
      expireSeconds: 30,
      run: async (seen: Seen, payload) => {
        seen.payloads.push(payload)
        await released
        await node.kysely.transaction().execute((tx) => node.jobs.enqueue(tx, job, { text: 'follow-up' }))
        seen.payloads.push('finished')
      },
    })
    const node = await startNode(lane, [job], { nodes: 1 })
    await node.enqueue(job, { text: 'one' })
    await node.enqueue(job, { text: 'two' })
    await vi.waitFor(() => expect(node.seen.payloads).toHaveLength(1), patience)
    const stopped = node.jobs.stop({ timeoutMillis: 20_000 }).then(() => node.seen.payloads.push('stopped'))
    release()
    await stopped
    expect(node.seen.payloads).toEqual([{ text: 'one' }, 'finished', 'stopped'])
    expect(await node.states('note')).toEqual(['completed', 'created', 'created'])
  })

  test('a stop aborts what outlasts its time; it is tried again, or given up if that was its last attempt', async () => {
    const slow = { ...waiting('slow', 600), retry: { limit: 1, delaySeconds: 600, backoff: false } }
    const last = waiting('last', 600)
    const node = await startNode(lane, [slow, last], { nodes: 1 })
    await node.enqueue(slow, { text: 'x' })
    await node.enqueue(last, { text: 'y' })
    await vi.waitFor(() => expect(node.seen.payloads).toHaveLength(2), patience)
    await expect(node.jobs.idle(0)).rejects.toThrow(JobsStillBusy)
    await node.jobs.stop({ timeoutMillis: 1_000 })
    expect(node.seen.aborted).toHaveLength(2)
    expect([await node.states('slow'), await node.states('last')]).toEqual([['retry'], ['failed']])
    await node.jobs.start()
    await vi.waitFor(() => expect(node.lines('error')).toHaveLength(1), patience)
    expect(node.lines('error')[0]).toMatchObject({ job: 'last', reason: 'pg-boss shut down while active' })
  })
}

function installTests(lane: JobsLane): void {
  test('a start without installed tables, with older or with newer ones says so and changes nothing', async () => {
    const [pool] = await lane.openPools()
    const jobs = makeJobs(lane, pool, { jobs: [recording('note')] })
    await expect(jobs.start()).rejects.toThrow(JobsNotInstalled)
    expect((await pool.query(`select 1 from pg_namespace where nspname = 'pgboss'`)).rowCount).toBe(0)
    await jobs.install()
    const version = await versionOf(pool)
    await pool.query('update pgboss.version set version = version - 1')
    await expect(jobs.start()).rejects.toThrow(JobsNotInstalled)
    await pool.query('update pgboss.version set version = version + 2')
    await expect(jobs.start()).rejects.toThrow(JobsInstalledByNewerVersion)
    await expect(jobs.install()).rejects.toThrow(JobsInstalledByNewerVersion)
    await pool.query('update pgboss.version set version = $1', [version])
    const more = makeJobs(lane, pool, { jobs: [recording('note'), recording('added-since')] })
    await expect(more.start()).rejects.toThrow(/queues are missing: added-since/)
  })

  test('an installation makes schedules, follows the code when it changes and may be repeated', async () => {
    const [pool] = await lane.openPools()
    const nightly = defineJob({
      name: 'nightly',
      schema: z.object({}),
      expireSeconds: 30,
      retry: noRetry,
      schedule: '0 3 * * *',
      run: async (_: Seen) => undefined,
    })
    const schedules = async () => (await pool.query('select name, cron from pgboss.schedule order by name')).rows
    const retries = async () =>
      (await pool.query(`select retry_limit from pgboss.queue where name = 'nightly'`)).rows[0].retry_limit
    await makeJobs(lane, pool, { jobs: [nightly, { ...nightly, name: 'hourly', schedule: '0 * * * *' }] }).install()
    expect(await schedules()).toEqual([
      { name: 'hourly', cron: '0 * * * *' },
      { name: 'nightly', cron: '0 3 * * *' },
    ])
    expect(await retries()).toBe(0)
    const later = { ...nightly, schedule: '0 4 * * *', retry: { limit: 3, delaySeconds: 1, backoff: true } }
    for (let round = 0; round < 2; round += 1) await makeJobs(lane, pool, { jobs: [later] }).install()
    expect(await schedules()).toEqual([{ name: 'nightly', cron: '0 4 * * *' }])
    expect(await retries()).toBe(3)
  })

  test('an installation upgrades older tables and keeps their jobs', async () => {
    const job = recording('note')
    const node = await startNode(lane, [job], { nodes: 1 })
    const { pool } = node
    await node.kysely.transaction().execute(async (tx) => {
      await node.jobs.enqueue(tx, job, { text: 'kept' })
      await sql`update pgboss.job set start_after = now() + interval '10 minutes'`.execute(tx)
    })
    await node.jobs.stop({ timeoutMillis: 1_000 })
    for (let version = await versionOf(pool); version > oldVersion; version -= 1) {
      await pool.query(getRollbackPlans('pgboss', version))
    }
    expect(await versionOf(pool)).toBe(oldVersion)
    // As if the installation above were long ago: pg-boss builds indexes at most every 10 s.
    await pool.query('update pgboss.version set bam_on = null')
    await expect(node.jobs.start()).rejects.toThrow(JobsNotInstalled)
    await node.jobs.install()
    await node.jobs.start()
    expect(await node.states('note')).toEqual(['created'])
    expect((await pool.query('select command from pgboss.bam where status <> $1', ['completed'])).rows).toEqual([])
  })

  test('a list of statements that fails midway leaves no transaction open', async () => {
    const [pool] = await lane.openPools()
    await expect(sqlOver(pool).executeSql('begin; select 1 / 0; commit')).rejects.toThrow('division by zero')
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  test('a scheduled job must accept the empty payload, and names are unique', () => {
    const options = { embedded: lane.embedded, log: recordLog([]), scope: () => ({ payloads: [], aborted: [] }) }
    const create = (jobs: readonly Job<Seen, unknown>[]) => () => createJobs({ ...options, pool: new Pool(), jobs })
    expect(create([{ ...recording('note'), schedule: '0 3 * * *' }])).toThrow()
    expect(create([recording('note'), recording('note')])).toThrow('Two jobs are named note')
  })
}
