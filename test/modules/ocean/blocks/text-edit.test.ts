import { describe, expect } from 'vitest'
import * as Y from 'yjs'
import { seedState, stateVectorOf } from '../../../../src/lib/rich-text.ts'
import { BlockDocument, CreateBlocksDocument, EditBlockTextDocument, PageEventsDocument } from '../../../gql/graphql.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import { createPage, test, write } from '../../../kit/test.ts'
import { outcomeOf } from './outline.ts'
import { base64, copyOf, edit, runsIn, send, type, update } from './typist.ts'

async function blockOf(person: Person, id: string) {
  const { block } = await person.query(BlockDocument, { id })
  if (!block) throw new Error('The block could not be read')
  return block
}

describe('what is typed', () => {
  test('is kept, answered and told to whoever watches, with what changed', async ({ alice, bob, page }) => {
    const [id = ''] = await write(alice, page.id, 'one two')
    const copy = await copyOf(bob, id)
    const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
    await events.next()
    const typed = edit(await copyOf(alice, id), (text) => text.insert(3, ' and', { bold: true }))
    expect(await send(alice, id, typed)).toMatchObject({ id, text: 'one and two', textVersion: 2 })
    const { pageEvents: event } = await events.next()
    if (event.__typename !== 'BlockTextChanged') throw new Error(event.__typename)
    expect(event).toMatchObject({ blockId: id, textVersion: 2, block: { text: 'one and two' } })
    Y.applyUpdate(copy, Buffer.from(event.update, 'base64'))
    expect(runsIn(copy)).toEqual(runsIn(await copyOf(alice, id)))
    expect(await blockOf(bob, id)).toMatchObject({
      text: 'one and two',
      textVersion: 2,
      version: 1,
      updatedBy: { displayName: 'Alice' },
    })
    events.stop()
  })

  test('by two at once comes together', async ({ alice, bob, page }) => {
    const [id = ''] = await write(alice, page.id, 'one two')
    const copies = await Promise.all([alice, bob].map((person) => copyOf(person, id)))
    const [first = new Uint8Array(), second = new Uint8Array()] = copies.map((copy, index) =>
      edit(copy, (text) => text.insert(index === 0 ? 0 : 7, `<${index}>`)),
    )
    await Promise.all([send(alice, id, first), send(bob, id, second)])
    expect((await blockOf(alice, id)).text).toBe('<0>one two<1>')
  })

  test('and comes twice changes nothing the second time, and is told once', async ({ alice, page }) => {
    const [id = ''] = await write(alice, page.id, '')
    const typed = await type(alice, id, (text) => text.insert(0, 'a'))
    const before = await blockOf(alice, id)
    const events = alice.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
    expect(await send(alice, id, typed)).toMatchObject({ text: 'a', textVersion: 2 })
    expect(await blockOf(alice, id)).toEqual(before)
    await write(alice, page.id, 'next')
    const told = [await events.next(), await events.next(), await events.next()]
    expect(told.map(({ pageEvents }) => pageEvents.__typename)).toEqual([
      'BlockCreated',
      'BlockTextChanged',
      'BlockCreated',
    ])
    events.stop()
  })

  test('on what never came here is refused, with what is here to go by', async ({ alice, page }) => {
    const [id = ''] = await write(alice, page.id, 'x')
    const copy = await copyOf(alice, id)
    edit(copy, (text) => text.insert(0, 'lost '))
    const second = edit(copy, (text) => text.insert(5, 'found '))
    const result = await send(alice, id, second)
    if (result.__typename !== 'MissingDependencies') throw new Error(result.__typename)
    expect(Buffer.from(result.stateVector, 'base64')).toEqual(Buffer.from(stateVectorOf(seedState(uuidIn(id), 'x'))))
    expect(await blockOf(alice, id)).toMatchObject({ text: 'x', textVersion: 1 })
    const all = Y.encodeStateAsUpdate(copy, Buffer.from(result.stateVector, 'base64'))
    expect(await send(alice, id, all)).toMatchObject({ text: 'lost found x', textVersion: 2 })
  })

  test('that is no edit of a text is refused at its field, and nothing is changed', async ({ alice, page }) => {
    const [id = ''] = await write(alice, page.id, 'text')
    const before = await blockOf(alice, id)
    const other = new Y.Doc()
    other.getMap('map').set('a', 1)
    const color = new Y.Doc()
    color.getText('text').insert(0, 'a', { color: 'red' })
    const bad = ['', 'AA', 'AAA', '!!!!', 'AB==', ' AAA=', 'AAA=', base64(new Uint8Array(16_385))]
    for (const sent of [...bad, base64(Y.encodeStateAsUpdate(other)), base64(Y.encodeStateAsUpdate(color))]) {
      const outcome = await outcomeOf(alice.send(EditBlockTextDocument, { input: { id, update: sent } }))
      expect(outcome, sent.slice(0, 40)).toBe(sent === 'AAA=' ? 'Block' : 'update')
    }
    expect(await blockOf(alice, id)).toEqual(before)
  })

  test('may be 16 KiB at once, and 64,000 bytes in all', async ({ alice, page }) => {
    const [id = ''] = await write(alice, page.id, '')
    const long = 'x'.repeat(16_000)
    for (const length of [16_000, 32_000, 48_000, 64_000]) {
      const typed = edit(await copyOf(alice, id), (text) => text.insert(0, long))
      expect(await send(alice, id, typed)).toMatchObject({ __typename: 'Block', text: 'x'.repeat(length) })
    }
    const more = edit(await copyOf(alice, id), (text) => text.insert(0, 'x'))
    expect(await send(alice, id, more)).toMatchObject({ __typename: 'InvalidInput', fields: [{ path: ['update'] }] })
    expect(await blockOf(alice, id)).toMatchObject({ textVersion: 5 })
  })

  test('is for blocks that have text', async ({ alice, page }) => {
    const input = { pageId: page.id, blocks: [{ type: 'DIVIDER' as const }] }
    const { createBlocks } = await alice.mutate(CreateBlocksDocument, { input })
    const id = createBlocks.__typename === 'CreatedBlocks' ? (createBlocks.blocks[0]?.id ?? '') : ''
    const typed = edit(await copyOf(alice, id), (text) => text.insert(0, 'a'))
    expect(await send(alice, id, typed)).toMatchObject({ fields: [{ path: ['update'] }] })
    expect(await update(alice, { id, text: 'a' })).toMatchObject({ fields: [{ path: ['text'] }] })
  })
})

