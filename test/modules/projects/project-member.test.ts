import { expect } from 'vitest'
import {
  BlockDocument,
  ChatEventsDocument,
  ChatSessionDocument,
  ChatSessionsDocument,
  CreateBlocksDocument,
  CreatePageDocument,
  DeleteProjectDocument,
  NodesDocument,
  PageDocument,
  PagesDocument,
  ProjectDocument,
  type ProjectRole,
  ProjectsDocument,
  RemoveProjectMemberDocument,
  SetProjectMemberDocument,
  ViewerDocument,
  ViewerEventsDocument,
} from '../../gql/graphql.ts'
import { indexed, trailOf } from '../../kit/inside.ts'
import { type Person, signUpInto } from '../../kit/people.ts'
import { ask, test as base, openChat, write } from '../../kit/test.ts'
import { addTo, codeOf, createPageIn, createProject } from './stage.ts'

/** A private project of alice's with a page, and people around it. */
interface Closed {
  readonly projectId: string
  readonly pageId: string
  readonly blockId: string
  /** A guest of the organization who is in no project. */
  readonly guest: Person
}

const test = base.extend<{ closed: Closed }>({
  closed: async ({ server, alice }, use) => {
    const projectId = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
    const pageId = await createPageIn(alice, projectId)
    const [blockId = ''] = await write(alice, pageId, 'the harbour opens at nine')
    const guest = await signUpInto(server, alice, 'Guest', 'GUEST')
    await use({ projectId, pageId, blockId, guest })
    await guest.close()
  },
})

async function set(person: Person, projectId: string, userId: string, role: ProjectRole) {
  return (await person.mutate(SetProjectMemberDocument, { input: { projectId, userId, role } })).setProjectMember
}

async function remove(person: Person, projectId: string, userId: string) {
  return (await person.mutate(RemoveProjectMemberDocument, { input: { projectId, userId } })).removeProjectMember
}

/** All that somebody finds of a project, a page of it and a block on that, by every way there is. */
async function found(person: Person, { projectId, pageId, blockId }: Closed) {
  const { nodes } = await person.query(NodesDocument, { ids: [projectId, pageId, blockId] })
  const lists = await person.query(PagesDocument, { first: 100 })
  return [
    (await person.query(ProjectDocument, { id: projectId })).project?.id,
    (await person.query(PageDocument, { id: pageId })).page?.id,
    (await person.query(BlockDocument, { id: blockId })).block?.id,
    ...nodes.map((node) => node?.id),
    lists.pages.nodes.find(({ id }) => id === pageId)?.id,
    (await person.query(PagesDocument, { filter: { projectId } })).pages.nodes[0]?.id,
    (await person.query(ProjectsDocument, {})).projects.nodes.find(({ id }) => id === projectId)?.id,
  ]
}

test('of a private project only its members find anything, whatever their role in the organization', async ({
  server,
  alice,
  bob,
  closed,
}) => {
  const admin = await signUpInto(server, alice, 'Admin', 'ADMIN')
  const owner = await signUpInto(server, alice, 'Owner', 'OWNER')
  for (const person of [bob, admin, owner, closed.guest]) {
    expect((await found(person, closed)).filter(Boolean)).toEqual([])
  }
  const all = await found(alice, closed)
  expect(all).toEqual([...all].map((id) => id ?? 'missing'))
  await addTo(alice, closed.projectId, bob, 'VIEWER')
  await addTo(alice, closed.projectId, closed.guest, 'VIEWER')
  for (const person of [bob, closed.guest]) expect(await found(person, closed)).toEqual(all)
  for (const person of [admin, owner]) await person.close()
})

test('in a private project the project’s role decides what an editor of the organization may', async ({
  alice,
  bob,
  closed,
}) => {
  await addTo(alice, closed.projectId, bob, 'VIEWER')
  const input = { pageId: closed.pageId, blocks: [{ text: 'x' }] }
  expect(await codeOf(bob.send(CreateBlocksDocument, { input }))).toBe('FORBIDDEN')
  expect((await bob.query(PageDocument, { id: closed.pageId })).page?.viewerCan).toEqual(['block.read', 'page.read'])
  await addTo(alice, closed.projectId, bob, 'EDITOR')
  expect(await codeOf(bob.send(CreateBlocksDocument, { input }))).toBeUndefined()
})

