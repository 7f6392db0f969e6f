import { expect } from 'vitest'
import { MovePageDocument, type MovePageInput, PageDocument, PageEventsDocument } from '../../../gql/graphql.ts'
import { setRole } from '../../../kit/inside.ts'
import type { Person } from '../../../kit/people.ts'
import { test, write } from '../../../kit/test.ts'
import { addTo, codeOf, createPageIn, createProject } from '../../projects/stage.ts'
import { childrenOf, factOf, look, make, makeChain, topOf, verbs } from './stage.ts'

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
  expect(await move(bob, { id: page.id, projectId: null })).toMatchObject({ project: null, version: 3 })
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
  for (const place of [{}, { projectId: null }]) expect(await refused({ id: inside, ...place })).toBe('NOT_FOUND')
  await addTo(alice, closed, bob, 'VIEWER')
  expect(await refused({ id: page.id, projectId: closed })).toBe('FORBIDDEN')
  for (const place of [{}, { projectId: null }]) expect(await refused({ id: inside, ...place })).toBe('FORBIDDEN')
  expect((await alice.query(PageDocument, { id: page.id })).page).toMatchObject({ project: null, version: 1 })
  await addTo(alice, closed, bob, 'EDITOR')
  await setRole(server, bob, 'VIEWER')
  expect(await refused({ id: inside, projectId: null })).toBe('FORBIDDEN')
  expect(await move(bob, { id: inside })).toMatchObject({ project: { id: closed }, version: 2 })
})

test('a page leaves its project only when that is said', async ({ alice, bob, page }) => {
  const projectId = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const [outer = '', inner = ''] = await makeChain(alice, 2, { projectId })
  const stays = { parent: null, depth: 1, project: { id: projectId } }
  expect(await move(alice, { id: inner })).toMatchObject(stays)
  expect(await move(alice, { id: inner, parentId: null, beforeId: outer })).toMatchObject(stays)
  expect(await look(bob, inner)).toBeNull()
  expect(await topOf(alice, projectId)).toEqual(['2', '1'])
  expect(await move(alice, { id: inner, projectId: null, parentId: outer })).toMatchObject({ parent: { id: outer } })
  expect(await move(alice, { id: inner, projectId: null })).toMatchObject({ parent: null, depth: 1, project: null })
  expect(await look(bob, inner)).toMatchObject({ id: inner })
  expect(await move(alice, { id: page.id })).toMatchObject({ parent: null, project: null })
})

test('who saw an older version moves nothing', async ({ alice, page }) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  await move(alice, { id: page.id, projectId })
  expect(await move(alice, { id: page.id, expectedVersion: 1 })).toMatchObject({
    __typename: 'EditConflict',
    current: { id: page.id, version: 2 },
  })
})

test('a page moves among its siblings, into another and out again, and takes along what stands in it', async ({
  alice,
  bob,
}) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const ids: string[] = []
  for (const title of ['a', 'b', 'c']) ids.push((await make(alice, { projectId, title })).id)
  const [a = '', b = '', c = ''] = ids
  const [, inner = ''] = await makeChain(alice, 2, { parentId: b })
  await move(bob, { id: c, projectId, beforeId: a })
  await move(bob, { id: a, projectId, afterId: b })
  expect(await topOf(alice, projectId)).toEqual(['c', 'b', 'a'])
  expect(await move(bob, { id: b, parentId: a })).toMatchObject({ depth: 2, parent: { id: a }, version: 2 })
  expect(await look(alice, inner)).toMatchObject({
    depth: 4,
    ancestors: [{ title: 'a' }, { title: 'b' }, { title: '1' }],
  })
  expect(await topOf(alice, projectId)).toEqual(['c', 'a'])
  expect(await move(bob, { id: b, projectId })).toMatchObject({ depth: 1, parent: null })
  expect(await look(alice, inner)).toMatchObject({ depth: 3, version: 1 })
  expect(await topOf(alice, projectId)).toEqual(['c', 'a', 'b'])
})

