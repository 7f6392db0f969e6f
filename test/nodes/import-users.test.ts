import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from 'bcrypt'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { LoginDocument } from '../gql/graphql.ts'
import { createTestClient } from '../kit/client.ts'
import { currentLane, environmentOf, temporaryDirectory } from '../kit/lane.ts'
import { runToEnd, startNode } from '../kit/nodes.ts'
import { copyTemplate } from '../kit/server.ts'

// The script as an operator runs it, and the server that people then sign in to.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const password = 'Correct-Horse-1'
const passwordHash = hashSync(password, 4)
const ada = { email: 'ada@example.org', passwordHash, displayName: 'Ada' }
const ben = { email: 'ben@example.org', passwordHash, displayName: 'Ben', username: 'ben' }

const files = temporaryDirectory()
let database: Awaited<ReturnType<typeof copyTemplate>>
let env: Record<string, string>

beforeAll(async () => {
  database = await copyTemplate()
  env = environmentOf(currentLane, database.name, database.dataDir)
})
afterAll(async () => {
  await database.remove()
  await files.remove()
  vi.resetConfig()
})

/** Runs the script on a file of these lines. */
async function importing(...lines: readonly object[]) {
  const path = join(files.path, 'users.jsonl')
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const { code, stdout, stderr } = await runToEnd('importUsers', { env, args: [path] })
  expect(stderr).toBe('')
  expect(stdout).not.toContain(passwordHash.slice(7, 20))
  return { code, report: JSON.parse(stdout) }
}

test('a file with a fault ends with 1 and imports nobody; mended it imports all, and again it skips them', async () => {
  const broken = await importing(ada, { ...ben, passwordHash: 'Correct-Horse-1' })
  const fault = { line: 2, path: 'passwordHash', message: expect.any(String) }
  expect(broken).toEqual({ code: 1, report: { imported: 0, skipped: [], faults: [fault], faultCount: 1 } })

  const mended = await importing(ada, ben)
  expect(mended).toEqual({ code: 0, report: { imported: 2, skipped: [], faults: [], faultCount: 0 } })
  const again = await importing(ada, ben)
  const skipped = [ada, ben].map(({ email }, index) => ({ line: index + 1, email }))
  expect(again).toEqual({ code: 0, report: { imported: 0, skipped, faults: [], faultCount: 0 } })

  await using node = await startNode({ env })
  const client = createTestClient(node.url)
  for (const identifier of ['ada@example.org', 'BEN']) {
    const { login } = await client.mutate(LoginDocument, { input: { identifier, password } })
    expect(login).toMatchObject({ viewer: { role: 'OWNER' } })
  }
  await client.close()
})

test('without a file, or with one that is not there, it says so in one sentence', async () => {
  for (const args of [[], ['a', 'b'], [join(files.path, 'missing')]]) {
    const { code, stdout, stderr } = await runToEnd('importUsers', { env, args })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^ocean-graph imported nobody: (Name one file|ENOENT)[^\n]+\n$/)
  }
})
