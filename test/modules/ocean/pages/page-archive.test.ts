import { expect } from 'vitest'
import { encodeGlobalId } from '../../../../src/graphql/ids.ts'
import { newUuid } from '../../../../src/platform/uuid.ts'
import {
  ArchivePageDocument,
  ArchiveProjectDocument,
  CreateBlocksDocument,
  DeletePageDocument,
  DuplicatePageDocument,
  MovePageDocument,
  PageDocument,
  PageEventsDocument,
  RestorePageDocument,
  UpdatePageDocument,
} from '../../../gql/graphql.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { test, write } from '../../../kit/test.ts'
import { codeOf, createProject } from '../../projects/stage.ts'
import { childrenOf, look, make, makeChain, topOf, verbs } from './stage.ts'

/** What changes a page, with an input that changes nothing where it is allowed. */
const changes = {
  update: (person: Person, id: string) =>
    codeOf(person.send(UpdatePageDocument, { input: { id, expectedVersion: 0 } })),
  move: (person: Person, id: string) => codeOf(person.send(MovePageDocument, { input: { id, expectedVersion: 0 } })),
  duplicate: (person: Person, id: string) => codeOf(person.send(DuplicatePageDocument, { input: { id } })),
  write: (person: Person, id: string) =>
    codeOf(person.send(CreateBlocksDocument, { input: { pageId: id, blocks: [{ text: 'a' }] } })),
}
/** What is done to a page as a whole. */
const ends = {
  archive: (person: Person, id: string) => codeOf(person.send(ArchivePageDocument, { input: { id } })),
  restore: (person: Person, id: string) => codeOf(person.send(RestorePageDocument, { input: { id } })),
  remove: (person: Person, id: string) => codeOf(person.send(DeletePageDocument, { input: { id } })),
}

const codesOf = async (tried: typeof changes | typeof ends, person: Person, id: string) =>
  Promise.all(Object.values(tried).map((attempt) => attempt(person, id)))

test('an archived page is read-only with all under it, until it is restored', async ({ alice, bob }) => {
  const [outer = '', middle = '', inner = ''] = await makeChain(alice, 3)
  expect(await verbs.archive(bob, middle)).toMatchObject({ archivedAt: expect.any(String), version: 2 })
  expect(await look(bob, outer)).toMatchObject({ archivedAt: null, version: 1, children: { totalCount: 1 } })
  expect(await look(bob, inner)).toMatchObject({ archivedAt: expect.any(String), version: 2 })
  for (const id of [middle, inner]) expect(await codesOf(changes, bob, id)).toEqual(Array(4).fill('FORBIDDEN'))
  expect((await bob.query(PageDocument, { id: inner })).page?.viewerCan).toEqual(
    expect.arrayContaining(['page.archive', 'page.read', 'page.restore']),
  )

  expect(await verbs.archive(bob, middle)).toMatchObject({ version: 2 })
  expect(await verbs.archive(bob, inner)).toMatchObject({ version: 2 })
  expect(await verbs.restore(bob, middle)).toMatchObject({ archivedAt: null, version: 3, parent: { id: outer } })
  expect(await verbs.restore(bob, middle)).toMatchObject({ version: 3 })
  expect(await look(bob, inner)).toMatchObject({ archivedAt: null, version: 3, depth: 3 })
  expect(await codesOf(changes, bob, inner)).toEqual(Array(4).fill(undefined))
})

test('what was archived before stays archived when more was, and comes back by itself', async ({ alice }) => {
  const [outer = '', inner = ''] = await makeChain(alice, 2)
  const [, leaf = ''] = [inner, (await make(alice, { parentId: inner })).id]
  await verbs.archive(alice, inner)
  await verbs.archive(alice, outer)
  await verbs.restore(alice, outer)
  expect(await look(alice, outer)).toMatchObject({ archivedAt: null })
  for (const id of [inner, leaf]) expect(await look(alice, id)).toMatchObject({ archivedAt: expect.any(String) })
  expect(await verbs.restore(alice, inner)).toMatchObject({ archivedAt: null, parent: { id: outer } })
  expect(await look(alice, leaf)).toMatchObject({ archivedAt: null })
})

