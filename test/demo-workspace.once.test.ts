import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { demoQuestions, handbook } from '../src/demo-pages.ts'
import { demoAccount } from '../src/demo-workspace.ts'
import { extractiveModel } from '../src/modules/chat/assistant/extractive.service.ts'
import { modelRequest } from '../src/platform/models.ts'
import { LoginDocument, PagesDocument } from './gql/graphql.ts'
import { createTestClient } from './kit/client.ts'
import { contextOf } from './kit/inside.ts'
import { temporaryDirectory } from './kit/lane.ts'
import type { Person } from './kit/people.ts'
import { startServer, type TestServer } from './kit/server.ts'

const directory = temporaryDirectory()
const path = join(directory.path, 'demo-account.json')
let server: TestServer
let tokens: Person['tokens']

beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  await server.close()
  await directory.remove()
})

test('a file without its account, as a killed first start leaves it, is what the account is then made of', async () => {
  const promised = { email: 'demo@ocean-graph.localhost', password: 'Aa1-promised-before' }
  writeFileSync(path, JSON.stringify(promised))
  expect(await demoAccount(server.app.platform, directory.path)).toEqual(promised)

  const client = createTestClient(server.url)
  const input = { identifier: promised.email, password: promised.password }
  const { login } = await client.mutate(LoginDocument, { input })
  if (login.__typename !== 'AuthPayload') throw new Error(`The sign-in came to ${JSON.stringify(login)}`)
  const demo = createTestClient(server.url, () => login.accessToken ?? null)
  const { pages } = await demo.query(PagesDocument, {})
  expect(pages.nodes.map((page) => page.title)).toEqual(['Start here', ...handbook.map(({ title }) => title).reverse()])
  tokens = { accessToken: login.accessToken ?? '', refreshToken: '' }
  await Promise.all([client.close(), demo.close()])
})

test.each([
  ['16 weeks', demoQuestions[0]],
  ['+31 10 555 0142', demoQuestions[1]],
  ['140 euros', demoQuestions[2]],
])('its pages say %s to the question it suggests: %s', async (fact, content) => {
  const ctx = await contextOf(server, { tokens })
  let text = ''
  for await (const part of extractiveModel.stream(
    ctx,
    modelRequest({ messages: [{ role: 'user', content }] }),
    ctx.signal,
  )) {
    if (part.type === 'text') text += part.text
  }
  expect(text).toContain(fact)
})

test('each page of the handbook has 6 to 12 blocks without a trace of their marks', () => {
  for (const { title, blocks } of handbook) {
    expect({ title, tooFewOrMany: blocks.length < 6 || blocks.length > 12 }).toMatchObject({ tooFewOrMany: false })
    for (const { text } of blocks) expect(text).not.toMatch(/^(#|- |> |\d+\. |`)|`|^\s|\s$/)
  }
})

test('nobody is sent a mail', async () => {
  await server.app.platform.jobs.idle(10_000)
  expect(server.mails.sent).toEqual([])
})

test('the account is announced again, as long as its file is whole, which is for its owner alone', async () => {
  const stored = JSON.parse(readFileSync(path, 'utf8'))
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(await demoAccount(server.app.platform, directory.path)).toEqual(stored)
})

test('a file of a database that has since been replaced is not announced', async () => {
  const whole = readFileSync(path, 'utf8')
  writeFileSync(path, JSON.stringify({ email: 'demo@elsewhere.localhost', password: 'Aa1-of-another-one' }))
  expect(await demoAccount(server.app.platform, directory.path)).toBeNull()
  writeFileSync(path, whole)
})

test.each(['', '{"email":', '{"email":"demo@ocean-graph.localhost"}', 'null'])(
  'a file that reads %j costs the announcement, which the log says, not the start',
  async (text) => {
    writeFileSync(path, text)
    const lines: unknown[] = []
    const log = { ...server.app.platform.log, warn: (line: unknown) => void lines.push(line) }
    expect(await demoAccount({ ...server.app.platform, log }, directory.path)).toBeNull()
    expect(lines).toEqual([expect.stringContaining(`${path} is damaged`)])
    expect(readFileSync(path, 'utf8')).toBe(text)
  },
)
