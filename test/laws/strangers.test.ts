import { buildSchema, parse } from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'
import { askingAllOf } from './asking.ts'
import { mixturesOf, nouns, type Probe } from './probe.ts'
import { probes } from './probes.ts'
import { outsiders } from './strangers-actors.ts'
import { describeStrangers } from './strangers-law.ts'
import { idPlacesOf, nodeTypesOf, rootFieldsOf } from './walk.ts'

// One half of the law, and what it stands on; the other half is in strangers-within.test.ts, so that they run side by side.

const rootFields = rootFieldsOf(schema)

test('every type with an id of its own is tried', () => {
  expect(nodeTypesOf(schema).toSorted()).toEqual(nouns.toSorted())
})

test('every root field has a probe, and there are no others', () => {
  expect(Object.keys(probes).toSorted()).toEqual(rootFields.map((root) => root.coordinate).toSorted())
})

test.for(rootFields)('every id that $coordinate takes is named in its probe', (root) => {
  const { ids, variables } = probes[root.coordinate] ?? { ids: {} }
  expect(Object.keys(ids).toSorted()).toEqual(idPlacesOf(root))
  const filled = new Set<string>()
  const fill = (place: string) => {
    filled.add(place)
    return ''
  }
  variables?.(fill, {} as never, 'a word')
  expect([...filled].toSorted()).toEqual(idPlacesOf(root))
})

test('a place for an id is found however deep it lies', () => {
  const nested = buildSchema(`
    type Query { a(id: ID, ids: [[ID!]!]!, text: String, deep: Deep!): ID }
    input Deep { id: ID again: [Deep!] other: Other }
    input Other { ids: [ID!] name: String }
  `)
  expect(rootFieldsOf(nested).map(idPlacesOf)).toEqual([['Deep.id', 'Other.ids', 'Query.a(id:)', 'Query.a(ids:)']])
})

test('each place for an id is tried alone and with all others, with the nouns of its own', () => {
  const nounsIn = (ids: Probe['ids']) => mixturesOf(ids).map((mixture) => Object.fromEntries(mixture))
  expect(nounsIn({})).toEqual([])
  expect(nounsIn({ a: ['Page', 'Block'] })).toEqual([{ a: 'Page' }, { a: 'Block' }])
  expect(nounsIn({ a: ['Page'], b: ['Project', 'User'] })).toEqual([
    { a: 'Page' },
    { b: 'Project' },
    { b: 'User' },
    { a: 'Page', b: 'Project' },
    { a: 'Page', b: 'User' },
  ])
})

test('what a field can say is asked for in documents of which each is short enough', () => {
  const fields = Array.from({ length: 1_000 }, (_, index) => `field${index}`)
  const large = buildSchema(`
    type Query { a(id: ID!): Large }
    type Large { ${fields.map((name) => `${name}: Int`).join(' ')} small: Small }
    type Small { ${fields.map((name) => `${name}: Int`).join(' ')} }
  `)
  const asked = rootFieldsOf(large).flatMap((root) => askingAllOf(large, root))
  expect(asked.length).toBeGreaterThan(1)
  for (const document of asked) expect(() => parse(document, { maxTokens: 1_500 })).not.toThrow()
  const words = asked.join(' ').match(/\w+/g) ?? []
  for (const name of fields) expect(words.filter((word) => word === name)).toHaveLength(2)
})

describeStrangers(outsiders)
