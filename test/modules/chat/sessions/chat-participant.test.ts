import { expect } from 'vitest'
import {
  ArchiveProjectDocument,
  ChatEventsDocument,
  CreateChatSessionDocument,
  RemoveChatParticipantDocument,
  SendMessageDocument,
} from '../../../gql/graphql.ts'
import { trailOf } from '../../../kit/inside.ts'
import { signUpInto, uuidIn } from '../../../kit/people.ts'
import { makeAgent, makeKey, programOf, tokenOf } from '../../../kit/programs.ts'
import type { TestServer } from '../../../kit/server.ts'
import { ask, openChat, test } from '../../../kit/test.ts'
import { addTo, createProject } from '../../projects/stage.ts'
import { add, archive, erase, look, peopleIn, remove, untilEnd } from './stage.ts'

test('whoever is added sees all that was said, and adding them twice changes nothing', async ({ alice, bob }) => {
  const session = await openChat(alice)
  await ask(alice, session, 'scenario/words-1')
  expect(await look(bob, session.id)).toBe(null)
  const ours = [alice.userId, bob.userId]
  for (let time = 0; time < 2; time += 1) {
    const added = await add(alice, session.id, bob)
    if (added.__typename !== 'ChatSession') throw new Error(added.__typename)
    expect(added.participants.map((one) => one.id)).toEqual(ours)
  }
  expect(await look(bob, session.id)).toMatchObject({ version: 1, messages: { totalCount: 2 } })
  expect(await add(alice, session.id, alice)).toMatchObject({ __typename: 'ChatSession' })
})

test('whoever takes part adds others, and nobody else does', async ({ server, alice, bob, stranger }) => {
  const carol = await signUpInto(server, alice, 'Carol', 'VIEWER')
  const { id } = await openChat(alice)
  for (const person of [bob, stranger]) await expect(add(person, id, person)).rejects.toThrow('NOT_FOUND')
  await add(alice, id, bob)
  await add(bob, id, carol)
  expect(await peopleIn(carol, id)).toEqual([alice.userId, bob.userId, carol.userId].sort())
  await carol.close()
})

test('only members of the organization who can read the project are added', async ({ alice, bob, stranger }) => {
  const closed = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const { id } = await openChat(alice, { projectId: closed })
  await expect(add(alice, id, stranger)).rejects.toThrow('NOT_FOUND')
  expect(await add(alice, id, bob)).toMatchObject({ __typename: 'ProjectClosedToParticipant' })
  await addTo(alice, closed, bob, 'VIEWER')
  expect(await add(alice, id, bob)).toMatchObject({ __typename: 'ChatSession' })
})

test('a guest takes part in a session of a project of theirs, and of no other', async ({ server, alice }) => {
  const guest = await signUpInto(server, alice, 'Guest', 'GUEST')
  const project = await createProject(alice, { name: 'Open' })
  const { id } = await openChat(alice, { projectId: project })
  expect(await add(alice, id, guest)).toMatchObject({ __typename: 'ProjectClosedToParticipant' })
  await addTo(alice, project, guest, 'VIEWER')
  expect(await add(alice, id, guest)).toMatchObject({ __typename: 'ChatSession' })
  await guest.close()
})

test('at most fifty people take part in a session', async ({ server, alice, bob }) => {
  const { id } = await openChat(alice)
  await fill(server, { id, like: alice.userId, count: 48 })
  expect(await add(alice, id, bob)).toMatchObject({ __typename: 'ChatSession' })
  const carol = await signUpInto(server, alice, 'Carol', 'VIEWER')
  const full = { __typename: 'TooManyParticipants', code: 'TOO_MANY_PARTICIPANTS' }
  expect(await add(alice, id, carol)).toMatchObject(full)
  expect(await add(alice, id, bob)).toMatchObject({ __typename: 'ChatSession' })
  await carol.close()
  const participantIds = Array.from({ length: 50 }, (_, index) => `user_01h000000000000000000000${index + 10}`)
  const { createChatSession } = await alice.mutate(CreateChatSessionDocument, { input: { participantIds } })
  expect(createChatSession).toMatchObject(full)
})

