import { expect } from 'vitest'
import {
  LoginDocument,
  LogoutDocument,
  ReinstateUserDocument,
  RequestPasswordResetDocument,
  ResetPasswordDocument,
  SuspendUserDocument,
  type SuspendUserInput,
  UpdateProfileDocument,
} from '../../../gql/graphql.ts'
import { test } from '../../../kit/administrators.ts'
import type { Client } from '../../../kit/client.ts'
import { endMembership, trailOf } from '../../../kit/inside.ts'
import { mailedToken } from '../../../kit/mails.ts'
import { type Person, signIn, uuidIn } from '../../../kit/people.ts'
import { post } from '../../../kit/post.ts'
import { admission, outcomeOf, sessionEnded } from '../../../kit/sessions.ts'
import { createPage } from '../../../kit/test.ts'
import { openQuietSocket, openQuietStream, socketFarewell, streamFarewell } from '../../../transport/quiet.ts'

const limitMillis = 2_000

async function suspend(admin: Client, { userId: id }: Pick<Person, 'userId'>, input: Partial<SuspendUserInput> = {}) {
  return (await admin.mutate(SuspendUserDocument, { input: { id, ...input } })).suspendUser
}

async function reinstate(admin: Client, { userId: id }: Pick<Person, 'userId'>) {
  return (await admin.mutate(ReinstateUserDocument, { input: { id } })).reinstateUser
}

async function login(client: Client, { email }: Pick<Person, 'email'>, password: string): Promise<unknown> {
  return (await client.mutate(LoginDocument, { input: { identifier: email, password } })).login.__typename
}

test('a suspended account is let in by no credential, what it has open ends within 2 s, and reinstated it goes on', async ({
  clocked: server,
  admin,
  alice,
  anonymous,
}) => {
  const { accessToken, refreshToken, deviceToken } = alice.tokens
  const page = await createPage(alice, 'Quiet')
  const socket = await openQuietSocket(server.url, accessToken, page)
  const stream = await openQuietStream(server.url, accessToken, page)
  expect(await suspend(admin, alice)).toMatchObject({ id: alice.userId, suspendedAt: expect.any(String) })
  const endedAt = performance.now()
  const farewells = await Promise.all([socketFarewell(socket), streamFarewell(stream)])
  for (const { reason, at } of farewells) {
    expect(reason).toBe('SESSION_ENDED')
    expect(at - endedAt).toBeLessThan(limitMillis)
  }
  expect(await socket.closed).toMatchObject({ code: 4401 })

  expect(await admission(alice)).toBe(sessionEnded)
  for (let time = 0; time < 3; time += 1) {
    expect(await outcomeOf(anonymous, refreshToken, deviceToken)).toBe('InvalidRefreshToken')
  }
  expect(await login(anonymous, alice, alice.password)).toBe('AccountSuspended')
  expect(await login(anonymous, alice, 'Wrong-Horse-1')).toBe('InvalidCredentials')

  expect(await reinstate(admin, alice)).toMatchObject({ id: alice.userId, suspendedAt: null })
  expect(await admission(alice)).toBe('admitted')
  expect(await outcomeOf(anonymous, refreshToken, deviceToken)).toBe('AuthPayload')
  expect(await login(anonymous, alice, alice.password)).toBe('AuthPayload')
})

test('a refresh token that was tried in vain while its account was suspended is not taken for a copy afterwards', async ({
  clocked: server,
  admin,
  alice,
  anonymous,
}) => {
  const { refreshToken, deviceToken } = alice.tokens
  await suspend(admin, alice)
  expect(await outcomeOf(anonymous, refreshToken, deviceToken)).toBe('InvalidRefreshToken')
  // Longer than the number before the newest is good for.
  server.clock.advance({ hours: 25 })
  const again = await signIn(server, admin.email)
  await reinstate(again, alice)
  await again.close()
  expect(await outcomeOf(anonymous, refreshToken, deviceToken)).toBe('AuthPayload')
})

test('a suspended account has no password reset: neither by a new mail nor by an old one', async ({
  clocked: server,
  admin,
  alice,
  anonymous,
}) => {
  const ask = async () =>
    (await anonymous.mutate(RequestPasswordResetDocument, { input: { email: alice.email } })).requestPasswordReset
  const answer = await ask()
  const token = await mailedToken(server, alice, /reset-password/)
  await suspend(admin, alice)
  expect(await ask()).toEqual(answer)
  await server.app.platform.jobs.idle(15_000)
  expect(server.mails.to(alice.email).filter(({ text }) => /reset-password/.test(text))).toHaveLength(1)
  const reset = async (link: string) => {
    const input = { token: link, newPassword: 'Another-Horse-2' }
    return (await anonymous.mutate(ResetPasswordDocument, { input })).resetPassword.__typename
  }
  expect(await reset(token)).toBe('InvalidToken')
  await reinstate(admin, alice)
  await ask()
  expect(await reset(await mailedToken(server, alice, /reset-password/))).toBe('Acknowledged')
})

test('its person is told by mail, once, with the reason', async ({ clocked: server, admin, alice }) => {
  await suspend(admin, alice, { reason: 'Left <the> company' })
  const since = (await suspend(admin, alice, { reason: 'Again' })) as { suspendedAt?: string | null }
  await reinstate(admin, alice)
  await reinstate(admin, alice)
  expect(since.suspendedAt).not.toBeNull()
  await server.app.platform.jobs.idle(15_000)
  const mails = server.mails.to(alice.email).filter(({ subject }) => /suspended|reinstated/.test(subject))
  expect(mails.map(({ subject }) => subject)).toEqual(['Your account was suspended', 'Your account was reinstated'])
  expect(mails[0]?.text).toContain('The reason given: Left <the> company')
  expect(mails[0]?.html).not.toContain('<the>')
})

test('nobody suspends themselves, and the trail has the attempt', async ({ clocked: server, admin }) => {
  const authorization = `Bearer ${admin.tokens.accessToken}`
  const variables = { input: { id: admin.userId } }
  const answer = await post(server.url, { document: SuspendUserDocument, variables, authorization })
  expect(answer.text).toContain('OWN_ADMINISTRATION')
  expect(await trailOf(server, answer)).toMatchObject([
    { action: 'user.suspend', target: admin.userId, actor: admin.userId, outcome: 'denied' },
  ])
  expect(await admission(admin)).toBe('admitted')
})

test('what is asked for by people who are let in no more is written down, ten times a minute', async ({
  clocked: server,
  admin,
  alice,
  bob,
  stranger,
}) => {
  server.clock.advance({ minutes: 2 })
  const ask = async (person: Person) => {
    const authorization = `Bearer ${person.tokens.accessToken}`
    const variables = { input: { displayName: 'Once more' } }
    const answer = await post(server.url, { document: UpdateProfileDocument, variables, authorization })
    expect(answer.text).toContain('UNAUTHENTICATED')
    return trailOf(server, answer)
  }
  await admin.mutate(SuspendUserDocument, { input: { id: alice.userId } })
  await endMembership(server, bob)
  await stranger.mutate(LogoutDocument, { input: {} })
  for (const person of [alice, bob, stranger]) {
    const denied = { action: 'updateProfile', outcome: 'denied', actor: person.userId }
    expect(await ask(person)).toMatchObject([{ ...denied, organization_id: uuidIn(person.organizationId) }])
  }
  const more = []
  for (let round = 0; round < 9; round += 1) more.push(...(await ask(stranger)))
  expect(more).toHaveLength(7)
})
