import { expect } from 'vitest'
import {
  ArchiveChatSessionDocument,
  ArchiveProjectDocument,
  ChatEventsDocument,
  ChatSessionsDocument,
  CreateChatSessionDocument,
  DeleteProjectDocument,
  RestoreProjectDocument,
  SendMessageDocument,
  StopGenerationDocument,
  UpdateChatSessionDocument,
} from '../../../gql/graphql.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import { type Person, signUpInto } from '../../../kit/people.ts'
import { ask, openChat, test } from '../../../kit/test.ts'
import { addTo, codeOf, createProject } from '../../projects/stage.ts'
import { add, archive, erase, look, peopleIn, remove, update } from './stage.ts'

const sessionsOfProject = `query ($id: ID!, $status: ChatSessionStatus) {
  project(id: $id) { chatSessions(first: 5, status: $status) { totalCount nodes { id } } }
}`

interface ProjectOfSessions {
  readonly chatSessions: { readonly totalCount: number; readonly nodes: readonly { readonly id: string }[] }
}

test('what is named is changed, the rest stays, and the version goes up', async ({ alice }) => {
  const { id } = await openChat(alice, { title: 'Plans', context: { tab: 'a' } })
  expect(await look(alice, id)).toMatchObject({ status: 'ACTIVE', context: { tab: 'a' }, version: 1 })
  const renamed = await update(alice, { id, expectedVersion: 1, title: 'Better plans' })
  expect(renamed).toMatchObject({ title: 'Better plans', context: { tab: 'a' }, version: 2 })
  const changed = await update(alice, { id, expectedVersion: 2, context: { b: [1] }, model: 'scenario/words-3' })
  expect(changed).toMatchObject({ title: 'Better plans', context: { b: [1] }, model: { id: 'scenario/words-3' } })
  const emptied = await update(alice, { id, expectedVersion: 3, title: null, model: null, context: null })
  expect(emptied).toMatchObject({ title: null, model: { id: 'embedded/extractive' }, context: { b: [1] }, version: 4 })
})

test('a session begins with an empty context', async ({ alice }) => {
  expect(await look(alice, (await openChat(alice)).id)).toMatchObject({ context: {} })
})

test('who saw an older version changes nothing, and is shown the one there is', async ({ alice }) => {
  const { id } = await openChat(alice, { title: 'Plans' })
  await update(alice, { id, expectedVersion: 1, title: 'Sea' })
  const refused = await update(alice, { id, expectedVersion: 1, title: 'Lake' })
  expect(refused).toMatchObject({ __typename: 'EditConflict', current: { id, title: 'Sea', version: 2 } })
  const input = { id, expectedVersion: 1 }
  const { archiveChatSession: kept } = await alice.mutate(ArchiveChatSessionDocument, { input })
  expect(kept).toMatchObject({ __typename: 'EditConflict', current: { status: 'ACTIVE' } })
  expect(await look(alice, id)).toMatchObject({ title: 'Sea', status: 'ACTIVE' })
})

test('a context is an object, no large one and no deep one', async ({ alice }) => {
  const { id } = await openChat(alice)
  const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) })
  for (const context of [[], 'x', 1, { text: 'x'.repeat(17_000) }, nested(11)]) {
    const refused = await update(alice, { id, expectedVersion: 1, context })
    expect(refused).toMatchObject({ __typename: 'InvalidInput', fields: [{ path: ['context'] }] })
    const { createChatSession: unmade } = await alice.mutate(CreateChatSessionDocument, { input: { context } })
    expect(unmade).toMatchObject({ __typename: 'InvalidInput', fields: [{ path: ['context'] }] })
  }
  expect(await update(alice, { id, expectedVersion: 1, context: nested(10) })).toMatchObject({ context: nested(10) })
})

test('a model that this server does not have is none for a session', async ({ alice }) => {
  const { id } = await openChat(alice)
  const refused = await update(alice, { id, expectedVersion: 1, model: 'no/model' })
  expect(refused).toMatchObject({ __typename: 'InvalidInput', fields: [{ path: ['model'] }] })
})

