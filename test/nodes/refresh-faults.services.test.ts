import { Client } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { createSealedBox } from '../../src/platform/crypto/sealed-box.ts'
import { newSeed, seededRandom } from '../contracts/channels-rig.ts'
import { LogoutDocument, RefreshTokensDocument } from '../gql/graphql.ts'
import { createTestClient } from '../kit/client.ts'
import { startFaultProxy } from '../kit/fault-proxy.ts'
import { databaseUrlOf, environmentOf, testSecrets } from '../kit/lane.ts'
import { type ApiNode, startNode } from '../kit/nodes.ts'
import { type Person, signIn, signUp } from '../kit/people.ts'
import { copyTemplate } from '../kit/server.ts'
import { admission, outcomeOf, renewed, sessionEnded } from '../kit/sessions.ts'

// Refresh tokens while nodes race, crash, roll back and restart: none is burnt, forked or revived.

const isFull = process.env.FULL === '1'
const roundCount = isFull ? 20 : 5
const killCount = isFull ? 10 : 2

vi.setConfig({ testTimeout: isFull ? 300_000 : 90_000, hookTimeout: 120_000 })

const box = createSealedBox(Buffer.from(testSecrets.REFRESH_TOKEN_SECRET, 'base64'))
const counterIn = async (refreshToken: string) => (await box.open(refreshToken)) as { sid: string; n: number }

let database: Awaited<ReturnType<typeof copyTemplate>>
let sql: Client
let env: Record<string, string>
let one: ApiNode
let other: ApiNode

beforeAll(async () => {
  database = await copyTemplate()
  sql = new Client({ connectionString: databaseUrlOf(database.name) })
  await sql.connect()
  env = environmentOf('services', database.name, database.dataDir)
  ;[one, other] = await Promise.all([startNode({ env }), startNode({ env })])
})
afterAll(async () => {
  const exits = await Promise.all([one?.stop(), other?.stop()])
  await Promise.all([one?.kill(), other?.kill()])
  await sql?.end()
  await database?.remove()
  vi.resetConfig()
  for (const exit of exits) expect(exit).toMatchObject({ code: 0, stderr: '' })
})

test(`Keycloak CVE-2026-1035: 50 refreshes at once on two nodes get one successor and log nobody out, ${roundCount} times`, async () => {
  const random = seededRandom(newSeed('parallel refreshes'))
  const person = await signUp(one, 'Parallel')
  const doors = [one, other].map(({ url }) => createTestClient(url, () => person.tokens.accessToken))
  onTestFinished(async () => void (await Promise.all([person, ...doors].map((client) => client.close()))))
  const took: number[] = []
  for (let round = 1; round <= roundCount; round += 1) {
    const { refreshToken } = person.tokens
    const startedAt = performance.now()
    const successors = await Promise.all(
      Array.from({ length: 50 }, (_, index) => renewed(doors[index % 2] ?? person, refreshToken)),
    )
    took.push(performance.now() - startedAt)
    const counters = await Promise.all(successors.map((tokens) => counterIn(tokens.refreshToken)))
    expect(new Set(counters.map(({ sid, n }) => `${sid} ${n}`)).size).toBe(1)
    expect(counters[0]?.n).toBe(round)
    // Whichever of the answers the client keeps: it is let in on both nodes, and the next round goes on from it.
    Object.assign(person.tokens, successors[Math.floor(random() * 50)])
    for (const door of doors) expect(await admission(door)).toBe('admitted')
  }
  console.log(`50 refreshes on two nodes, ${roundCount} rounds: slowest ${Math.round(Math.max(...took))} ms a round`)
})

