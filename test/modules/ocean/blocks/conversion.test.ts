import { expect } from 'vitest'
import { runsOf } from '../../../../src/lib/rich-text.ts'
import { BlockDocument, ConvertBlockDocument, CreateBlocksDocument, PageEventsDocument } from '../../../gql/graphql.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import { test } from '../../../kit/test.ts'
import { convertBlock, convertTo } from './conversions.ts'
import { make, outlineOf, storedBlocks } from './outline.ts'

test('watchers hear what a block became, and of its text if that changed', async ({ alice, bob, page }) => {
  const { a = '' } = await make(alice, { pageId: page.id }, 'a')
  const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  await events.next()
  await convertTo(alice, { id: a, type: 'BOOKMARK', content: { url: 'https://example.org', title: 'T' } })
  expect(await events.next()).toMatchObject({ pageEvents: { __typename: 'BlockConverted', blockId: a } })
  await convertTo(bob, { id: a, type: 'QUOTE' })
  expect(await events.next()).toMatchObject({
    pageEvents: { __typename: 'BlockTextChanged', blockId: a, textVersion: 2, update: expect.any(String) },
  })
  expect(await events.next()).toMatchObject({
    pageEvents: { __typename: 'BlockConverted', block: { type: 'QUOTE', text: 'a\nT\nhttps://example.org' } },
  })
  events.stop()
})

test('an address in the text is a link there; the formatting of the rest stays', async ({ alice, page }) => {
  const blocks = [{ type: 'EMBED' as const, text: 'a', content: { url: 'https://example.org' } }]
  const { createBlocks: made } = await alice.mutate(CreateBlocksDocument, { input: { pageId: page.id, blocks } })
  const id = made.__typename === 'CreatedBlocks' ? (made.blocks[0]?.id ?? '') : ''
  await convertTo(alice, { id, type: 'PARAGRAPH' })
  const { block } = await alice.query(BlockDocument, { id })
  expect(runsOf(Buffer.from(block?.textState ?? '', 'base64'))).toEqual([
    { text: 'a\n', attributes: {} },
    { text: 'https://example.org', attributes: { link: 'https://example.org' } },
  ])
})

test('a divider is made of a block that says nothing, and of no other', async ({ alice, page }) => {
  const { a = '' } = await make(alice, { pageId: page.id }, 'a', '  a1')
  const { convertBlock: refused } = await alice.mutate(ConvertBlockDocument, { input: { id: a, type: 'DIVIDER' } })
  expect(refused).toMatchObject({ __typename: 'WouldLoseText', code: 'WOULD_LOSE_TEXT' })
  const blocks = [
    { type: 'IMAGE' as const, content: { alt: 'Words' } },
    { type: 'TO_DO' as const, content: { checked: true } },
  ]
  const { createBlocks: made } = await alice.mutate(CreateBlocksDocument, { input: { pageId: page.id, blocks } })
  const [picture = '', task = ''] = made.__typename === 'CreatedBlocks' ? made.blocks.map(({ id }) => id) : []
  expect(await convertBlock(alice, { id: picture, type: 'DIVIDER' })).toBe('WouldLoseText')
  expect(await convertTo(alice, { id: task, type: 'DIVIDER' })).toMatchObject({ content: {}, text: '' })
  expect(await convertTo(alice, { id: task, type: 'TO_DO' })).toMatchObject({ content: { checked: true } })
  expect(await outlineOf(alice, page.id)).toEqual(['a', '  a1', '', ''])
})

test('what makes a text too long is refused, and so is content that is none of the type', async ({
  server,
  alice,
  page,
}) => {
  const text = 'x'.repeat(63_990)
  const blocks = [{ type: 'IMAGE' as const, text, content: { alt: 'Eleven char', url: 'https://example.org' } }]
  const { createBlocks: made } = await alice.mutate(CreateBlocksDocument, { input: { pageId: page.id, blocks } })
  const id = made.__typename === 'CreatedBlocks' ? (made.blocks[0]?.id ?? '') : ''
  const before = await storedBlocks(server, page.id)
  expect(await convertBlock(alice, { id, type: 'PARAGRAPH' })).toBe('type')
  expect(await convertBlock(alice, { id, type: 'PARAGRAPH', content: { checked: true } })).toBe('content.checked')
  expect(await convertBlock(alice, { id, type: 'EMBED', content: { url: 'javascript:alert(1)', alt: 'x' } })).toBe(
    'content.url content.alt',
  )
  expect(await convertBlock(alice, { id, type: 'TO_DO', content: 'x' })).toBe('content')
  expect(await storedBlocks(server, page.id)).toEqual(before)
})

test('who saw an older version converts nothing, nor does who may not', async ({
  server,
  alice,
  bob,
  stranger,
  page,
}) => {
  const { a = '' } = await make(alice, { pageId: page.id }, 'a')
  await convertTo(bob, { id: a, type: 'QUOTE', expectedVersion: 1 })
  const { convertBlock: refused } = await alice.mutate(ConvertBlockDocument, {
    input: { id: a, type: 'CODE', expectedVersion: 1 },
  })
  expect(refused).toMatchObject({ __typename: 'EditConflict', current: { id: a, version: 2 } })
  await setRole(server, bob, 'VIEWER')
  expect(await convertBlock(bob, { id: a, type: 'CODE' })).toBe('FORBIDDEN')
  expect(await convertBlock(stranger, { id: a, type: 'CODE' })).toBe('NOT_FOUND')
  expect((await alice.query(BlockDocument, { id: a })).block).toMatchObject({ type: 'QUOTE', version: 2 })
  const conversions = (await trailOf(server, alice)).filter(({ action }) => action === 'block.convert')
  expect(conversions.map(({ actor, outcome }) => [actor, outcome])).toEqual([
    [bob.userId, 'allowed'],
    [bob.userId, 'denied'],
  ])
})
