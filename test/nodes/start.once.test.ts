import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  CreateBlocksDocument,
  CreatePageDocument,
  LoginDocument,
  PageDocument,
  PageEventsDocument,
} from '../gql/graphql.ts'
import { type Client, createTestClient, type Subscription } from '../kit/client.ts'
import { temporaryDirectory } from '../kit/lane.ts'
import { type ApiNode, launchNode, type NodeOptions, runToEnd, startNode } from '../kit/nodes.ts'

// What a person meets who runs `npm start` with nothing configured, in the order in which they meet it.

// The figures are those of a machine that does nothing else, where FULL=1 demands them; beside other tests there is room.
const isFull = process.env.FULL === '1'
const firstStartLimitMillis = isFull ? 15_000 : 45_000
const laterStartLimitMillis = isFull ? 3_000 : 9_000
const peakLimitMebibytes = 1024
const stopLimitMillis = 15_000
const stackLine = /\n\s+at /

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const directory = temporaryDirectory()
const dataDir = join(directory.path, 'data')
const options = { env: { DATA_DIR: dataDir } }
let node: ApiNode
let demo: { email: string; password: string }
let pageId: string

beforeAll(async () => {
  node = await startNode(options)
})
afterAll(async () => {
  await node?.kill()
  await directory.remove()
  vi.resetConfig()
})

describe('a first start on an empty directory', () => {
  test(`answers within ${firstStartLimitMillis / 1_000} s and holds less than 1 GB at its peak`, () => {
    say('first start', node)
    expect(ownMillis(node)).toBeLessThan(firstStartLimitMillis)
    expectModestMemory(node)
  })

  test('says where GraphiQL is, which database and channels it runs on, and how to sign in to the demo', async () => {
    await vi.waitFor(() => expect(node.stdout).toMatch(/Demo +sign in as/))
    expect(node.stdout).toContain(`GraphiQL  ${node.url}/graphql\n`)
    expect(node.stdout).toContain(`Database  embedded Postgres in ${dataDir}\n`)
    expect(node.stdout).toContain('Channels  in this process\n')
    demo = demoIn(node)
    const page = await fetch(`${node.url}/graphql`, { headers: { accept: 'text/html' } })
    expect(page.headers.get('content-type')).toContain('text/html')
  })

  test('lets one sign in to the demo as it says', async () => {
    const client = await signIn(node)
    const { createPage } = await client.mutate(CreatePageDocument, { input: { title: 'Acknowledged' } })
    if (createPage.__typename !== 'Page') throw new Error(`The page came to ${JSON.stringify(createPage)}`)
    pageId = createPage.id
    await client.close()
  })

  test('keeps a second process off its directory, which says so in one sentence and leaves the first alone', async () => {
    const second = await runToEnd('main', options)
    expect(second.code).toBe(1)
    expect(second.stderr).toBe(
      `ocean-graph did not start: The data directory ${dataDir} is in use by another running instance.\n`,
    )
    await expectPage()
  })
})

describe('a later start', () => {
  test('after kill -9 finds everything that was acknowledged, and nothing in its way', async () => {
    const client = await signIn(node)
    const { createPage } = await client.mutate(CreatePageDocument, { input: { title: 'Just before the kill' } })
    if (createPage.__typename !== 'Page') throw new Error(`The page came to ${JSON.stringify(createPage)}`)
    pageId = createPage.id
    await node.kill()
    await client.close()
    // What a killed process leaves behind: the record of its socket.
    expect(existsSync(join(dataDir, 'socket-directory'))).toBe(true)

    node = await startNode(options)
    await expectPage()
    expect(node.stderr).toBe('')
  })

  test(`answers within ${laterStartLimitMillis / 1_000} s, holds less than 1 GB, and keeps the demo account as it was`, async () => {
    const starts: number[] = []
    for (let attempt = 0; attempt < 3 && !starts.some((millis) => millis < laterStartLimitMillis); attempt++) {
      const exit = await node.stop()
      expect(exit.code).toBe(0)
      node = await startNode(options)
      say('later start', node)
      starts.push(ownMillis(node))
    }
    expect(Math.min(...starts)).toBeLessThan(laterStartLimitMillis)
    expectModestMemory(node)
    await vi.waitFor(() => expect(node.stdout).toContain('Demo'))
    expect(demoIn(node)).toEqual(demo)
    await expectPage()
  })
})

