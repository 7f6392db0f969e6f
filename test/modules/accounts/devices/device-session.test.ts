import { type DocumentNode, parse, print } from 'graphql'
import { expect, onTestFinished } from 'vitest'
import { encodeTypeId } from '../../../../src/lib/typeid.ts'
import { revokeDeviceSession } from '../../../../src/modules/accounts/devices/device-session.service.ts'
import {
  LoginDocument,
  LogoutDocument,
  NodeDocument,
  RevokeDeviceSessionDocument,
  RevokeOtherDeviceSessionsDocument,
  ViewerDocument,
} from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { contextOf } from '../../../kit/inside.ts'
import { type Person, signIn, signUp, uuidIn } from '../../../kit/people.ts'
import { startServer } from '../../../kit/server.ts'
import { admission, currentSessionId, sessionEnded as ended, outcomeOf, sessionRowsOf } from '../../../kit/sessions.ts'

const unknownId = 'device_session_01jd0000000000000000000000'

async function sessionsOf(person: Person) {
  const { viewer } = await person.query(ViewerDocument, {})
  return viewer?.deviceSessions ?? { nodes: [], totalCount: 0 }
}

/** The same person on another device, gone after the test. */
async function another(person: Person): Promise<Person> {
  const other = await signIn(person, person.email)
  onTestFinished(() => other.close())
  return other
}

