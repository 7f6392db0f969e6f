import { expect } from 'vitest'
import {
  ChangePasswordDocument,
  LoginDocument,
  RequestPasswordResetDocument,
  ResetPasswordDocument,
  ViewerDocument,
  ViewerEventsDocument,
} from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'
import { test } from '../../../kit/clocked.ts'
import { mailedToken } from '../../../kit/mails.ts'
import { type Person, signIn, uuidIn } from '../../../kit/people.ts'
import { post } from '../../../kit/post.ts'
import type { TestServer } from '../../../kit/server.ts'

const RESET = /reset-password/
const newPassword = 'Another-Horse-2'
const times = <Value>(count: number, make: (index: number) => Value) =>
  Array.from({ length: count }, (_, at) => make(at))

/** Asks for a link and answers its token. */
async function resetToken(server: TestServer, { email }: Pick<Person, 'email'>, client: Client): Promise<string> {
  await client.mutate(RequestPasswordResetDocument, { input: { email } })
  return mailedToken(server, { email }, RESET)
}

async function reset(client: Client, token: string, password = newPassword) {
  return (await client.mutate(ResetPasswordDocument, { input: { token, newPassword: password } })).resetPassword
}

async function change(person: Client, currentPassword: string, wanted: string) {
  return (await person.mutate(ChangePasswordDocument, { input: { currentPassword, newPassword: wanted } }))
    .changePassword
}

async function login(client: Client, identifier: string, password: string): Promise<string> {
  return (await client.mutate(LoginDocument, { input: { identifier, password } })).login.__typename
}

async function isSignedIn(person: Client): Promise<boolean> {
  const { data, errors } = await person.send(ViewerDocument, {})
  if (errors !== undefined) expect(errors[0]?.extensions.code).toBe('UNAUTHENTICATED')
  return data?.viewer !== null && data?.viewer !== undefined
}

async function noticesTo(server: TestServer, email: string): Promise<string[]> {
  await server.app.platform.jobs.idle(15_000)
  return server.mails
    .to(email)
    .map(({ subject }) => subject)
    .filter((subject) => subject.startsWith('Your password'))
}

test('asking for a reset is answered with the same bytes whether or not there is an account', async ({
  clocked,
  alice,
}) => {
  const names = [alice.email, alice.email.toUpperCase(), 'nobody@example.org']
  const answers = []
  for (const email of names) {
    answers.push(await post(clocked.url, { document: RequestPasswordResetDocument, variables: { input: { email } } }))
  }
  const expected = JSON.stringify({ data: { requestPasswordReset: { __typename: 'Acknowledged', accepted: true } } })
  for (const { status, text } of answers) expect([status, text]).toEqual([200, expected])
  await clocked.app.platform.jobs.idle(15_000)
  const asked = clocked.mails.sent.filter(({ text }) => RESET.test(text))
  expect(asked.map(({ to }) => to)).toEqual([alice.email, alice.email])
})

test('three links in an hour are mailed to an account at most, and nobody is told', async ({
  clocked,
  alice,
  anonymous,
}) => {
  const ask = () => anonymous.mutate(RequestPasswordResetDocument, { input: { email: alice.email } })
  const count = async () => {
    await clocked.app.platform.jobs.idle(15_000)
    return clocked.mails.to(alice.email).filter(({ text }) => RESET.test(text)).length
  }
  for (let asked = 0; asked < 5; asked++) expect((await ask()).requestPasswordReset.__typename).toBe('Acknowledged')
  expect(await count()).toBe(3)
  clocked.clock.advance({ hours: 1 })
  await ask()
  expect(await count()).toBe(4)
})

test('of 20 posts of one link at once one sets its password', async ({ clocked, alice, anonymous }) => {
  const token = await resetToken(clocked, alice, anonymous)
  const passwords = times(20, (index) => `Another-Horse-${index}`)
  const outcomes = await Promise.all(passwords.map((password) => reset(anonymous, token, password)))
  const names = outcomes.map((outcome) => outcome.__typename)
  expect(names.toSorted()).toEqual(['Acknowledged', ...Array(19).fill('InvalidToken')])
  const winner = passwords[names.indexOf('Acknowledged')] ?? ''
  expect(await login(anonymous, alice.email, winner)).toBe('AuthPayload')
  for (const password of [alice.password, passwords.find((other) => other !== winner) ?? '']) {
    expect(await login(anonymous, alice.email, password)).toBe('InvalidCredentials')
  }
  expect(await reset(anonymous, token)).toMatchObject({ code: 'INVALID_TOKEN' })
  expect(await noticesTo(clocked, alice.email)).toEqual(['Your password was reset'])
})

