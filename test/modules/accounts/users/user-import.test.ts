import { pbkdf2Sync } from 'node:crypto'
import { hash as argon2Hash } from 'argon2'
import { hashSync } from 'bcrypt'
import { expect } from 'vitest'
import { FileChanged, importUsers } from '../../../../src/modules/accounts/users/user-import.service.ts'
import { LoginDocument, RegisterDocument } from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'
import type { TestServer } from '../../../kit/server.ts'
import { test } from '../../../kit/test.ts'

const password = 'Correct-Horse-1'
const bcryptHash = hashSync(password, 4)
let made = 0

interface Line {
  readonly email: string
  readonly passwordHash: string
  readonly displayName: string
  readonly username?: string | null
  readonly emailVerifiedAt?: string
  readonly createdAt?: string
}

/** A line of somebody nobody has heard of. */
function lineOf(changes: Partial<Line> = {}): Line {
  made += 1
  const email = `import-${process.pid}-${made}@example.org`
  return { email, passwordHash: bcryptHash, displayName: 'Somebody', ...changes }
}

const fileOf = (...lines: readonly (Line | string)[]) =>
  Buffer.from(lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'))

async function* streamOf(...chunks: readonly Uint8Array[]) {
  yield* chunks
}

const importFile = (server: TestServer, file: Uint8Array) => importUsers(server.app.platform, () => streamOf(file))

async function login(client: Client, identifier: string) {
  return (await client.mutate(LoginDocument, { input: { identifier, password } })).login
}

/** What is stored of these addresses. */
async function storedOf(server: TestServer, ...emails: readonly string[]) {
  const { unscoped } = server.app.platform.database
  return unscoped
    .selectFrom('user')
    .innerJoin('membership', 'membership.user_id', 'user.id')
    .innerJoin('organization', 'organization.id', 'membership.organization_id')
    .selectAll(['user'])
    .select(['membership.role', 'organization.name', 'organization.slug', 'membership.organization_id'])
    .select(['organization.access_epoch as organizationEpoch', 'organization.deleted_at as organizationDeletedAt'])
    .where('user.email_key', 'in', emails)
    .orderBy('user.email_key')
    .execute()
}

async function hashesOfToday(server: TestServer, line: Line): Promise<boolean> {
  const [stored] = await storedOf(server, line.email.toLowerCase())
  return stored !== undefined && !server.app.platform.passwords.isOutdated(stored.password_hash)
}

const digest = pbkdf2Sync(password, 'a-salt', 1_000, 32, 'sha256').toString('base64')
const ab64 = (text: string) => text.replaceAll('=', '').replaceAll('+', '.')
const saltBytes = Buffer.from('a-salt').toString('base64')

test.for([
  ['bcrypt', bcryptHash],
  ['bcrypt of PHP', bcryptHash.replace('$2b$', '$2y$')],
  ['PBKDF2 of Django', `pbkdf2_sha256$1000$a-salt$${digest}`],
  ['PBKDF2 of passlib', `$pbkdf2-sha256$1000$${ab64(saltBytes)}$${ab64(digest)}`],
  ['PBKDF2 as PHC', `$pbkdf2-sha256$i=1000$${saltBytes}$${digest.replaceAll('=', '')}`],
  ['argon2id of another cost', await argon2Hash(password, { memoryCost: 2_048, timeCost: 2, parallelism: 2 })],
] as const)(
  'whoever comes with %s signs in, and is hashed by argon2id from then on',
  async ([, passwordHash], { server, anonymous }) => {
    const line = lineOf({ passwordHash })
    expect(await importFile(server, fileOf(line))).toEqual({ imported: 1, skipped: [], faults: [], faultCount: 0 })
    expect(await hashesOfToday(server, line)).toBe(false)
    const wrong = await anonymous.mutate(LoginDocument, {
      input: { identifier: line.email, password: 'Wrong-Horse-1' },
    })
    expect(wrong.login).toMatchObject({ code: 'INVALID_CREDENTIALS' })
    expect(await hashesOfToday(server, line)).toBe(false)

    expect(await login(anonymous, line.email)).toMatchObject({ viewer: { role: 'OWNER' } })
    expect(await hashesOfToday(server, line)).toBe(true)
    expect(await login(anonymous, line.email)).toMatchObject({ __typename: 'AuthPayload' })
  },
)

test('an imported account is what a registration makes, with what the file knows better', async ({
  server,
  anonymous,
}) => {
  const line = lineOf({
    displayName: '  Zoë Ångström ',
    username: `Zoe.${process.pid}`,
    emailVerifiedAt: '2020-02-29T10:00:00+02:00',
    createdAt: '2019-01-01T00:00:00Z',
  })
  const input = { email: lineOf().email, password, displayName: 'Zoë Ångström', username: `Reg.${process.pid}` }
  const { register } = await anonymous.mutate(RegisterDocument, { input })
  expect(register.__typename).toBe('AuthPayload')
  await importFile(server, fileOf({ ...line, email: line.email.toUpperCase() }))

  const [imported, registered] = [await storedOf(server, line.email), await storedOf(server, input.email)]
  const own = ['id', 'organization_id', 'slug', 'email', 'email_key', 'username', 'username_key', 'password_hash']
  // The registered one has signed in as well.
  const times = ['created_at', 'updated_at', 'email_verified_at', 'access_epoch']
  const shared = (row: object | undefined) =>
    Object.fromEntries(Object.entries(row ?? {}).filter(([key]) => ![...own, ...times].includes(key)))
  expect(shared(imported[0])).toEqual(shared(registered[0]))
  expect(imported).toEqual([
    expect.objectContaining({
      email: line.email.toUpperCase(),
      email_key: line.email,
      username: line.username,
      username_key: `zoe.${process.pid}`,
      slug: expect.stringMatching(/^zoe-angstrom-[0-9a-f]{10}$/),
      role: 'OWNER',
      email_verified_at: new Date('2020-02-29T08:00:00Z'),
      created_at: new Date('2019-01-01T00:00:00Z'),
    }),
  ])
  expect(await login(anonymous, `ZOE.${process.pid}`)).toMatchObject({ __typename: 'AuthPayload' })
})

test('each import stands in the trail of the new organization, under one request', async ({ server }) => {
  const lines = [lineOf(), lineOf()]
  await importFile(server, fileOf(...lines))
  const stored = await storedOf(server, ...lines.map(({ email }) => email))
  const events = await server.app.platform.database.unscoped
    .selectFrom('audit_event')
    .selectAll()
    .where(
      'organization_id',
      'in',
      stored.map((row) => row.organization_id),
    )
    .execute()
  expect(events).toHaveLength(2)
  expect(new Set(events.map((event) => event.request_id)).size).toBe(1)
  for (const event of events) {
    expect(event).toMatchObject({ action: 'user.import', outcome: 'allowed', actor: null, address: null })
    expect(event.target).toMatch(/^user_/)
  }
})

test('of a file with any fault nothing is imported, and every fault is told', async ({ server, anonymous }) => {
  const taken = `taken.${process.pid}`
  const email = lineOf().email
  await anonymous.mutate(RegisterDocument, { input: { email, password, displayName: 'Old', username: taken } })
  const [good, twin] = [lineOf({ username: `twin.${process.pid}` }), lineOf()]
  const report = await importFile(
    server,
    fileOf(
      good,
      '',
      '{"email":',
      lineOf({ passwordHash: `${bcryptHash}!` }),
      twin,
      lineOf({ username: taken.toUpperCase() }),
      { ...twin, email: twin.email.toUpperCase() },
      lineOf({ username: `TWIN.${process.pid}`, displayName: 'A' }),
      lineOf({ username: `TWIN.${process.pid}` }),
      `"${'x'.repeat(16 * 1024)}"`,
      lineOf(),
    ),
  )
  expect(report).toMatchObject({ imported: 0, skipped: [], faultCount: 7 })
  expect(report.faults.map(({ line, path, message }) => `${line} ${path}: ${message}`)).toEqual([
    '3 : is not JSON',
    '4 passwordHash: is no hash of argon2, bcrypt or PBKDF2-SHA256 within bounds',
    '6 username: is taken',
    '7 email: is on line 5 already',
    expect.stringMatching(/^8 displayName: /),
    '9 username: is on line 1 already',
    '10 : is longer than 16 KiB, or not UTF-8',
  ])
  expect(JSON.stringify(report)).not.toContain(bcryptHash.slice(7, 20))
  expect(await storedOf(server, good.email, twin.email)).toEqual([])
})

test('the first hundred faults are listed and the rest counted', async ({ server }) => {
  const report = await importFile(server, fileOf(...Array.from({ length: 120 }, () => '{}x')))
  expect(report.faults).toHaveLength(100)
  expect(report.faults.at(-1)?.line).toBe(100)
  expect(report).toMatchObject({ imported: 0, faultCount: 120 })
})

test('a second run skips who has an account, whatever else their line says, and imports the rest', async ({
  server,
}) => {
  const first = [lineOf({ username: `again.${process.pid}` }), lineOf()]
  const late = lineOf()
  await importFile(server, fileOf(...first))
  const before = await storedOf(server, ...first.map(({ email }) => email))

  const again = first.map((line) => ({ ...line, email: line.email.toUpperCase(), displayName: 'Another name' }))
  const skipped = again.map(({ email }, index) => ({ line: index + 1, email }))
  const report = await importFile(server, fileOf(...again, late))
  expect(report).toEqual({ imported: 1, skipped, faults: [], faultCount: 0 })
  expect(await importFile(server, fileOf(...first, late))).toMatchObject({ imported: 0, faultCount: 0 })
  expect(await storedOf(server, ...first.map(({ email }) => email))).toEqual(before)
})

test('who registers between the check and the insert undoes the whole import', async ({ server, anonymous }) => {
  const lines = Array.from({ length: 1_001 }, () => lineOf())
  const rival = lines[600]?.email ?? ''
  const input = { email: rival, password, displayName: 'Rival' }
  let openings = 0
  // By the time that the end of the file is asked for, its first thousand lines are checked.
  async function* raced() {
    yield fileOf(...lines.slice(0, 1_000), '')
    openings += 1
    if (openings === 1) await anonymous.mutate(RegisterDocument, { input })
    yield fileOf(...lines.slice(1_000))
  }
  const report = await importUsers(server.app.platform, raced)
  const fault = { line: null, path: 'email', message: expect.stringContaining('Import it again') }
  expect(report).toEqual({ imported: 0, skipped: [], faults: [fault], faultCount: 1 })
  const stored = await storedOf(server, ...lines.map(({ email }) => email))
  expect(stored.map((row) => row.display_name)).toEqual(['Rival'])

  const again = await importUsers(server.app.platform, () => streamOf(fileOf(...lines)))
  expect(again).toMatchObject({ imported: 1_000, skipped: [{ line: 601, email: rival }] })
  expect(await storedOf(server, ...lines.map(({ email }) => email))).toHaveLength(1_001)
})

test('a file that changes between check and insert is not imported', async ({ server }) => {
  const [checked, sneaked] = [lineOf(), lineOf()]
  for (const other of [fileOf(checked, sneaked), fileOf(checked, '{'), fileOf(checked, ''), fileOf()]) {
    const readings = [fileOf(checked), other]
    const changing = importUsers(server.app.platform, () => streamOf(readings.shift() ?? fileOf()))
    await expect(changing).rejects.toThrow(FileChanged)
  }
  expect(await storedOf(server, checked.email, sneaked.email)).toEqual([])
})

test('a file of more than a million lines is refused', async ({ server }) => {
  const blanks = Buffer.alloc(1_000_000, '\n')
  expect(await importUsers(server.app.platform, () => streamOf(blanks))).toMatchObject({ faultCount: 0 })
  const report = await importUsers(server.app.platform, () => streamOf(blanks, fileOf(lineOf())))
  expect(report.faults).toEqual([{ line: 1_000_001, path: '', message: expect.stringContaining('1,000,000') }])
})
