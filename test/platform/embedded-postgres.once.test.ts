import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { DataDirectoryInUse } from '../../src/platform/database/directory-lock.ts'
import {
  type EmbeddedPostgres,
  EmbeddedPostgresFailed,
  startEmbeddedPostgres,
} from '../../src/platform/database/embedded.ts'

const writerScript = new URL('../kit/embedded-writer.ts', import.meta.url).pathname

// A first start takes seconds, and more on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let base: string
let template: string
const opened: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'ocean-embedded-'))
  template = join(base, 'template')
  const postgres = await startEmbeddedPostgres({ directory: template })
  const client = await connect(postgres)
  await client.query('create table written (number bigserial primary key, filler text)')
  await client.query('create table item (id int primary key)')
  await client.end()
  await postgres.close()
})
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close().catch(() => undefined)
})
afterAll(() => {
  rmSync(base, { recursive: true, force: true })
  vi.resetConfig()
})

let copies = 0
function copyOfTemplate(): string {
  const directory = join(base, `copy-${++copies}`)
  cpSync(template, directory, { recursive: true })
  return directory
}

async function start(directory: string): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ directory })
  opened.push(() => postgres.close())
  return postgres
}

async function connect(postgres: EmbeddedPostgres): Promise<Client> {
  const client = new Client({ ...postgres.connection, connectionTimeoutMillis: 10_000, query_timeout: 20_000 })
  // A connection that is cut on purpose reports it here.
  client.on('error', () => undefined)
  await client.connect()
  opened.push(() => client.end())
  return client
}

/** As a process that dies does it: no goodbye. */
function cut(client: Client): void {
  client.connection.stream.destroy()
}