test('who opened a session takes others out, and others do once they have left', async ({ server, alice, bob }) => {
  const carol = await signUpInto(server, alice, 'Carol', 'VIEWER')
  const { id } = await openChat(alice, { participantIds: [bob.userId, carol.userId] })
  await expect(remove(bob, id, carol)).rejects.toThrow('FORBIDDEN')
  await expect(erase(bob, id)).rejects.toThrow('FORBIDDEN')
  const denied = (await trailOf(server, { organizationId: alice.organizationId })).filter(
    ({ outcome }) => outcome === 'denied',
  )
  expect(denied).toMatchObject([
    { action: 'chat_session.remove_participant', target: id, actor: bob.userId },
    { action: 'chat_session.delete', target: id, actor: bob.userId },
  ])
  expect(await remove(alice, id, carol)).toMatchObject({ removedId: carol.userId, session: { id } })
  expect(await look(carol, id)).toBe(null)
  await add(alice, id, carol)
  expect(await remove(alice, id, alice)).toMatchObject({ removedId: alice.userId, session: null })
  expect(await look(alice, id)).toBe(null)
  expect(await remove(bob, id, carol)).toMatchObject({ removedId: carol.userId })
  expect(await erase(bob, id)).toMatchObject({ deletedId: id })
  await carol.close()
})

test('of a session that an agent opened, its owner decides', async ({ alice, bob }) => {
  const agent = await makeAgent(alice, {
    trustLevel: 'WRITE',
    permissions: ['user.read', 'chat_session.read', 'chat_session.create'],
  })
  const program = programOf(alice, await tokenOf(alice, agent))
  const { createChatSession: made } = await program.mutate(CreateChatSessionDocument, {
    input: { participantIds: [bob.userId] },
  })
  if (made.__typename !== 'ChatSession') throw new Error(`The session came to ${JSON.stringify(made)}`)
  await expect(remove(bob, made.id, alice)).rejects.toThrow('FORBIDDEN')
  await expect(erase(bob, made.id)).rejects.toThrow('FORBIDDEN')
  expect(await remove(alice, made.id, bob)).toMatchObject({ removedId: bob.userId })
  await program.close()
})

test('a program that may not delete a session takes nobody out who is the last', async ({ alice }) => {
  const { id } = await openChat(alice)
  const key = await makeKey(alice, { permissions: ['chat_session.read', 'chat_session.remove_participant'] })
  const program = programOf(alice, key.secret)
  const input = { id, userId: alice.userId }
  await expect(program.mutate(RemoveChatParticipantDocument, { input })).rejects.toThrow('FORBIDDEN')
  expect(await look(alice, id)).not.toBe(null)
  await program.close()
})

test('a session is opened in no project that somebody in it cannot read', async ({ alice, bob }) => {
  const projectId = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const input = { projectId, participantIds: [bob.userId] }
  const open = async () => (await alice.mutate(CreateChatSessionDocument, { input })).createChatSession
  expect(await open()).toMatchObject({ __typename: 'ProjectClosedToParticipant' })
  await addTo(alice, projectId, bob, 'VIEWER')
  expect(await open()).toMatchObject({ __typename: 'ChatSession' })
})

test('whoever takes no part is taken out by nobody', async ({ alice, bob, stranger }) => {
  const { id } = await openChat(alice)
  for (const nobody of [bob, stranger]) await expect(remove(alice, id, nobody)).rejects.toThrow('NOT_FOUND')
  await expect(remove(bob, id, bob)).rejects.toThrow('NOT_FOUND')
  expect(await peopleIn(alice, id)).toEqual([alice.userId])
})

test('whoever is in an archived session, or one of an archived project, may leave it', async ({ alice, bob }) => {
  const project = await createProject(alice, { name: 'Done' })
  const { id } = await openChat(alice, { projectId: project, participantIds: [bob.userId] })
  await archive(alice, id)
  await alice.mutate(ArchiveProjectDocument, { input: { id: project } })
  expect(await remove(bob, id, bob)).toMatchObject({ removedId: bob.userId, session: null })
})

