import { expect } from 'vitest'
import { MovePageDocument, type MovePageInput, PageDocument, PageEventsDocument } from '../../../gql/graphql.ts'
import { setRole } from '../../../kit/inside.ts'
import type { Person } from '../../../kit/people.ts'
import { test, write } from '../../../kit/test.ts'
import { addTo, codeOf, createPageIn, createProject } from '../../projects/stage.ts'

async function move(person: Person, input: MovePageInput) {
  return (await person.mutate(MovePageDocument, { input })).movePage
}

test('a page moves into a project and back to the top, and its watchers hear of it', async ({ alice, bob, page }) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  expect(await move(bob, { id: page.id, projectId, expectedVersion: 1 })).toMatchObject({
    project: { id: projectId },
    version: 2,
  })
  expect(await events.next()).toMatchObject({
    pageEvents: { __typename: 'PageUpdated', page: { id: page.id, project: { id: projectId } } },
  })
  expect(await move(bob, { id: page.id })).toMatchObject({ project: null, version: 3 })
  expect(await events.next()).toMatchObject({ pageEvents: { page: { project: null } } })
  events.stop()
})

test('a page moved into a private project is gone for its old watchers, who are told why', async ({
  alice,
  bob,
  page,
}) => {
  const projectId = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const [his, hers] = [bob, alice].map((person) =>
    person.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor }),
  )
  await write(alice, page.id, 'seen by both')
  for (const events of [his, hers])
    expect(await events?.next()).toMatchObject({ pageEvents: { cursor: expect.any(String) } })
  await move(alice, { id: page.id, projectId })
  await write(alice, page.id, 'not for bob')
  expect(await his?.next()).toEqual({ pageEvents: { __typename: 'SubscriptionEnded', reason: 'ACCESS_REMOVED' } })
  expect(await bob.query(PageDocument, { id: page.id })).toEqual({ page: null })
  expect(await hers?.next()).toMatchObject({ pageEvents: { __typename: 'PageUpdated' } })
  expect(await hers?.next()).toMatchObject({ pageEvents: { __typename: 'BlockCreated' } })
  hers?.stop()
})

test('who may not write on both sides moves nothing', async ({ server, alice, bob, page }) => {
  const closed = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const inside = await createPageIn(alice, closed)
  const refused = (input: MovePageInput) => codeOf(bob.send(MovePageDocument, { input }))
  expect(await refused({ id: page.id, projectId: closed })).toBe('NOT_FOUND')
  expect(await refused({ id: inside })).toBe('NOT_FOUND')
  await addTo(alice, closed, bob, 'VIEWER')
  expect(await refused({ id: page.id, projectId: closed })).toBe('FORBIDDEN')
  expect(await refused({ id: inside })).toBe('FORBIDDEN')
  expect((await alice.query(PageDocument, { id: page.id })).page).toMatchObject({ project: null, version: 1 })
  await addTo(alice, closed, bob, 'EDITOR')
  await setRole(server, bob, 'VIEWER')
  expect(await refused({ id: inside })).toBe('FORBIDDEN')
})

test('who saw an older version moves nothing', async ({ alice, page }) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  await move(alice, { id: page.id, projectId })
  expect(await move(alice, { id: page.id, expectedVersion: 1 })).toMatchObject({
    __typename: 'EditConflict',
    current: { id: page.id, version: 2 },
  })
})