test('a page restored out of an archived one goes to the top of its project, with what was archived with it', async ({
  alice,
}) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const [outer = '', middle = '', inner = ''] = await makeChain(alice, 3, { projectId })
  await make(alice, { projectId, title: 'last' })
  const before = await make(alice, { parentId: middle, title: 'archived before' })
  await verbs.archive(alice, before.id)
  await verbs.archive(alice, outer)
  expect(await verbs.restore(alice, middle)).toMatchObject({ archivedAt: null, parent: null })
  expect(await topOf(alice, projectId)).toEqual(['1', 'last', '2'])
  expect(await look(alice, middle)).toMatchObject({ depth: 1, project: { id: projectId } })
  expect(await look(alice, inner)).toMatchObject({ depth: 2, archivedAt: null, ancestors: [{ title: '2' }] })
  expect(await look(alice, before.id)).toMatchObject({ depth: 2, archivedAt: expect.any(String) })
  expect(await childrenOf(alice, outer)).toEqual([])
  await verbs.restore(alice, outer)
  expect(await look(alice, before.id)).toMatchObject({ archivedAt: expect.any(String) })
})

test('in an archived project nothing is archived, restored or deleted', async ({ alice }) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const [archived, living] = [await make(alice, { projectId }), await make(alice, { projectId })]
  await verbs.archive(alice, archived.id)
  await alice.mutate(ArchiveProjectDocument, { input: { id: projectId } })
  for (const { id } of [archived, living]) {
    expect(await codesOf(ends, alice, id)).toEqual(Array(3).fill('FORBIDDEN'))
    expect(await codesOf(changes, alice, id)).toEqual(Array(4).fill('FORBIDDEN'))
    expect((await alice.query(PageDocument, { id })).page?.viewerCan).toEqual(['block.read', 'page.read'])
  }
})

test('a deleted page is gone with all on it and under it, archived or not; its siblings stay', async ({
  server,
  alice,
}) => {
  const [outer = '', middle = '', inner = ''] = await makeChain(alice, 3)
  const sibling = await make(alice, { parentId: outer, title: 'stays' })
  const [block = ''] = await write(alice, inner, 'a text')
  await verbs.archive(alice, inner)
  expect(await verbs.remove(alice, middle)).toEqual({ __typename: 'DeletedPage', deletedId: middle })
  for (const id of [middle, inner]) expect(await look(alice, id)).toBeNull()
  expect(await childrenOf(alice, outer)).toEqual(['stays'])
  const { unscoped } = server.app.platform.database
  expect(await unscoped.selectFrom('block').select('id').where('id', '=', uuidIn(block)).execute()).toEqual([])
  expect(await ends.remove(alice, middle)).toBe('NOT_FOUND')
  expect((await trailOf(server, alice)).filter(({ action }) => action === 'page.delete')).toMatchObject([
    { target: middle, outcome: 'allowed' },
    { target: middle, outcome: 'denied' },
  ])
  expect(await look(alice, sibling.id)).toMatchObject({ version: 1 })
})

test('archiving and restoring are for editors, deleting is for administrators, and strangers find nothing', async ({
  server,
  alice,
  bob,
  stranger,
  page,
}) => {
  expect(await codesOf(ends, stranger, page.id)).toEqual(Array(3).fill('NOT_FOUND'))
  expect(await codesOf(changes, stranger, page.id)).toEqual(Array(4).fill('NOT_FOUND'))
  expect(await codesOf(ends, bob, page.id)).toEqual([undefined, undefined, 'FORBIDDEN'])
  await verbs.restore(alice, page.id)
  await setRole(server, bob, 'VIEWER')
  expect(await codesOf(ends, bob, page.id)).toEqual(Array(3).fill('FORBIDDEN'))
  expect(await codesOf(changes, bob, page.id)).toEqual(Array(4).fill('FORBIDDEN'))
  expect(await look(alice, page.id)).toMatchObject({ archivedAt: null })
})

test('who watches a page is told that it is deleted, with one above it too, and then that this is the end', async ({
  server,
  alice,
  bob,
}) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  for (const place of [{}, { projectId }]) {
    const [outer = '', inner = ''] = await makeChain(alice, 2, place)
    const busy = await follow(server, alice, outer)
    await verbs.update(alice, { id: outer, expectedVersion: 1, title: 'New' })
    expect(await busy.next()).toMatchObject({ pageEvents: { __typename: 'PageUpdated', page: { title: 'New' } } })
    const silent = await follow(server, bob, inner)
    await verbs.remove(alice, outer)
    expect(await silent.next()).toMatchObject({ pageEvents: { __typename: 'PageDeleted', pageId: inner } })
    expect(await busy.next()).toMatchObject({ pageEvents: { __typename: 'PageDeleted', pageId: outer } })
    for (const events of [silent, busy]) {
      expect(await events.next()).toEqual(ended('RESOURCE_DELETED'))
      await events.ended()
    }
  }
})

