import { expect } from 'vitest'
import { UpdateProfileDocument, ViewerDocument, ViewerEventsDocument } from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { endings } from '../../../kit/endings.ts'
import { endMembership } from '../../../kit/inside.ts'
import { mailedToken } from '../../../kit/mails.ts'
import { type Person, signIn, signUpInto } from '../../../kit/people.ts'
import { renewed } from '../../../kit/sessions.ts'
import { createPage } from '../../../kit/test.ts'
import {
  expectAlive,
  openQuietSocket,
  openQuietStream,
  socketFarewell,
  streamFarewell,
} from '../../../transport/quiet.ts'

// Nothing happens on what is watched here: the end of access is told by itself.

const limitMillis = 2_000
const revoked = { code: 4401, reason: 'Unauthorized' }
const lapsed = { code: 4403, reason: 'Forbidden' }

for (const [name, prepare] of Object.entries(endings)) {
  test(`a quiet socket and a quiet stream end within 2 s: ${name} (Outline CVE-2025-68663, Open WebUI CVE-2026-44553)`, async ({
    clocked: server,
    alice,
  }) => {
    const ending = await signIn(server, alice.email)
    const page = await createPage(alice, 'Quiet')
    const resetToken = () => mailedToken(server, alice, /reset-password/)
    const { end } = await prepare({ owner: alice, ending, resetToken })
    const { accessToken } = ending.tokens
    const socket = await openQuietSocket(server.url, accessToken, page)
    const idle = await openQuietSocket(server.url, accessToken, page)
    idle.send({ id: 'watch', type: 'complete' }) // a socket with nothing on it
    const stream = await openQuietStream(server.url, accessToken, page)
    const own = await openQuietSocket(server.url, alice.tokens.accessToken, page)

    await end()
    const endedAt = performance.now()
    const [onSocket, onStream] = await Promise.all([socketFarewell(socket), streamFarewell(stream)])
    expect([onSocket.reason, onStream.reason]).toEqual(['SESSION_ENDED', 'SESSION_ENDED'])
    expect(await Promise.all([socket.closed, idle.closed])).toEqual([revoked, revoked])
    const slowest = Math.max(onSocket.at, onStream.at, performance.now()) - endedAt
    console.log(`${name}: closed ${Math.round(slowest)} ms after the answer`)
    expect(slowest).toBeLessThan(limitMillis)

    // The session it was done from goes on, unless it was the person's all.
    if (name === 'deleteAccount' || name === 'resetPassword') expect(await own.closed).toEqual(revoked)
    else await expectAlive(own)
    own.ws.close()
    await ending.close()
  })
}

test('a member who is removed hears so on a quiet subscription, and the socket stays', async ({
  clocked: server,
  alice,
  bob,
}) => {
  const page = await createPage(alice, 'Quiet')
  const socket = await openQuietSocket(server.url, bob.tokens.accessToken, page)
  const stream = await openQuietStream(server.url, bob.tokens.accessToken, page)
  await endMembership(server, bob)
  const endedAt = performance.now()
  const farewells = await Promise.all([socketFarewell(socket), streamFarewell(stream)])
  for (const { reason, at } of farewells) {
    expect(reason).toBe('ACCESS_REMOVED')
    expect(at - endedAt).toBeLessThan(limitMillis)
  }
  socket.subscribe('nobody', '{ __typename }')
  expect(await socket.next('nobody')).toMatchObject({ payload: { data: { __typename: 'Query' } } })
  socket.ws.close()
})

test('the other members of the organization hear nothing of it', async ({ clocked: server, alice, bob }) => {
  const page = await createPage(alice, 'Quiet')
  const carol = await signUpInto(server, alice, 'Carol', 'EDITOR')
  const stays = await openQuietSocket(server.url, carol.tokens.accessToken, page)
  const leaves = await openQuietSocket(server.url, bob.tokens.accessToken, page)
  await endMembership(server, bob)
  expect((await socketFarewell(leaves)).reason).toBe('ACCESS_REMOVED')
  await expectAlive(stays)
  expect(stays.pending()).toEqual([])
  for (const socket of [stays, leaves]) socket.ws.close()
  await carol.close()
})

