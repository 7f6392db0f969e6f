import { expect } from 'vitest'
import { newSeed, seededRandom } from '../../../contracts/channels-rig.ts'
import {
  LogoutDocument,
  RefreshTokensDocument,
  RevokeDeviceSessionDocument,
  RevokeOtherDeviceSessionsDocument,
  ViewerDocument,
  ViewerEventsDocument,
} from '../../../gql/graphql.ts'
import type { Response } from '../../../kit/client.ts'
import { test } from '../../../kit/clocked.ts'
import { type Person, signIn } from '../../../kit/people.ts'
import {
  admission,
  currentSessionId,
  sessionEnded as ended,
  outcomeOf,
  renewed,
  sessionRowsOf,
} from '../../../kit/sessions.ts'

// Whoever repeats a token is told from its owner by the device token, and where that does not fit, the session ends.

const refused = 'InvalidRefreshToken'

async function withAnother<Result>(person: Person, use: (other: Person) => Promise<Result>): Promise<Result> {
  const other = await signIn(person, person.email)
  return use(other).finally(() => other.close())
}

test('the device that traded a token may repeat it, with its device token', async ({ alice }) => {
  const { refreshToken, deviceToken = '' } = alice.tokens
  await renewed(alice, refreshToken, deviceToken)
  Object.assign(alice.tokens, await renewed(alice, refreshToken, deviceToken))
  expect(await admission(alice)).toBe('admitted')
  expect(await outcomeOf(alice, alice.tokens.refreshToken, deviceToken)).toBe('AuthPayload')
})

test('a repeat from another device, without the device token or with a forged one ends the session', async ({
  clocked: server,
  alice,
  stranger,
}) => {
  const otherDevices = {
    'another device of the same person': await withAnother(alice, async ({ tokens }) => tokens.deviceToken),
    "somebody else's device": stranger.tokens.deviceToken,
    'no device token': undefined,
    'a forged device token': `${alice.tokens.deviceToken}x`,
    'a device token of no box': 'garbage',
    'an access token for a device token': alice.tokens.accessToken,
    'a refresh token for a device token': alice.tokens.refreshToken,
  }
  for (const [name, deviceToken] of Object.entries(otherDevices)) {
    const person = await signIn(server, alice.email)
    const { refreshToken } = person.tokens
    const successor = await renewed(person, refreshToken, person.tokens.deviceToken)
    expect([name, await outcomeOf(person, refreshToken, deviceToken)]).toEqual([name, refused])
    expect([name, await admission(person)]).toEqual([name, ended])
    expect([name, await outcomeOf(person, successor.refreshToken, person.tokens.deviceToken)]).toEqual([name, refused])
    await person.close()
  }
  expect(await admission(alice)).toBe('admitted')
})

test('a token whose successor was used ends the session, on its own device as well', async ({ alice }) => {
  const { refreshToken: first, deviceToken } = alice.tokens
  const second = await renewed(alice, first, deviceToken)
  const third = await renewed(alice, second.refreshToken, deviceToken)
  expect(await outcomeOf(alice, first, deviceToken)).toBe(refused)
  for (const { refreshToken } of [second, third])
    expect(await outcomeOf(alice, refreshToken, deviceToken)).toBe(refused)
  expect(await admission(alice)).toBe(ended)
})

test('a token two generations back ends the session; the one before the newest does not', async ({ alice }) => {
  const generations = [alice.tokens]
  for (let n = 0; n < 4; n += 1) {
    const { refreshToken = '', deviceToken } = generations.at(-1) ?? {}
    generations.push(await renewed(alice, refreshToken, deviceToken))
  }
  const { deviceToken } = alice.tokens
  expect(await outcomeOf(alice, generations.at(-2)?.refreshToken ?? '', deviceToken)).toBe('AuthPayload')
  expect(await admission(alice)).toBe('admitted')
  expect(await outcomeOf(alice, generations.at(-3)?.refreshToken ?? '', deviceToken)).toBe(refused)
  expect(await admission(alice)).toBe(ended)
})

