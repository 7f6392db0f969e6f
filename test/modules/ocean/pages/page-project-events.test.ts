import { expect } from 'vitest'
import {
  ArchiveProjectDocument,
  DeleteProjectDocument,
  ProjectDocument,
  ProjectEventsDocument,
  type ProjectEventsSubscription,
  RemoveProjectMemberDocument,
  RestoreProjectDocument,
  UpdateProjectDocument,
} from '../../../gql/graphql.ts'
import type { Subscription } from '../../../kit/client.ts'
import { type Person, signUpInto } from '../../../kit/people.ts'
import { test, write } from '../../../kit/test.ts'
import { addTo, codeOf, createProject } from '../../projects/stage.ts'
import { make, makeChain, verbs } from './stage.ts'

type Events = Subscription<ProjectEventsSubscription>
type Event = ProjectEventsSubscription['projectEvents']

const cursorOf = async (person: Person, id: string) =>
  (await person.query(ProjectDocument, { id })).project?.eventsCursor ?? ''

async function follow(person: Person, projectId: string, after?: string): Promise<Events> {
  return person.subscribe(ProjectEventsDocument, { projectId, after: after ?? (await cursorOf(person, projectId)) })
}

/** What an event says: its type, and of which page. */
async function tell(events: Events, count: number): Promise<[string, string?][]> {
  const told: [string, string?][] = []
  while (told.length < count) told.push(said((await events.next()).projectEvents))
  return told
}

const said = (event: Event): [string, string?] =>
  'pageId' in event ? [event.__typename, event.pageId] : [event.__typename]

test('all that happens to the pages of a project is told in order', async ({ alice, bob }) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const events = await follow(bob, projectId)
  const [outer = '', inner = ''] = await makeChain(alice, 2, { projectId })
  await verbs.update(alice, { id: inner, expectedVersion: 1, title: 'New' })
  await verbs.move(alice, { id: inner, projectId, beforeId: outer })
  await verbs.move(alice, { id: inner, parentId: outer })
  await verbs.archive(alice, outer)
  await verbs.restore(alice, outer)
  const { id: copy = '' } = { ...(await verbs.duplicate(alice, { id: inner })) } as { id?: string }
  await verbs.remove(alice, outer)
  expect(await tell(events, 6)).toEqual([
    ['PageAdded', outer],
    ['PageAdded', inner],
    ['PageChanged', inner],
    ['PageMoved', inner],
    ['PageMoved', inner],
    ['PageChanged', outer],
  ])
  expect(await tell(events, 4)).toEqual([
    ['PageChanged', inner],
    ['PageChanged', outer],
    ['PageChanged', inner],
    ['PageAdded', copy],
  ])
  const removed = await tell(events, 3)
  expect(removed[2]).toEqual(['PageRemoved', outer])
  expect(removed.slice(0, 2)).toEqual(
    expect.arrayContaining([
      ['PageRemoved', inner],
      ['PageRemoved', copy],
    ]),
  )
  events.stop()
})

test('an event shows the page as it is now', async ({ alice, bob }) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const events = await follow(bob, projectId)
  const parent = await make(alice, { projectId, title: 'Parent' })
  expect((await events.next()).projectEvents).toMatchObject({
    ...{ __typename: 'PageAdded', page: { id: parent.id, title: 'Parent', depth: 1, parent: null } },
  })
  const page = await make(alice, { projectId })
  await events.next()
  await verbs.move(alice, { id: page.id, parentId: parent.id })
  expect((await events.next()).projectEvents).toMatchObject({
    ...{ __typename: 'PageMoved', page: { id: page.id, depth: 2, parent: { id: parent.id } } },
  })
  await verbs.archive(alice, page.id)
  expect((await events.next()).projectEvents).toMatchObject({
    ...{ __typename: 'PageChanged', page: { archivedAt: expect.any(String), version: 3 } },
  })
  events.stop()
})

test('what moves between projects leaves the one, innermost first, and comes to the other', async ({ alice }) => {
  const [from, to] = [await createProject(alice, { name: 'From' }), await createProject(alice, { name: 'To' })]
  const [outer = '', inner = ''] = await makeChain(alice, 2, { projectId: from })
  const [left, came] = [await follow(alice, from), await follow(alice, to)]
  await verbs.move(alice, { id: outer, projectId: to })
  expect(await tell(left, 2)).toEqual([
    ['PageRemoved', inner],
    ['PageRemoved', outer],
  ])
  expect(await tell(came, 2)).toEqual([
    ['PageAdded', outer],
    ['PageAdded', inner],
  ])
  await verbs.move(alice, { id: inner, projectId: null })
  expect(await tell(came, 1)).toEqual([['PageRemoved', inner]])
  left.stop()
  came.stop()
})

test('a page restored to the top is told to have changed and moved', async ({ alice }) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const [outer = '', inner = ''] = await makeChain(alice, 2, { projectId })
  await verbs.archive(alice, outer)
  const events = await follow(alice, projectId)
  await verbs.restore(alice, inner)
  expect(await tell(events, 2)).toEqual([
    ['PageChanged', inner],
    ['PageMoved', inner],
  ])
  events.stop()
})

