import { test as base, expect } from 'vitest'
import corpus from '../../../corpora/search-queries.json' with { type: 'json' }
import { indexed } from '../../../kit/inside.ts'
import { type Person, signUp } from '../../../kit/people.ts'
import { startServer } from '../../../kit/server.ts'
import { write } from '../../../kit/test.ts'
import { make } from '../../ocean/pages/stage.ts'
import { homeOf, searched, standingOut } from './stage.ts'

// Searches in languages that are written otherwise than English, each with the page that answers it.

const test = base.extend<{ library: { readonly reader: Person; readonly pages: ReadonlyMap<string, string> } }>({
  library: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
    async ({}, use) => {
      const server = await startServer()
      const reader = await signUp(server, 'Reader')
      const pages = new Map<string, string>()
      for (const [name, { language, title, blocks }] of Object.entries(corpus.pages)) {
        const page = await make(reader, { title, language })
        await write(reader, page.id, ...blocks)
        pages.set(name, page.id)
      }
      await indexed(server, reader)
      await use({ reader, pages })
      await reader.close()
      await server.close()
    },
    { scope: 'file' },
  ],
})

for (const mode of ['LEXICAL', 'HYBRID'] as const) {
  for (const { language, query, page, note } of corpus.scripts) {
    test(`${mode}: ${query} (${language}) finds its page first: ${note}`, async ({ library }) => {
      const { edges } = await searched(library.reader, query, { mode })
      expect(edges[0] && homeOf(edges[0].node)).toBe(library.pages.get(page))
    })
  }
}

test('what was found stands out in every script', async ({ library }) => {
  for (const { query } of corpus.scripts) {
    const { edges } = await searched(library.reader, query, { first: 10, filter: { types: ['BLOCK'] } })
    for (const { node } of edges.slice(0, 1)) expect([query, standingOut(node).length > 0]).toEqual([query, true])
  }
})
