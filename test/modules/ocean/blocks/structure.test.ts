import { expect } from 'vitest'
import {
  CreateBlocksDocument,
  type CreateBlocksInput,
  DeleteBlockDocument,
  type DeleteBlockInput,
  MoveBlockDocument,
  type MoveBlockInput,
  PageEventsDocument,
  type PageEventsSubscription,
} from '../../../gql/graphql.ts'
import type { Subscription } from '../../../kit/client.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import { createPage, test } from '../../../kit/test.ts'
import { addTo, createPageIn, createProject } from '../../projects/stage.ts'
import { blocksOf, linkAll, linksOf, make, outcomeOf, outlineOf, storedBlocks } from './outline.ts'

const move = (person: Person, input: MoveBlockInput) => outcomeOf(person.send(MoveBlockDocument, { input }))
const remove = (person: Person, input: DeleteBlockInput) => outcomeOf(person.send(DeleteBlockDocument, { input }))
const create = (person: Person, input: CreateBlocksInput) => outcomeOf(person.send(CreateBlocksDocument, { input }))

async function nextOf(events: Subscription<PageEventsSubscription>, count: number) {
  const told: (readonly [string, string])[] = []
  while (told.length < count) {
    const { pageEvents } = await events.next({ within: 15_000 })
    told.push([pageEvents.__typename, 'blockId' in pageEvents ? pageEvents.blockId : ''])
  }
  return told
}

test('blocks are made in each other, in one batch', async ({ alice, page }) => {
  const lines = ['a', '  a1', '    a1i', '  a2', 'b', '  b1', 'c']
  await make(alice, { pageId: page.id }, ...lines)
  expect(await outlineOf(alice, page.id)).toEqual(lines)
})

test('blocks are made at a place: in a block, behind a sibling with all that stands in it, or before one', async ({
  alice,
  page,
}) => {
  const pageId = page.id
  const { a = '', a1 = '', b = '' } = await make(alice, { pageId }, 'a', '  a1', '    a1i', '  a2', 'b')
  await make(alice, { pageId, parentId: a }, 'last in a', '  in that')
  await make(alice, { pageId, parentId: a, afterId: a1 }, 'behind a1')
  await make(alice, { pageId, parentId: a, beforeId: a1 }, 'before a1')
  await make(alice, { pageId, afterId: a }, 'behind a')
  await make(alice, { pageId, beforeId: a }, 'first')
  await make(alice, { pageId, parentId: b }, 'in b')
  await make(alice, { pageId }, 'last')
  expect(await outlineOf(alice, pageId)).toEqual([
    ...['first', 'a', '  before a1', '  a1', '    a1i', '  behind a1', '  a2', '  last in a', '    in that'],
    ...['behind a', 'b', '  in b', 'last'],
  ])
})

test('a batch that is in no document order is refused at the block that is out of it', async ({ alice, page }) => {
  const told = (...parents: (number | null)[]) =>
    create(alice, { pageId: page.id, blocks: parents.map((parentIndex) => ({ text: 'x', parentIndex })) })
  expect(await told(0)).toBe('blocks.0.parentIndex')
  expect(await told(null, 2, null)).toBe('blocks.1.parentIndex')
  expect(await told(null, -1)).toBe('blocks.1.parentIndex')
  expect(await told(null, 200)).toBe('blocks.1.parentIndex')
  // The first one is closed by the second.
  expect(await told(null, null, 0)).toBe('blocks.2.parentIndex')
  expect(await told(null, 0, 0, 1)).toBe('blocks.3.parentIndex')
  expect(await outlineOf(alice, page.id)).toEqual([])
  expect(await told(null, 0, 0, 2, 0)).toBe('CreatedBlocks')
})

test('blocks stand 10 deep in each other and no deeper, however they come there', async ({ alice, page }) => {
  const pageId = page.id
  const chain = (length: number) => Array.from({ length }, (_, depth) => `${'  '.repeat(depth)}${depth + 1}`)
  const blocks = chain(11).map((_, index) => ({ text: 'x', parentIndex: index === 0 ? null : index - 1 }))
  expect(await create(alice, { pageId, blocks })).toBe('NestedTooDeep')
  const ids = await make(alice, { pageId }, ...chain(10))
  expect(await create(alice, { pageId, parentId: ids[10], blocks: [{ text: 'x' }] })).toBe('NestedTooDeep')
  const { top = '', bottom = '' } = await make(alice, { pageId }, 'top', '  middle', '    bottom')
  expect(await move(alice, { id: top, parentId: ids[8] })).toBe('NestedTooDeep')
  expect(await move(alice, { id: bottom, parentId: ids[10] })).toBe('NestedTooDeep')
  expect(await outlineOf(alice, pageId)).toEqual([...chain(10), 'top', '  middle', '    bottom'])
  expect(await move(alice, { id: top, parentId: ids[7] })).toBe('Block')
  expect((await blocksOf(alice, pageId)).at(-1)).toMatchObject({ text: 'bottom', depth: 10 })
})

