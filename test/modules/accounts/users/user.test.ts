import { expect } from 'vitest'
import { createPasswords } from '../../../../src/platform/crypto/passwords.ts'
import {
  LoginDocument,
  RefreshTokensDocument,
  RegisterDocument,
  type RegisterInput,
  type RegisterMutation,
  ViewerDocument,
} from '../../../gql/graphql.ts'
import { type Client, createTestClient } from '../../../kit/client.ts'
import { trailOf } from '../../../kit/inside.ts'
import { uuidIn } from '../../../kit/people.ts'
import { post } from '../../../kit/post.ts'
import { test } from '../../../kit/test.ts'

const password = 'Correct-Horse-1'
let made = 0

/** A registration of somebody nobody has heard of. */
function newcomer(changes: Partial<RegisterInput> = {}): RegisterInput {
  made += 1
  return { email: `newcomer-${process.pid}-${made}@example.org`, password, displayName: 'New Comer', ...changes }
}

async function register(client: Client, input: RegisterInput): Promise<NonNullable<RegisterMutation['register']>> {
  return (await client.mutate(RegisterDocument, { input })).register
}

/** The result as an account. @throws when it is a refusal */
function entered<Result extends { __typename: string }>(
  result: Result,
): Extract<Result, { __typename: 'AuthPayload' }> {
  if (result.__typename !== 'AuthPayload') throw new Error(`It came to ${JSON.stringify(result)}`)
  return result as Extract<Result, { __typename: 'AuthPayload' }>
}

test('registering makes an owner of a personal organization whose tokens work', async ({ server, anonymous }) => {
  const input = newcomer({ username: `user.${process.pid}`, displayName: '  Zoë Ångström  ', deviceName: 'A phone' })
  const payload = entered(await register(anonymous, input))
  expect(payload).toMatchObject({ tokenType: 'Bearer', expiresIn: 900, viewer: { role: 'OWNER' } })
  expect(payload.viewer.organization.name).toBe("Zoë Ångström's workspace")

  const person = createTestClient(server.url, () => payload.accessToken ?? '')
  const { viewer } = await person.query(ViewerDocument, {})
  expect(viewer).toMatchObject({
    actor: { displayName: 'Zoë Ångström', username: input.username, email: input.email, emailVerifiedAt: null },
    organization: { slug: expect.stringMatching(/^zoe-angstrom-[0-9a-f]{10}$/) },
    role: 'OWNER',
    permissions: expect.arrayContaining(['page.create', 'project.create']),
  })
  const { unscoped } = server.app.platform.database
  const sessions = await unscoped
    .selectFrom('device_session')
    .select(['device_name', 'refresh_counter'])
    .where('user_id', '=', uuidIn(payload.viewer.actor.id))
    .execute()
  expect(sessions).toEqual([{ device_name: 'A phone', refresh_counter: 0 }])
})

test('a new account is greeted by one mail, sent by a job, with no word of whoever typed the address', async ({
  server,
  anonymous,
}) => {
  const input = newcomer({ displayName: '<b>Bobby</b>' })
  entered(await register(anonymous, input))
  await server.app.platform.jobs.idle(15_000)
  const mails = server.mails.to(input.email)
  expect(mails).toHaveLength(1)
  expect(mails[0]?.text).toContain(`${server.app.platform.settings.publicUrl}/verify-email#token=`)
  expect(JSON.stringify(mails)).not.toContain('Bobby')
})

test('a common password, or one made of the account’s own words, is refused', async ({ anonymous }) => {
  const common = await register(anonymous, newcomer({ password: 'Password1!' }))
  expect(common).toMatchObject({ code: 'WEAK_PASSWORD', missing: ['words that few people use'] })
  for (const own of [
    newcomer(),
    newcomer({ username: `own.${process.pid}` }),
    newcomer({ displayName: 'Zoë Ångström' }),
  ]) {
    const word = own.displayName === 'Zoë Ångström' ? 'Ångström' : (own.username ?? own.email.split('@')[0])
    const refused = await register(anonymous, { ...own, password: `${word}-A1` })
    expect(refused).toMatchObject({ code: 'WEAK_PASSWORD', missing: ['more than your own name or address'] })
  }
})

