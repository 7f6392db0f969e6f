import { expect } from 'vitest'
import {
  BlockDocument,
  CreateBlocksDocument,
  type CreateBlocksInput,
  NodeDocument,
  PageDocument,
  PageEventsDocument,
  type PageEventsSubscription,
  type PageQuery,
} from '../../../gql/graphql.ts'
import type { Client, Subscription } from '../../../kit/client.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import { test, write } from '../../../kit/test.ts'

/** What an attempt came to: the type of the result, or the code of the error. */
async function attempt(client: Client, input: CreateBlocksInput): Promise<unknown> {
  const { data, errors } = await client.send(CreateBlocksDocument, { input })
  return errors?.[0]?.extensions.code ?? data?.createBlocks?.__typename
}

/** All blocks of a page, read in pages of 100. */
async function blocksOf(person: Person, pageId: string) {
  const blocks: { id: string; text: string; position: string }[] = []
  let after: string | null = null
  do {
    const { page }: PageQuery = await person.query(PageDocument, { id: pageId, first: 100, after })
    blocks.push(...(page?.blocks.nodes ?? []))
    after = page?.blocks.pageInfo.hasNextPage ? (page.blocks.pageInfo.endCursor ?? null) : null
  } while (after !== null)
  return blocks
}

async function nextIds(events: Subscription<PageEventsSubscription>, count: number): Promise<(string | undefined)[]> {
  const ids: (string | undefined)[] = []
  while (ids.length < count) {
    const { pageEvents } = await events.next({ within: 15_000 })
    ids.push(pageEvents.__typename === 'BlockCreated' ? pageEvents.block?.id : pageEvents.__typename)
  }
  return ids
}

const rising = (positions: readonly string[]) =>
  positions.every(
    (position, index) =>
      index === 0 || Buffer.compare(Buffer.from(positions[index - 1] ?? ''), Buffer.from(position)) < 0,
  )

test('a block written by one person reaches the other who watches the page', async ({ alice, bob, page }) => {
  const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  const ids = await write(alice, page.id, 'first', 'second')
  expect(await nextIds(events, 2)).toEqual(ids)
  events.stop()
})

test('a block says what it is, where it is and who made it', async ({ alice, bob, page }) => {
  const [id = ''] = await write(bob, page.id, 'text')
  const { block } = await alice.query(BlockDocument, { id })
  expect(block).toMatchObject({
    type: 'PARAGRAPH',
    text: 'text',
    version: 1,
    createdBy: { displayName: 'Bob' },
    updatedBy: { displayName: 'Bob' },
    page: { id: page.id, title: 'A page' },
  })
  const { page: read } = await alice.query(PageDocument, { id: page.id })
  expect(read).toMatchObject({ createdBy: { displayName: 'Alice' }, updatedBy: { displayName: 'Bob' } })
})

test('blocks stand in the order they were written, over several writes', async ({ alice, page }) => {
  await write(alice, page.id, 'a', 'b')
  await write(alice, page.id, 'c')
  const blocks = await blocksOf(alice, page.id)
  expect(blocks.map((block) => block.text)).toEqual(['a', 'b', 'c'])
  expect(rising(blocks.map((block) => block.position))).toBe(true)
})

test('200 blocks are appended at once, in order; 201 are refused', async ({ server, alice, bob, page }) => {
  const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  const texts = Array.from({ length: 200 }, (_, index) => `block ${index}`)
  const ids = await write(alice, page.id, ...texts)
  const blocks = await blocksOf(alice, page.id)
  expect(blocks.map((block) => block.text)).toEqual(texts)
  expect(blocks.map((block) => block.id)).toEqual(ids)
  expect(rising(blocks.map((block) => block.position))).toBe(true)
  expect(await nextIds(events, 200)).toEqual(ids)
  events.stop()

  expect(await attempt(alice, { pageId: page.id, blocks: Array(201).fill({ text: 'x' }) })).toBe('InvalidInput')
  expect(await attempt(alice, { pageId: page.id, blocks: [] })).toBe('InvalidInput')
  expect((await alice.query(PageDocument, { id: page.id })).page?.blocks.totalCount).toBe(200)
  const written = (await trailOf(server, alice)).filter((event) => event.action === 'block.create')
  expect(written).toMatchObject([{ target: page.id, outcome: 'allowed' }])
})

test('every kind of block and every text that can be stored comes back as it was', async ({ alice, page }) => {
  const blocks = [
    { type: 'HEADING_1', text: '' },
    { type: 'HEADING_2', text: ' spaces ' },
    { type: 'HEADING_3', text: 'tab\tnew\nline\r\n\u2028' },
    { type: 'BULLETED_LIST', text: 'e\u0301 and \u00e9' },
    { type: 'NUMBERED_LIST', text: '👩‍👩‍👧 \u{10ffff} \ufeff' },
    { type: 'QUOTE', text: `"; drop table block; -- ' \\ $1` },
    { type: 'CODE', text: 'x'.repeat(20_000) },
    { type: 'PARAGRAPH', text: '{"__proto__":1}' },
  ] as const
  const { createBlocks } = await alice.mutate(CreateBlocksDocument, { input: { pageId: page.id, blocks: [...blocks] } })
  expect(createBlocks).toMatchObject({ blocks })
  const { page: read } = await alice.query(PageDocument, { id: page.id })
  expect(read?.blocks.nodes.map(({ type, text }) => ({ type, text }))).toEqual(blocks)
})

