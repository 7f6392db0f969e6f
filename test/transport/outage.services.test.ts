import { sql } from 'kysely'
import { Client } from 'pg'
import { expect, test, vi } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { ViewerDocument } from '../gql/graphql.ts'
import { cheapPasswords, mailbox } from '../kit/fakes.ts'
import { type FaultProxy, startFaultProxy } from '../kit/fault-proxy.ts'
import { configOf, currentLane, databaseUrlOf, serviceUrls } from '../kit/lane.ts'
import { type Person, signUp } from '../kit/people.ts'
import { copyTemplate } from '../kit/server.ts'
import { createPage } from '../kit/test.ts'
import { signedIn } from './raw-socket.ts'
import { ask } from './wire.ts'

interface Stage {
  readonly app: App
  readonly url: string
  readonly alice: Person
  /** Between the server and its database. */
  readonly proxy: FaultProxy
  /** Straight to the database, past the proxy. */
  readonly databaseUrl: string
}

/** Runs a test on a server whose database is behind a proxy. */
async function behindProxy(run: (stage: Stage) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const database = stack.adopt(await copyTemplate(), ({ remove }) => remove())
  const databaseUrl = databaseUrlOf(database.name)
  const target = new URL(databaseUrl)
  const service = { host: target.hostname, port: Number(target.port) }
  const proxy = stack.adopt(await startFaultProxy({ target: service }), ({ close }) => close())
  target.host = `127.0.0.1:${proxy.port}`
  const services = { databaseUrl: target.href, redisUrl: serviceUrls().redisUrl }
  const overrides = { mailer: mailbox(), passwordCost: cheapPasswords, keyPrefix: `ocean-test-outage-${process.pid}` }
  const config = configOf(currentLane, database.name, database.dataDir)
  const opened = await createApp({ ...config, services, logLevel: 'silent' }, overrides)
  const app = stack.adopt(opened, ({ close }) => close())
  const { url } = await app.listen()
  const alice = stack.adopt(await signUp({ url }, 'Alice'), ({ close }) => close())
  await run({ app, url, alice, proxy, databaseUrl })
}

test('a server whose database is away runs, is not ready, says to come back, and recovers by itself', () =>
  behindProxy(async ({ url, alice, proxy }) => {
    const headers = { authorization: `Bearer ${alice.tokens.accessToken}` }
    const query = '{ viewer { role } }'
    const socket = await signedIn(url, alice.tokens.accessToken)
    const statusOf = async (path: string) => (await ask(url, { method: 'GET', path })).status
    expect([await statusOf('/health'), await statusOf('/ready')]).toEqual([200, 200])

    proxy.refuse()
    proxy.cut()
    expect([await statusOf('/health'), await statusOf('/ready')]).toEqual([200, 503])
    const failed = await ask(url, { body: { query }, headers })
    expect([failed.status, failed.body.errors]).toMatchObject([503, [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]])
    expect(failed.headers['retry-after']).toBe('1')
    socket.subscribe('away', query)
    expect(await socket.next('away')).toMatchObject({ type: 'error', payload: [{ extensions: { family: 'APP_003' } }] })

    await proxy.accept()
    await vi.waitFor(async () => expect(await statusOf('/ready')).toBe(200), { timeout: 10_000 })
    socket.subscribe('back', query)
    expect(await socket.next('back')).toMatchObject({ payload: { data: { viewer: { role: 'OWNER' } } } })
    socket.ws.close()
  }))

// More than the pool has places, so that none would be left.
const MUTATIONS = 24
const POOL_MAX = 16

test('transactions that a lost connection cuts give their places in the pool back', () =>
  behindProxy(async (stage) => {
    const { alice, proxy } = stage
    await using locked = await lockPages(stage)
    const mutations = Array.from({ length: MUTATIONS }, () => createPage(alice, 'Cut').catch(() => undefined))
    await locked.until((waiting) => waiting === POOL_MAX)
    proxy.cut()
    await locked.release()
    await Promise.all(mutations)
    expect((await alice.query(ViewerDocument, {})).viewer).toBeTruthy()
    await expect(createPage(alice, 'Whole')).resolves.toMatchObject({ id: expect.any(String) })
  }))

test('a transaction that is told nothing more is ended by the database', () =>
  behindProxy(async ({ app }) => {
    const shown = await sql`show idle_in_transaction_session_timeout`.execute(app.platform.database.unscoped)
    expect(shown.rows).toEqual([{ idle_in_transaction_session_timeout: '15s' }])
  }))

/** Holds up every transaction that touches pages. */
async function lockPages({ databaseUrl }: Stage) {
  const holder = new Client({ connectionString: databaseUrl })
  // A transaction sees one snapshot of what the sessions do.
  const watcher = new Client({ connectionString: databaseUrl })
  await Promise.all([holder.connect(), watcher.connect()])
  await holder.query('begin')
  await holder.query('lock table page in access exclusive mode')
  const waitingCount = `select count(*)::int as waiting from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`
  return {
    until: (enough: (waiting: number) => boolean) =>
      vi.waitUntil(async () => enough((await watcher.query(waitingCount)).rows[0]?.waiting), { timeout: 10_000 }),
    release: () => holder.query('rollback'),
    [Symbol.asyncDispose]: async () => void (await Promise.all([holder.end(), watcher.end()])),
  }
}
