import { sql } from 'kysely'
import { expect, test, vi } from 'vitest'
import { entities } from '../../src/entities.ts'
import { CircuitOpen, createCircuits } from '../../src/platform/circuit.ts'
import { openStore, type Store } from '../../src/platform/database/store.ts'
import { createLog } from '../../src/platform/log.ts'
import { type MovableClock, standingClock } from '../kit/fakes.ts'
import { startFaultProxy } from '../kit/fault-proxy.ts'
import { serviceUrls } from '../kit/lane.ts'

// Below the public door, where what is asked of the database is seen one by one.

vi.setConfig({ testTimeout: 60_000 })

// As many as a node holds.
const POOL_MAX = 16

async function openBehindProxy() {
  const target = new URL(serviceUrls().databaseUrl)
  const proxy = await startFaultProxy({ target: { host: target.hostname, port: Number(target.port) } })
  target.host = `127.0.0.1:${proxy.port}`
  const log = createLog({ level: 'silent' })
  const clock = standingClock()
  const circuits = createCircuits({ clock, log })
  const options = { directory: '', entities, log, onFailure: () => undefined }
  const store = await openStore({ ...options, databaseUrl: target.href, circuits })
  const close = async () => {
    proxy.resume()
    await store.close()
    await proxy.close()
  }
  const [circuit] = circuits.list()
  if (circuit === undefined) throw new Error('The database has no circuit')
  return { proxy, clock, circuit, store, [Symbol.asyncDispose]: close }
}

const ask = async ({ database }: Store) => void (await sql`select 1`.execute(database.unscoped))

/** How many of so many at once came to what, by the name of what was thrown. */
async function outcomes(count: number, work: () => Promise<void>): Promise<Record<string, number>> {
  const settled = await Promise.allSettled(Array.from({ length: count }, work))
  const names = settled.map((one) => (one.status === 'fulfilled' ? 'done' : String(one.reason?.name)))
  return Object.fromEntries([...new Set(names)].map((name) => [name, names.filter((one) => one === name).length]))
}

async function recover(store: Store, clock: MovableClock): Promise<void> {
  clock.advance({ seconds: 5 })
  await ask(store)
}

test('of a database that takes nobody in, the fourth is refused at once, and the node works again by itself', async () => {
  await using stage = await openBehindProxy()
  const { proxy, clock, circuit, store } = stage
  proxy.refuse()
  proxy.cut()
  await vi.waitUntil(() => store.database.pool.totalCount === 0)
  for (let n = 0; n < 3; n++) await expect(ask(store)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await expect(ask(store)).rejects.toMatchObject({ name: 'CircuitOpen', retryAfterSeconds: 5 })
  await expect(store.database.ping()).rejects.toThrow(CircuitOpen)
  await expect(store.database.fork().transactional(async () => undefined)).rejects.toThrow(CircuitOpen)
  await proxy.accept()
  await recover(store, clock)
  expect(circuit.state).toBe('CLOSED')
})

test('of a database that says nothing, three wait for 5 s and then nobody, save one after each recovery', async () => {
  await using stage = await openBehindProxy()
  const { proxy, clock, circuit, store } = stage
  proxy.cut()
  await vi.waitUntil(() => store.database.pool.totalCount === 0)
  proxy.blackhole()
  expect(await outcomes(3, () => ask(store))).toEqual({ Error: 3 })
  const before = performance.now()
  expect(await outcomes(50, () => ask(store))).toEqual({ CircuitOpen: 50 })
  const refusalMillis = performance.now() - before
  console.log(`50 refusals by an open circuit: ${refusalMillis.toFixed(1)} ms`)
  expect(refusalMillis).toBeLessThan(1_000)
  clock.advance({ seconds: 5 })
  expect(await outcomes(50, () => ask(store))).toEqual({ Error: 1, CircuitOpen: 49 })
  expect(circuit.state).toBe('OPEN')
  proxy.resume()
  await recover(store, clock)
  expect(await outcomes(50, () => ask(store))).toEqual({ done: 50 })
})

test('who waits in vain for a connection, while others are answered, is no sign of a database that is away', async () => {
  await using stage = await openBehindProxy()
  const { circuit, store } = stage
  const sleep = async () => void (await sql`select pg_sleep(2)`.execute(store.database.unscoped))
  // At 0, 2 and 4 s a connection is free for each of sixteen; the others have waited for 5 s.
  expect(await outcomes(POOL_MAX * 3 + 5, sleep)).toEqual({ done: POOL_MAX * 3, PoolBusy: 5 })
  expect(circuit.state).toBe('CLOSED')
})

test('faults of statements are no sign of it either', async () => {
  await using stage = await openBehindProxy()
  const { circuit, store } = stage
  const { unscoped, pool } = store.database
  const wrong = async () => void (await sql`select no_such_column`.execute(unscoped))
  await expect(wrong()).rejects.toMatchObject({ code: '42703' })
  const slow = () =>
    unscoped.transaction().execute(async (tx) => {
      await sql`set local statement_timeout = 10`.execute(tx)
      await sql`select pg_sleep(1)`.execute(tx)
    })
  await expect(slow()).rejects.toMatchObject({ code: '57014' })
  const ended = async () => void (await sql`select pg_terminate_backend(pg_backend_pid())`.execute(unscoped))
  for (let n = 0; n < 5; n++) await Promise.allSettled([wrong(), slow(), ended(), pool.query('select no_such_column')])
  expect(circuit.state).toBe('CLOSED')
  await ask(store)
})
