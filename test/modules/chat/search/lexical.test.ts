import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { SearchDocument, type SearchQueryVariables } from '../../../gql/graphql.ts'
import type { Person } from '../../../kit/people.ts'
import { createPage, test, write } from '../../../kit/test.ts'

/** What a search finds, best first: titles of pages, and texts of what else was found. */
async function found(person: Person, query: string, more: Partial<SearchQueryVariables> = {}) {
  const { search } = await person.query(SearchDocument, { query, mode: 'LEXICAL', first: 50, ...more })
  return search.edges.map(({ node }) => node)
}

test('a page and a block are found by their words, in other forms than they were written in', async ({ alice }) => {
  const page = await createPage(alice, 'Parental leave')
  await write(alice, page.id, 'Employees are entitled to sixteen weeks.', 'The kitchen is closed.')
  await expect.poll(async () => (await found(alice, 'entitle employee')).length).toBe(2)
  console.log(JSON.stringify(await found(alice, 'entitle employee leave'), null, 1))
  console.log(JSON.stringify(await found(alice, 'parnetal'), null, 1))
  console.log(JSON.stringify(await found(alice, 'emplo'), null, 1))
})
