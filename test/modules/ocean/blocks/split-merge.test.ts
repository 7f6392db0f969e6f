import { describe, expect } from 'vitest'
import {
  BlockDocument,
  type BlockType,
  CreateBlocksDocument,
  MergeBlocksDocument,
  PageEventsDocument,
  SplitBlockDocument,
} from '../../../gql/graphql.ts'
import { trailOf } from '../../../kit/inside.ts'
import type { Person } from '../../../kit/people.ts'
import { createPage, test, write } from '../../../kit/test.ts'
import { make, outcomeOf, outlineOf, storedBlocks } from './outline.ts'
import { copyOf, runsIn, type, update } from './typist.ts'

async function split(person: Person, id: string, index: number) {
  const { splitBlock } = await person.mutate(SplitBlockDocument, { input: { id, index } })
  if (splitBlock.__typename !== 'SplitBlocks') throw new Error(`The split came to ${JSON.stringify(splitBlock)}`)
  return splitBlock
}

async function merge(person: Person, id: string, intoId: string) {
  const { mergeBlocks } = await person.mutate(MergeBlocksDocument, { input: { id, intoId } })
  if (mergeBlocks.__typename !== 'Block') throw new Error(`The merge came to ${JSON.stringify(mergeBlocks)}`)
  return mergeBlocks
}

async function addOne(person: Person, pageId: string, block: { type: BlockType; text?: string; content?: object }) {
  const { createBlocks } = await person.mutate(CreateBlocksDocument, { input: { pageId, blocks: [block] } })
  return createBlocks.__typename === 'CreatedBlocks' ? (createBlocks.blocks[0]?.id ?? '') : ''
}

const runsOfBlock = async (person: Person, id: string) => runsIn(await copyOf(person, id))

describe('a block that is split', () => {
  test('goes on in a new one behind it, with the formatting; its children stay', async ({ alice, page }) => {
    const ids = await make(alice, { pageId: page.id }, 'one two', '  child', 'after')
    const id = ids['one two'] ?? ''
    await type(alice, id, (text) => text.format(2, 3, { bold: true }))
    const { first, second } = await split(alice, id, 4)
    expect(first).toMatchObject({ id, text: 'one ', textVersion: 3 })
    expect(second).toMatchObject({ text: 'two', type: 'PARAGRAPH', parent: null, depth: 1 })
    expect(await outlineOf(alice, page.id)).toEqual(['one ', '  child', 'two', 'after'])
    expect(await runsOfBlock(alice, id)).toEqual([
      { text: 'on', attributes: {} },
      { text: 'e ', attributes: { bold: true } },
    ])
    expect(await runsOfBlock(alice, second.id)).toEqual([
      { text: 't', attributes: { bold: true } },
      { text: 'wo', attributes: {} },
    ])
  })

  test('tells watchers what changed and what came', async ({ server, alice, page }) => {
    const [id = ''] = await write(alice, page.id, 'one two')
    const events = alice.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
    await events.next()
    const { second } = await split(alice, id, 3)
    const told = [await events.next(), await events.next()].map(({ pageEvents }) => pageEvents)
    expect(told).toMatchObject([
      { __typename: 'BlockTextChanged', blockId: id, textVersion: 2 },
      { __typename: 'BlockCreated', blockId: second.id },
    ])
    events.stop()
    const actions = (await trailOf(server, alice)).map(({ action }) => action)
    expect(actions.filter((action) => /^block\.(split|edit_text)$/.test(action))).toEqual(['block.split'])
  })

  test.for<[BlockType, object, BlockType, object]>([
    ['TO_DO', { checked: true }, 'TO_DO', { checked: false }],
    ['HEADING_2', {}, 'PARAGRAPH', {}],
    ['CODE', { language: 'sql' }, 'CODE', { language: 'sql' }],
    ['TOGGLE', { collapsed: true }, 'TOGGLE', { collapsed: false }],
    ['TABLE', { hasHeaderRow: true, hasHeaderColumn: true }, 'TABLE', { hasHeaderRow: false, hasHeaderColumn: true }],
    ['IMAGE', { url: 'https://example.org/a.png' }, 'PARAGRAPH', {}],
  ])('that is %s with %j goes on as %s with %j', async ([type, content, next, rest], { alice, page }) => {
    const id = await addOne(alice, page.id, { type, content, text: 'ab' })
    const { second } = await split(alice, id, 1)
    expect(second).toMatchObject({ type: next, content: rest, text: 'b' })
    expect((await alice.query(BlockDocument, { id })).block).toMatchObject({ type, content, text: 'a' })
  })

  test('at its begin or end leaves one of the two empty', async ({ alice, page }) => {
    const [id = ''] = await write(alice, page.id, 'text')
    expect(await split(alice, id, 4)).toMatchObject({ first: { text: 'text', textVersion: 1 }, second: { text: '' } })
    expect(await split(alice, id, 0)).toMatchObject({ first: { text: '', textVersion: 2 }, second: { text: 'text' } })
    expect(await outlineOf(alice, page.id)).toEqual(['', 'text', ''])
  })

  test('is split at a place that is in its text, in no character, as it was seen', async ({ server, alice, page }) => {
    const [id = ''] = await write(alice, page.id, 'a😀')
    const divider = await addOne(alice, page.id, { type: 'DIVIDER' })
    const before = await storedBlocks(server, page.id)
    for (const index of [-1, 2, 4, 2 ** 31 - 1])
      expect(await outcomeOf(alice.send(SplitBlockDocument, { input: { id, index } }))).toBe('index')
    expect(await outcomeOf(alice.send(SplitBlockDocument, { input: { id: divider, index: 0 } }))).toBe('id')
    const stale = { id, index: 1, expectedTextVersion: 2 }
    expect(await outcomeOf(alice.send(SplitBlockDocument, { input: stale }))).toBe('EditConflict')
    expect(await storedBlocks(server, page.id)).toEqual(before)
  })
})