describe('a block that is updated', () => {
  test('has the text that was given, where only what differs was touched', async ({ alice, bob, page }) => {
    const [id = ''] = await write(alice, page.id, 'one two three')
    await type(bob, id, (text) => text.format(8, 5, { bold: true }))
    const copy = await copyOf(bob, id)
    const typed = edit(copy, (text) => text.insert(13, '!'))
    expect(await update(alice, { id, text: 'one and a half three', expectedTextVersion: 2 })).toMatchObject({
      text: 'one and a half three',
      textVersion: 3,
      version: 1,
    })
    await send(bob, id, typed)
    expect(runsIn(await copyOf(alice, id))).toEqual([
      { text: 'one and a half ', attributes: {} },
      { text: 'three!', attributes: { bold: true } },
    ])
  })

  test('has the content that was given, as a whole and by its type', async ({ alice, page }) => {
    const blocks = [{ type: 'CALLOUT' as const, text: 'Mind', content: { icon: '!', color: 'red' } }]
    const { createBlocks } = await alice.mutate(CreateBlocksDocument, { input: { pageId: page.id, blocks } })
    const id = createBlocks.__typename === 'CreatedBlocks' ? (createBlocks.blocks[0]?.id ?? '') : ''
    const events = alice.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
    await events.next()
    const content = { color: 'blue' }
    expect(await update(alice, { id, content })).toMatchObject({ fields: [{ path: ['expectedVersion'] }] })
    const unknown = await update(alice, { id, content: { url: 'x' }, expectedVersion: 1 })
    expect(unknown).toMatchObject({ __typename: 'InvalidInput' })
    for (const wrong of [{ icon: 7 }, 'text', [], 3]) {
      const result = await update(alice, { id, content: wrong, expectedVersion: 1 })
      expect(result).toMatchObject({ __typename: 'InvalidInput' })
    }
    expect(await update(alice, { id, content, text: 'Mind it', expectedVersion: 1 })).toMatchObject({
      content: { icon: null, color: 'blue' },
      text: 'Mind it',
      version: 2,
      textVersion: 2,
    })
    const told = [await events.next(), await events.next()].map(({ pageEvents }) => pageEvents.__typename)
    expect(told).toEqual(['BlockTextChanged', 'BlockUpdated'])
    // What is the same already changes nothing.
    expect(await update(alice, { id, content, text: 'Mind it', expectedVersion: 2 })).toMatchObject({
      version: 2,
      textVersion: 2,
    })
    events.stop()
  })

  test('that somebody else changed meanwhile is a conflict, with what it is now', async ({ alice, bob, page }) => {
    const [id = ''] = await write(alice, page.id, 'one')
    await update(bob, { id, text: 'two' })
    const current = { id, version: 1, textVersion: 2 }
    expect(await update(alice, { id, text: 'three', expectedTextVersion: 1 })).toMatchObject({ current })
    expect(await update(alice, { id, content: {}, expectedVersion: 2 })).toMatchObject({ current })
    expect((await blockOf(alice, id)).text).toBe('two')
  })

  test('refuses a text that is none, or too long', async ({ alice, page }) => {
    const [id = ''] = await write(alice, page.id, 'one')
    for (const text of ['\0', '\ud800', 'x'.repeat(64_001)])
      expect(await update(alice, { id, text })).toMatchObject({ fields: [{ path: ['text'] }] })
  })
})

test('nobody else’s block is edited, and none that is not there', async ({ alice, stranger, anonymous, page }) => {
  const [id = ''] = await write(alice, page.id, 'secret')
  const typed = base64(edit(await copyOf(alice, id), (text) => text.insert(0, 'a')))
  const attempt = (person: Parameters<typeof copyOf>[0], target: string) =>
    outcomeOf(person.send(EditBlockTextDocument, { input: { id: target, update: typed } }))
  const elsewhere = await createPage(stranger, 'Theirs')
  for (const target of [id, 'block_01h2xcejqtf2nbrexx3vqjhp41', 'garbage', elsewhere.id])
    expect(await attempt(stranger, target)).toBe('NOT_FOUND')
  expect(await attempt(anonymous, id)).toBe('UNAUTHENTICATED')
  expect((await blockOf(alice, id)).textVersion).toBe(1)
})
