import { expect } from 'vitest'
import { createPasswords } from '../../../../src/platform/crypto/passwords.ts'
import { LoginDocument, RefreshTokensDocument, ViewerDocument } from '../../../gql/graphql.ts'
import { createTestClient } from '../../../kit/client.ts'
import { trailOf } from '../../../kit/inside.ts'
import { entered, newcomer, goodPassword as password, register } from '../../../kit/newcomers.ts'
import { uuidIn } from '../../../kit/people.ts'
import { post } from '../../../kit/post.ts'
import { test } from '../../../kit/test.ts'

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