describe('a block that is merged into another', () => {
  test('leaves there its text with formatting, and what stood in it', async ({ alice, page }) => {
    const ids = await make(alice, { pageId: page.id }, 'one', '  own', 'two', '  a', '    b', '  c', 'after')
    const [into = '', id = ''] = [ids.one, ids.two]
    await type(alice, id, (text) => text.format(0, 1, { italic: true }))
    const events = alice.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
    for (let index = 0; index < 8; index += 1) await events.next()
    expect(await merge(alice, id, into)).toMatchObject({ id: into, text: 'onetwo', textVersion: 2 })
    expect(await outlineOf(alice, page.id)).toEqual(['onetwo', '  own', '  a', '    b', '  c', 'after'])
    expect(await runsOfBlock(alice, into)).toEqual([
      { text: 'one', attributes: {} },
      { text: 't', attributes: { italic: true } },
      { text: 'wo', attributes: {} },
    ])
    expect((await alice.query(BlockDocument, { id })).block).toBeNull()
    const told: string[] = []
    while (told.at(-1) !== 'BlockDeleted') told.push((await events.next()).pageEvents.__typename)
    expect(told).toEqual(['BlockTextChanged', 'BlockMoved', 'BlockMoved', 'BlockMoved', 'BlockDeleted'])
    events.stop()
  })

  test('after a split makes what was there before', async ({ alice, page }) => {
    const [id = ''] = await write(alice, page.id, 'some text')
    await type(alice, id, (text) => text.format(3, 4, { link: 'https://example.org/' }))
    const before = await runsOfBlock(alice, id)
    const { second } = await split(alice, id, 5)
    await merge(alice, second.id, id)
    expect(await runsOfBlock(alice, id)).toEqual(before)
  })

  test('leaves there its words and address as well', async ({ alice, page }) => {
    const [into = ''] = await write(alice, page.id, 'see: ')
    const content = { url: 'https://example.org/a.png', alt: 'A picture' }
    const id = await addOne(alice, page.id, { type: 'IMAGE', content, text: 'caption' })
    await merge(alice, id, into)
    expect(await runsOfBlock(alice, into)).toEqual([
      { text: 'see: caption\nA picture\n', attributes: {} },
      { text: content.url, attributes: { link: content.url } },
    ])
  })

  test('can be what stands in the other, which takes what stood in it', async ({ alice, page }) => {
    const ids = await make(alice, { pageId: page.id }, 'a', '  b', '    c', '  d')
    await merge(alice, ids.b ?? '', ids.a ?? '')
    expect(await outlineOf(alice, page.id)).toEqual(['ab', '  d', '  c'])
  })

  test('is refused where it would stand in itself, too deep, too long or on another page', async ({
    server,
    alice,
    page,
  }) => {
    const lines = Array.from({ length: 10 }, (_, depth) => `${'  '.repeat(depth)}${depth}`)
    const ids = await make(alice, { pageId: page.id }, ...lines, 'x', '  y')
    const long = await write(alice, page.id, 'x'.repeat(64_000))
    const divider = await addOne(alice, page.id, { type: 'DIVIDER' })
    const elsewhere = await write(alice, (await createPage(alice, 'Elsewhere')).id, 'z')
    const before = await storedBlocks(server, page.id)
    const attempt = (id = '', intoId = '', expectedVersion?: number) =>
      outcomeOf(alice.send(MergeBlocksDocument, { input: { id, intoId, ...(expectedVersion && { expectedVersion }) } }))
    expect(await attempt(ids[0], ids[0])).toBe('WouldCreateCycle')
    expect(await attempt(ids[0], ids[3])).toBe('WouldCreateCycle')
    expect(await attempt(ids.x, ids[9])).toBe('NestedTooDeep')
    expect(await attempt(ids.y, long[0])).toBe('intoId')
    expect(await attempt(ids.y, divider)).toBe('intoId')
    expect(await attempt(ids.y, elsewhere[0])).toBe('intoId')
    expect(await attempt(ids.y, ids.x, 7)).toBe('EditConflict')
    expect(await attempt(ids.y, 'block_01h2xcejqtf2nbrexx3vqjhp41')).toBe('NOT_FOUND')
    expect(await storedBlocks(server, page.id)).toEqual(before)
  })

  test('goes with a last word: what was typed at the same time is in the other, or was refused', async ({
    alice,
    bob,
    page,
  }) => {
    for (let round = 0; round < 5; round += 1) {
      const [into = '', id = ''] = await write(alice, page.id, 'a', 'b')
      const typing = type(bob, id, (text) => text.insert(1, '!')).then(
        () => true,
        () => false,
      )
      const [{ text }, isTyped] = await Promise.all([merge(alice, id, into), typing])
      expect(text).toBe(isTyped ? 'ab!' : 'ab')
      expect(await update(alice, { id: into, text })).toMatchObject({ text })
    }
  })
})