test.for([
  ['lower-case-1', ['an upper-case letter']],
  ['UPPER-CASE-1', ['a lower-case letter']],
  ['No-Digit-Here', ['a digit']],
  ['NoSpecial1', ['a special character']],
  ['--------', ['an upper-case letter', 'a lower-case letter', 'a digit']],
] as const)('the password %s is refused with what it lacks', async ([weak, missing], { anonymous }) => {
  const input = newcomer({ password: weak })
  expect(await register(anonymous, input)).toMatchObject({ __typename: 'WeakPassword', code: 'WEAK_PASSWORD', missing })
  // Nothing was taken: the same address registers with a good one.
  entered(await register(anonymous, { ...input, password }))
})

test('the length of a password is counted in characters and nothing of it is cut off', async ({ anonymous }) => {
  const start = 'Aa1-'
  const longest = start + '😀'.repeat(1_020)
  const input = newcomer({ password: longest })
  expect(await register(anonymous, { ...input, password: `${longest}😀` })).toMatchObject({
    __typename: 'InvalidInput',
    fields: [{ path: ['password'], message: 'at most 1,024 characters' }],
  })
  expect(await register(anonymous, { ...input, password: `${start}😀😀` })).toMatchObject({
    __typename: 'InvalidInput',
    fields: [{ path: ['password'], message: 'at least 8 characters' }],
  })
  entered(await register(anonymous, input))

  const login = async (attempt: string) =>
    (await anonymous.mutate(LoginDocument, { input: { identifier: input.email, password: attempt } })).login.__typename
  expect(await login(longest)).toBe('AuthPayload')
  expect(await login(longest.slice(0, -2))).toBe('InvalidCredentials')
  expect(await login(longest.toLowerCase())).toBe('InvalidCredentials')
})

test('an address is trimmed, keeps its case, and is taken in any other', async ({ server, anonymous }) => {
  const email = newcomer().email.replace('newcomer', 'NewComer')
  const payload = entered(await register(anonymous, newcomer({ email: `  ${email} ` })))
  const person = createTestClient(server.url, () => payload.accessToken ?? '')
  const { viewer } = await person.query(ViewerDocument, {})
  expect(viewer?.actor).toMatchObject({ email })

  for (const same of [email, email.toUpperCase(), ` ${email.toLowerCase()}`]) {
    expect(await register(anonymous, newcomer({ email: same }))).toMatchObject({ __typename: 'EmailTaken' })
  }
})

test('a username is taken in any case, and then nothing of the account is made', async ({ server, anonymous }) => {
  const username = `Some_One-${process.pid}`
  entered(await register(anonymous, newcomer({ username })))
  const second = newcomer({ username: username.toUpperCase(), displayName: 'Second' })
  expect(await register(anonymous, second)).toMatchObject({ __typename: 'UsernameTaken', code: 'USERNAME_TAKEN' })

  const { unscoped } = server.app.platform.database
  const users = await unscoped.selectFrom('user').select('id').where('email_key', '=', second.email).execute()
  expect(users).toEqual([])
  entered(await register(anonymous, { ...second, username: `${username}-2` }))
})

test('of 20 registrations at once with one address one makes an account and the others nothing', async ({
  server,
  anonymous,
}) => {
  const displayName = `Race ${process.pid} ${made}`
  const input = newcomer({ displayName })
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      register(anonymous, { ...input, email: index % 2 === 0 ? input.email : input.email.toUpperCase() }),
    ),
  )
  expect(results.map((result) => result.__typename).sort()).toEqual(['AuthPayload', ...Array(19).fill('EmailTaken')])
  const winner = entered(results.find((result) => result.__typename === 'AuthPayload') ?? { __typename: 'None' })

  const { unscoped } = server.app.platform.database
  const organizations = unscoped.selectFrom('organization').where('name', '=', `${displayName}'s workspace`)
  expect(await organizations.select('id').execute()).toHaveLength(1)
  const people = await unscoped
    .selectFrom('user')
    .leftJoin('membership', 'membership.user_id', 'user.id')
    .leftJoin('device_session', 'device_session.user_id', 'user.id')
    .select(['user.id', 'membership.role', 'device_session.id as session'])
    .where('user.display_name', '=', displayName)
    .execute()
  expect(people).toEqual([{ id: expect.any(String), role: 'OWNER', session: expect.any(String) }])
  expect(await trailOf(server, { organizationId: winner.viewer.organization.id })).toHaveLength(1)
  await server.app.platform.jobs.idle(15_000)
  expect(server.mails.sent.filter((mail) => mail.to.toLowerCase() === input.email)).toHaveLength(1)
})