test('whoever takes part changes and archives a session, and nobody else', async ({ server, alice, bob, stranger }) => {
  const { id } = await openChat(alice, { participantIds: [bob.userId] })
  expect(await update(bob, { id, expectedVersion: 1, title: 'Ours' })).toMatchObject({ title: 'Ours' })
  expect(await archive(bob, id)).toMatchObject({ status: 'ARCHIVED' })
  expect(await archive(alice, id, false)).toMatchObject({ status: 'ACTIVE' })
  const carol = await signUpInto(server, alice, 'Carol', 'ADMIN')
  for (const person of [carol, stranger]) {
    await expect(update(person, { id, expectedVersion: 4, title: 'Mine' })).rejects.toThrow('NOT_FOUND')
    await expect(archive(person, id)).rejects.toThrow('NOT_FOUND')
    await expect(erase(person, id)).rejects.toThrow('NOT_FOUND')
  }
  expect(await look(alice, id)).toMatchObject({ title: 'Ours', status: 'ACTIVE', version: 4 })
  await carol.close()
})

test('every change is in the audit trail', async ({ server, alice, bob }) => {
  const { id } = await openChat(alice)
  await update(alice, { id, expectedVersion: 1, title: 'Ours' })
  await add(alice, id, bob)
  await remove(alice, id, bob)
  await archive(alice, id)
  await archive(alice, id)
  await erase(alice, id)
  const trail = await trailOf(server, { organizationId: alice.organizationId })
  const done = trail.filter(({ target }) => target === id).map(({ action }) => action)
  expect(done).toEqual([
    'chat_session.create',
    'chat_session.update',
    'chat_session.add_participant',
    'chat_session.remove_participant',
    // Also where it changed nothing.
    'chat_session.archive',
    'chat_session.archive',
    'chat_session.delete',
  ])
})

test('an archived session is read-only until it is brought back', async ({ alice, bob }) => {
  const { id } = await openChat(alice)
  const answerId = await ask(alice, { id }, 'scenario/stall-1')
  expect(await archive(alice, id)).toMatchObject({ status: 'ARCHIVED', version: 2 })
  expect(await archive(alice, id)).toMatchObject({ status: 'ARCHIVED', version: 2 })
  const input = { sessionId: id, content: 'Anything?' }
  const refusals = [
    (await alice.mutate(SendMessageDocument, { input })).sendMessage,
    await update(alice, { id, expectedVersion: 2, title: 'New' }),
    await add(alice, id, bob),
  ]
  for (const refusal of refusals) expect(refusal).toMatchObject({ __typename: 'SessionArchived' })
  const { stopGeneration } = await alice.mutate(StopGenerationDocument, { input: { messageId: answerId } })
  expect(stopGeneration).toMatchObject({ status: 'CANCELLED' })
  expect(await look(alice, id)).toMatchObject({ status: 'ARCHIVED', title: null, messages: { totalCount: 2 } })
  expect(await archive(alice, id, false)).toMatchObject({ status: 'ACTIVE', version: 3 })
  expect(await archive(alice, id, false)).toMatchObject({ status: 'ACTIVE', version: 3 })
  await ask(alice, { id }, 'scenario/words-1')
})

test('an answer that is being written goes on in a session that is archived', async ({ alice }) => {
  const session = await openChat(alice)
  const events = alice.subscribe(ChatEventsDocument, { sessionId: session.id, after: session.eventsCursor })
  await ask(alice, session, 'scenario/slow-3')
  await archive(alice, session.id)
  const kinds = new Set<string>()
  for (let kind = ''; kind !== 'MessageFinished'; kinds.add(kind)) {
    const { chatEvents } = await events.next({ within: 20_000 })
    kind = chatEvents.__typename
    if (chatEvents.__typename === 'MessageFinished') expect(chatEvents.message).toMatchObject({ status: 'COMPLETED' })
  }
  expect(kinds).toContain('SessionUpdated')
  events.stop()
})

