import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Person, signUp } from '../kit/people.ts'
import { startServer, type TestServer } from '../kit/server.ts'
import { createPage, write } from '../kit/test.ts'
import { watchPage } from './event-stream.ts'
import { jwtCases } from './jwt-case.ts'
import { type Forge, openForge } from './jwt-forge.ts'
import { openSocket } from './raw-socket.ts'
import { ask } from './wire.ts'

/** A server whose clock stands still, on the half second: the cases say to the second when a token is over. */
interface Stage {
  readonly server: TestServer
  readonly alice: Person
  readonly page: { readonly id: string; readonly eventsCursor: string }
  readonly forge: Forge
}

/** `admitted`, `refused`, or what happened instead. */
type Verdict = string

const stages = new Map<string, Stage>()

beforeAll(async () => {
  for (const algorithm of ['RS256', 'ES256', 'EdDSA']) stages.set(algorithm, await setStage(algorithm))
})

afterAll(async () => {
  for (const { server, alice } of stages.values()) {
    await alice.close()
    await server.close()
  }
})

async function setStage(algorithm: string): Promise<Stage> {
  let now = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 500)
  const server = await startServer({ clock: { now: () => now }, environment: { ACCESS_TOKEN_ALGORITHM: algorithm } })
  // Where the database held an RSA key, the new one now signs.
  now = new Date(now.getTime() + 11 * 60_000)
  const [alice, stranger] = [await signUp(server, 'Alice'), await signUp(server, 'Stranger')]
  await stranger.close()
  const page = await createPage(alice, 'Watched')
  await write(alice, page.id, 'seen')
  return { server, alice, page, forge: await openForge(server, alice, stranger) }
}

/** As bytes go over the wire: what is no Latin-1 in UTF-8. */
const asHeader = (text: string) => Buffer.from(text).toString('latin1')

const verdictOf = (code: unknown): Verdict => (code === 'UNAUTHENTICATED' ? 'refused' : `failed with ${code}`)

async function overHttp({ server }: Stage, authorization: string): Promise<Verdict> {
  const body = { query: '{ projects { nodes { id } } }' }
  const answer = await ask(server.url, { headers: { authorization: asHeader(authorization) }, body })
  const [error] = answer.body.errors ?? []
  return error === undefined && answer.body.data?.projects ? 'admitted' : verdictOf(error?.extensions?.code)
}

async function overEventStream({ alice, page }: Stage, authorization: string): Promise<Verdict> {
  const stream = await watchPage(alice, page, asHeader(authorization))
  const first = await stream.next()
  stream.abort()
  const [error] = (first?.data?.errors ?? []) as { extensions?: { code?: string } }[]
  return first?.data?.data?.pageEvents.__typename === 'BlockCreated' ? 'admitted' : verdictOf(error?.extensions?.code)
}

async function overSocket({ server }: Stage, authorization: string): Promise<Verdict> {
  const socket = await openSocket(server.url)
  socket.send({ type: 'connection_init', payload: { Authorization: authorization } })
  const end = await Promise.race([socket.next().then((frame) => frame.type), socket.closed])
  socket.ws.terminate()
  if (end === 'connection_ack') return 'admitted'
  return typeof end !== 'string' && end.code === 4403 ? 'refused' : `failed with ${JSON.stringify(end)}`
}

test('the corpus has 60 hostile tokens and more, and 8 good ones and more, each with a name of its own', () => {
  const count = (expected: string) => jwtCases.filter((one) => one.expected === expected).length
  expect(count('refused')).toBeGreaterThanOrEqual(60)
  expect(count('admitted')).toBeGreaterThanOrEqual(8)
  expect(new Set(jwtCases.map(({ name }) => name)).size).toBe(jwtCases.length)
})

test.for(jwtCases.map((one) => [`${one.name} is ${one.expected}`, one] as const))('a token: %s', async ([, one]) => {
  const stage = stages.get(one.server ?? 'RS256')
  if (stage === undefined) throw new Error(`There is no server for ${one.server}`)
  const authorization = `${one.scheme ?? 'Bearer'} ${stage.forge(one)}`
  const verdicts = {
    socket: await overSocket(stage, authorization),
    ...(one.onlySocket
      ? {}
      : { http: await overHttp(stage, authorization), stream: await overEventStream(stage, authorization) }),
  }
  const { expected } = one
  expect(verdicts).toEqual({ socket: expected, ...(one.onlySocket ? {} : { http: expected, stream: expected }) })
})