test('every rule an input breaks is named with its place', async ({ anonymous }) => {
  const input = { email: 'no address', password: 'Aa1-', displayName: ' x ', username: 'a b', deviceName: ' ' }
  const result = await register(anonymous, input)
  if (result.__typename !== 'InvalidInput') throw new Error(`It came to ${result.__typename}`)
  const paths = result.fields.map((field) => field.path.join('.')).sort()
  expect(paths).toEqual(['deviceName', 'displayName', 'email', 'password', 'username'])

  const unstorable = await register(anonymous, newcomer({ displayName: 'nul\0nul', password: `${password}\ud800` }))
  expect(unstorable).toMatchObject({
    __typename: 'InvalidInput',
    fields: [{ path: ['displayName'] }, { path: ['password'] }],
  })
})

test('the longest names that are allowed fit everywhere they go', async ({ anonymous }) => {
  const letters = entered(await register(anonymous, newcomer({ displayName: 'n'.repeat(80) })))
  expect(letters.viewer.organization.name).toBe(`${'n'.repeat(68)}'s workspace`)
  const emoji = entered(await register(anonymous, newcomer({ displayName: '😀'.repeat(40) })))
  expect(emoji.viewer.organization.name).toBe(`${'😀'.repeat(40)}'s workspace`)
  const username = `u${process.pid}`.padEnd(32, 'x')
  const email = `${newcomer().email.slice(0, 60)}`.replace('@', `@${'d'.repeat(60)}.`)
  entered(await register(anonymous, newcomer({ username, email })))
})

test('one signs in by address or username, ignoring case', async ({ anonymous }) => {
  const input = newcomer({ username: `Log-In.${process.pid}` })
  const { viewer } = entered(await register(anonymous, input))
  for (const identifier of [input.email, ` ${input.email.toUpperCase()} `, input.username ?? '', 'LOG-IN.']) {
    const name = identifier === 'LOG-IN.' ? `LOG-IN.${process.pid}` : identifier
    const { login } = await anonymous.mutate(LoginDocument, { input: { identifier: name, password } })
    expect(entered(login).viewer.actor.id).toBe(viewer.actor.id)
  }
})

test('a wrong password and an unknown account are answered with the same bytes', async ({ server, alice }) => {
  const attempts = [
    { identifier: alice.email, password: 'Wrong-Horse-1' },
    { identifier: 'nobody@example.org', password: 'Wrong-Horse-1' },
    { identifier: 'nobody', password },
    { identifier: '', password: '' },
    { identifier: "'; drop table user --", password },
  ]
  const answers = await Promise.all(
    attempts.map((input) => post(server.url, { document: LoginDocument, variables: { input } })),
  )
  const [first] = answers
  expect(first?.text).toContain('INVALID_CREDENTIALS')
  for (const answer of answers) expect([answer.status, answer.text]).toEqual([first?.status, first?.text])
})

test('signing in replaces a hash of another cost, and the password stays the same', async ({ server, alice }) => {
  const { unscoped } = server.app.platform.database
  const row = unscoped.selectFrom('user').select('password_hash').where('id', '=', uuidIn(alice.userId))
  const old = await createPasswords({ memoryKib: 2048, iterations: 2, parallelism: 1 }).hash(alice.password)
  await unscoped.updateTable('user').set({ password_hash: old }).where('id', '=', uuidIn(alice.userId)).execute()

  const login = (attempt: string) =>
    alice.mutate(LoginDocument, { input: { identifier: alice.email, password: attempt } })
  expect((await login('Wrong-Horse-1')).login.__typename).toBe('InvalidCredentials')
  expect((await row.executeTakeFirstOrThrow()).password_hash).toBe(old)
  entered((await login(alice.password)).login)
  const { password_hash: upgraded } = await row.executeTakeFirstOrThrow()
  expect(upgraded).toMatch(/^\$argon2id\$v=19\$m=1024,p=1,t=1\$/)
  entered((await login(alice.password)).login)
  expect((await row.executeTakeFirstOrThrow()).password_hash).toBe(upgraded)
})

