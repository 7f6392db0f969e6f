import { expect } from 'vitest'
import { ApproveToolCallDocument, StopGenerationDocument, UpdateChatSessionDocument } from '../../../gql/graphql.ts'
import { lastMessage } from '../../../kit/chat.ts'
import type { Client } from '../../../kit/client.ts'
import { signUp } from '../../../kit/people.ts'
import { makeKey, programOf } from '../../../kit/programs.ts'
import { startServer, type TestServer } from '../../../kit/server.ts'
import { test as base, createPage, openChat } from '../../../kit/test.ts'
import { createProject } from '../../projects/stage.ts'
import { add, archive, update } from '../sessions/stage.ts'
import { approve, callsIn, decide, ended, have, haveDone, reject, untilAsked } from './stage.ts'

/** A server on which answers outlive that the clock is moved. */
const test = base.extend<{ patient: TestServer }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
  patient: async ({}, use) => {
    const server = await startServer({ environment: { GENERATION_LEASE_SECONDS: '3600' } })
    await use(server)
    await server.close()
  },
})

const make = (title: string) => [{ name: 'createPage', input: { title, blocks: [{ text: 'Text.' }] } }]

async function titles(server: TestServer): Promise<string[]> {
  const rows = await server.app.platform.database.unscoped.selectFrom('page').select('title').execute()
  return rows.map(({ title }) => title)
}

test('what changes something waits until who asked approves it, and is done once', async ({ server, alice, bob }) => {
  const session = await openChat(alice, { participantIds: [bob.userId] })
  await have(alice, session.id, [make('Once'), 'Done.'])
  const call = await untilAsked(bob, session.id)
  expect(call).toMatchObject({ name: 'createPage', input: { title: 'Once' }, askedBy: { id: alice.userId } })
  expect(await titles(server)).not.toContain('Once')
  const { errors } = await bob.send(ApproveToolCallDocument, {
    input: { id: call.id, digest: call.digest },
  })
  expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN')
  const verdicts = await Promise.all(Array.from({ length: 5 }, () => approve(alice, call)))
  expect(verdicts.map(({ __typename }) => __typename).sort()).toEqual(['Message', ...Array(4).fill('ToolCallDecided')])
  const message = await ended(alice, session.id)
  expect(callsIn(message)).toMatchObject([{ status: 'COMPLETED', output: { title: 'Once' } }])
  expect((await titles(server)).filter((title) => title === 'Once')).toHaveLength(1)
  expect(await approve(alice, call)).toMatchObject({ __typename: 'ToolCallDecided' })
})

test('an approval is for exactly what was shown', async ({ server, alice }) => {
  const session = await openChat(alice)
  await have(alice, session.id, [[...make('First'), ...make('Second')]])
  const first = await untilAsked(alice, session.id)
  for (const digest of ['0'.repeat(64), 'no digest'])
    expect(await approve(alice, { ...first, digest })).toMatchObject({ __typename: 'InvalidInput' })
  await approve(alice, first)
  await expect.poll(async () => (await untilAsked(alice, session.id)).id).not.toBe(first.id)
  const second = await untilAsked(alice, session.id)
  expect(second.digest).not.toBe(first.digest)
  expect(await approve(alice, { ...second, digest: first.digest })).toMatchObject({ __typename: 'InvalidInput' })
  await reject(alice, second)
  await ended(alice, session.id)
  const made = await titles(server)
  expect([made.includes('First'), made.includes('Second')]).toEqual([true, false])
})

test('what is rejected is not done, and the model is told', async ({ server, alice }) => {
  const session = await openChat(alice)
  await have(alice, session.id, [make('Unwanted'), 'Well.'])
  const call = await untilAsked(alice, session.id)
  expect(await reject(alice, call)).toMatchObject({ __typename: 'Message' })
  const message = await ended(alice, session.id)
  expect(callsIn(message)).toMatchObject([
    { status: 'REJECTED', decidedBy: { id: alice.userId }, output: { code: 'REJECTED' } },
  ])
  expect(message.content).toMatch(/createPage failed.*REJECTED.*\nWell\.$/)
  expect(await titles(server)).not.toContain('Unwanted')
  expect(await approve(alice, call)).toMatchObject({ __typename: 'ToolCallDecided' })
})

test('nobody can approve after five minutes, and nothing is done', async ({ patient }) => {
  const alice = await signUp(patient, 'Alice')
  const session = await openChat(alice)
  await have(alice, session.id, [[...make('Late'), ...make('Later')], make('Latest'), 'Too late.'])
  const call = await untilAsked(alice, session.id)
  expect(callsIn((await lastMessage(alice, session.id)) ?? { parts: [] })).toHaveLength(1)
  patient.clock.advance({ minutes: 5 })
  expect(await approve(alice, call)).toMatchObject({ __typename: 'ToolCallExpired' })
  const message = await ended(alice, session.id)
  // Nobody is there: the others do not wait for as long again.
  const expired = { status: 'EXPIRED', output: { code: 'EXPIRED' } }
  expect(callsIn(message)).toMatchObject([expired, expired, expired])
  expect((await titles(patient)).filter((title) => title.startsWith('Late'))).toEqual([])
  await alice.close()
})