test(`a node that is killed between the commit and the answer burns no token, ${killCount} times`, async () => {
  const person = await signUp(one, 'Killed')
  onTestFinished(() => person.close())
  for (let round = 0; round < killCount; round += 1) {
    await using victim = await startNode({ env })
    const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port: Number(new URL(victim.url).port) } })
    onTestFinished(() => proxy.close())
    const cutOff = createTestClient(`http://127.0.0.1:${proxy.port}`, () => person.tokens.accessToken)
    expect(await admission(cutOff)).toBe('admitted')
    const { refreshToken } = person.tokens
    const { sid, n } = await counterIn(refreshToken)

    proxy.dropShare(1) // of what the node says
    const lost = renewed(cutOff, refreshToken).then(
      () => 'answered',
      () => 'lost',
    )
    await vi.waitUntil(async () => (await counterOf(sid)) === n + 1, { timeout: 20_000, interval: 1 })
    await victim.kill()
    proxy.cut()
    expect(await lost).toBe('lost')

    await using successor = await startNode({ env })
    const back = createTestClient(successor.url, () => person.tokens.accessToken)
    const tokens = await renewed(back, refreshToken)
    expect(await counterIn(tokens.refreshToken)).toEqual({ sid, n: n + 1 })
    Object.assign(person.tokens, tokens)
    expect(await admission(back)).toBe('admitted')
    await Promise.all([cutOff.close(), back.close()])
  }
})

test('a refresh that the database undoes at its commit burns no token', async () => {
  const person = await signUp(one, 'Undone')
  onTestFinished(() => person.close())
  const { refreshToken } = person.tokens
  const { sid } = await counterIn(refreshToken)
  await sql.query(`create function refuse_refresh() returns trigger language plpgsql as
    $$ begin raise exception 'undone at the commit'; end $$`)
  // Not on the session's own row: what is swapped must hang on all else that belongs to it.
  await sql.query(`create constraint trigger refuse_refresh after insert on audit_event
    deferrable initially deferred for each row when (new.action = 'session.refresh') execute function refuse_refresh()`)
  try {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => person.send(RefreshTokensDocument, { input: { refreshToken } })),
    )
    for (const { errors } of answers) expect(errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }])
    expect(await counterOf(sid)).toBe(0)
    expect(await admission(person)).toBe('admitted')
  } finally {
    await sql.query('drop trigger refuse_refresh on audit_event')
    await sql.query('drop function refuse_refresh()')
  }
  const tokens = await renewed(person, refreshToken)
  expect(await counterIn(tokens.refreshToken)).toEqual({ sid, n: 1 })
})

test('Keycloak CVE-2026-9802: no restart revives a token that was used, nor one of an ended session', async () => {
  const copied = await signUp(one, 'Copied')
  const ended = await signIn(one, copied.email)
  const living = await signIn(one, copied.email)
  onTestFinished(async () => void (await Promise.all([copied, ended, living].map((person) => person.close()))))
  const spent = copied.tokens.refreshToken
  const second = await renewed(copied, spent)
  Object.assign(copied.tokens, await renewed(copied, second.refreshToken))
  const endedTokens = [ended.tokens.refreshToken, (await renewed(ended, ended.tokens.refreshToken)).refreshToken]
  await ended.mutate(LogoutDocument, { input: {} })

  const killed = one
  await killed.kill()
  expect(await other.stop()).toMatchObject({ code: 0, stderr: '' })
  ;[one, other] = await Promise.all([startNode({ env }), startNode({ env })])
  for (const { url } of [one, other]) {
    const asCopied = createTestClient(url, () => copied.tokens.accessToken)
    const asEnded = createTestClient(url, () => ended.tokens.accessToken)
    for (const token of endedTokens) expect(await outcomeOf(asEnded, token)).toBe('InvalidRefreshToken')
    expect(await admission(asEnded)).toBe(sessionEnded)
    if (url === one.url) expect(await admission(asCopied)).toBe('admitted')
    expect(await outcomeOf(asCopied, spent)).toBe('InvalidRefreshToken')
    // The whole family is dead, the newest included.
    expect(await outcomeOf(asCopied, copied.tokens.refreshToken)).toBe('InvalidRefreshToken')
    expect(await admission(asCopied)).toBe(sessionEnded)
    await Promise.all([asCopied.close(), asEnded.close()])
  }
  await expectAlive(living)
})

async function expectAlive(person: Person): Promise<void> {
  const there = createTestClient(other.url, () => person.tokens.accessToken)
  expect(await admission(there)).toBe('admitted')
  expect(await outcomeOf(there, person.tokens.refreshToken)).toBe('AuthPayload')
  await there.close()
}

async function counterOf(sid: string): Promise<number> {
  const { rows } = await sql.query('select refresh_counter from device_session where id = $1', [sid])
  return rows[0]?.refresh_counter
}
