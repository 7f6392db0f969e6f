import { describe, expect } from 'vitest'
import {
  CreatePageDocument,
  CreateTagDocument,
  DeleteTagDocument,
  UpdatePageDocument,
  UpdateTagDocument,
} from '../../gql/graphql.ts'
import { naughtyStrings } from '../../kit/naughty.ts'
import type { Person } from '../../kit/people.ts'
import { makeTag } from '../../kit/tags.ts'
import { test } from '../../kit/test.ts'

// Strings that have broken other systems, and such as are none, as titles of pages and names of tags.

const strings: readonly string[] = [...naughtyStrings, 'a\0b', '\ud83d', 'x\ude00\ud83d', 'x'.repeat(201)]

/** A name as it was taken, or which field it was refused for. */
function kept(result: object): unknown {
  if ('fields' in result) return [...new Set((result.fields as { path: string[] }[]).map(({ path }) => path.join('.')))]
  return 'title' in result ? result.title : 'name' in result ? result.name : result
}

/** Each was taken as it is, but for space around it, or refused by the name of its field. */
function expectKept(text: string, field: string, result: object): void {
  expect([text.trim(), [field]], JSON.stringify(text)).toContainEqual(kept(result))
}

/** What another tag is called that is to be called so. */
async function renamedTo(person: Person, name: string): Promise<unknown> {
  const { id, version } = await makeTag(person, 'Another')
  const { updateTag } = await person.mutate(UpdateTagDocument, { input: { id, expectedVersion: version, name } })
  await person.mutate(DeleteTagDocument, { input: { id } })
  return kept(updateTag)
}

async function countPages(person: Person, title: string): Promise<number | undefined> {
  const document = 'query ($title: String!) { pages(filter: { title: $title }) { totalCount } }'
  const { data } = await person.send<{ pages: { totalCount: number } }, object>(document, { title })
  return data?.pages.totalCount
}

describe('every string of the list', () => {
  test('is the title of a page that is found by it, made or changed, or refused by name', { timeout: 120_000 }, async ({
    alice,
    page,
  }) => {
    let [version, taken] = [1, 0]
    for (const title of strings) {
      const { createPage } = await alice.mutate(CreatePageDocument, { input: { title } })
      expectKept(title, 'title', createPage)
      const input = { id: page.id, title, expectedVersion: version }
      const { updatePage } = await alice.mutate(UpdatePageDocument, { input })
      expect(kept(updatePage)).toEqual(kept(createPage))
      if (updatePage.__typename !== 'Page') continue
      version = updatePage.version
      taken += 1
      if (taken % 10 === 0) expect(await countPages(alice, title.trim()), JSON.stringify(title)).toBeGreaterThan(1)
    }
    expect(taken).toBeGreaterThan(strings.length * 0.75)
    expect(version).toBe(taken + 1)
  })

  test('is the name of a tag, made or changed, or refused by name', { timeout: 120_000 }, async ({ alice }) => {
    let taken = 0
    for (const name of strings) {
      const { createTag } = await alice.mutate(CreateTagDocument, { input: { name } })
      expectKept(name, 'name', createTag)
      if (createTag.__typename === 'Tag') {
        taken += 1
        await alice.mutate(DeleteTagDocument, { input: { id: createTag.id } })
      }
      if (taken % 10 === 0) expect(await renamedTo(alice, name)).toEqual(kept(createTag))
    }
    expect(taken).toBeGreaterThan(strings.length * 0.65)
  })
})