test('an answer that is stopped takes along what waits', async ({ server, alice }) => {
  const session = await openChat(alice)
  const messageId = await have(alice, session.id, [make('Stopped')])
  const call = await untilAsked(alice, session.id)
  await alice.mutate(StopGenerationDocument, { input: { messageId } })
  expect(await approve(alice, call)).toMatchObject({ __typename: 'ToolCallDecided' })
  const message = await lastMessage(alice, session.id)
  expect(message && callsIn(message)).toMatchObject([{ status: 'CANCELLED' }])
  expect(await titles(server)).not.toContain('Stopped')
})

test('in a session that allows it nothing waits, for who allowed it alone', async ({ server, alice, bob }) => {
  const session = await openChat(alice, { participantIds: [bob.userId] })
  await update(alice, { id: session.id, expectedVersion: 1, toolApproval: 'ALLOW' })
  const message = await haveDone(alice, session.id, [make('Allowed')])
  expect(callsIn(message)).toMatchObject([{ status: 'COMPLETED', expiresAt: null }])
  expect(await titles(server)).toContain('Allowed')
  await have(bob, session.id, [make('Of Bob')])
  await reject(bob, await untilAsked(bob, session.id))
  await ended(bob, session.id)
  expect(await titles(server)).not.toContain('Of Bob')
})

test('no program allows tools for itself, and what it asks for goes by its own grants', async ({ alice }) => {
  const session = await openChat(alice)
  const { secret } = await makeKey(alice, {
    permissions: ['chat_session.read', 'chat_session.update', 'message.send', 'tool_call.approve'],
  })
  const key = programOf(alice, secret)
  const input = { id: session.id, expectedVersion: 1, toolApproval: 'ALLOW' as const }
  const { errors } = await key.send(UpdateChatSessionDocument, { input })
  expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN')
  // It may send, and approve what it asked for, but its grants have no pages: nothing comes of it.
  await have(key, session.id, [make('By a key')])
  const { id, digest } = await untilAsked(key, session.id)
  const reader = programOf(alice, (await makeKey(alice, { permissions: ['chat_session.read', 'message.send'] })).secret)
  const refused = await reader.send(ApproveToolCallDocument, { input: { id, digest } })
  expect(refused.errors?.[0]?.extensions.code).toBe('FORBIDDEN')
  await reader.close()
  await approve(key, { id, digest })
  const message = await ended(alice, session.id)
  expect(callsIn(message)).toMatchObject([{ status: 'FAILED', output: { code: 'FORBIDDEN' } }])
  await key.close()
})

test('a key decides about what was asked with it, and about nothing that its person asked', async ({
  server,
  alice,
}) => {
  const session = await openChat(alice)
  const permissions = ['chat_session.read', 'message.send', 'tool_call.approve', 'tool_call.reject']
  const [one, other] = await Promise.all(
    [1, 2].map(async () => programOf(alice, (await makeKey(alice, { permissions })).secret)),
  )
  const codeOf = async (client: Client, { id, digest }: { id: string; digest: string }) =>
    (await client.send(ApproveToolCallDocument, { input: { id, digest } })).errors?.[0]?.extensions.code
  if (one === undefined || other === undefined) throw new Error('There are no keys')
  await have(alice, session.id, [make('Of the person')])
  const asked = await untilAsked(alice, session.id)
  expect(await codeOf(one, asked)).toBe('FORBIDDEN')
  await reject(alice, asked)
  await ended(alice, session.id)
  expect(await titles(server)).not.toContain('Of the person')
  await have(one, session.id, [make('Of the key')])
  const byKey = await untilAsked(alice, session.id)
  expect(await codeOf(other, byKey)).toBe('FORBIDDEN')
  expect(await reject(alice, byKey)).toMatchObject({ __typename: 'Message' })
  await ended(alice, session.id)
  await Promise.all([one.close(), other.close()])
})

test('in an archived session nothing is approved, and nothing that was is done', async ({ server, alice }) => {
  const session = await openChat(alice)
  await have(alice, session.id, [make('Archived')])
  const call = await untilAsked(alice, session.id)
  await archive(alice, session.id)
  expect(await approve(alice, call)).toMatchObject({ __typename: 'SessionArchived' })
  // As if it had been approved a moment before.
  await decide(server, call.id, 'APPROVED')
  expect(callsIn(await ended(alice, session.id))).toMatchObject([
    { status: 'FAILED', output: { code: 'SESSION_ARCHIVED' } },
  ])
  expect(await titles(server)).not.toContain('Archived')
})

test('what came of a tool is hidden from who may not read what it was read from', async ({ alice, bob }) => {
  const projectId = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const page = await createPage(alice, 'Secret', projectId)
  const session = await openChat(alice)
  await haveDone(alice, session.id, [[{ name: 'readPage', input: { pageId: page.id } }]])
  await add(alice, session.id, bob)
  const [seen, own] = await Promise.all([bob, alice].map((person) => lastMessage(person, session.id)))
  expect(seen && callsIn(seen)).toMatchObject([{ status: 'COMPLETED', output: null }])
  expect(own && callsIn(own)).toMatchObject([{ output: { title: 'Secret' } }])
  // With Bob there it is not read any more.
  const message = await haveDone(alice, session.id, [[{ name: 'readPage', input: { pageId: page.id } }]])
  expect(callsIn(message)).toMatchObject([{ status: 'FAILED', output: { code: 'NOT_FOUND' } }])
})
