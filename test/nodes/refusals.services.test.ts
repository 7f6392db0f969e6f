import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { startFaultProxy } from '../kit/fault-proxy.ts'
import { findFreePort } from '../kit/free-port.ts'
import { administer, databaseUrlOf, environmentOf, serviceUrls } from '../kit/lane.ts'
import { runToEnd, startNode } from '../kit/nodes.ts'
import { expectRefusal, secretWord } from '../kit/refusal.ts'
import { copyTemplate } from '../kit/server.ts'

// What a server says that cannot start on its services: one sentence, a code that is not 0, and it ends by itself.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const relations = `select relname from pg_class where relnamespace not in
  (select oid from pg_namespace where nspname in ('pg_catalog', 'pg_toast', 'information_schema'))`

let database: Awaited<ReturnType<typeof copyTemplate>>
let sound: Record<string, string>

beforeAll(async () => {
  database = await copyTemplate()
  sound = environmentOf('services', database.name, database.dataDir)
})
afterAll(async () => {
  await database.remove()
  vi.resetConfig()
})

describe.each([
  ['DATABASE_URL', (port: number) => `postgres://ocean:${secretWord}@127.0.0.1:${port}/ocean`],
  ['REDIS_URL', (port: number) => `redis://ocean:${secretWord}@127.0.0.1:${port}`],
] as const)('%s', (variable, urlOn) => {
  test('that nobody listens at is named with its address', async () => {
    const port = await findFreePort()
    const sentence = await expectRefusal({ ...sound, [variable]: urlOn(port) })
    expect(sentence).toMatch(new RegExp(`^${variable} points to 127\\.0\\.0\\.1:${port}, which cannot be used: `))
  })

  test('that swallows everything is given up within the time-out of a connection', async () => {
    const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port: await findFreePort() } })
    onTestFinished(() => proxy.close())
    proxy.blackhole()
    const sentence = await expectRefusal({ ...sound, [variable]: urlOn(proxy.port) })
    expect(sentence).toMatch(new RegExp(`^${variable} points to 127\\.0\\.0\\.1:${proxy.port}, which cannot be used: `))
  })

  test('of a name that does not exist is named', async () => {
    const url = urlOn(1).replace('127.0.0.1', 'no-such-host.invalid')
    expect(await expectRefusal({ ...sound, [variable]: url })).toMatch(
      new RegExp(`^${variable} points to no-such-host\\.invalid:1, which cannot be used: `),
    )
  })
})

test('a service of the other kind behind a URL is refused', async () => {
  const { databaseUrl, redisUrl } = serviceUrls()
  const redisPort = new URL(redisUrl).port || '6379'
  const postgresPort = new URL(databaseUrl).port || '5432'
  const swapped = {
    DATABASE_URL: `postgres://127.0.0.1:${redisPort}/x`,
    REDIS_URL: `redis://127.0.0.1:${postgresPort}`,
  }
  expect(await expectRefusal({ ...sound, DATABASE_URL: swapped.DATABASE_URL })).toMatch(/^DATABASE_URL points to /)
  expect(await expectRefusal({ ...sound, REDIS_URL: swapped.REDIS_URL })).toMatch(/^REDIS_URL points to /)
})

describe('a database', () => {
  test('that does not exist is named', async () => {
    const name = `ocean_nodes_${process.pid}_none`
    expect(await expectRefusal({ ...sound, DATABASE_URL: databaseUrlOf(name) })).toContain(`"${name}" does not exist`)
  })

  test('that was never migrated says what to run, and works once that was run', async () => {
    const name = `ocean_nodes_${process.pid}_empty`
    await administer(`create database ${name}`)
    onTestFinished(() => administer(`drop database ${name} with (force)`))
    const env = { ...sound, DATABASE_URL: databaseUrlOf(name) }

    expect(await expectRefusal(env)).toMatch(/^The database lacks \d+ migration\(s\) .*Run: npm run migrate$/)
    expect(await insideDatabase(name, relations)).toEqual([])
    const migrated = await runToEnd('migrate', { env })
    expect(migrated).toMatchObject({ code: 0, stderr: '' })
    expect(migrated.stdout).toMatch(/^Applied:\n {2}Migration/)
    expect(await runToEnd('migrate', { env })).toMatchObject({ code: 0, stdout: 'Nothing to migrate.\n' })
    await using node = await startNode({ env })
    expect(await node.stop()).toMatchObject({ code: 0, stderr: '' })
  })

  test('that a newer version has used is not touched, neither by the server nor by the migration', async () => {
    const copy = await copyTemplate()
    onTestFinished(copy.remove)
    const env = { ...sound, DATABASE_URL: databaseUrlOf(copy.name) }
    await insideDatabase(copy.name, `insert into migration (name) values ('Migration29990101000000_future')`)
    const told = 'The database was migrated by a newer version of ocean-graph. Start that version instead.'
    expect(await expectRefusal(env)).toBe(told)
    expect(await expectRefusal(env, 'migrate')).toBe(told)
  })

  test.each([
    [
      'a queue',
      `select pgboss.delete_queue('accounts.notice-mail')`,
      /^These queues are missing: accounts\.notice-mail\. Run: npm run migrate$/,
    ],
    [
      'the tables of jobs',
      'drop schema pgboss cascade',
      /^The tables of jobs have version 0, version \d+ is needed\. Run: npm run migrate$/,
    ],
  ])('that lacks %s says what to run, and works once that was run', async (_, statement, told) => {
    const copy = await copyTemplate()
    onTestFinished(copy.remove)
    const env = { ...sound, DATABASE_URL: databaseUrlOf(copy.name) }
    await insideDatabase(copy.name, statement)
    expect(await expectRefusal(env)).toMatch(told)
    expect(await runToEnd('migrate', { env })).toMatchObject({ code: 0, stderr: '' })
    await using node = await startNode({ env })
    expect(await node.stop()).toMatchObject({ code: 0, stderr: '' })
  })

  test('whose tables of jobs a newer version has upgraded is left to that version', async () => {
    const copy = await copyTemplate()
    onTestFinished(copy.remove)
    const env = { ...sound, DATABASE_URL: databaseUrlOf(copy.name) }
    await insideDatabase(copy.name, 'update pgboss.version set version = version + 1')
    const told = /^The tables of jobs have version \d+ of a newer ocean-graph, .+ Start that version instead\.$/
    expect(await expectRefusal(env)).toMatch(told)
    expect(await expectRefusal(env, 'migrate')).toMatch(told)
  })

  test('whose signing keys another secret has sealed is refused', async () => {
    const first = await startNode({ env: sound })
    await first.stop()
    const sentence = await expectRefusal({ ...sound, SIGNING_KEY_SECRET: randomBytes(32).toString('base64') })
    expect(sentence).toMatch(/^SIGNING_KEY_SECRET is not the one that sealed the signing keys in this database/)
  })
})

describe('npm run migrate', () => {
  test('tells a database that does not answer in one sentence', async () => {
    const url = `postgres://ocean:${secretWord}@127.0.0.1:${await findFreePort()}/ocean`
    expect(await expectRefusal({ ...sound, DATABASE_URL: url }, 'migrate')).toMatch(/^DATABASE_URL points to /)
  })
})

async function insideDatabase(name: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: databaseUrlOf(name) })
  await client.connect()
  const { rows } = await client.query(statement)
  await client.end()
  return rows
}