test('what happened to a page just before it was deleted is told before that', async ({ server, alice, bob, page }) => {
  const events = await follow(server, bob, page.id)
  const projectId = await createProject(alice, { name: 'Ocean' })
  await verbs.move(alice, { id: page.id, projectId })
  expect(await events.next()).toMatchObject({ pageEvents: { page: { project: { id: projectId } } } })
  // Whoever writes to it once it is archived is refused.
  await Promise.allSettled([write(alice, page.id, 'a'), verbs.archive(alice, page.id)])
  await verbs.remove(alice, page.id)
  const told: (string | undefined)[] = []
  while (told.at(-1) !== 'SubscriptionEnded') told.push((await events.next()).pageEvents.__typename)
  expect(told.slice(-2)).toEqual(['PageDeleted', 'SubscriptionEnded'])
  expect(told.slice(0, -2).toSorted()).toEqual(expect.arrayContaining(['PageUpdated']))
})

test('whose access changed meanwhile is not told that a page was deleted, but that it is no longer theirs', async ({
  server,
  alice,
  bob,
  page,
}) => {
  const events = await follow(server, bob, page.id)
  const { unscoped } = server.app.platform.database
  // Behind the nodes' backs, so that they are not told before the event.
  const mine = unscoped.updateTable('user').set((on) => ({ access_epoch: on('access_epoch', '+', 1) }))
  await mine.where('id', '=', uuidIn(bob.userId)).execute()
  await verbs.remove(alice, page.id)
  expect(await events.next()).toEqual(ended('ACCESS_REMOVED'))
})

const ended = (reason: string) => ({ pageEvents: { __typename: 'SubscriptionEnded', reason } })

/** Follows a page from what it is now, and answers once the server does. */
async function follow(server: TestServer, person: Person, pageId: string) {
  const { channels } = server.app.platform
  const after = (await person.query(PageDocument, { id: pageId })).page?.eventsCursor ?? null
  const before = channels.openCount()
  const events = person.subscribe(PageEventsDocument, { pageId, after })
  await expect.poll(() => channels.openCount()).toBeGreaterThan(before)
  return events
}

test('a page is moved, archived and deleted with at most 5,000 pages under it', { timeout: 60_000 }, async ({
  server,
  alice,
}) => {
  const root = await make(alice)
  const last = (await seedChildren(server, root.id, 5_001)).at(-1) ?? ''
  const refused = { fields: [{ path: ['id'], message: 'has more than 5,000 pages under it' }] }
  expect(await verbs.move(alice, { id: root.id })).toMatchObject(refused)
  for (const verb of [verbs.archive, verbs.restore, verbs.remove]) {
    expect(await verb(alice, root.id)).toMatchObject(refused)
  }
  expect(await look(alice, root.id)).toMatchObject({ archivedAt: null, version: 1, children: { totalCount: 5_001 } })
  await verbs.remove(alice, last)
  expect(await verbs.archive(alice, root.id)).toMatchObject({ __typename: 'Page' })
  expect(await verbs.remove(alice, root.id)).toMatchObject({ __typename: 'DeletedPage' })
})

/** Puts so many pages in one, and answers their ids; seeded, since the mutations would take their time. */
async function seedChildren(server: TestServer, parentId: string, count: number): Promise<string[]> {
  const { unscoped } = server.app.platform.database
  const rows = unscoped.selectFrom('page').selectAll().where('id', '=', uuidIn(parentId))
  const row = await rows.executeTakeFirstOrThrow()
  const pages = Array.from({ length: count }, (_, index) => ({
    ...row,
    ...{ id: newUuid(server.clock.now()), parent_id: row.id, depth: 2, rank: `a${String(index).padStart(5, '0')}1` },
  }))
  for (let start = 0; start < count; start += 1_000) {
    await unscoped
      .insertInto('page')
      .values(pages.slice(start, start + 1_000))
      .execute()
  }
  return pages.map(({ id }) => encodeGlobalId('Page', id))
}