test('with the last one who leaves a session is deleted', async ({ server, alice }) => {
  const session = await openChat(alice)
  await ask(alice, session, 'scenario/stall-1')
  const events = alice.subscribe(ChatEventsDocument, { sessionId: session.id, after: session.eventsCursor })
  await events.next()
  await remove(alice, session.id, alice)
  expect((await untilEnd(events)).at(-1)).toMatchObject({ __typename: 'SubscriptionEnded' })
  expect(await rowsOf(server, session.id)).toEqual([0, 0, 0])
})

test('what somebody who is taken out has open of it ends at once, and no later event comes', async ({ alice, bob }) => {
  const session = await openChat(alice, { participantIds: [bob.userId] })
  const { id } = session
  const events = bob.subscribe(ChatEventsDocument, { sessionId: id, after: session.eventsCursor })
  await ask(alice, session, 'scenario/words-1', 'Who listens?')
  await events.next()
  await remove(alice, id, bob)
  await ask(alice, session, 'scenario/words-1', 'Who else?').catch(() => undefined)
  const told = await untilEnd(events)
  expect(told.at(-1)).toMatchObject({ reason: 'ACCESS_REMOVED' })
  expect(told.map(({ __typename }) => __typename)).not.toContain('SessionUpdated')
  expect(JSON.stringify(told)).not.toContain('Who else?')
  const input = { sessionId: id, content: 'May I?' }
  await expect(bob.mutate(SendMessageDocument, { input })).rejects.toThrow('NOT_FOUND')
})

test('an answer goes on when who asked is taken out', async ({ alice, bob }) => {
  const session = await openChat(alice, { participantIds: [bob.userId] })
  const events = alice.subscribe(ChatEventsDocument, { sessionId: session.id, after: session.eventsCursor })
  await ask(bob, session, 'scenario/slow-3')
  await remove(alice, session.id, bob)
  for (;;) {
    const { chatEvents } = await events.next({ within: 20_000 })
    if (chatEvents.__typename !== 'MessageFinished') continue
    expect(chatEvents.message).toMatchObject({ status: 'COMPLETED' })
    break
  }
  events.stop()
})

interface Fill {
  readonly id: string
  /** Somebody whose row those of the others are made like. */
  readonly like: string
  readonly count: number
}

/** Has as many more people take part who are nobody in particular. */
async function fill(server: TestServer, { id, like, count }: Fill): Promise<void> {
  const { unscoped } = server.app.platform.database
  const user = await unscoped.selectFrom('user').selectAll().where('id', '=', uuidIn(like)).executeTakeFirstOrThrow()
  const ids = Array.from({ length: count }, () => crypto.randomUUID())
  const people = ids.map((one) => ({
    ...user,
    id: one,
    email: `${one}@example.org`,
    email_key: one,
    username: null,
    username_key: null,
  }))
  await unscoped.insertInto('user').values(people).execute()
  const own = unscoped.selectFrom('chat_participant').selectAll().where('session_id', '=', uuidIn(id))
  const row = await own.executeTakeFirstOrThrow()
  await unscoped
    .insertInto('chat_participant')
    .values(ids.map((user_id) => ({ ...row, user_id })))
    .execute()
}

/** How many rows there are of a session, who takes part, and what was said. */
async function rowsOf(server: TestServer, id: string): Promise<number[]> {
  const { unscoped } = server.app.platform.database
  const uuid = uuidIn(id)
  const rows = await Promise.all([
    unscoped.selectFrom('chat_session').select('id').where('id', '=', uuid).execute(),
    unscoped.selectFrom('chat_participant').select('user_id').where('session_id', '=', uuid).execute(),
    unscoped.selectFrom('message').select('id').where('session_id', '=', uuid).execute(),
  ])
  return rows.map(({ length }) => length)
}