test('a person sees the devices they are signed in on, newest first, and which one asks', async ({ alice }) => {
  const userAgent = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148'
  const input = { identifier: alice.email, password: alice.password, deviceName: 'My phone' }
  const signedIn = await fetch(`${alice.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', 'user-agent': userAgent },
    body: JSON.stringify({ query: print(LoginDocument), variables: { input } }),
  })
  expect(await signedIn.json()).toMatchObject({ data: { login: { __typename: 'AuthPayload' } } })

  const { nodes, totalCount } = await sessionsOf(alice)
  expect(totalCount).toBe(2)
  expect(nodes).toMatchObject([
    { deviceName: 'My phone', deviceType: 'MOBILE', userAgent, isCurrent: false, ipAddress: '127.0.0.1' },
    { deviceName: null, deviceType: 'OTHER', isCurrent: true, ipAddress: '127.0.0.1' },
  ])
  for (const { createdAt, lastSeenAt, expiresAt } of nodes) {
    expect(lastSeenAt >= createdAt).toBe(true)
    expect(new Date(expiresAt).getTime() - new Date(createdAt).getTime()).toBe(7 * 86_400_000)
  }
})

test('when a session was last seen is written at most once a minute', async ({ clocked: server, alice }) => {
  const seen = async () => (await sessionRowsOf(server, alice))[0]?.last_seen_at
  const atFirst = await seen()
  for (let request = 0; request < 5; request += 1) await admission(alice)
  expect(await seen()).toEqual(atFirst)
  server.clock.advance({ seconds: 61 })
  const requests = await Promise.all(Array.from({ length: 20 }, () => admission(alice)))
  expect(new Set(requests)).toEqual(new Set(['admitted']))
  const later = await seen()
  expect(Number(later) - Number(atFirst)).toBeGreaterThanOrEqual(61_000)
  await admission(alice)
  expect(await seen()).toEqual(later)
  expect((await sessionsOf(alice)).nodes[0]?.lastSeenAt).toBe(later?.toISOString())
})

test('of one person no more devices than the setting are signed in: the one that refreshed longest ago ends', async () => {
  const server = await startServer({ environment: { MAX_DEVICE_SESSIONS: '3' } })
  onTestFinished(() => server.close())
  const alice = await signUp(server, 'Alice')
  onTestFinished(() => alice.close())
  const [second, third] = [await another(alice), await another(alice)]
  expect(await outcomeOf(alice, alice.tokens.refreshToken)).toBe('AuthPayload') // newer than the other two by this
  const fourth = await another(alice)
  expect(await Promise.all([alice, second, third, fourth].map(admission))).toEqual([
    'admitted',
    ended,
    'admitted',
    'admitted',
  ])
  expect(await outcomeOf(second, second.tokens.refreshToken)).toBe('InvalidRefreshToken')
  expect((await sessionsOf(alice)).totalCount).toBe(3)

  // Whose session the next ones have ended before it was answered is told so.
  const input = { identifier: alice.email, password: alice.password }
  const crowd = await Promise.all(Array.from({ length: 10 }, () => fourth.send(LoginDocument, { input })))
  const codes = crowd.flatMap(({ errors = [] }) => errors.map(({ extensions }) => extensions.code))
  expect(codes.filter((code) => code !== 'UNAUTHENTICATED')).toEqual([])
  expect(codes.length).toBeLessThanOrEqual(7)
  const living = (await sessionRowsOf(server, alice)).filter((row) => row.revoked_at === null)
  expect(living).toHaveLength(3)
  expect(await admission(alice)).toBe(ended)
})

test('a device is signed out from another one, at once and for good', async ({ clocked: server, alice }) => {
  const tablet = await another(alice)
  const id = await currentSessionId(tablet)
  const revoke = async () => (await alice.mutate(RevokeDeviceSessionDocument, { input: { id } })).revokeDeviceSession
  const first = await revoke()
  expect(first).toMatchObject({ __typename: 'DeviceSession', id, revokedAt: expect.any(String), isCurrent: false })
  expect(await admission(tablet)).toBe(ended)
  expect(await outcomeOf(tablet, tablet.tokens.refreshToken)).toBe('InvalidRefreshToken')
  server.clock.advance({ seconds: 5 })
  // Once more is no error, and changes nothing.
  expect(await revoke()).toEqual(first)
  expect((await sessionsOf(alice)).nodes.map((session) => session.id)).not.toContain(id)
  expect(await admission(alice)).toBe('admitted')
})

test("another person's session and one that never was get the same answer", async ({ alice, stranger }) => {
  const theirs = await currentSessionId(stranger)
  const answers = []
  for (const id of [theirs, unknownId]) {
    const { data, errors } = await alice.send(RevokeDeviceSessionDocument, { input: { id } })
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }])
    const [error] = errors ?? []
    answers.push({ data, ...error, extensions: { ...error?.extensions, requestId: null } })
  }
  expect(answers[0]).toEqual(answers[1])
  expect(await admission(stranger)).toBe('admitted')
})

test('whoever ends the session they are on is nobody for the rest of the document', async ({ alice }) => {
  const id = await currentSessionId(alice)
  const rest = 'b: updateProfile(input: { displayName: "Too late" }) { __typename }'
  const documents: [string, DocumentNode][] = [
    ['logout', parse(`mutation { a: logout(input: {}) { __typename } ${rest} }`)],
    [
      'revokeDeviceSession',
      parse(`mutation ($id: ID!) { a: revokeDeviceSession(input: { id: $id }) { __typename } ${rest} }`),
    ],
  ]
  for (const [name, document] of documents) {
    const person = name === 'logout' ? await another(alice) : alice
    const { data, errors } = await person.send(print(document), name === 'logout' ? {} : { id })
    const types = { logout: 'LogoutPayload', revokeDeviceSession: 'DeviceSession' }
    expect([name, data]).toMatchObject([name, { a: { __typename: types[name as keyof typeof types] }, b: null }])
    expect([name, errors]).toMatchObject([name, [{ path: ['b'], extensions: { code: 'UNAUTHENTICATED' } }]])
    expect(await admission(person)).toBe(ended)
  }
  const back = await another(alice)
  expect((await back.query(ViewerDocument, {})).viewer?.actor.displayName).toBe('Alice')
})

test('all other devices are signed out, or those alone that were not seen since a time', async ({
  clocked: server,
  alice,
}) => {
  const [old, recent] = [await another(alice), await another(alice)]
  server.clock.advance({ minutes: 5 })
  const notSeenSince = server.clock.now().toISOString()
  server.clock.advance({ seconds: 1 })
  expect(await admission(recent)).toBe('admitted')
  // Asking itself would be a use of it.
  const oldId = encodeTypeId('device_session', (await sessionRowsOf(server, alice))[1]?.id ?? '')
  const revoke = async (input: { notSeenSince?: string }) =>
    (await alice.mutate(RevokeOtherDeviceSessionsDocument, { input })).revokeOtherDeviceSessions
  expect(await revoke({ notSeenSince })).toEqual({ __typename: 'RevokedSessions', deviceSessionIds: [oldId] })
  expect(await Promise.all([old, recent, alice].map(admission))).toEqual([ended, 'admitted', 'admitted'])

  const recentId = await currentSessionId(recent)
  expect(await revoke({})).toEqual({ __typename: 'RevokedSessions', deviceSessionIds: [recentId] })
  expect(await Promise.all([recent, alice].map(admission))).toEqual([ended, 'admitted'])
  expect(await revoke({})).toEqual({ __typename: 'RevokedSessions', deviceSessionIds: [] })
})

test('signing out ends the session of the access token and no other', async ({ alice }) => {
  const tablet = await another(alice)
  const id = await currentSessionId(tablet)
  expect((await tablet.mutate(LogoutDocument, { input: {} })).logout).toEqual({
    __typename: 'LogoutPayload',
    deviceSessionId: id,
  })
  expect(await Promise.all([tablet, alice].map(admission))).toEqual([ended, 'admitted'])
  expect((await sessionsOf(alice)).totalCount).toBe(1)
})

test('a session is a node for its owner alone', async ({ alice, bob, stranger }) => {
  const id = await currentSessionId(alice)
  expect((await alice.query(NodeDocument, { id })).node).toEqual({ __typename: 'DeviceSession', id })
  const answerTo = async (person: Person, nodeId: string) => {
    const { data, errors = [] } = await person.send(NodeDocument, { id: nodeId })
    return { data, codes: errors.map(({ message, extensions }) => [message, extensions.code]) }
  }
  for (const person of [bob, stranger]) {
    const told = await answerTo(person, id)
    expect(told.data?.node ?? null).toBeNull()
    expect(told).toEqual(await answerTo(person, unknownId))
  }
})

test('who was signed out while their request waited signs no device out', async ({ clocked: server, alice }) => {
  const tablet = await signIn(server, alice.email)
  const ctx = await contextOf(server, tablet)
  const id = await currentSessionId(alice)
  await alice.mutate(RevokeDeviceSessionDocument, { input: { id: await currentSessionId(tablet) } })
  await expect(revokeDeviceSession(ctx, uuidIn(id))).rejects.toThrow('Sign in')
  expect(await admission(alice)).toBe('admitted')
  await tablet.close()
})
