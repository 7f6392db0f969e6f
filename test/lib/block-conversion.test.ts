import { expect, test } from 'vitest'
import { type BlockType, blockContents, blockTypes, textlessTypes } from '../../src/lib/block-content.ts'
import { type Convertible, convert } from '../../src/lib/block-conversion.ts'
import { samples } from '../modules/ocean/blocks/samples.ts'

const words = ['alt', 'name', 'title', 'description', 'url']
const has = (type: BlockType, field: string) => field in blockContents[type].shape
const sample = (type: BlockType): Convertible => ({ type, aside: {}, ...samples[type] })
const to = (block: Convertible, type: BlockType, given = {}): Convertible => {
  const { content, aside, text } = convert(block, type, given)
  return { type, content, aside, text }
}
const pairs = blockTypes.flatMap((from) => blockTypes.map((type) => [from, type] as const))

test('the samples leave nothing out', () => {
  expect(pairs).toHaveLength(17 * 17)
  for (const type of blockTypes) {
    expect(Object.keys(samples[type].content)).toEqual(Object.keys(blockContents[type].shape))
    expect(Object.values(samples[type].content).filter((value) => value === null || value === false)).toEqual([])
  }
})

test.for(pairs)('%s to %s: all it had is in the content, aside or in the text', ([from, type]) => {
  const block = sample(from)
  const { content, aside, text, folded } = convert(block, type, {})
  expect(Object.keys(content).toSorted()).toEqual(Object.keys(blockContents[type].shape).toSorted())
  const lines: string[] = []
  for (const [field, value] of Object.entries(block.content)) {
    if (has(type, field)) expect([field, content[field]]).toEqual([field, value])
    else if (words.includes(field)) lines.push(String(value))
    else expect([field, aside[field]]).toEqual([field, value])
  }
  expect(folded.map((line) => line.text).toSorted()).toEqual(lines.toSorted())
  expect(folded.filter((line) => line.isAddress).map((line) => line.text)).toEqual(
    lines.filter((line) => line === block.content.url),
  )
  expect(text).toBe([block.text, ...folded.map((line) => line.text)].filter((part) => part !== '').join('\n'))
})

test.for(pairs)('%s to %s and back: only words that had no place stay in the text', ([from, type]) => {
  const block = sample(from)
  const there = convert(block, type, {})
  const back = to({ ...there, type }, from)
  const folded = there.folded.filter((line) => !line.isAddress).map((line) => line.text)
  expect(back.text).toBe([block.text, ...folded].filter((part) => part !== '').join('\n'))
  const lost = Object.keys(block.content).filter(
    (field) => words.includes(field) && field !== 'url' && !has(type, field),
  )
  expect(back.content).toEqual({ ...block.content, ...Object.fromEntries(lost.map((field) => [field, null])) })
  if (folded.length === 0) expect(back.text).toBe(block.text)
  // What the type in between had no place for came back, and nothing is there twice.
  expect(back.aside).toEqual({})
})

test('what is set aside waits for any type that has a place for it, however many come in between', () => {
  const types = blockTypes.filter((type) => !textlessTypes.has(type) && !has(type, 'url'))
  const block = types.reduce(
    (one, type) => to(one, type),
    to({ ...sample('TO_DO'), text: 'a' }, 'CALLOUT', { icon: '!' }),
  )
  expect(block).toEqual({
    type: 'TABLE',
    content: { hasHeaderRow: false, hasHeaderColumn: false },
    aside: { checked: true, icon: '!' },
    text: 'a',
  })
  expect(to(block, 'TO_DO').content).toEqual({ checked: true })
  expect(to(block, 'CALLOUT').content).toEqual({ icon: '!', color: null })
})

test('what is given wins over all that the block has, also when it is nothing', () => {
  const picture = sample('IMAGE')
  expect(to(picture, 'FILE', { url: null, name: 'b' })).toMatchObject({
    content: { url: null, name: 'b', mediaType: null, sizeBytes: null },
    text: 'A caption\nA picture',
  })
  const line: Convertible = { type: 'PARAGRAPH', content: {}, aside: { color: 'red' }, text: 'a\nhttps://example.org' }
  expect(to(line, 'EMBED', { url: 'https://example.com' })).toMatchObject({
    text: line.text,
    content: { url: 'https://example.com' },
  })
  expect(to(line, 'EMBED', { url: null })).toMatchObject({ text: line.text, content: { url: null } })
  expect(to(line, 'CALLOUT', { color: null })).toMatchObject({ content: { color: null }, aside: {} })
})

test('an address is taken from the last line alone, when it is one and nothing else', () => {
  const taken = (text: string, from: BlockType = 'PARAGRAPH') => {
    const block = to({ type: from, content: {}, aside: {}, text }, 'BOOKMARK')
    return [block.content.url, block.text]
  }
  expect(taken('https://example.org')).toEqual(['https://example.org', ''])
  expect(taken('a\nb\nHTTP://example.org/?q=ü')).toEqual(['HTTP://example.org/?q=ü', 'a\nb'])
  for (const text of [
    ...['', 'a', 'https://example.org\na', 'see https://example.org', 'https://example.org ', ' https://example.org'],
    ...['https://example.org\n', 'https://exa\tmple.org', 'javascript:alert(1)', 'ftp://example.org', '//example.org'],
    `https://example.org/${'x'.repeat(2_048)}`,
  ]) {
    expect([text, taken(text)]).toEqual([text, [null, text]])
  }
  // Between two types with an address it stays as it is, also when there is none.
  expect(to({ type: 'IMAGE', content: { url: null }, aside: {}, text: 'https://example.org' }, 'EMBED')).toMatchObject({
    content: { url: null },
    text: 'https://example.org',
  })
})

test('to its own type a block stays what it is', () => {
  for (const type of blockTypes) expect(to(sample(type), type)).toEqual(sample(type))
})