describe('a stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s tells subscribers to come back, frees the port and ends with 0 within 15 s',
    async (signal) => {
      const client = await signIn(node)
      const events = await subscribe(client)
      const stopping = node.stop(signal)
      const last = await events.next().catch((error: unknown) => error)
      expect(JSON.stringify(last instanceof Error ? last.message : last)).toMatch(/SERVER_RESTART|1012/)
      const exit = await stopping
      console.log(`stop by ${signal}: ${Math.round(exit.tookMillis)} ms`)
      expect(exit.code).toBe(0)
      expect(exit.tookMillis).toBeLessThan(stopLimitMillis)
      expect(exit.stderr).toBe('')
      await expect(fetch(`${node.url}/health`)).rejects.toThrow()
      await client.close()
      node = await startNode(options)
    },
  )

  test('asked for twice, as npm does on Ctrl-C, is still a graceful one', async () => {
    const ended = node.stop('SIGINT')
    // Signals that come too close together are one: again and again, until it has gone.
    const again = setInterval(() => node.signal('SIGINT'), 5)
    const exit = await ended.finally(() => clearInterval(again))
    expect(exit).toMatchObject({ code: 0, stderr: '' })
    expect(existsSync(join(dataDir, 'socket-directory'))).toBe(false)
  })

  test('during the start ends the process at once, and the next start works', async () => {
    const early = launchNode(options)
    await vi.waitUntil(() => existsSync(join(dataDir, 'socket-directory')), { timeout: 60_000, interval: 1 })
    early.signal('SIGTERM')
    const exit = await early.ended()
    expect(exit).toMatchObject({ code: 0, stderr: '' })
    node = await startNode(options)
    await expectPage()
  })
})

describe('a failure of the embedded database', () => {
  test('ends the process with one sentence and a code that is not 0', async () => {
    await node.stop()
    // Ends the database's thread from outside, as running out of memory would.
    const saboteur = 'process.once("worker", (worker) => process.on("SIGUSR2", () => worker.terminate()))'
    node = await startNode({ ...options, nodeFlags: ['--import', `data:text/javascript,${saboteur}`] })
    node.signal('SIGUSR2')
    const exit = await node.ended()
    expect(exit.code).toBe(1)
    expect(exit.stderr).toMatch(/^ocean-graph ended: The embedded Postgres failed: .+\n$/)
    expect(exit.stderr).not.toMatch(stackLine)
    node = await startNode(options)
    await expectPage()
  })
})

describe('in production', () => {
  test('no demo is seeded and nothing is printed but the log', async () => {
    const empty = temporaryDirectory()
    try {
      await using production = await startNode({ env: { DATA_DIR: empty.path, NODE_ENV: 'production' } })
      const exit = await production.stop()
      expect(exit.code).toBe(0)
      expect(existsSync(join(empty.path, 'demo-account.json'))).toBe(false)
      expect(exit.stdout.split('\n').filter((line) => !line.startsWith('{'))).toEqual([''])
      expect(exit.stdout).not.toMatch(/demo@|password/i)
    } finally {
      await empty.remove()
    }
  })

  test('an account of the demo is no longer announced', async () => {
    await node.stop()
    node = await startNode(inProduction(options))
    const exit = await node.stop()
    expect(exit.stdout).not.toContain(demo.password)
    expect(exit.stdout).not.toContain(demo.email)
  })
})

function inProduction({ env }: NodeOptions): NodeOptions {
  return { env: { ...env, NODE_ENV: 'production' } }
}

function say(what: string, { startMillis, startCpuMillis, peakMebibytes }: ApiNode): void {
  const [wall, cpu, peak] = [startMillis, startCpuMillis, peakMebibytes ?? 0].map(Math.round)
  console.log(`${what}: ${wall} ms, ${cpu} ms of processor time, at most ${peak} MiB`)
}

/** A start is work, not waiting: on a machine that others keep busy, what counts is the time it was given. */
function ownMillis({ startMillis, startCpuMillis }: ApiNode): number {
  return Math.min(startMillis, startCpuMillis)
}

function expectModestMemory({ peakMebibytes }: ApiNode): void {
  if (peakMebibytes !== null) expect(peakMebibytes).toBeLessThan(peakLimitMebibytes)
}

function demoIn({ stdout }: ApiNode): { email: string; password: string } {
  const [, email = '', password = ''] = /Demo +sign in as (\S+) with (\S+)/.exec(stdout) ?? []
  return { email, password }
}

async function signIn({ url }: ApiNode): Promise<Client> {
  const anonymous = createTestClient(url)
  const input = { identifier: demo.email, password: demo.password }
  const { login } = await anonymous.mutate(LoginDocument, { input })
  await anonymous.close()
  if (login.__typename !== 'AuthPayload') throw new Error(`The sign-in came to ${JSON.stringify(login)}`)
  const { accessToken } = login
  return createTestClient(url, () => accessToken ?? null)
}

/** A subscription that has delivered. */
async function subscribe(client: Client): Promise<Subscription<unknown>> {
  const { page } = await client.query(PageDocument, { id: pageId })
  const events = client.subscribe(PageEventsDocument, { pageId, after: page?.eventsCursor ?? null })
  await client.mutate(CreateBlocksDocument, { input: { pageId, blocks: [{ text: 'live' }] } })
  expect(await events.next()).toMatchObject({ pageEvents: { __typename: 'BlockCreated' } })
  return events
}

async function expectPage(): Promise<void> {
  const client = await signIn(node)
  expect((await client.query(PageDocument, { id: pageId })).page).toMatchObject({ id: pageId })
  await client.close()
}