test('in an open project the higher of both roles counts', async ({ server, alice }) => {
  const reader = await signUpInto(server, alice, 'Reader', 'VIEWER')
  const projectId = await createProject(alice, { name: 'Open' })
  const creating = { input: { title: 'x', projectId } }
  expect(await codeOf(reader.send(CreatePageDocument, creating))).toBe('FORBIDDEN')
  await addTo(alice, projectId, reader, 'EDITOR')
  expect(await codeOf(reader.send(CreatePageDocument, creating))).toBeUndefined()
  expect((await reader.query(ViewerDocument, {})).viewer?.role).toBe('VIEWER')
  await reader.close()
})

test('a guest sees the projects they are in, and nothing at the top of the organization', async ({
  alice,
  page,
  closed,
}) => {
  const open = await createProject(alice, { name: 'Open to members' })
  expect((await closed.guest.query(ProjectsDocument, {})).projects).toMatchObject({ totalCount: 0, nodes: [] })
  await addTo(alice, closed.projectId, closed.guest, 'EDITOR')
  expect((await closed.guest.query(ProjectsDocument, {})).projects.nodes).toMatchObject([{ id: closed.projectId }])
  expect(await closed.guest.query(ProjectDocument, { id: open })).toEqual({ project: null })
  expect(await closed.guest.query(PageDocument, { id: page.id })).toEqual({ page: null })
  expect(await createPageIn(closed.guest, closed.projectId)).toMatch(/^page_/)
  expect(await codeOf(closed.guest.send(CreatePageDocument, { input: { title: 'x' } }))).toBe('FORBIDDEN')
})

test('the assistant quotes nothing from a private project to who is not in it', async ({
  server,
  alice,
  bob,
  closed,
}) => {
  await indexed(server, alice)
  const answerTo = async (person: Person) => {
    const session = await openChat(person)
    await ask(person, session, 'embedded/extractive', 'When does the harbour open?')
    return expect.poll(async () => {
      const { chatSession } = await person.query(ChatSessionDocument, { id: session.id, last: 1 })
      const [answer] = chatSession?.messages.nodes ?? []
      return answer?.status === 'COMPLETED' ? answer.content : null
    })
  }
  await (await answerTo(alice)).toContain('harbour opens at nine')
  await (await answerTo(bob)).not.toMatch(/^null$|opens at nine/)
  await addTo(alice, closed.projectId, bob, 'VIEWER')
  await (await answerTo(bob)).toContain('harbour opens at nine')
})

test('an answer in a chat that others share quotes only what all of them may read', async ({
  server,
  alice,
  bob,
  closed,
}) => {
  await indexed(server, alice)
  const shared = await openChat(alice, { participantIds: [bob.userId] })
  const answered = async () => {
    await ask(alice, shared, 'embedded/extractive', 'When does the harbour open?')
    await expect
      .poll(async () => (await chatOf(alice, shared.id))?.messages.nodes[0]?.status, { interval: 20 })
      .toBe('COMPLETED')
    return JSON.stringify((await chatOf(bob, shared.id))?.messages.nodes)
  }
  expect(await answered()).not.toContain('opens at nine')
  await addTo(alice, closed.projectId, bob, 'VIEWER')
  expect(await answered()).toContain('opens at nine')
})

async function chatOf(person: Person, id: string) {
  return (await person.query(ChatSessionDocument, { id, last: 1 })).chatSession
}

test('the end of a private project opens its chats to nobody', async ({ alice, bob, closed }) => {
  await addTo(alice, closed.projectId, bob, 'VIEWER')
  const session = await openChat(alice, { projectId: closed.projectId, participantIds: [bob.userId] })
  await remove(alice, closed.projectId, bob.userId)
  await alice.mutate(DeleteProjectDocument, { input: { id: closed.projectId } })
  expect(await chatOf(bob, session.id)).toBeNull()
  expect((await bob.query(ChatSessionsDocument, {})).chatSessions.totalCount).toBe(0)
  expect(await chatOf(alice, session.id)).toMatchObject({ id: session.id, project: null })
})

