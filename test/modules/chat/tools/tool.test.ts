import { expect, test } from 'vitest'
import { z } from 'zod'
import { encodeTypeId } from '../../../../src/lib/typeid.ts'
import { defineTool, digestOf, idIn, isKeepable } from '../../../../src/modules/chat/tools/tool.service.ts'
import { InvalidInput } from '../../../../src/platform/errors.ts'
import { newUuid } from '../../../../src/platform/uuid.ts'

const tool = defineTool({
  name: 'look',
  changes: false,
  description: 'Looks.',
  input: z.strictObject({ pageId: idIn('page'), limit: z.int().max(3).default(2) }),
  run: async (_ctx, input) => ({ output: input }),
})
const uuid = newUuid(new Date())
const pageId = encodeTypeId('page', uuid)

test('a model is told what a tool takes, as it is to write it', () => {
  expect(tool.description).toMatchObject({ name: 'look', description: 'Looks.' })
  expect(tool.description.inputSchema).toMatchObject({
    type: 'object',
    properties: { pageId: { type: 'string' }, limit: { type: 'integer', maximum: 3, default: 2 } },
    required: ['pageId'],
    additionalProperties: false,
  })
})

test.for([
  ['nothing', undefined],
  ['a text', 'look'],
  ['an id of another kind', { pageId: encodeTypeId('block', uuid) }],
  ['a plain UUID', { pageId: uuid }],
  ['too much', { pageId, limit: 4 }],
  ['a key that nobody knows', { pageId, also: 1 }],
  ['a NUL character', { pageId, also: 'a\0b' }],
  ['half a character', { pageId, also: '\ud83c' }],
  ['a prototype', JSON.parse(`{ "pageId": "${pageId}", "__proto__": { "limit": 1 } }`)],
  ['what is too long', { pageId, also: 'x'.repeat(64_001) }],
  ['what is too deep', JSON.parse(`${'['.repeat(2_000)}${']'.repeat(2_000)}`)],
] as const)('%s is refused before anything is done', ([, input]) => {
  expect(() => tool.prepare(input)).toThrow(InvalidInput)
})

test('what is kept of an input is what the model wrote, or nothing', () => {
  expect([isKeepable({ a: [1, 'é'] }), isKeepable(undefined), isKeepable({ a: '\0' })]).toEqual([true, false, false])
})

test('another tool, or another input, is another digest; the order of keys is none', () => {
  const digest = digestOf('look', { a: 1, b: [2, 3] })
  expect(digestOf('look', { b: [2, 3], a: 1 })).toBe(digest)
  for (const [name, input] of [
    ['Look', { a: 1, b: [2, 3] }],
    ['look', { a: 1, b: [3, 2] }],
    ['look', null],
  ] as const)
    expect(digestOf(name, input)).not.toBe(digest)
})