test('a session goes to a project in which one may open sessions, and out of it', async ({ alice, bob, server }) => {
  const [open, closed] = [
    await createProject(alice, { name: 'Open' }),
    await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' }),
  ]
  const { id } = await openChat(bob)
  expect(await update(bob, { id, expectedVersion: 1, projectId: open })).toMatchObject({ project: { id: open } })
  expect(await update(bob, { id, expectedVersion: 2, title: 'Kept' })).toMatchObject({ project: { id: open } })
  await expect(update(bob, { id, expectedVersion: 3, projectId: closed })).rejects.toThrow('NOT_FOUND')
  await alice.mutate(ArchiveProjectDocument, { input: { id: closed } })
  await addTo(alice, closed, bob, 'VIEWER')
  const moving = bob.send(UpdateChatSessionDocument, { input: { id, expectedVersion: 3, projectId: closed } })
  expect(await codeOf(moving)).toBe('FORBIDDEN')
  expect(await update(bob, { id, expectedVersion: 3, projectId: null })).toMatchObject({ project: null, version: 4 })
  const guest = await signUpInto(server, alice, 'Guest', 'GUEST')
  await addTo(alice, open, guest, 'VIEWER')
  const session = await openChat(guest, { projectId: open })
  const input = { id: session.id, expectedVersion: 1, projectId: null }
  expect(await codeOf(guest.send(UpdateChatSessionDocument, { input }))).toBe('FORBIDDEN')
  await guest.close()
})

test('a session goes to no project that somebody in it cannot read', async ({ alice, bob }) => {
  const closed = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const { id } = await openChat(alice, { participantIds: [bob.userId] })
  const refused = await update(alice, { id, expectedVersion: 1, projectId: closed })
  expect(refused).toMatchObject({ __typename: 'ProjectClosedToParticipant', code: 'PROJECT_CLOSED_TO_PARTICIPANT' })
  expect(await look(bob, id)).toMatchObject({ project: null, version: 1 })
  await addTo(alice, closed, bob, 'VIEWER')
  expect(await update(alice, { id, expectedVersion: 1, projectId: closed })).toMatchObject({ project: { id: closed } })
  expect(await look(bob, id)).toMatchObject({ project: { id: closed } })
})

test('leaving a project opens a session to nobody whom the project was closed to', async ({ server, alice, bob }) => {
  const open = await createProject(alice, { name: 'Open' })
  const guest = await signUpInto(server, alice, 'Guest', 'VIEWER')
  const { id } = await openChat(alice, { projectId: open, participantIds: [bob.userId, guest.userId] })
  await setRole(server, guest, 'GUEST')
  expect(await look(guest, id)).toBe(null)
  await update(alice, { id, expectedVersion: 1, projectId: null })
  expect(await look(guest, id)).toBe(null)
  expect(await peopleIn(alice, id)).toEqual([alice.userId, bob.userId].sort())
  await guest.close()
})

test('a session whose project was deleted can be taken out of it', async ({ alice }) => {
  const project = await createProject(alice, { name: 'Gone' })
  const { id } = await openChat(alice, { projectId: project })
  await alice.mutate(DeleteProjectDocument, { input: { id: project } })
  expect(await update(alice, { id, expectedVersion: 1, projectId: null })).toMatchObject({ project: null, version: 2 })
  await alice.mutate(RestoreProjectDocument, { input: { id: project } })
  expect(await look(alice, id)).toMatchObject({ project: null })
})

test('a session in an archived project is neither changed nor archived, but can be deleted', async ({ alice }) => {
  const project = await createProject(alice, { name: 'Done' })
  const { id } = await openChat(alice, { projectId: project })
  await alice.mutate(ArchiveProjectDocument, { input: { id: project } })
  await expect(update(alice, { id, expectedVersion: 1, title: 'New' })).rejects.toThrow('FORBIDDEN')
  await expect(archive(alice, id)).rejects.toThrow('FORBIDDEN')
  expect(await erase(alice, id)).toMatchObject({ deletedId: id })
})