test('what happens to the project itself is told, and who is in it', async ({ alice, bob }) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const events = await follow(alice, projectId)
  await alice.mutate(UpdateProjectDocument, { input: { id: projectId, expectedVersion: 1, name: 'Sea' } })
  expect((await events.next()).projectEvents).toMatchObject({
    ...{ __typename: 'ProjectUpdated', project: { name: 'Sea', version: 2 } },
  })
  await addTo(alice, projectId, bob, 'ADMIN')
  expect((await events.next()).projectEvents).toMatchObject({
    ...{ __typename: 'ProjectMembersChanged', project: { members: { nodes: [{ role: 'OWNER' }, { role: 'ADMIN' }] } } },
  })
  await alice.mutate(RemoveProjectMemberDocument, { input: { projectId, userId: bob.userId } })
  await alice.mutate(ArchiveProjectDocument, { input: { id: projectId } })
  await alice.mutate(RestoreProjectDocument, { input: { id: projectId } })
  expect(await tell(events, 3)).toEqual([['ProjectMembersChanged'], ['ProjectUpdated'], ['ProjectUpdated']])
  await alice.mutate(DeleteProjectDocument, { input: { id: projectId } })
  const last: string[] = []
  while (last.at(-1) !== 'SubscriptionEnded') last.push((await events.next()).projectEvents.__typename)
  expect(last).toEqual(['SubscriptionEnded'])
})

test('who becomes a member by closing a project is told of, who is one already is not', async ({ server, alice }) => {
  const admin = await signUpInto(server, alice, 'Admin', 'ADMIN')
  const projectId = await createProject(alice, { name: 'Ocean' })
  const events = await follow(alice, projectId)
  const open = async (person: Person, expectedVersion: number, visibility: 'PRIVATE' | 'ORGANIZATION') =>
    person.mutate(UpdateProjectDocument, { input: { id: projectId, expectedVersion, visibility } })
  await open(admin, 1, 'PRIVATE')
  expect(await tell(events, 2)).toEqual([['ProjectUpdated'], ['ProjectMembersChanged']])
  await open(admin, 2, 'ORGANIZATION')
  await open(admin, 3, 'PRIVATE')
  await addTo(alice, projectId, admin, 'EDITOR')
  expect(await tell(events, 3)).toEqual([['ProjectUpdated'], ['ProjectUpdated'], ['ProjectMembersChanged']])
  events.stop()
  await admin.close()
})

test('whoever goes on from any cursor gets exactly what came after it', async ({ alice, bob }) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const begin = await cursorOf(bob, projectId)
  const first = await make(alice, { projectId })
  const middle = await cursorOf(bob, projectId)
  await verbs.update(alice, { id: first.id, expectedVersion: 1, title: 'New' })
  await write(alice, first.id, 'nothing that a project tells')
  await verbs.archive(alice, first.id)
  const all: [string, string?][] = [
    ['PageAdded', first.id],
    ['PageChanged', first.id],
    ['PageChanged', first.id],
  ]
  const events = await follow(bob, projectId, begin)
  const cursors = [begin]
  for (const expected of all) {
    const event = (await events.next()).projectEvents
    expect(said(event)).toEqual(expected)
    cursors.push('cursor' in event ? event.cursor : '')
  }
  events.stop()
  const last = await make(alice, { projectId, title: 'last' })
  for (const [index, cursor] of cursors.entries()) {
    const resumed = await follow(bob, projectId, cursor)
    expect(await tell(resumed, 4 - index)).toEqual([...all.slice(index), ['PageAdded', last.id]])
    resumed.stop()
  }
  const fromMiddle = await follow(bob, projectId, middle)
  expect(await tell(fromMiddle, 1)).toEqual([['PageChanged', first.id]])
  fromMiddle.stop()
  const elsewhere = await follow(bob, projectId, await cursorOf(bob, await createProject(alice, { name: 'Other' })))
  expect(await tell(elsewhere, 1)).toEqual([['ResyncRequired']])
  elsewhere.stop()
})

test('a project closed to somebody is followed by them no more; strangers never follow it', async ({
  alice,
  bob,
  stranger,
}) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  await expect(stranger.subscribe(ProjectEventsDocument, { projectId }).next()).rejects.toThrow('NOT_FOUND')
  const [his, hers] = [await follow(bob, projectId), await follow(alice, projectId)]
  const page = await make(alice, { projectId })
  for (const events of [his, hers]) expect(await tell(events, 1)).toEqual([['PageAdded', page.id]])
  await alice.mutate(UpdateProjectDocument, { input: { id: projectId, expectedVersion: 1, visibility: 'PRIVATE' } })
  await make(alice, { projectId })
  expect(await his.next()).toEqual({ projectEvents: { __typename: 'SubscriptionEnded', reason: 'ACCESS_REMOVED' } })
  expect((await tell(hers, 2)).map(([type]) => type)).toEqual(['ProjectUpdated', 'PageAdded'])
  hers.stop()
  expect(await codeOf(bob.send(ProjectDocument, { id: projectId }))).toBeUndefined()
})