test('what stands in a page goes to its new project with it, and their watchers with what they may see', async ({
  alice,
  bob,
}) => {
  const from = await createProject(alice, { name: 'From' })
  const closed = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const [outer = '', , inner = ''] = await makeChain(alice, 3, { projectId: from })
  const parent = await make(alice, { projectId: closed })
  const [his, hers] = [bob, alice].map((person) => person.subscribe(PageEventsDocument, { pageId: inner }))
  await expect
    .poll(async () => {
      await write(alice, inner, 'seen by both')
      return [his, hers].every((events) => (events?.pending().length ?? 0) > 0)
    })
    .toBe(true)
  expect(await move(alice, { id: outer, parentId: parent.id })).toMatchObject({ depth: 2, project: { id: closed } })
  expect(await look(alice, inner)).toMatchObject({ depth: 4, project: { id: closed }, version: 2 })
  expect(await look(bob, inner)).toBeNull()
  const last = async (events: typeof his) => {
    for (;;) {
      const { pageEvents: event } = (await events?.next()) ?? {}
      if (event?.__typename !== 'BlockCreated') return event
    }
  }
  expect(await last(his)).toEqual({ __typename: 'SubscriptionEnded', reason: 'ACCESS_REMOVED' })
  expect(await last(hers)).toMatchObject({ __typename: 'PageUpdated', page: { project: { id: closed } } })
  hers?.stop()
})

test('a page cannot be moved under itself, or under what stands in it', async ({ alice }) => {
  const [outer = '', middle = '', inner = ''] = await makeChain(alice, 3)
  for (const parentId of [outer, middle, inner]) {
    expect(await move(alice, { id: outer, parentId })).toMatchObject({
      __typename: 'WouldCreateCycle',
      code: 'WOULD_CREATE_CYCLE',
    })
  }
  expect(await look(alice, inner)).toMatchObject({ depth: 3, version: 1 })
  expect(factOf(await move(alice, { id: middle, parentId: outer, afterId: middle }))).toEqual(['afterId'])
})

test('nothing moves to where it would be deeper than 32', async ({ alice }) => {
  const deep = await makeChain(alice, 31)
  const [outer = '', inner = ''] = await makeChain(alice, 2)
  expect(await move(alice, { id: outer, parentId: deep[30] ?? '' })).toMatchObject({
    __typename: 'NestedTooDeep',
    code: 'NESTED_TOO_DEEP',
  })
  expect(await look(alice, inner)).toMatchObject({ depth: 2 })
  expect(await move(alice, { id: outer, parentId: deep[29] ?? '' })).toMatchObject({ depth: 31 })
  expect(await look(alice, inner)).toMatchObject({ depth: 32 })
})

test('a place that is elsewhere is named, and nothing moves to where nobody may write', async ({
  alice,
  bob,
  stranger,
  page,
}) => {
  const [one, other] = [await createProject(alice, { name: 'One' }), await createProject(alice, { name: 'Other' })]
  const [inOne, inOther] = [await createPageIn(alice, one), await createPageIn(alice, other)]
  expect(factOf(await move(bob, { id: page.id, projectId: one, parentId: inOther }))).toEqual(['projectId'])
  expect(factOf(await move(bob, { id: page.id, projectId: one, afterId: inOther }))).toEqual(['afterId'])
  expect(factOf(await move(bob, { id: page.id, parentId: inOne, beforeId: inOther }))).toEqual(['beforeId'])
  expect(factOf(await move(bob, { id: inOne, projectId: one, afterId: inOne }))).toEqual(['afterId'])
  const refused = (input: MovePageInput) => codeOf(bob.send(MovePageDocument, { input }))
  const theirs = (await make(stranger)).id
  for (const parentId of [theirs, 'page_01h2xcejqtf2nbrexx3vqjhp41', 'garbage']) {
    expect(await refused({ id: page.id, parentId })).toBe('NOT_FOUND')
    expect(await refused({ id: parentId, parentId: page.id })).toBe('NOT_FOUND')
  }
  await verbs.archive(alice, inOne)
  expect(await refused({ id: page.id, parentId: inOne })).toBe('FORBIDDEN')
  expect(await refused({ id: inOne })).toBe('FORBIDDEN')
  expect(await look(alice, page.id)).toMatchObject({ parent: null, project: null, version: 1 })
  expect(await childrenOf(alice, inOne)).toEqual([])
})
