import { globSync, readFileSync } from 'node:fs'
import { buildSchema, type GraphQLSchema, printSchema } from 'graphql'
import { describe, expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'
import * as graph from './graph.ts'

const facts = `
  interface UserError { code: String! }
  type InvalidInput implements UserError { code: String! }
  type SlugTaken implements UserError { code: String! }
  input SaveInput { id: ID! }
  type Saved { id: ID! }
  type Query { saved: Saved }
`

interface Law {
  readonly name: string
  readonly broken: (schema: GraphQLSchema) => readonly string[]
  /** Schemas that break it, and what is told of each. */
  readonly crimes: readonly { sdl: string; told: readonly string[] }[]
}

const laws: readonly Law[] = [
  {
    name: 'everything has a description',
    broken: graph.undescribed,
    crimes: [
      {
        sdl: `
          "d" type Query { search(text: String, "d" all: Filter): Colour "d" thing: Thing node: Node both: Both }
          "d" input Filter { name: String "d" id: ID }
          "d" enum Colour { RED "d" BLUE }
          type Thing implements Node { "d" id: ID at: Time }
          "d" interface Node { id: ID }
          scalar Time
          union Both = Thing`,
        told: [
          'Query.search',
          'Query.search(text:)',
          'Query.node',
          'Query.both',
          'Filter.name',
          'Colour.RED',
          'Thing',
          'Thing.at',
          'Time',
          'Node.id',
          'Both',
        ],
      },
    ],
  },
  {
    name: 'a mutation takes one input of its own',
    broken: graph.oddInputs,
    crimes: [
      'save: Saved',
      'save(input: SaveInput): Saved',
      'save(data: SaveInput!): Saved',
      'save(input: ID!): Saved',
      'save(input: SaveInput!, force: Boolean): Saved',
    ].map((field) => ({ sdl: `${facts} type Mutation { ${field} }`, told: ['Mutation.save'] })),
  },
  {
    name: 'a mutation answers one success or a fact',
    broken: graph.oddResults,
    crimes: [
      'save: Saved }',
      'save: SaveResult! } union SaveResult = Saved | InvalidInput',
      'save: SavedResult } union SavedResult = Saved | InvalidInput',
      'save: SaveResult } union SaveResult = Saved | SlugTaken',
      'save: SaveResult } union SaveResult = InvalidInput | SlugTaken',
      'save: SaveResult } union SaveResult = Saved | InvalidInput | Other type Other { id: ID }',
    ].map((field) => ({ sdl: `${facts} type Mutation { ${field}`, told: ['Mutation.save'] })),
  },
  {
    name: 'every fact is some mutation’s answer',
    broken: graph.strayFacts,
    crimes: [
      {
        sdl: `${facts} type Mutation { save: SaveResult } union SaveResult = Saved | InvalidInput`,
        told: ['SlugTaken'],
      },
    ],
  },
  {
    name: 'a subscription says when it ends or lost the thread, and can be gone on with',
    broken: graph.oddSubscriptions,
    crimes: [
      'saved(after: Cursor): Saved }',
      'saved(after: Cursor): Event } union Event = Saved | SubscriptionEnded',
      'saved(after: Cursor): Event } union Event = Saved | ResyncRequired',
      'saved: Event } union Event = Saved | SubscriptionEnded | ResyncRequired',
      'saved(after: String): Event } union Event = Saved | SubscriptionEnded | ResyncRequired',
    ].map((field) => ({
      sdl: `${facts} scalar Cursor type SubscriptionEnded { id: ID } type ResyncRequired { id: ID } type Subscription { ${field}`,
      told: ['Subscription.saved'],
    })),
  },
  {
    name: 'every list is a whole connection',
    broken: graph.oddConnections,
    crimes: [
      {
        sdl: `type Query { things(first: Int, after: String, last: Int): ThingConnection! }
          type ThingConnection { edges: [ID] nodes: [ID] pageInfo: ID }`,
        told: ['Query.things', 'ThingConnection'],
      },
    ],
  },
]

describe.each(laws)('$name', ({ broken, crimes }) => {
  test('in this schema', () => {
    expect(broken(schema)).toEqual([])
  })
  test('or it is told', () => {
    for (const { sdl, told } of crimes) expect(broken(buildSchema(sdl)).toSorted(), sdl).toEqual(told.toSorted())
  })
})

test('the schema has what these laws are about', () => {
  expect(schema.getMutationType()?.getFields()).toHaveProperty('createPage')
  expect(schema.getSubscriptionType()?.getFields()).toHaveProperty('pageEvents')
  expect(schema.getType('PageConnection')).toBeDefined()
})

test('schema/schema.graphql is this schema (npm run codegen)', () => {
  expect(readFileSync('schema/schema.graphql', 'utf8')).toBe(`${printSchema(schema)}\n`)
})

test('there is one copy of graphql', () => {
  const installed = globSync('node_modules/**/node_modules/graphql/package.json')
  expect([...globSync('node_modules/graphql/package.json'), ...installed]).toHaveLength(1)
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  expect(Object.keys(packages).filter((path) => path.endsWith('node_modules/graphql'))).toEqual([
    'node_modules/graphql',
  ])
})