test('the owner of a reused token is alerted on their other devices and by one mail', async ({
  clocked: server,
  alice,
}) => {
  const copied = await signIn(server, alice.email)
  const sessionId = await currentSessionId(copied)
  const { viewer } = await alice.query(ViewerDocument, {})
  const events = alice.subscribe(ViewerEventsDocument, { after: viewer?.eventsCursor ?? null })

  const first = copied.tokens.refreshToken
  await renewed(copied, (await renewed(copied, first)).refreshToken)
  for (let again = 0; again < 3; again += 1) expect(await outcomeOf(copied, first)).toBe(refused)

  expect((await events.next()).viewerEvents).toMatchObject({
    __typename: 'DeviceSessionEnded',
    deviceSession: { id: sessionId },
  })
  expect((await events.next()).viewerEvents).toMatchObject({
    __typename: 'SecurityAlert',
    kind: 'REFRESH_TOKEN_REUSED',
    deviceSession: { id: sessionId },
  })
  await server.app.platform.jobs.idle(15_000)
  const notices = server.mails.to(alice.email).filter(({ subject }) => subject === 'We signed a device of yours out')
  expect(notices).toHaveLength(1)
  expect(notices[0]?.text).toContain('a copy of a session of your account was used')
  expect(events.pending()).toEqual([])
  expect(await admission(alice)).toBe('admitted')
  events.stop()
  await copied.close()
})

test('refreshes, reuses and sign-outs at once come to one state, and none waits for another for ever', async ({
  clocked: server,
  alice,
}) => {
  const random = seededRandom(newSeed('storm of refreshes'))
  for (let round = 0; round < 3; round += 1) {
    const person = await signIn(server, alice.email)
    const first = person.tokens
    const id = await currentSessionId(person)
    const second = await renewed(person, first.refreshToken)
    const third = await renewed(person, second.refreshToken)
    const deeds: (() => Promise<Response<unknown>>)[] = [
      () => person.send(RefreshTokensDocument, { input: { refreshToken: third.refreshToken } }),
      () => person.send(RefreshTokensDocument, { input: { refreshToken: second.refreshToken } }),
      () => person.send(RefreshTokensDocument, { input: { refreshToken: first.refreshToken } }),
      () => person.send(LogoutDocument, { input: { refreshToken: third.refreshToken } }),
      () => person.send(LogoutDocument, { input: {} }),
      () => alice.send(RevokeDeviceSessionDocument, { input: { id } }),
      () => alice.send(RevokeOtherDeviceSessionsDocument, { input: {} }),
    ]
    // One of the deeds that end it is among them for certain.
    const storm = Array.from({ length: 30 }, (_, index) => deeds[index < 7 ? index : Math.floor(random() * 7)])
    const answers = await Promise.all(shuffled(storm, random).map((deed) => deed?.()))
    const codes = answers.flatMap((answer) => answer?.errors ?? []).map(({ extensions }) => extensions.code)
    expect(codes.filter((code) => code !== 'UNAUTHENTICATED')).toEqual([])

    Object.assign(person.tokens, third)
    expect(await admission(person)).toBe(ended)
    const row = (await sessionRowsOf(server, alice)).at(-1)
    expect(row?.revoked_at).not.toBeNull()
    for (const { refreshToken } of [first, second, third]) expect(await outcomeOf(person, refreshToken)).toBe(refused)
    expect((await sessionRowsOf(server, alice)).at(-1)).toEqual(row)
    expect(await admission(alice)).toBe('admitted')
    await person.close()
  }
})

test('newest and previous tokens at once leave the session alive with one counter, or ended', async ({
  clocked: server,
  alice,
}) => {
  for (let round = 0; round < 3; round += 1) {
    const person = await signIn(server, alice.email)
    const first = person.tokens.refreshToken
    const second = await renewed(person, first)
    const refreshTokens = Array.from({ length: 30 }, (_, index) => (index % 2 === 0 ? first : second.refreshToken))
    const answers = await Promise.all(
      refreshTokens.map((refreshToken) => person.send(RefreshTokensDocument, { input: { refreshToken } })),
    )
    expect(
      answers.flatMap(({ errors = [] }) => errors).filter(({ extensions }) => extensions.code !== 'UNAUTHENTICATED'),
    ).toEqual([])
    const row = (await sessionRowsOf(server, alice)).at(-1)
    // The newest was used among them, so the one before was reused unless all of those came first.
    expect(row?.refresh_counter).toBeLessThanOrEqual(2)
    expect(await outcomeOf(person, first)).toBe(refused)
    expect(await admission(person)).toBe(ended)
    await person.close()
  }
})

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