test('a password that is refused spends nothing of the link', async ({ clocked, alice, anonymous }) => {
  const token = await resetToken(clocked, alice, anonymous)
  expect(await reset(anonymous, token, 'Password-1')).toMatchObject({ code: 'WEAK_PASSWORD', reason: 'COMMON' })
  expect(await reset(anonymous, token, 'lower-case-1')).toMatchObject({ code: 'WEAK_PASSWORD' })
  expect(await reset(anonymous, token, 'Aa1-')).toMatchObject({
    __typename: 'InvalidInput',
    fields: [{ path: ['newPassword'] }],
  })
  expect(await isSignedIn(alice)).toBe(true)
  expect((await reset(anonymous, token)).__typename).toBe('Acknowledged')
})

test('a newer link spends the older ones, and another account is not concerned', async ({
  clocked,
  alice,
  stranger,
  anonymous,
}) => {
  const theirs = await resetToken(clocked, stranger, anonymous)
  const older = await resetToken(clocked, alice, anonymous)
  const newer = await resetToken(clocked, alice, anonymous)
  expect((await reset(anonymous, older)).__typename).toBe('InvalidToken')
  expect((await reset(anonymous, newer)).__typename).toBe('Acknowledged')
  expect((await reset(anonymous, theirs)).__typename).toBe('Acknowledged')
})

test('a link works for as long as the mail says', async ({ clocked, alice, stranger, anonymous }) => {
  const { resetSeconds } = clocked.app.platform.settings.mailLinks
  const tokens = [await resetToken(clocked, alice, anonymous), await resetToken(clocked, stranger, anonymous)]
  clocked.clock.advance({ seconds: resetSeconds - 60 })
  expect((await reset(anonymous, tokens[0] ?? '')).__typename).toBe('Acknowledged')
  clocked.clock.advance({ seconds: 60 })
  expect((await reset(anonymous, tokens[1] ?? '')).__typename).toBe('InvalidToken')
})

test('no token of another purpose sets a password', async ({ clocked, alice, anonymous }) => {
  const verification = await mailedToken(clocked, alice, /verify-email/)
  const { accessToken, refreshToken, deviceToken } = alice.tokens
  for (const token of [verification, accessToken, refreshToken, deviceToken ?? '', '', 'x'.repeat(8_000)]) {
    expect((await reset(anonymous, token)).__typename).toBe('InvalidToken')
  }
  expect(await login(anonymous, alice.email, alice.password)).toBe('AuthPayload')
})

test('a reset ends all sessions, proves the address and is told of by mail and to devices that watch', async ({
  clocked,
  alice,
  anonymous,
}) => {
  const second = await signIn(clocked, alice.email)
  const token = await resetToken(clocked, alice, anonymous)
  expect((await reset(anonymous, token)).__typename).toBe('Acknowledged')
  for (const session of [alice, second]) expect(await isSignedIn(session)).toBe(false)
  expect(await noticesTo(clocked, alice.email)).toEqual(['Your password was reset'])
  const row = clocked.app.platform.database.unscoped.selectFrom('user').select('email_verified_at as at')
  expect(await row.where('email_key', '=', alice.email).executeTakeFirst()).toEqual({ at: expect.any(Date) })
  await second.close()
})

