import { sql } from 'kysely'
import { expect, test, vi } from 'vitest'
import { entities } from '../../src/entities.ts'
import { openDatabase } from '../../src/platform/database/database.ts'
import { createLog } from '../../src/platform/log.ts'
import { startFaultProxy } from '../kit/fault-proxy.ts'
import { serviceUrls } from '../kit/lane.ts'

// Below the public door, where a limit of 20 s can be one of 5 s.

vi.setConfig({ testTimeout: 60_000 })

const POOL_MAX = 2

/** A pool of two behind a proxy, which can be told to swallow everything. */
async function openBehindProxy() {
  const target = new URL(serviceUrls().databaseUrl)
  const proxy = await startFaultProxy({ target: { host: target.hostname, port: Number(target.port) } })
  target.host = `127.0.0.1:${proxy.port}`
  const database = openDatabase({
    connection: { connectionString: target.href },
    poolMax: POOL_MAX,
    entities,
    log: createLog({ level: 'silent' }),
    statementTimeoutMillis: 300,
  })
  const close = async () => {
    proxy.resume()
    await database.close()
    await proxy.close()
  }
  return { proxy, database, [Symbol.asyncDispose]: close }
}

test.for(['read', 'transaction'] as const)('a stall in each %s leaves a pool that works', async (kind) => {
  await using stage = await openBehindProxy()
  const { proxy, database } = stage
  const begun = Promise.withResolvers<void>()
  let open = 0
  const stalled = Promise.withResolvers<void>()
  const work = async (statement: () => Promise<unknown>) => {
    await statement()
    open += 1
    if (open === POOL_MAX) begun.resolve()
    await stalled.promise
    return statement()
  }
  const inTransaction = () =>
    database.fork().transactional((em) => work(() => sql`select 1`.execute(em.getKysely()).then(() => undefined)))
  const reading = () => database.unscoped.connection().execute((db) => work(() => sql`select 1`.execute(db)))
  const lost = Array.from({ length: POOL_MAX }, kind === 'read' ? reading : inTransaction)
  await begun.promise
  proxy.blackhole()
  stalled.resolve()
  for (const outcome of await Promise.allSettled(lost)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'Query read timeout' } })
  }
  await vi.waitUntil(() => database.pool.totalCount === 0, { timeout: 5_000 })
  proxy.resume()
  for (let round = 0; round <= POOL_MAX; round += 1) {
    expect(await inTransactionOf(database)).toBe(1)
  }
})

test('a connection that ends between two statements of a transaction gives its place back', async () => {
  await using stage = await openBehindProxy()
  const { proxy, database } = stage
  const cut = database.fork().transactional(async (em) => {
    await sql`select 1`.execute(em.getKysely())
    proxy.cut()
    await vi.waitUntil(() => database.pool.totalCount === 0, { timeout: 5_000 })
    await sql`select 1`.execute(em.getKysely())
  })
  await expect(cut).rejects.toThrow(/not queryable|terminated/)
  expect(await inTransactionOf(database)).toBe(1)
})

async function inTransactionOf(database: ReturnType<typeof openDatabase>): Promise<number | undefined> {
  const { rows } = await database
    .fork()
    .transactional((em) => sql<{ one: number }>`select 1 as one`.execute(em.getKysely()))
  return rows[0]?.one
}
