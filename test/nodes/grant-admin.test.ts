import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from 'bcrypt'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { UsersDocument, ViewerDocument } from '../gql/graphql.ts'
import { currentLane, environmentOf, temporaryDirectory } from '../kit/lane.ts'
import { runToEnd, startNode } from '../kit/nodes.ts'
import { signIn } from '../kit/people.ts'
import { copyTemplate } from '../kit/server.ts'

// The script as an operator runs it, and the server that the first administrator then signs in to.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const email = 'ada@example.org'
const files = temporaryDirectory()
let database: Awaited<ReturnType<typeof copyTemplate>>
let env: Record<string, string>

beforeAll(async () => {
  database = await copyTemplate()
  env = environmentOf(currentLane, database.name, database.dataDir)
  const path = join(files.path, 'users.jsonl')
  writeFileSync(path, JSON.stringify({ email, passwordHash: hashSync('Correct-Horse-1', 4), displayName: 'Ada' }))
  expect(await runToEnd('importUsers', { env, args: [path] })).toMatchObject({ code: 0 })
})
afterAll(async () => {
  await database.remove()
  await files.remove()
  vi.resetConfig()
})

async function granting(...args: readonly string[]) {
  const { code, stdout, stderr } = await runToEnd('grantAdmin', { env, args })
  return { code, stdout, stderr }
}

test('it makes the first administrator and says so, and the server knows them', async () => {
  const said = (stdout: string) => ({ code: 0, stderr: '', stdout })
  expect(await granting('ADA@example.org')).toEqual(
    said(`${email} is now an administrator of the platform. Administrators who can get in: 1.\n`),
  )
  expect(await granting(email)).toEqual(
    said(`${email} was an administrator of the platform already. Nothing changed. Administrators who can get in: 1.\n`),
  )

  await using node = await startNode({ env })
  const ada = await signIn(node, email)
  expect((await ada.query(ViewerDocument, {})).viewer?.isPlatformAdmin).toBe(true)
  expect((await ada.query(UsersDocument, { first: 1 })).users.nodes).toMatchObject([{ email }])

  const revoked = await granting(email, '--revoke')
  if (currentLane === 'embedded') {
    // The database has room for one: the server is to be stopped first.
    expect(revoked).toMatchObject({ code: 1, stdout: '' })
    expect(revoked.stderr).toMatch(/^ocean-graph granted nothing: [^\n]+\n$/)
  } else {
    expect(revoked).toEqual(
      said(`${email} is now no administrator of the platform. Administrators who can get in: 0.\n`),
    )
  }
  expect((await ada.query(ViewerDocument, {})).viewer?.isPlatformAdmin).toBe(currentLane === 'embedded')
  await ada.close()
})

test('without an address, or with one that nobody has, it says so in one sentence', async () => {
  for (const args of [[], ['a', 'b'], ['nobody@example.org'], [email, '--everything']]) {
    const { code, stdout, stderr } = await granting(...args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^ocean-graph granted nothing: [^\n]+\n$/)
  }
})
