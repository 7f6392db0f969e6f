import { describe, expect } from 'vitest'
import * as Y from 'yjs'
import { BlockDocument, SplitBlockDocument, UpdateBlockDocument } from '../../../gql/graphql.ts'
import { naughtyStrings } from '../../../kit/naughty.ts'
import { test, write } from '../../../kit/test.ts'
import { outcomeOf } from './outline.ts'
import { copyOf, edit, runsIn, send, update } from './typist.ts'

// Strings that have broken other systems, as texts.

const texts = naughtyStrings

describe('every string of the list', () => {
  test('can be typed, and is what everybody sees', { timeout: 60_000 }, async ({ alice, page }) => {
    const [id = ''] = await write(alice, page.id, '')
    const copy = await copyOf(alice, id)
    for (const text of texts) {
      const typed = edit(copy, (root) => {
        root.delete(0, root.length)
        root.insert(0, text)
      })
      const result = await send(alice, id, typed)
      expect(result.__typename === 'Block' && result.text).toBe(text)
    }
    expect(runsIn(await copyOf(alice, id))).toEqual(runsIn(copy))
  })

  test('can replace another, and be split off and read again', { timeout: 120_000 }, async ({ alice, page }) => {
    const [id = ''] = await write(alice, page.id, '')
    for (const text of texts) expect(await update(alice, { id, text })).toMatchObject({ text })
    expect((await copyOf(alice, id)).getText('text').toString()).toBe(texts.at(-1))
    // Each tenth: those that are alike stand together.
    for (const text of texts.filter((_, index) => index % 10 === 0)) {
      await update(alice, { id, text: `before ${text}` })
      const { splitBlock } = await alice.mutate(SplitBlockDocument, { input: { id, index: 7 } })
      expect(splitBlock).toMatchObject({ first: { text: 'before ' }, second: { text } })
    }
  })
})

test('a text is 64,000 bytes at most, whatever its characters, and an update 16 KiB', async ({ alice, page }) => {
  const [id = ''] = await write(alice, page.id, '')
  const longest = '😀'.repeat(16_000)
  expect(await update(alice, { id, text: longest })).toMatchObject({ text: longest })
  expect(await outcomeOf(alice.send(UpdateBlockDocument, { input: { id, text: `${longest}a` } }))).toBe('text')
  const over = edit(await copyOf(alice, id), (root) => root.insert(0, 'a'))
  expect(await send(alice, id, over)).toMatchObject({ fields: [{ path: ['update'] }] })
  expect((await alice.query(BlockDocument, { id })).block?.text).toBe(longest)

  await update(alice, { id, text: '' })
  const size = (length: number) => {
    const doc = new Y.Doc()
    doc.clientID = 1
    doc.getText('text').insert(0, 'x'.repeat(length))
    return Y.encodeStateAsUpdate(doc)
  }
  const overhead = size(16_000).length - 16_000
  expect(await send(alice, id, size(16_385 - overhead))).toMatchObject({ fields: [{ path: ['update'] }] })
  expect(await send(alice, id, size(16_384 - overhead))).toMatchObject({ __typename: 'Block', textVersion: 4 })
})

test('texts that are none are refused', async ({ alice, page }) => {
  const [id = ''] = await write(alice, page.id, 'text')
  for (const text of ['a\0b', '\ud83d', '\ude00', 'x\ude00\ud83d'])
    expect(await outcomeOf(alice.send(UpdateBlockDocument, { input: { id, text } })), JSON.stringify(text)).toBe('text')
  const typed = edit(await copyOf(alice, id), (root) => root.insert(0, 'a\0b'))
  expect(await send(alice, id, typed)).toMatchObject({ fields: [{ path: ['update'] }] })
  expect((await alice.query(BlockDocument, { id })).block).toMatchObject({ text: 'text', textVersion: 1 })
})