test('a block moves with all that stands in it, and nothing else of it changes', async ({
  server,
  alice,
  bob,
  page,
}) => {
  const pageId = page.id
  const ids = await make(bob, { pageId }, 'a', '  a1', '    a1i', '  a2', 'b', '  b1', 'c')
  const { a = '', a1 = '', a2 = '', b = '', b1 = '', c = '' } = ids
  const before = await storedBlocks(server, pageId)
  const steps: [MoveBlockInput, string[]][] = [
    [{ id: a1, parentId: b }, ['a', '  a2', 'b', '  b1', '  a1', '    a1i', 'c']],
    [{ id: a1, parentId: b, beforeId: b1 }, ['a', '  a2', 'b', '  a1', '    a1i', '  b1', 'c']],
    [{ id: b, beforeId: a }, ['b', '  a1', '    a1i', '  b1', 'a', '  a2', 'c']],
    [{ id: a1 }, ['b', '  b1', 'a', '  a2', 'c', 'a1', '  a1i']],
    [{ id: a1, parentId: a, afterId: a2 }, ['b', '  b1', 'a', '  a2', '  a1', '    a1i', 'c']],
    // Out of what it stands in, to right behind that.
    [{ id: a2, afterId: a }, ['b', '  b1', 'a', '  a1', '    a1i', 'a2', 'c']],
    // To where it stands.
    [{ id: a, afterId: b }, ['b', '  b1', 'a', '  a1', '    a1i', 'a2', 'c']],
    [{ id: a, beforeId: a2 }, ['b', '  b1', 'a', '  a1', '    a1i', 'a2', 'c']],
    [{ id: c, beforeId: b }, ['c', 'b', '  b1', 'a', '  a1', '    a1i', 'a2']],
  ]
  for (const [input, outline] of steps) {
    expect(await move(alice, input)).toBe('Block')
    expect(await outlineOf(alice, pageId)).toEqual(outline)
  }
  const place = { parent_id: '', depth: 0, position: '', version: 0, updated_at: '', updated_by_id: '' }
  const kept = (rows: typeof before) => rows.map((row) => ({ ...row, ...place }))
  expect(kept(await storedBlocks(server, pageId))).toEqual(kept(before))
  // What only came along was not changed.
  const versions = Object.fromEntries((await blocksOf(alice, pageId)).map(({ text, version }) => [text, version]))
  expect(versions).toEqual({ a: 3, a1: 5, a1i: 1, a2: 2, b: 2, b1: 1, c: 2 })
})

test('a block moves to another page with all that stands in it; watchers of both hear of each', async ({
  server,
  alice,
  bob,
  page,
}) => {
  const other = await createPage(alice, 'Another page')
  const { a = '', a1 = '', a1i = '' } = await make(alice, { pageId: page.id }, 'a', '  a1', '    a1i', 'b')
  const { x = '' } = await make(alice, { pageId: other.id }, 'x', 'y')
  await linkAll(server, alice, [a1, a1i])
  const [before, links] = [await storedBlocks(server, page.id, other.id), await linksOf(server, [a1, a1i])]
  const watched = [page, other].map(({ id: pageId, eventsCursor: after }) =>
    bob.subscribe(PageEventsDocument, { pageId, after }),
  )
  expect(await move(bob, { id: a1, pageId: other.id, parentId: x })).toBe('Block')
  for (const [index, events] of watched.entries()) {
    await nextOf(events, index === 0 ? 4 : 2)
    expect(await events.next()).toMatchObject({
      pageEvents: { __typename: 'BlockMoved', blockId: a1, block: { page: { id: other.id }, parent: { id: x } } },
    })
    expect(await nextOf(events, 1)).toEqual([['BlockMoved', a1i]])
    events.stop()
  }
  expect(await outlineOf(alice, page.id)).toEqual(['a', 'b'])
  expect(await outlineOf(alice, other.id)).toEqual(['x', '  a1', '    a1i', 'y'])
  const kept = (rows: typeof before) =>
    rows.map(({ id, text, version, created_at }) => ({ id, text, version, created_at }))
  const after = await storedBlocks(server, page.id, other.id)
  expect(kept(after)).toEqual(kept(before).map((row) => (row.text === 'a1' ? { ...row, version: 2 } : row)))
  expect(await linksOf(server, [a1, a1i])).toEqual(links)
  // And back, to the end of where it was.
  expect(await move(alice, { id: a1, pageId: page.id, parentId: a })).toBe('Block')
  expect(await outlineOf(alice, page.id)).toEqual(['a', '  a1', '    a1i', 'b'])
  const moves = (await trailOf(server, alice)).filter(({ action }) => action === 'block.move')
  expect(moves).toMatchObject([
    { target: a1, actor: bob.userId, outcome: 'allowed' },
    { target: a1, actor: alice.userId, outcome: 'allowed' },
  ])
})

