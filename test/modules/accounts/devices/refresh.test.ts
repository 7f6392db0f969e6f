import { expect } from 'vitest'
import { createSealedBox } from '../../../../src/platform/crypto/sealed-box.ts'
import { LogoutDocument, ViewerDocument } from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { endMembership, trailOf } from '../../../kit/inside.ts'
import { type Person, signIn, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import {
  admission,
  sessionEnded as ended,
  accessExpired as expired,
  outcomeOf,
  outcomeOnOtherClient,
  renewed,
} from '../../../kit/sessions.ts'

async function counterIn(server: TestServer, refreshToken: string): Promise<unknown> {
  return server.app.platform.refreshBox.open(refreshToken)
}

test('a refresh token is traded for new tokens that work, again and again', async ({ clocked: server, alice }) => {
  for (let counter = 1; counter <= 3; counter += 1) {
    Object.assign(alice.tokens, await renewed(alice, alice.tokens.refreshToken))
    expect(await counterIn(server, alice.tokens.refreshToken)).toMatchObject({ n: counter })
    expect(await admission(alice)).toBe('admitted')
  }
})

test('of 50 refreshes at once all get the same successor and nobody is signed out (Keycloak CVE-2026-1035)', async ({
  clocked: server,
  alice,
}) => {
  const { refreshToken } = alice.tokens
  const successors = await Promise.all(Array.from({ length: 50 }, () => renewed(alice, refreshToken)))
  const inside = await Promise.all(successors.map((tokens) => counterIn(server, tokens.refreshToken)))
  expect(new Set(inside.map((token) => JSON.stringify(token))).size).toBe(1)
  expect(inside[0]).toMatchObject({ n: 1 })

  for (const tokens of [successors[0], successors[49]]) {
    Object.assign(alice.tokens, tokens)
    expect(await admission(alice)).toBe('admitted')
  }
  expect(await outcomeOf(alice, successors[24]?.refreshToken ?? '')).toBe('AuthPayload')
})

test('who never got the answer refreshes with the old token once more', async ({ alice }) => {
  const { refreshToken } = alice.tokens
  await renewed(alice, refreshToken) // committed; the answer is lost
  Object.assign(alice.tokens, await renewed(alice, refreshToken))
  Object.assign(alice.tokens, await renewed(alice, alice.tokens.refreshToken))
  expect(await admission(alice)).toBe('admitted')
})

test('a spent token ends the session of whoever copied it, and that of its owner', async ({
  clocked: server,
  alice,
}) => {
  const first = alice.tokens.refreshToken
  const second = await renewed(alice, first)
  const third = await renewed(alice, second.refreshToken)
  Object.assign(alice.tokens, third)
  expect(await admission(alice)).toBe('admitted')

  expect(await outcomeOf(alice, first)).toBe('InvalidRefreshToken')
  expect(await admission(alice)).toBe(ended)
  expect(await outcomeOf(alice, third.refreshToken)).toBe('InvalidRefreshToken')
  expect(await outcomeOf(alice, second.refreshToken)).toBe('InvalidRefreshToken')

  const trail = await trailOf(server, { organizationId: alice.organizationId })
  const refreshes = trail.filter((event) => event.action === 'session.refresh')
  expect(refreshes.map((event) => event.outcome)).toEqual(['allowed', 'allowed', 'denied', 'denied', 'denied'])
  expect(new Set(refreshes.map((event) => event.actor))).toEqual(new Set([alice.userId]))
})

test('a thief and an owner in lockstep are found out, whoever of them is first', async ({ clocked: server, alice }) => {
  for (const thiefIsFirst of [true, false]) {
    const person = await signIn(server, alice.email)
    const { refreshToken } = person.tokens
    const owner = () => outcomeOf(person, refreshToken)
    const thief = () => outcomeOnOtherClient(person, refreshToken)
    const [first, second] = thiefIsFirst ? [thief, owner] : [owner, thief]
    expect([await first(), await second(), await first()]).toEqual([
      'AuthPayload',
      'InvalidRefreshToken',
      'InvalidRefreshToken',
    ])
    expect(await admission(person)).toBe(ended)
    await person.close()
  }
})

test('a client that has changed its name trades its newest token all the same', async ({ alice }) => {
  const second = await renewed(alice, alice.tokens.refreshToken)
  expect(await outcomeOnOtherClient(alice, second.refreshToken)).toBe('AuthPayload')
  expect(await outcomeOnOtherClient(alice, second.refreshToken)).toBe('AuthPayload')
})

test('another device of the same person is not concerned', async ({ clocked: server, alice }) => {
  const tablet = await signIn(server, alice.email)
  const first = alice.tokens.refreshToken
  await renewed(alice, (await renewed(alice, first)).refreshToken)
  expect(await outcomeOf(alice, first)).toBe('InvalidRefreshToken')
  expect(await admission(alice)).toBe(ended)
  expect(await admission(tablet)).toBe('admitted')
  await tablet.close()
})

test('the previous token answers for a day, and after that counts as copied', async ({ clocked: server, alice }) => {
  const first = alice.tokens.refreshToken
  const second = await renewed(alice, first)
  server.clock.advance({ hours: 23 })
  expect(await outcomeOf(alice, first)).toBe('AuthPayload')
  server.clock.advance({ hours: 2 })
  expect(await outcomeOf(alice, first)).toBe('InvalidRefreshToken')
  expect(await outcomeOf(alice, second.refreshToken)).toBe('InvalidRefreshToken')
})

test('a session ends after 7 days without a refresh', async ({ clocked: server, alice, stranger }) => {
  server.clock.advance({ days: 6, hours: 23 })
  Object.assign(alice.tokens, await renewed(alice, alice.tokens.refreshToken))
  server.clock.advance({ hours: 2 })
  expect(await outcomeOf(stranger, stranger.tokens.refreshToken)).toBe('InvalidRefreshToken')
  expect(await outcomeOf(alice, alice.tokens.refreshToken)).toBe('AuthPayload')
})

test('a session ends after 30 days however often it is refreshed', async ({ clocked: server, alice }) => {
  for (let refreshes = 0; refreshes < 4; refreshes += 1) {
    server.clock.advance({ days: 6 })
    Object.assign(alice.tokens, await renewed(alice, alice.tokens.refreshToken))
  }
  server.clock.advance({ days: 5, hours: 23, minutes: 50 })
  Object.assign(alice.tokens, await renewed(alice, alice.tokens.refreshToken))
  expect(await admission(alice)).toBe('admitted')
  server.clock.advance({ minutes: 11 })
  expect(await outcomeOf(alice, alice.tokens.refreshToken)).toBe('InvalidRefreshToken')
  // Not a minute longer either, though this access token was made for 15.
  expect(await admission(alice)).toBe(ended)
})

test('what is no refresh token of ours is refused and changes nothing', async ({ clocked: server, alice }) => {
  const { refreshToken, accessToken } = alice.tokens
  const { deviceSessionId } = await sessionOf(server, alice)
  const ours = server.app.platform.refreshBox
  const theirs = createSealedBox(Buffer.alloc(32, 'x'))
  const forgeries = [
    '',
    'garbage',
    '....',
    accessToken,
    `${refreshToken}x`,
    refreshToken.replace(/^[^.]*/, Buffer.from('{"alg":"none"}').toString('base64url')),
    flipped(refreshToken),
    await theirs.seal({ sid: deviceSessionId, n: 0 }),
    await ours.seal({ sid: deviceSessionId, n: -1 }),
    await ours.seal({ sid: deviceSessionId, n: 0.5 }),
    await ours.seal({ sid: deviceSessionId, n: 7 }),
    await ours.seal({ sid: 'garbage', n: 0 }),
    await ours.seal({ sid: '01890000-0000-7000-8000-000000000000', n: 0 }),
    await ours.seal([]),
  ]
  for (const forgery of forgeries)
    expect([forgery, await outcomeOf(alice, forgery)]).toEqual([forgery, 'InvalidRefreshToken'])
  expect(await outcomeOf(alice, 'x'.repeat(8_193))).toBe('InvalidInput')
  expect(await admission(alice)).toBe('admitted')
  expect(await outcomeOf(alice, refreshToken)).toBe('AuthPayload')
})

test('who is no longer a member gets new tokens for an organization they are in, and none for that one', async ({
  clocked: server,
  bob,
}) => {
  await endMembership(server, bob)
  const { accessToken } = await renewed(bob, bob.tokens.refreshToken)
  expect(await admission(bob)).toBe('You are no longer a member of this organization.')
  bob.tokens.accessToken = accessToken
  const { viewer } = await bob.query(ViewerDocument, {})
  expect(viewer).toMatchObject({ role: 'OWNER', organization: { name: "Bob's workspace" } })
  expect(viewer?.organization.id).not.toBe(bob.organizationId)
})

test('signing out refuses the access token and the refresh token at once', async ({ clocked: server, alice }) => {
  const tablet = await signIn(server, alice.email)
  const { logout } = await alice.mutate(LogoutDocument, { input: {} })
  expect(logout).toMatchObject({ deviceSessionId: expect.stringMatching(/^device_session_/) })
  expect(await admission(alice)).toBe(ended)
  expect(await outcomeOf(alice, alice.tokens.refreshToken)).toBe('InvalidRefreshToken')
  expect(await admission(tablet)).toBe('admitted')
  await tablet.close()
})

test('a refresh token signs its session out when the access token has expired', async ({ clocked: server, alice }) => {
  server.clock.advance({ minutes: 16 })
  expect(await admission(alice)).toBe(expired)
  const { refreshToken } = alice.tokens
  const signOut = async () => (await alice.mutate(LogoutDocument, { input: { refreshToken } })).logout.__typename
  expect(await signOut()).toBe('LogoutPayload')
  expect(await outcomeOf(alice, refreshToken)).toBe('InvalidRefreshToken')

  const { revokedAt } = await sessionOf(server, alice)
  expect(await signOut()).toBe('LogoutPayload')
  expect((await sessionOf(server, alice)).revokedAt).toEqual(revokedAt)
})

test('nobody can sign out nobody', async ({ anonymous, alice }) => {
  const nobody = await anonymous.send(LogoutDocument, { input: {} })
  expect(nobody.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
  const garbage = await anonymous.mutate(LogoutDocument, { input: { refreshToken: alice.tokens.accessToken } })
  expect(garbage.logout.__typename).toBe('InvalidRefreshToken')
  expect((await alice.query(ViewerDocument, {})).viewer?.role).toBe('OWNER')
})

async function sessionOf(server: TestServer, person: Person) {
  return server.app.platform.database.unscoped
    .selectFrom('device_session')
    .select(['id as deviceSessionId', 'revoked_at as revokedAt'])
    .where('user_id', '=', uuidIn(person.userId))
    .executeTakeFirstOrThrow()
}

/** The same text with one character of its ciphertext changed. */
function flipped(token: string): string {
  const at = token.lastIndexOf('.') - 4
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}