test('allowed and denied attempts to sign in are in the audit trail', async ({ server, alice }) => {
  const attempt = (identifier: string, secret: string) =>
    post(server.url, { document: LoginDocument, variables: { input: { identifier, password: secret } } })
  const [allowed, denied, unknown] = [
    await attempt(alice.email, alice.password),
    await attempt(alice.email, 'Wrong-Horse-1'),
    await attempt('nobody@example.org', 'Wrong-Horse-1'),
  ]
  const common = { action: 'session.login', address: '127.0.0.1' }
  expect(await trailOf(server, allowed)).toMatchObject([
    { ...common, outcome: 'allowed', actor: alice.userId, organization_id: uuidIn(alice.organizationId) },
  ])
  // Who it was is not known, only whom they wanted to be.
  expect(await trailOf(server, denied)).toMatchObject([
    { ...common, outcome: 'denied', actor: null, target: alice.userId },
  ])
  expect(await trailOf(server, unknown)).toMatchObject([{ ...common, outcome: 'denied', actor: null, target: null }])
})

test('an attempt by somebody signed in as another is told to whom it concerns, and not as theirs', async ({
  server,
  alice,
  stranger,
}) => {
  const before = await trailOf(server, stranger)
  const attempt = (identifier: string) =>
    post(server.url, {
      document: LoginDocument,
      variables: { input: { identifier, password: 'Wrong-Horse-1' } },
      authorization: `Bearer ${stranger.tokens.accessToken}`,
    })
  const denied = { action: 'session.login', outcome: 'denied', actor: null }
  expect(await trailOf(server, await attempt(alice.email))).toMatchObject([
    { ...denied, target: alice.userId, organization_id: uuidIn(alice.organizationId) },
  ])
  expect(await trailOf(server, await attempt('nobody@example.org'))).toMatchObject([
    { ...denied, target: null, organization_id: null },
  ])
  const refreshed = await post(server.url, {
    document: RefreshTokensDocument,
    variables: { input: { refreshToken: alice.tokens.refreshToken } },
    authorization: `Bearer ${stranger.tokens.accessToken}`,
  })
  expect(await trailOf(server, refreshed)).toMatchObject([
    { action: 'session.refresh', actor: alice.userId, organization_id: uuidIn(alice.organizationId) },
  ])
  expect(await trailOf(server, stranger)).toEqual(before)
})

test('nobody is the viewer without credentials, and stale credentials are an error', async ({ server, anonymous }) => {
  expect(await anonymous.query(ViewerDocument, {})).toEqual({ viewer: null })
  const stale = await createTestClient(server.url, () => 'stale').send(ViewerDocument, {})
  expect(stale.errors?.[0]).toMatchObject({
    message: 'The access token is not valid.',
    extensions: { code: 'UNAUTHENTICATED' },
  })
})

test('an address, and when it was proven, is shown to its owner only', async ({ server, alice, bob }) => {
  const proven = new Date('2026-01-02T03:04:05.000Z')
  await server.app.platform.database.unscoped
    .updateTable('user')
    .set({ email_verified_at: proven })
    .where('id', '=', uuidIn(alice.userId))
    .execute()
  const ask = async (asking: Client) =>
    (
      await asking.send(`query ($id: ID!) { node(id: $id) { ... on User { displayName email emailVerifiedAt } } }`, {
        id: alice.userId,
      })
    ).data
  expect(await ask(alice)).toEqual({
    node: { displayName: 'Alice', email: alice.email, emailVerifiedAt: proven.toISOString() },
  })
  expect(await ask(bob)).toEqual({ node: { displayName: 'Alice', email: null, emailVerifiedAt: null } })
})