test('a chat in a private project is there for its participants as long as they are in the project', async ({
  alice,
  bob,
  closed,
}) => {
  await addTo(alice, closed.projectId, bob, 'VIEWER')
  const session = await openChat(alice, { projectId: closed.projectId, participantIds: [bob.userId] })
  const seen = async () => [
    (await bob.query(ChatSessionDocument, { id: session.id })).chatSession?.id,
    (await bob.query(ChatSessionsDocument, {})).chatSessions.nodes[0]?.id,
  ]
  expect(await seen()).toEqual([session.id, session.id])
  const events = bob.subscribe(ChatEventsDocument, { sessionId: session.id, after: session.eventsCursor })
  await ask(alice, session, 'scenario/words-1', 'Who listens?')
  let { chatEvents } = await events.next()
  await remove(alice, closed.projectId, bob.userId)
  const last = async () => {
    while (chatEvents.__typename !== 'SubscriptionEnded') chatEvents = (await events.next()).chatEvents
    return chatEvents
  }
  await expect(last()).resolves.toMatchObject({ reason: 'ACCESS_REMOVED' })
  expect(await seen()).toEqual([undefined, undefined])
})

test('nobody gives, changes or takes a role above their own', async ({ server, alice, bob, closed }) => {
  const admin = await signUpInto(server, alice, 'Admin', 'EDITOR')
  await addTo(alice, closed.projectId, admin, 'ADMIN')
  const refusals = [
    await set(admin, closed.projectId, bob.userId, 'OWNER'),
    await set(admin, closed.projectId, alice.userId, 'VIEWER'),
    await remove(admin, closed.projectId, alice.userId),
  ]
  for (const refusal of refusals) expect(refusal).toMatchObject({ __typename: 'RoleAboveOwn', code: 'ROLE_ABOVE_OWN' })
  expect(await set(admin, closed.projectId, bob.userId, 'ADMIN')).toMatchObject({ role: 'ADMIN' })
  const denied = (await trailOf(server, { organizationId: alice.organizationId })).filter(
    ({ outcome }) => outcome === 'denied',
  )
  expect(denied.map(({ action, actor }) => [action, actor])).toEqual([
    ['project.set_member', admin.userId],
    ['project.set_member', admin.userId],
    ['project.remove_member', admin.userId],
  ])
  await admin.close()
})

test('everybody may leave, and is told what they had', async ({ alice, bob, closed }) => {
  await addTo(alice, closed.projectId, bob, 'VIEWER')
  expect(
    await codeOf(bob.send(RemoveProjectMemberDocument, { input: { ...closed, userId: alice.userId } as never })),
  ).toBe('BAD_REQUEST')
  const place = { projectId: closed.projectId, userId: alice.userId }
  expect(await codeOf(bob.send(RemoveProjectMemberDocument, { input: place }))).toBe('FORBIDDEN')
  expect(await remove(bob, closed.projectId, bob.userId)).toMatchObject({ role: 'VIEWER', project: null })
  expect((await found(bob, closed)).filter(Boolean)).toEqual([])
})

test('only members of the organization can be added, and strangers are nobody', async ({ alice, stranger, closed }) => {
  for (const userId of [stranger.userId, 'user_01h00000000000000000000000', closed.projectId]) {
    const place = { projectId: closed.projectId, userId, role: 'VIEWER' as const }
    expect(await codeOf(alice.send(SetProjectMemberDocument, { input: place }))).toBe('NOT_FOUND')
  }
})

test('an owner of the organization lets themselves into a private project, which its members are told', async ({
  server,
  alice,
  bob,
  closed,
}) => {
  const owner = await signUpInto(server, alice, 'Owner', 'OWNER')
  const after = (await alice.query(ViewerDocument, {})).viewer?.eventsCursor ?? null
  const entering = { projectId: closed.projectId, role: 'ADMIN' as const }
  expect(await codeOf(bob.send(SetProjectMemberDocument, { input: { ...entering, userId: bob.userId } }))).toBe(
    'NOT_FOUND',
  )
  expect(await codeOf(owner.send(SetProjectMemberDocument, { input: { ...entering, userId: bob.userId } }))).toBe(
    'NOT_FOUND',
  )
  expect(await set(owner, closed.projectId, owner.userId, 'ADMIN')).toMatchObject({ role: 'ADMIN' })
  expect((await found(owner, closed)).every(Boolean)).toBe(true)

  const events = alice.subscribe(ViewerEventsDocument, { after })
  expect(await events.next()).toMatchObject({
    viewerEvents: { __typename: 'ProjectEntered', projectId: closed.projectId, by: { id: owner.userId } },
  })
  events.stop()
  const trail = await trailOf(server, { organizationId: alice.organizationId })
  expect(trail.at(-1)).toMatchObject({ action: 'project.enter', actor: owner.userId, target: closed.projectId })
  await owner.close()
})
