import { expect } from 'vitest'
import {
  ProjectDocument,
  ProjectEventsDocument,
  type ProjectEventsSubscription,
  RemoveProjectMemberDocument,
} from '../../../gql/graphql.ts'
import type { Client, Subscription } from '../../../kit/client.ts'
import { type Person, signUpInto } from '../../../kit/people.ts'
import { makeKey, programOf } from '../../../kit/programs.ts'
import { openChat, test } from '../../../kit/test.ts'
import { addTo, createPageIn, createProject } from '../../projects/stage.ts'
import { add, archive, erase, remove, update } from './stage.ts'

type Events = Subscription<ProjectEventsSubscription>

const cursorOf = async (person: Client, id: string) =>
  (await person.query(ProjectDocument, { id })).project?.eventsCursor ?? ''

async function follow(person: Client, projectId: string, after?: string): Promise<Events> {
  return person.subscribe(ProjectEventsDocument, { projectId, after: after ?? (await cursorOf(person, projectId)) })
}

/** What is told until a page comes: of each event its type, and of which session. */
async function toldBefore(events: Events, pageId: string): Promise<[string, string?][]> {
  const told: [string, string?][] = []
  for (;;) {
    const event = (await events.next()).projectEvents
    if (event.__typename === 'PageAdded' && event.pageId === pageId) return told
    told.push('sessionId' in event ? [event.__typename, event.sessionId] : [event.__typename])
  }
}

test('what happens to a session is told in order to those who take part, and to nobody else', async ({
  server,
  alice,
  bob,
}) => {
  const carol = await signUpInto(server, alice, 'Carol', 'EDITOR')
  const projectId = await createProject(alice, { name: 'Talk' })
  const [hers, his, others] = [
    await follow(alice, projectId),
    await follow(bob, projectId),
    await follow(carol, projectId),
  ]
  const { id } = await openChat(alice, { projectId, title: 'Old' })
  await update(alice, { id, expectedVersion: 1, title: 'New' })
  expect(await update(alice, { id, expectedVersion: 1, title: 'Late' })).toMatchObject({ __typename: 'EditConflict' })
  await add(alice, id, bob)
  await add(alice, id, bob)
  await update(bob, { id, expectedVersion: 2, model: 'scenario/words-1' })
  await archive(alice, id)
  await archive(alice, id)
  await archive(alice, id, false)
  await remove(alice, id, bob)
  await erase(alice, id)
  const last = await createPageIn(alice, projectId)
  expect(await toldBefore(hers, last)).toEqual([
    ['ChatSessionAdded', id],
    ...Array(6).fill(['ChatSessionChanged', id]),
    ['ChatSessionRemoved', id],
  ])
  expect(await toldBefore(his, last)).toEqual([
    ['ChatSessionAdded', id],
    ...Array(3).fill(['ChatSessionChanged', id]),
    ['ChatSessionRemoved', id],
  ])
  expect(await toldBefore(others, last)).toEqual([])
  for (const events of [hers, his, others]) events.stop()
  await carol.close()
})

test('an event shows the session as it is now, to whoever still takes part', async ({ alice, bob }) => {
  const projectId = await createProject(alice, { name: 'Talk' })
  const start = await cursorOf(bob, projectId)
  const { id } = await openChat(alice, { projectId, title: 'A plan', participantIds: [bob.userId] })
  const shown = async (person: Person) => {
    const events = await follow(person, projectId, start)
    const event = (await events.next()).projectEvents
    events.stop()
    return event
  }
  const added = { __typename: 'ChatSessionAdded', sessionId: id }
  expect(await shown(bob)).toMatchObject({ ...added, session: { id, title: 'A plan', status: 'ACTIVE' } })
  await remove(alice, id, bob)
  expect(await shown(bob)).toMatchObject({ ...added, session: null })
})

test('who comes to a session later is told of it from then on', async ({ alice, bob }) => {
  const projectId = await createProject(alice, { name: 'Talk' })
  const start = await cursorOf(bob, projectId)
  const { id } = await openChat(alice, { projectId })
  for (const expectedVersion of [1, 2, 3])
    await update(alice, { id, expectedVersion, title: `Title ${expectedVersion}` })
  await add(alice, id, bob)
  await remove(bob, id, bob)
  await update(alice, { id, expectedVersion: 4, title: 'Without him' })
  const last = await createPageIn(alice, projectId)
  const events = await follow(bob, projectId, start)
  expect(await toldBefore(events, last)).toEqual([
    ['ChatSessionAdded', id],
    ['ChatSessionRemoved', id],
  ])
  events.stop()
})

test('a session that is moved leaves one project and comes to the other', async ({ alice, bob }) => {
  const [from, to] = [await createProject(alice, { name: 'From' }), await createProject(alice, { name: 'To' })]
  const { id } = await openChat(alice, { projectId: from, participantIds: [bob.userId] })
  const [left, come] = [await follow(bob, from), await follow(bob, to)]
  await update(alice, { id, expectedVersion: 1, projectId: to, title: 'Moved' })
  await update(alice, { id, expectedVersion: 2, projectId: null })
  await update(alice, { id, expectedVersion: 3, title: 'Nowhere' })
  expect(await toldBefore(left, await createPageIn(alice, from))).toEqual([['ChatSessionRemoved', id]])
  expect(await toldBefore(come, await createPageIn(alice, to))).toEqual([
    ['ChatSessionAdded', id],
    ['ChatSessionRemoved', id],
  ])
  left.stop()
  come.stop()
})

test('who is left behind by a session that is moved is not told where it went', async ({ alice, bob }) => {
  const [from, to] = [
    await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' }),
    await createProject(alice, { name: 'Open' }),
  ]
  await addTo(alice, from, bob, 'VIEWER')
  const { id } = await openChat(alice, { projectId: from, participantIds: [bob.userId] })
  await alice.mutate(RemoveProjectMemberDocument, { input: { projectId: from, userId: bob.userId } })
  const [hers, his] = [await follow(alice, to), await follow(bob, to)]
  await update(alice, { id, expectedVersion: 1, projectId: to })
  const last = await createPageIn(alice, to)
  expect([await toldBefore(hers, last), await toldBefore(his, last)]).toEqual([[['ChatSessionAdded', id]], []])
  hers.stop()
  his.stop()
})

test('a program that may not read sessions is told of none', async ({ alice }) => {
  const projectId = await createProject(alice, { name: 'Talk' })
  const programs = await Promise.all(
    [
      ['project.read', 'page.read'],
      ['project.read', 'page.read', 'chat_session.read'],
    ].map(async (permissions) => programOf(alice, (await makeKey(alice, { permissions })).secret)),
  )
  const followed = await Promise.all(programs.map((program) => follow(program, projectId)))
  const { id } = await openChat(alice, { projectId })
  const last = await createPageIn(alice, projectId)
  const told = await Promise.all(followed.map((events) => toldBefore(events, last)))
  expect(told).toEqual([[], [['ChatSessionAdded', id]]])
  for (const events of followed) events.stop()
  await Promise.all(programs.map((program) => program.close()))
})
