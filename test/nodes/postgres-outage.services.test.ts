import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  PageDocument,
  PageEventsDocument,
  RequestPasswordResetDocument,
  SearchDocument,
  ViewerDocument,
} from '../gql/graphql.ts'
import { createTestClient } from '../kit/client.ts'
import { environmentOf, temporaryDirectory } from '../kit/lane.ts'
import { filedToken } from '../kit/mail-files.ts'
import { type ApiNode, readyStatus, runToEnd, startNode } from '../kit/nodes.ts'
import { type Person, signUp } from '../kit/people.ts'
import { type PrivateService, startPrivatePostgres } from '../kit/private-services.ts'
import { createPage, write } from '../kit/test.ts'

// A server whose Postgres goes away: it says so, lives on, and works again by itself.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const directory = temporaryDirectory()
// What must not be told to callers: the address, the driver's words, the statement.
const internals = /ECONN|127\.0\.0\.1|select |postgres|timeout|terminat/i

let postgres: PrivateService
let node: ApiNode
let person: Person

beforeAll(async () => {
  postgres = await startPrivatePostgres()
  const env = { ...environmentOf('services', 'unused', directory.path), DATABASE_URL: postgres.url }
  expect(await runToEnd('migrate', { env })).toMatchObject({ code: 0, stderr: '' })
  node = await startNode({ env })
  person = await signUp(node, 'Patient')
})
afterAll(async () => {
  await person?.close()
  await node?.kill()
  await postgres?.close()
  await directory.remove()
  vi.resetConfig()
})

test('a Postgres that goes and comes back costs requests in between, not the process nor a subscription', async () => {
  const page = await createPage(person, 'Outage')
  const events = person.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  await write(person, page.id, 'before')
  await events.next()

  await postgres.stop()
  await vi.waitFor(async () => expect(await readyStatus(node.url)).toBe(503), { timeout: 20_000 })
  expect((await fetch(`${node.url}/health`)).status).toBe(200)
  await expectMaskedRefusals(page.id)
  await vi.waitUntil(async () => (await readyStatus(node.url)) === 503 && circuitStates().at(-1) === 'OPEN')
  await expectMaskedRefusals(page.id)

  await postgres.start()
  await vi.waitFor(async () => expect(await readyStatus(node.url)).toBe(200), { timeout: 20_000 })
  const [id] = await vi.waitFor(() => write(person, page.id, 'after'), { timeout: 20_000 })
  const { pageEvents } = await events.next({ within: 20_000 })
  expect(pageEvents).toMatchObject({ __typename: 'BlockCreated', block: { id } })
  events.stop()
})

test('what goes on in the background goes on', async () => {
  expect(circuitStates().at(-1)).toBe('CLOSED')
  await person.mutate(RequestPasswordResetDocument, { input: { email: person.email } })
  expect(await filedToken(directory.path, person.email, /reset-password/)).toMatch(/./)
  await write(person, (await createPage(person, 'Recovered')).id, 'tortoise')
  const indexed = async () => (await person.query(SearchDocument, { query: 'tortoise' })).search.edges.length > 0
  await vi.waitUntil(indexed, { timeout: 20_000 })
})

test('a Postgres that is killed, as by a crash, costs no more than that', async () => {
  await postgres.kill()
  await vi.waitFor(async () => expect(await readyStatus(node.url)).toBe(503), { timeout: 20_000 })
  await postgres.start()
  await vi.waitFor(async () => expect(await readyStatus(node.url)).toBe(200), { timeout: 20_000 })
  expect((await person.query(ViewerDocument, {})).viewer).toBeTruthy()
})

test('a Postgres that no longer answers is found out within 10 s', async () => {
  postgres.pause()
  try {
    expect(await readyStatus(node.url)).toBe(503)
  } finally {
    postgres.resume()
  }
  await vi.waitFor(async () => expect(await readyStatus(node.url)).toBe(200), { timeout: 30_000 })
})

test('nothing of it went unhandled, and the server stops as ever', async () => {
  await person.close()
  const exit = await node.stop()
  expect(exit).toMatchObject({ code: 0, stderr: '' })
  expect(exit.stdout).not.toMatch(/unhandled|uncaught/i)
})

test('a stop while Postgres is away ends the process within 15 s all the same', async () => {
  const env = { ...environmentOf('services', 'unused', directory.path), DATABASE_URL: postgres.url }
  await using second = await startNode({ env })
  await postgres.stop()
  const exit = await second.stop()
  console.log(`stop without Postgres: ${Math.round(exit.tookMillis)} ms`)
  expect(exit.stderr).toBe('')
  expect(exit.code).toBe(0)
  expect(exit.tookMillis).toBeLessThan(15_000)
})

/** What the circuit of the database went over into so far. */
function circuitStates(): unknown[] {
  return node.logs.flatMap(({ circuit, state }) => (circuit === 'database' ? [state] : []))
}

async function expectMaskedRefusals(pageId: string): Promise<void> {
  const stranger = createTestClient(node.url)
  const answers = [await person.send(PageDocument, { id: pageId }), await stranger.send(ViewerDocument, {})]
  await stranger.close()
  const [signedIn] = answers
  expect(signedIn?.errors?.length).toBeGreaterThan(0)
  for (const { errors = [] } of answers) {
    for (const error of errors) {
      expect(error.message).not.toMatch(internals)
      expect(error.extensions).toMatchObject({ code: 'SERVICE_UNAVAILABLE', requestId: expect.any(String) })
    }
  }
}