test('each rule a block breaks is named with its place, and none is written', async ({ alice, page }) => {
  const blocks = [{ text: 'good' }, { text: 'x'.repeat(64_001) }]
  const tooLong = await alice.mutate(CreateBlocksDocument, { input: { pageId: page.id, blocks } })
  expect(tooLong.createBlocks).toMatchObject({ fields: [{ path: ['blocks', '1', 'text'] }] })
  const unstorable = [{ text: 'good' }, { text: 'good' }, { text: 'nul\0' }, { text: '\udc00' }]
  const result = await alice.mutate(CreateBlocksDocument, { input: { pageId: page.id, blocks: unstorable } })
  expect(result.createBlocks).toMatchObject({
    fields: [{ path: ['blocks', '2', 'text'] }, { path: ['blocks', '3', 'text'] }],
  })
  expect(await blocksOf(alice, page.id)).toEqual([])
})

test('10 writers at once lose nothing, repeat nothing and agree on one order', async ({ alice, bob, page }) => {
  const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  const writers = Array.from({ length: 10 }, (_, writer) => writer)
  const batches = (
    await Promise.all(
      writers.map(async (writer) => {
        const made: string[][] = []
        for (let round = 0; round < 4; round += 1) {
          const texts = [0, 1, 2].map((index) => `${writer}/${round}/${index}`)
          made.push(await write(writer % 2 === 0 ? alice : bob, page.id, ...texts))
        }
        return made
      }),
    )
  ).flat()
  const standing = await blocksOf(alice, page.id)
  const ids = standing.map((block) => block.id)
  expect(ids.toSorted()).toEqual(batches.flat().toSorted())
  expect(rising(standing.map((block) => block.position))).toBe(true)
  expect(await nextIds(events, 120)).toEqual(ids)
  events.stop()
  // No writer's batch was torn apart by another's.
  for (const batch of batches) {
    const at = ids.indexOf(batch[0] ?? '')
    expect(ids.slice(at, at + batch.length)).toEqual(batch)
  }
})

test('blocks are read in pages, forward and backward, while blocks are appended', async ({ alice, page }) => {
  const query = `query ($id: ID!, $first: Int, $last: Int, $after: String, $before: String) { page(id: $id) {
    blocks(first: $first, last: $last, after: $after, before: $before) {
      edges { cursor node { text } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`
  interface Part {
    page: {
      blocks: {
        edges: { cursor: string; node: { text: string } }[]
        pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string }
      }
    }
  }
  const read = async (variables: object) => {
    const { data } = await alice.send<Part, object>(query, { id: page.id, ...variables })
    if (!data) throw new Error('The page could not be read')
    return data.page.blocks
  }
  await write(alice, page.id, 'a', 'b', 'c', 'd', 'e')
  const first = await read({ first: 3 })
  await write(alice, page.id, 'f')
  const second = await read({ first: 3, after: first.pageInfo.endCursor })
  expect([first, second].map((part) => part.edges.map(({ node }) => node.text).join(''))).toEqual(['abc', 'def'])
  expect([first.pageInfo.hasNextPage, second.pageInfo.hasNextPage]).toEqual([true, false])
  const last = await read({ last: 2 })
  const before = await read({ last: 3, before: last.pageInfo.startCursor })
  expect([before, last].map((part) => part.edges.map(({ node }) => node.text).join(''))).toEqual(['bcd', 'ef'])
  expect([before.pageInfo.hasPreviousPage, last.pageInfo.hasPreviousPage]).toEqual([true, true])
  for (const after of [
    'garbage',
    Buffer.from('["a0"]').toString('base64url'),
    Buffer.from(`["a0'","${uuidIn(page.id)}"]`).toString('base64url'),
  ]) {
    expect((await alice.send(query, { id: page.id, after })).errors?.[0]?.extensions.code).toBe('BAD_REQUEST')
  }
})

test('no other page can be written to or read by its id: not a foreign one, none that is not', async ({
  alice,
  stranger,
  anonymous,
  page,
}) => {
  const [id = ''] = await write(alice, page.id, 'secret')
  const blocks = [{ text: 'mine' }]
  for (const pageId of [page.id, 'page_01h2xcejqtf2nbrexx3vqjhp41', 'garbage', stranger.userId]) {
    expect(await attempt(stranger, { pageId, blocks })).toBe('NOT_FOUND')
  }
  expect(await attempt(anonymous, { pageId: page.id, blocks })).toBe('UNAUTHENTICATED')
  expect(await stranger.query(BlockDocument, { id })).toEqual({ block: null })
  expect(await stranger.query(NodeDocument, { id })).toEqual({ node: null })
  expect(await blocksOf(alice, page.id)).toHaveLength(1)
})

test('a viewer reads blocks and writes none; a guest does neither', async ({ server, alice, bob, page }) => {
  const [id = ''] = await write(alice, page.id, 'text')
  const input = { pageId: page.id, blocks: [{ text: 'mine' }] }
  await setRole(server, bob, 'VIEWER')
  expect((await bob.query(BlockDocument, { id })).block?.text).toBe('text')
  expect(await attempt(bob, input)).toBe('FORBIDDEN')
  const denials = (await trailOf(server, alice)).filter((event) => event.outcome === 'denied')
  expect(denials).toMatchObject([{ action: 'block.create', target: page.id, actor: bob.userId }])

  await setRole(server, bob, 'GUEST')
  expect(await bob.query(BlockDocument, { id })).toEqual({ block: null })
  expect(await attempt(bob, input)).toBe('NOT_FOUND')
  expect(await blocksOf(alice, page.id)).toHaveLength(1)
})