test('a session that is not refreshed loses its quiet socket and stream 25 s after its access', async ({
  clocked: server,
  alice,
}) => {
  const page = await createPage(alice, 'Quiet')
  const socket = await openQuietSocket(server.url, alice.tokens.accessToken, page)
  const stream = await openQuietStream(server.url, alice.tokens.accessToken, page)
  server.clock.advance({ minutes: 15, seconds: 15 })
  await expectAlive(socket)
  server.clock.advance({ seconds: 11 })
  const lapsedAt = performance.now()
  const [closed, onStream] = await Promise.all([socket.closed, streamFarewell(stream)])
  const took = performance.now() - lapsedAt
  console.log(`lapsed: closed after ${Math.round(took)} ms`)
  expect(closed).toEqual(lapsed)
  // What is to be taken up again is not told to be over.
  expect(socket.pending()).toEqual([])
  expect(onStream.reason).toBe('SESSION_ENDED')
  expect(took).toBeLessThan(3_000)
})

test('who watches the account is told a minute before access lapses, once for each access', async ({
  clocked: server,
  alice,
}) => {
  const events = await watchAccount(alice)
  server.clock.advance({ seconds: 30 })
  const later = await signIn(server, alice.email)
  const laterEvents = await watchAccount(later)
  expect((await events.next()).viewerEvents).toMatchObject({ __typename: 'SecurityAlert', kind: 'NEW_DEVICE' })

  server.clock.advance({ minutes: 13, seconds: 45 })
  const { viewerEvents: first } = await events.next()
  if (first.__typename !== 'SessionExpiring') throw new Error(`Not expiring but ${JSON.stringify(first)}`)
  const aheadMillis = new Date(first.expiresAt).getTime() - server.clock.now().getTime()
  expect(aheadMillis).toBeGreaterThan(30_000)
  expect(aheadMillis).toBeLessThanOrEqual(60_000)

  // The next sweep of all sessions has passed when the other one is told.
  server.clock.advance({ seconds: 30 })
  expect((await laterEvents.next()).viewerEvents).toMatchObject({ __typename: 'SessionExpiring' })
  expect(events.pending()).toEqual([])
  expect(laterEvents.pending()).toEqual([])

  // The next access is announced anew.
  Object.assign(alice.tokens, await renewed(alice, alice.tokens.refreshToken))
  server.clock.advance({ minutes: 14, seconds: 10 })
  const { viewerEvents: second } = await events.next()
  expect(second).toMatchObject({ __typename: 'SessionExpiring' })
  if (second.__typename === 'SessionExpiring') expect(second.expiresAt > first.expiresAt).toBe(true)
  events.stop()
  await later.close()
})

test('a session that was refreshed in time is not told that it expires', async ({ clocked: server, alice }) => {
  const idle = await signIn(server, alice.email)
  const [events, idleEvents] = [await watchAccount(alice), await watchAccount(idle)]
  await alice.mutate(UpdateProfileDocument, { input: { displayName: 'Subscribed' } })
  for (const each of [events, idleEvents]) {
    expect((await each.next()).viewerEvents).toMatchObject({ __typename: 'ViewerUpdated' })
  }
  server.clock.advance({ minutes: 13 })
  Object.assign(alice.tokens, await renewed(alice, alice.tokens.refreshToken))
  server.clock.advance({ minutes: 1, seconds: 10 })
  expect((await idleEvents.next()).viewerEvents).toMatchObject({ __typename: 'SessionExpiring' })
  await alice.mutate(UpdateProfileDocument, { input: { displayName: 'Refreshed' } })
  expect((await events.next()).viewerEvents).toMatchObject({ __typename: 'ViewerUpdated' })
  events.stop()
  await idle.close()
})

/** Watches from now on, whenever the server comes to it. */
async function watchAccount(person: Person) {
  const { viewer } = await person.query(ViewerDocument, {})
  return person.subscribe(ViewerEventsDocument, { after: viewer?.eventsCursor ?? null })
}
