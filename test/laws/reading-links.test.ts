import { expect } from 'vitest'
import { encodeGlobalId } from '../../src/graphql/ids.ts'
import { newUuid } from '../../src/platform/uuid.ts'
import { type Person, signUp, signUpInto, uuidIn } from '../kit/people.ts'
import type { TestServer } from '../kit/server.ts'
import { makeTag } from '../kit/tags.ts'
import { test as base, createPage, write } from '../kit/test.ts'
import { addTo, createProject } from '../modules/projects/stage.ts'
import { linkLists } from './link-lists.ts'
import { itemsIn } from './reading-library.ts'
import { leastStatementsOf } from './statements.ts'

// As in reading.test.ts: what stands on a page, its tags and its links cost the same for 5 and for 50.

const FEW = 5
const MANY = 50

interface Library {
  readonly reader: Person
  /** Reads the same as a guest: where rights are asked for each thing, they are asked for all at once. */
  readonly guest: Person
  readonly pageId: string
  readonly blockId: string
  readonly tagId: string
  /** Tags and links in turn. */
  readonly ids: readonly string[]
}

const test = base.extend<{ library: Library }>({
  library: [
    async ({ server }, use) => {
      const reader = await signUp(server, 'Reader')
      const library = await furnish(server, reader)
      await use(library)
      await reader.close()
      await library.guest.close()
    },
    { scope: 'file' },
  ],
})

test.for(linkLists)('%s: 50 cost as many statements as 5', async ([, coordinate, document], { server, library }) => {
  const field = coordinate.split('.')[1] ?? ''
  const costOf = (count: number) => {
    const variables = { first: count, ...library, ids: library.ids.slice(0, count) }
    const asked = Object.fromEntries(Object.entries(variables).filter(([name]) => document.includes(`$${name}:`)))
    return leastStatementsOf(server, async () => {
      const { data, errors } = await library.reader.send<Record<string, unknown>, object>(document, asked)
      expect(errors).toBeUndefined()
      expect(itemsIn(data ?? {}, field)).toHaveLength(count)
    })
  }
  const few = await costOf(FEW)
  expect(few).toBeGreaterThan(1)
  expect(await costOf(MANY)).toBe(few)
})

test('a guest’s rights to tags and links are asked for all at once', async ({ server, library }) => {
  const document = linkLists[0][2]
  const costOf = (first: number) =>
    leastStatementsOf(server, async () => {
      const { data, errors } = await library.guest.send<Record<string, unknown>, object>(document, {
        first,
        pageId: library.pageId,
      })
      expect(errors).toBeUndefined()
      expect(itemsIn(data ?? {}, 'blocks')).toHaveLength(first)
    })
  expect(await costOf(MANY)).toBe(await costOf(FEW))
})

/**
 * A page of 50 blocks by an author each, which lead to 50 other pages and to as many blocks; 50 blocks that lead to the page,
 * to its blocks and to those pages; 50 tags. What leads to a thing is never on the page that is read: it would be loaded
 * already when there is much of it, and not when there is little.
 */
async function furnish(server: TestServer, reader: Person): Promise<Library> {
  const { unscoped } = server.app.platform.database
  const now = server.clock.now()
  const at = { organization_id: uuidIn(reader.organizationId), created_at: now }
  const guest = await signUpInto(server, reader, 'Guest', 'GUEST')
  const project = await createProject(reader, { name: 'A project' })
  await addTo(reader, project, guest, 'VIEWER')
  const authors = await addAuthors(server, reader)
  const [pageId = '', sourcePage = '', targetPage = ''] = await pagesIn(reader, project, 3)
  const others = await pagesIn(reader, project, MANY)
  const texts = Array<string>(MANY).fill('a text')
  const blocks = await write(reader, pageId, ...texts)
  const sources = await write(reader, sourcePage, ...texts)
  const targets = await write(reader, targetPage, ...texts)
  for (const [index, id] of blocks.entries()) {
    const by = { created_by_id: authors[index] ?? '', updated_by_id: authors[(index + 1) % MANY] ?? '' }
    await unscoped.updateTable('block').set(by).where('id', '=', uuidIn(id)).execute()
  }
  const leading = (from: readonly string[], kind: 'PAGE' | 'BLOCK', to: (index: number) => string | undefined) =>
    from.map((id, index) => ({
      ...{ ...at, id: newUuid(now), source_block_id: uuidIn(id), kind, target_id: uuidIn(to(index) ?? ''), url: null },
      ...{
        in_text: false,
        is_explicit: true,
        created_by_id: from === blocks ? (authors[index] ?? '') : uuidIn(reader.userId),
      },
    }))
  const toPages = leading(blocks, 'PAGE', (index) => others[index])
  const links = [
    ...toPages,
    ...leading(blocks, 'BLOCK', (index) => targets[index]),
    ...leading(sources, 'PAGE', () => pageId),
    ...leading(sources, 'PAGE', (index) => others[index]),
    ...leading(sources.slice(1), 'BLOCK', (index) => blocks[index + 1]),
    ...leading(sources, 'BLOCK', () => blocks[0]),
  ]
  await unscoped.insertInto('link').values(links).execute()
  const tags: string[] = []
  for (let count = 0; count < MANY; count += 1) tags.push((await makeTag(reader, `Tag ${count}`)).id)
  const marks = [...others.map((id, index) => [id, tags[index]]), ...others.slice(1).map((id) => [id, tags[0]])]
  const marked = [...marks, ...tags.slice(0, 3).map((tag) => [pageId, tag])]
  await unscoped
    .insertInto('page_tag')
    .values(marked.map(([page = '', tag = '']) => ({ ...at, page_id: uuidIn(page), tag_id: uuidIn(tag) })))
    .execute()
  const ids = tags.flatMap((id, index) => [id, encodeGlobalId('Link', toPages[index]?.id ?? '')])
  return { reader, guest, pageId, blockId: blocks[0] ?? '', tagId: tags[0] ?? '', ids }
}

async function pagesIn(person: Person, projectId: string, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let made = 0; made < count; made += 1) ids.push((await createPage(person, 'A page', projectId)).id)
  return ids
}

/** Fifty people who wrote something once. */
async function addAuthors({ app, clock }: TestServer, reader: Person): Promise<string[]> {
  const { unscoped } = app.platform.database
  const row = unscoped.selectFrom('user').selectAll().where('id', '=', uuidIn(reader.userId))
  const like = await row.executeTakeFirstOrThrow()
  const ids = Array.from({ length: MANY }, () => newUuid(clock.now()))
  const people = ids.map((id) => ({ ...like, id, email: id, email_key: id, username: null, username_key: null }))
  await unscoped.insertInto('user').values(people).execute()
  return ids
}