test('a list is narrowed to sessions that go on, or to archived ones, and shows both unless it is', async ({
  alice,
}) => {
  const [first, second] = [await openChat(alice), await openChat(alice)]
  await archive(alice, first.id)
  const ids = async (filter: object) => {
    const { chatSessions } = await alice.query(ChatSessionsDocument, { filter })
    expect(chatSessions.totalCount).toBe(chatSessions.nodes.length)
    return chatSessions.nodes.map(({ id }) => id)
  }
  expect(await ids({})).toEqual([second.id, first.id])
  expect(await ids({ status: 'ACTIVE' })).toEqual([second.id])
  expect(await ids({ status: 'ARCHIVED' })).toEqual([first.id])
})

test('a list is narrowed to sessions with somebody, among those one takes part in', async ({
  alice,
  bob,
  stranger,
}) => {
  const project = await createProject(alice, { name: 'Ocean' })
  await openChat(alice)
  await openChat(bob)
  const shared = await openChat(alice, { participantIds: [bob.userId], projectId: project })
  const ids = async (filter: object) =>
    (await alice.query(ChatSessionsDocument, { filter })).chatSessions.nodes.map(({ id }) => id)
  expect(await ids({ participantId: bob.userId })).toEqual([shared.id])
  expect(await ids({ participantId: bob.userId, projectId: project, status: 'ACTIVE' })).toEqual([shared.id])
  expect(await ids({ participantId: bob.userId, status: 'ARCHIVED' })).toEqual([])
  for (const participantId of [stranger.userId, 'garbage', project]) expect(await ids({ participantId })).toEqual([])
})

test('a project lists the sessions in it in which one takes part', async ({ alice, bob }) => {
  const id = await createProject(alice, { name: 'Ocean' })
  const [own, shared] = [
    await openChat(alice, { projectId: id }),
    await openChat(alice, { projectId: id, participantIds: [bob.userId] }),
  ]
  await openChat(alice, { participantIds: [bob.userId] })
  const away = await openChat(bob, { projectId: id })
  await archive(bob, away.id)
  const ids = async (person: Person, status: object = {}) => {
    const { data } = await person.send<{ project: ProjectOfSessions }, object>(sessionsOfProject, { id, ...status })
    expect(data?.project.chatSessions.totalCount).toBe(data?.project.chatSessions.nodes.length)
    return data?.project.chatSessions.nodes.map((session) => session.id)
  }
  expect(await ids(alice)).toEqual([shared.id, own.id])
  expect(await ids(bob)).toEqual([away.id, shared.id])
  expect(await ids(bob, { status: 'ARCHIVED' })).toEqual([away.id])
  expect(await ids(bob, { status: 'ACTIVE' })).toEqual([shared.id])
})

test('changes are told live, with a cursor to go on from', async ({ alice, bob }) => {
  const session = await openChat(alice)
  const { id } = session
  const events = alice.subscribe(ChatEventsDocument, { sessionId: id, after: session.eventsCursor })
  const next = async () => {
    const { chatEvents } = await events.next()
    if (chatEvents.__typename !== 'SessionUpdated') throw new Error(`Told was ${JSON.stringify(chatEvents)}`)
    return chatEvents
  }
  await update(alice, { id, expectedVersion: 1, title: 'Ours', context: { a: 1 }, model: 'scenario/words-3' })
  const first = await next()
  expect(first.session).toMatchObject({ title: 'Ours', context: { a: 1 }, model: { id: 'scenario/words-3' } })
  await archive(alice, id)
  expect((await next()).session).toMatchObject({ status: 'ARCHIVED' })
  await archive(alice, id, false)
  expect((await next()).session).toMatchObject({ status: 'ACTIVE' })
  await add(alice, id, bob)
  expect((await next()).session?.participants.map((one) => one.id)).toEqual([alice.userId, bob.userId])
  await remove(alice, id, bob)
  expect((await next()).session?.participants.map((one) => one.id)).toEqual([alice.userId])
  events.stop()
  const again = alice.subscribe(ChatEventsDocument, { sessionId: id, after: first.cursor })
  for (let count = 0; count < 4; count += 1) {
    expect((await again.next()).chatEvents.__typename).toBe('SessionUpdated')
  }
  again.stop()
})