test('who cannot see the page that a block moved to hears that it went, and not where', async ({
  alice,
  bob,
  page,
}) => {
  const closed = await createPageIn(alice, await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' }))
  const { a = '', a1 = '' } = await make(alice, { pageId: page.id }, 'a', '  a1')
  const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  await nextOf(events, 2)
  expect(await move(alice, { id: a, pageId: closed })).toBe('Block')
  for (const blockId of [a, a1]) {
    expect(await events.next()).toMatchObject({ pageEvents: { __typename: 'BlockMoved', blockId, block: null } })
  }
  events.stop()
})

test('a block stands in nothing that stands in it, and beside no other blocks than its siblings', async ({
  alice,
  page,
}) => {
  const other = await createPage(alice, 'Another page')
  const ids = await make(alice, { pageId: page.id }, 'a', '  a1', '    a1i', 'b')
  const { a = '', a1 = '', a1i = '', b = '' } = ids
  const { x = '' } = await make(alice, { pageId: other.id }, 'x')
  expect(await move(alice, { id: a, parentId: a })).toBe('WouldCreateCycle')
  expect(await move(alice, { id: a, parentId: a1i })).toBe('WouldCreateCycle')
  expect(await move(alice, { id: a, parentId: a1i, pageId: other.id })).toBe('WouldCreateCycle')
  expect(await move(alice, { id: a, afterId: a })).toBe('afterId')
  expect(await move(alice, { id: a, beforeId: a })).toBe('beforeId')
  expect(await move(alice, { id: a, afterId: a1 })).toBe('afterId')
  expect(await move(alice, { id: b, afterId: a1 })).toBe('afterId')
  expect(await move(alice, { id: b, parentId: a, beforeId: a1i })).toBe('beforeId')
  expect(await move(alice, { id: b, beforeId: a, afterId: a })).toBe('beforeId')
  expect(await move(alice, { id: b, parentId: x })).toBe('parentId')
  expect(await move(alice, { id: b, pageId: other.id, parentId: a })).toBe('parentId')
  expect(await move(alice, { id: b, pageId: other.id, afterId: a })).toBe('afterId')
  expect(await create(alice, { pageId: page.id, parentId: x, blocks: [{}] })).toBe('parentId')
  expect(await create(alice, { pageId: page.id, afterId: x, blocks: [{}] })).toBe('afterId')
  expect(await create(alice, { pageId: page.id, beforeId: a, afterId: a, blocks: [{}] })).toBe('beforeId')
  expect(await outlineOf(alice, page.id)).toEqual(['a', '  a1', '    a1i', 'b'])
  expect(await outlineOf(alice, other.id)).toEqual(['x'])
})

test('a block of another organization is no place, exactly as one that is not there', async ({
  alice,
  stranger,
  page,
}) => {
  const theirs = await createPage(stranger, 'Theirs')
  const { x = '' } = await make(stranger, { pageId: theirs.id }, 'x')
  const { a = '' } = await make(alice, { pageId: page.id }, 'a')
  const nowhere = 'block_01h2xcejqtf2nbrexx3vqjhp41'
  const told = async (input: Omit<MoveBlockInput, 'id'>) => {
    const { data } = await alice.send(MoveBlockDocument, { input: { id: a, ...input } })
    return data?.moveBlock
  }
  for (const field of ['parentId', 'afterId', 'beforeId'] as const) {
    expect(await told({ [field]: x })).toMatchObject({ fields: [{ path: [field] }] })
    expect(await told({ [field]: x })).toEqual(await told({ [field]: nowhere }))
    expect(await create(alice, { pageId: page.id, [field]: x, blocks: [{}] })).toBe(field)
  }
  expect(await move(alice, { id: a, pageId: theirs.id })).toBe('NOT_FOUND')
  expect(await move(stranger, { id: a })).toBe('NOT_FOUND')
  expect(await remove(stranger, { id: a })).toBe('NOT_FOUND')
  expect(await outlineOf(alice, page.id)).toEqual(['a'])
})

test('a block is deleted with all that stands in it, and watchers hear of each', async ({
  server,
  alice,
  bob,
  page,
}) => {
  const ids = await make(alice, { pageId: page.id }, 'a', '  a1', '    a1i', '  a2', 'b')
  const { a = '', a1 = '', a1i = '', a2 = '', b = '' } = ids
  await linkAll(server, alice, [b, a1i])
  const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  await nextOf(events, 5)
  const { deleteBlock } = await bob.mutate(DeleteBlockDocument, { input: { id: a, expectedVersion: 1 } })
  expect(deleteBlock).toMatchObject({ __typename: 'DeletedBlock', deletedId: a, page: { id: page.id } })
  expect(await nextOf(events, 4)).toEqual([a, a1, a1i, a2].map((id) => ['BlockDeleted', id]))
  events.stop()
  expect(await outlineOf(alice, page.id)).toEqual(['b'])
  expect(await storedBlocks(server, page.id)).toHaveLength(1)
  // What led to it leads nowhere.
  expect(await linksOf(server, [b, a1i])).toMatchObject([{ source_block_id: uuidIn(b), target_id: uuidIn(a1i) }])
  for (const id of [a, a1i]) expect(await remove(alice, { id })).toBe('NOT_FOUND')
  const deletions = (await trailOf(server, alice)).filter(({ action }) => action === 'block.delete')
  expect(deletions.filter(({ outcome }) => outcome === 'allowed')).toMatchObject([{ target: a, actor: bob.userId }])
})

test('who saw an older version moves and deletes nothing', async ({ alice, page }) => {
  const { a = '' } = await make(alice, { pageId: page.id }, 'a', 'b')
  expect(await move(alice, { id: a, expectedVersion: 1 })).toBe('Block')
  const conflict = { __typename: 'EditConflict', current: { id: a, version: 2 } }
  const { moveBlock } = await alice.mutate(MoveBlockDocument, { input: { id: a, expectedVersion: 1 } })
  const { deleteBlock } = await alice.mutate(DeleteBlockDocument, { input: { id: a, expectedVersion: 1 } })
  expect([moveBlock, deleteBlock]).toMatchObject([conflict, conflict])
  expect(await outlineOf(alice, page.id)).toEqual(['b', 'a'])
})

test('who may not write on both pages moves nothing; a viewer deletes nothing', async ({
  server,
  alice,
  bob,
  page,
}) => {
  const project = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const closed = await createPageIn(alice, project)
  const { a = '' } = await make(alice, { pageId: page.id }, 'a')
  const { inside = '' } = await make(alice, { pageId: closed }, 'inside')
  expect(await move(bob, { id: a, pageId: closed })).toBe('NOT_FOUND')
  expect(await move(bob, { id: inside, pageId: page.id })).toBe('NOT_FOUND')
  expect(await remove(bob, { id: inside })).toBe('NOT_FOUND')
  await addTo(alice, project, bob, 'VIEWER')
  expect(await move(bob, { id: a, pageId: closed })).toBe('FORBIDDEN')
  expect(await move(bob, { id: inside, pageId: page.id })).toBe('FORBIDDEN')
  expect(await remove(bob, { id: inside })).toBe('FORBIDDEN')
  await addTo(alice, project, bob, 'EDITOR')
  await setRole(server, bob, 'VIEWER')
  expect(await move(bob, { id: inside, pageId: page.id })).toBe('FORBIDDEN')
  expect(await move(bob, { id: a })).toBe('FORBIDDEN')
  expect(await remove(bob, { id: a })).toBe('FORBIDDEN')
  expect(await outlineOf(alice, page.id)).toEqual(['a'])
  expect(await outlineOf(alice, closed)).toEqual(['inside'])
})
