import { expect } from 'vitest'
import { schema } from '../../src/schema.ts'
import { PageDocument } from '../gql/graphql.ts'
import { listsOf } from './graph.ts'
import { linkLists } from './link-lists.ts'
import { expectEvenCost, test } from './reading-library.ts'
import { oceanLists, otherLists, searchLists } from './reading-lists.ts'
import { statementsOf } from './statements.ts'

test('every list of the schema is read', () => {
  const read = [...oceanLists, ...linkLists, ...otherLists, ...searchLists].map(([, coordinate]) => coordinate)
  expect(read).toEqual(expect.arrayContaining(listsOf(schema)))
})

test.for([...otherLists, ...searchLists])('%s: 50 cost as many statements as 5', async (list, { server, library }) => {
  await expectEvenCost({ server, library }, list)
})

test('a list that asks once per item is noticed', async ({ server, library }) => {
  const oneByOne = async (count: number) => {
    for (const id of library.pageIds.slice(0, count)) await library.reader.query(PageDocument, { id })
  }
  const few = await statementsOf(server, () => oneByOne(2))
  const many = await statementsOf(server, () => oneByOne(12))
  expect(many - few).toBeGreaterThanOrEqual(10)
})