function spawnWriter(directory: string): { child: ChildProcess; lines: AsyncIterator<string> } {
  const child = spawn(process.execPath, [writerScript, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  opened.push(async () => child.kill('SIGKILL'))
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
}

describe('one directory', () => {
  test('holds the data from one start to the next, in UTC and UTF-8, readable by its owner alone', async () => {
    const directory = join(base, 'fresh')
    const first = await start(directory)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    if (process.platform !== 'win32') expect(statSync(first.connection.host).mode & 0o777).toBe(0o700)
    const writer = await connect(first)
    await writer.query('create extension pg_trgm')
    await writer.query('create table kept (word text)')
    await writer.query('insert into kept values ($1)', ['海'])
    await first.close()
    await first.close()
    expect(existsSync(first.connection.host)).toBe(false)

    const reader = await connect(await start(directory))
    expect((await reader.query('select word from kept')).rows).toEqual([{ word: '海' }])
    expect((await reader.query('show timezone')).rows).toEqual([{ TimeZone: 'UTC' }])
    expect((await reader.query('show server_encoding')).rows).toEqual([{ server_encoding: 'UTF8' }])
    expect((await reader.query("select similarity('wave', 'waves') > 0.5 as similar")).rows).toEqual([
      { similar: true },
    ])
  })

  test('belongs to one instance, in this process and in any other', async () => {
    const directory = copyOfTemplate()
    const postgres = await start(directory)
    await expect(startEmbeddedPostgres({ directory })).rejects.toThrow(DataDirectoryInUse)
    const { lines } = spawnWriter(directory)
    expect((await lines.next()).value).toBe(
      `DataDirectoryInUse: The data directory ${directory} is in use by another running instance.`,
    )
    const client = await connect(postgres)
    expect((await client.query('select 1 as alive')).rows).toEqual([{ alive: 1 }])
    await postgres.close()
    await start(directory)
  })

  test('loses no acknowledged row to a killed process and starts again at once', async () => {
    const directory = copyOfTemplate()
    const acknowledged: string[] = []
    let leftBehind = ''
    for (const rows of [1, 40, 150]) {
      const { child, lines } = spawnWriter(directory)
      expect((await lines.next()).value).toBe('started')
      leftBehind = readFileSync(join(directory, 'socket-directory'), 'utf8')
      for (let row = 0; row < rows; row++) acknowledged.push((await lines.next()).value)
      child.kill('SIGKILL')
      // Rows printed between the last one read and the kill were acknowledged too.
      for (let line = await lines.next(); !line.done; line = await lines.next()) acknowledged.push(line.value)
    }
    expect(existsSync(leftBehind)).toBe(true)
    const client = await connect(await start(directory))
    const { rows } = await client.query<{ number: string }>('select number from written')
    const found = new Set(rows.map((row) => row.number))
    expect(acknowledged.length).toBeGreaterThanOrEqual(191)
    expect(acknowledged.filter((number) => !found.has(number))).toEqual([])
    expect(existsSync(leftBehind)).toBe(false)
  })

  test('is made anew when its first start was killed half way', async () => {
    const directory = join(base, 'half')
    mkdirSync(join(directory, 'postgres', 'base'), { recursive: true })
    writeFileSync(join(directory, 'postgres', 'PG_VERSION'), '18\n')
    writeFileSync(join(directory, 'initializing'), '')
    const client = await connect(await start(directory))
    expect((await client.query('select 1 as alive')).rows).toEqual([{ alive: 1 }])
    expect(existsSync(join(directory, 'initializing'))).toBe(false)
  })

  test('is refused and left as it is when the database in it is damaged', async () => {
    const directory = copyOfTemplate()
    const control = join(directory, 'postgres', 'global', 'pg_control')
    writeFileSync(control, 'damaged')
    await expect(startEmbeddedPostgres({ directory })).rejects.toThrow(EmbeddedPostgresFailed)
    expect(readFileSync(control, 'utf8')).toBe('damaged')
    await expect(startEmbeddedPostgres({ directory })).rejects.toThrow(EmbeddedPostgresFailed)
  })

  test('is free again after a start that was cancelled', async () => {
    const directory = copyOfTemplate()
    const starting = startEmbeddedPostgres({ directory, signal: AbortSignal.timeout(20) })
    await expect(starting).rejects.toThrow('aborted due to timeout')
    expect(existsSync(join(directory, 'socket-directory'))).toBe(false)
    await start(directory)
  })
})

describe('connections', () => {
  let postgres: EmbeddedPostgres
  beforeAll(async () => {
    postgres = await startEmbeddedPostgres({ directory: copyOfTemplate() })
  })
  afterAll(() => postgres.close())

  test('a connection cut inside a transaction leaves nothing and lets the next one in', async () => {
    const [writer, waiting] = [await connect(postgres), await connect(postgres)]
    await writer.query('begin')
    await writer.query('insert into item values ($1)', [1])
    const answer = waiting.query('select count(*)::int as items from item where id = 1')
    cut(writer)
    expect((await answer).rows).toEqual([{ items: 0 }])
  })

  test('a connection cut inside a failed batch lets the next one in', async () => {
    const [broken, next] = [await connect(postgres), await connect(postgres)]
    await broken.query('begin')
    await broken.query('insert into item values (2)')
    const failed = once(broken.connection, 'errorMessage')
    broken.connection.stream.write(Buffer.from('P\0\0\0\x0d\0selec\0\0\0', 'latin1'))
    await failed
    cut(broken)
    expect((await next.query('select count(*)::int as items from item where id = 2')).rows).toEqual([{ items: 0 }])
  })

  test('a second connection waits for a transaction and goes on when it ends', async () => {
    const [first, second] = [await connect(postgres), await connect(postgres)]
    await first.query('begin')
    await first.query('insert into item values ($1)', [3])
    const waiting = second.query('select count(*)::int as items from item where id > $1', [2])
    await first.query('insert into item values ($1)', [4])
    await first.query('commit')
    expect((await waiting).rows).toEqual([{ items: 2 }])
  })

  test('after an error every query still gets its own answer', async () => {
    const client = await connect(postgres)
    for (let round = 0; round < 50; round++) {
      await expect(client.query('select 1 / $1::int', [0])).rejects.toThrow('division by zero')
      expect((await client.query('select $1::int as round', [round])).rows).toEqual([{ round }])
      await expect(client.query('selec $1', [0])).rejects.toThrow('syntax error')
      expect((await client.query(`select ${round} as round`)).rows).toEqual([{ round }])
    }
  })

  test('a row that looks like the end of an answer arrives whole, wherever the buffer ends', async () => {
    const client = await connect(postgres)
    const sql = `select $1::text || 'Z' as first, 'Items' as second`
    for (let length = 8_100; length < 8_200; length++) {
      const filler = 'x'.repeat(length)
      expect((await client.query(sql, [filler])).rows).toEqual([{ first: `${filler}Z`, second: 'Items' }])
    }
  })

  test('two connections that query at the same time do not see each other’s statements', async () => {
    const clients = [await connect(postgres), await connect(postgres)]
    // Longer than one read from the socket, so that each one's batch arrives in pieces, between which the other's fits.
    const filler = 'x'.repeat(300_000)
    const run = async (client: Client, name: number) => {
      for (let round = 0; round < 30; round++) {
        const sql = `select ${name} as name, $1::int as round, length($2) as length`
        const { rows } = await client.query(sql, [round, filler])
        expect(rows).toEqual([{ name, round, length: filler.length }])
      }
    }
    await Promise.all(clients.map(run))
  })

  test('clients that vanish while they are answered do not use up the connections', async () => {
    for (let turn = 0; turn < 60; turn++) {
      const client = await connect(postgres)
      const answer = client.query("select repeat('x', 1000) from generate_series(1, 20000)").catch(() => undefined)
      await once(client.connection.stream, 'data')
      cut(client)
      await answer
    }
    const client = await connect(postgres)
    expect((await client.query('select 1 as alive')).rows).toEqual([{ alive: 1 }])
  })

  test('large parameters and results arrive whole', async () => {
    const client = await connect(postgres)
    const text = '0123456789'.repeat(300_000)
    expect((await client.query('select $1::text as text', [text])).rows[0].text).toBe(text)
    const rows = (await client.query("select repeat('x', 1000) as filler from generate_series(1, 10000)")).rows
    expect(rows.every((row) => row.filler.length === 1_000) && rows.length).toBe(10_000)
  })

  test('a long query leaves the main event loop free', async () => {
    const client = await connect(postgres)
    const everyMilliseconds = 10
    let ticks = 0
    const timer = setInterval(() => ticks++, everyMilliseconds)
    const started = performance.now()
    await client.query('select sum(sqrt(n)) from generate_series(1, 4000000) n')
    const ticksInTheory = (performance.now() - started) / everyMilliseconds
    clearInterval(timer)
    expect(ticksInTheory).toBeGreaterThan(20)
    expect(ticks).toBeGreaterThan(ticksInTheory / 5)
  })
})

describe('the end', () => {
  test('close ends what is running', async () => {
    const postgres = await start(copyOfTemplate())
    const client = await connect(postgres)
    await client.query('begin')
    await client.query('insert into item values (1)')
    const running = client.query('select sum(sqrt(n)) from generate_series(1, 1000000) n').catch((error) => error)
    await postgres.close()
    await running
    await expect(client.query('select 1')).rejects.toThrow()
  })

  test('an engine that ends by itself says so', async () => {
    const postgres = await start(copyOfTemplate())
    const client = await connect(postgres)
    // PGlite cannot read COPY … FROM STDIN through a socket: its engine exits.
    await expect(client.query('copy item from stdin')).rejects.toThrow()
    expect(await postgres.failed).toBeInstanceOf(EmbeddedPostgresFailed)
    await postgres.close()
  })
})