test('changing a password signs the other devices out, this one goes on, and old links are dead', async ({
  clocked,
  alice,
  anonymous,
}) => {
  const link = await resetToken(clocked, alice, anonymous)
  const second = await signIn(clocked, alice.email)
  const { viewer } = await alice.query(ViewerDocument, {})
  const events = alice.subscribe(ViewerEventsDocument, { after: viewer?.eventsCursor ?? null })
  expect(await change(alice, alice.password, newPassword)).toMatchObject({
    __typename: 'Viewer',
    actor: { id: alice.userId },
  })
  expect([await isSignedIn(alice), await isSignedIn(second)]).toEqual([true, false])
  const seen = [await events.next(), await events.next()].map(({ viewerEvents }) => viewerEvents)
  expect(seen).toMatchObject([
    { __typename: 'DeviceSessionEnded' },
    { __typename: 'SecurityAlert', kind: 'PASSWORD_CHANGED' },
  ])
  expect((await reset(anonymous, link, 'Third-Horse-3')).__typename).toBe('InvalidToken')
  expect(await login(anonymous, alice.email, alice.password)).toBe('InvalidCredentials')
  expect(await login(anonymous, alice.email, newPassword)).toBe('AuthPayload')
  expect(await noticesTo(clocked, alice.email)).toEqual(['Your password was changed'])
  events.stop()
  await second.close()
})

test('guessing at the current password locks it after five, for this session alone', async ({
  clocked,
  alice,
  anonymous,
}) => {
  const guesses = []
  for (let guess = 0; guess < 5; guess++)
    guesses.push((await change(alice, `Wrong-Horse-${guess}`, newPassword)).__typename)
  expect(guesses).toEqual(Array(5).fill('InvalidCredentials'))
  const locked = { __typename: 'AccountLocked', code: 'ACCOUNT_LOCKED', retryAfterSeconds: expect.any(Number) }
  expect(await change(alice, alice.password, newPassword)).toMatchObject(locked)
  // Whoever holds the session cannot lock its owner out.
  expect(await login(anonymous, alice.email, alice.password)).toBe('AuthPayload')
  expect(await change(alice, alice.password, newPassword)).toMatchObject(locked)
  clocked.clock.advance({ seconds: 60 })
  expect((await change(alice, alice.password, newPassword)).__typename).toBe('Viewer')
})

test('of changes at once one wins, and its password is the one', async ({ clocked, alice, anonymous }) => {
  const second = await signIn(clocked, alice.email)
  const wanted = ['Second-Horse-2', 'Third-Horse-3']
  const results = await Promise.all(
    [alice, second].map((person, index) =>
      person.send(ChangePasswordDocument, {
        input: { currentPassword: alice.password, newPassword: wanted[index] ?? '' },
      }),
    ),
  )
  const won = results.map(({ data }) => data?.changePassword?.__typename === 'Viewer')
  expect(won.filter(Boolean)).toHaveLength(1)
  const [winning, losing] = won[0] ? wanted : wanted.toReversed()
  expect(await login(anonymous, alice.email, winning ?? '')).toBe('AuthPayload')
  expect(await login(anonymous, alice.email, losing ?? '')).toBe('InvalidCredentials')
  await second.close()
})

test('nobody at the door can lock a signed-in person out of changing their password', async ({ alice, anonymous }) => {
  const uuid = uuidIn(alice.userId)
  for (const name of [`id:${uuid}`, uuid, `signed-in ${uuid}`, ` ${uuid}`, alice.email]) {
    for (const _ of times(6, () => null)) await login(anonymous, name, 'Wrong-Horse-1')
  }
  expect((await change(alice, alice.password, newPassword)).__typename).toBe('Viewer')
})

test('a reset unlocks the name, and makes no device known that was before', async ({ clocked, alice, anonymous }) => {
  const known = { identifier: alice.email, deviceToken: alice.tokens.deviceToken ?? null }
  for (const _ of times(6, () => null)) await login(anonymous, alice.email, 'Wrong-Horse-1')
  expect(await login(anonymous, alice.email, alice.password)).toBe('AccountLocked')
  await reset(anonymous, await resetToken(clocked, alice, anonymous))
  expect(await login(anonymous, alice.email, newPassword)).toBe('AuthPayload')

  for (const _ of times(6, () => null)) await login(anonymous, alice.email, 'Wrong-Horse-1')
  const { login: again } = await anonymous.mutate(LoginDocument, { input: { ...known, password: newPassword } })
  expect(again.__typename).toBe('AccountLocked')
})
