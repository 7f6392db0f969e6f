import { expect } from 'vitest'
import { PageDocument, PageEventsDocument, type PageEventsSubscription } from '../../../gql/graphql.ts'
import type { Subscription } from '../../../kit/client.ts'
import type { Person } from '../../../kit/people.ts'
import { test } from '../../../kit/test.ts'
import { createProject } from '../../projects/stage.ts'
import { look, make, makeChain, verbs } from './stage.ts'

type Events = Subscription<PageEventsSubscription>

async function watch(person: Person, pageId: string): Promise<Events> {
  const { page } = await person.query(PageDocument, { id: pageId })
  return person.subscribe(PageEventsDocument, { pageId, after: page?.eventsCursor ?? '' })
}

/** A change of what is watched comes next, and nothing else before it: `PageUpdated`, which ends nothing. */
async function expectChange(events: Events, id: string): Promise<void> {
  expect((await events.next()).pageEvents).toMatchObject({ __typename: 'PageUpdated', page: { id } })
}

test('whoever watches a page hears of each page that comes to stand in it, leaves it, or changes its place there', async ({
  alice,
  bob,
}) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const [parent, other] = [await make(alice, { projectId }), await make(alice, { projectId })]
  const events = await watch(bob, parent.id)
  const elsewhere = await watch(bob, other.id)

  const child = await make(alice, { parentId: parent.id })
  await expectChange(events, parent.id)
  await verbs.duplicate(alice, { id: child.id })
  await expectChange(events, parent.id)
  await verbs.move(alice, { id: child.id, parentId: parent.id })
  await expectChange(events, parent.id)
  await verbs.move(alice, { id: child.id, parentId: other.id })
  await expectChange(events, parent.id)
  await expectChange(elsewhere, other.id)
  await verbs.archive(alice, child.id)
  await verbs.archive(alice, child.id)
  await expectChange(elsewhere, other.id)
  await verbs.restore(alice, child.id)
  await expectChange(elsewhere, other.id)
  await verbs.move(alice, { id: child.id, projectId: null })
  await expectChange(elsewhere, other.id)
  await verbs.move(alice, { id: child.id, parentId: parent.id })
  await expectChange(events, parent.id)
  await verbs.remove(alice, child.id)
  await expectChange(events, parent.id)

  // One event for each, as what comes after them shows.
  for (const [watched, pageId] of [
    [events, parent.id],
    [elsewhere, other.id],
  ] as const) {
    await verbs.remove(alice, pageId)
    expect((await watched.next()).pageEvents).toMatchObject({ __typename: 'PageDeleted' })
    watched.stop()
  }
})

test('what stands deeper hears that other pages are above it, but not that one changed its place among siblings', async ({
  alice,
  bob,
}) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const [outer = '', middle = '', inner = ''] = await makeChain(alice, 3, { projectId })
  const sibling = await make(alice, { projectId })
  const events = await watch(bob, inner)
  await verbs.move(alice, { id: outer, projectId, afterId: sibling.id })
  await verbs.move(alice, { id: outer, parentId: sibling.id })
  await expectChange(events, inner)
  expect(await look(bob, inner)).toMatchObject({ depth: 4 })
  await verbs.archive(alice, outer)
  await expectChange(events, inner)
  await verbs.restore(alice, middle)
  // Restored, and out of what stays archived.
  await expectChange(events, inner)
  await expectChange(events, inner)
  await verbs.remove(alice, inner)
  expect((await events.next()).pageEvents).toMatchObject({ __typename: 'PageDeleted' })
  events.stop()
})

test('a page hears of what stands directly in it only', async ({ alice, bob }) => {
  const [outer = '', inner = ''] = await makeChain(alice, 2)
  const parent = await make(alice)
  const events = await watch(bob, parent.id)
  await verbs.move(alice, { id: outer, parentId: parent.id })
  await expectChange(events, parent.id)
  // Below its children a page does not hear what comes and goes.
  await make(alice, { parentId: inner })
  await make(alice, { parentId: parent.id })
  await expectChange(events, parent.id)
  await verbs.remove(alice, parent.id)
  expect((await events.next()).pageEvents).toMatchObject({ __typename: 'PageDeleted' })
  events.stop()
})
