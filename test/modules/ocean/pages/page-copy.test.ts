import { expect } from 'vitest'
import * as Y from 'yjs'
import { encodeGlobalId } from '../../../../src/graphql/ids.ts'
import { seedState } from '../../../../src/lib/rich-text.ts'
import { newUuid } from '../../../../src/platform/uuid.ts'
import { BlockDocument, DuplicatePageDocument, PageDocument, type PageQuery } from '../../../gql/graphql.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import { makeKey, programOf } from '../../../kit/programs.ts'
import type { TestServer } from '../../../kit/server.ts'
import { test, write } from '../../../kit/test.ts'
import { codeOf, createProject } from '../../projects/stage.ts'
import { childrenOf, factOf, look, make, topOf, verbs } from './stage.ts'

const noRandomId = 'page_01h2xcejqtf2nbrexx3vqjhp41'

async function copyOf(person: Person, id: string, input: object = {}): Promise<string> {
  const copy = await verbs.duplicate(person, { id, ...input })
  if (copy.__typename !== 'Page') throw new Error(`The copy came to ${JSON.stringify(copy)}`)
  return copy.id
}

async function blocksOn(person: Person, id: string) {
  const { page }: PageQuery = await person.query(PageDocument, { id, first: 100 })
  return page?.blocks.nodes ?? []
}

test('a copy stands right behind its page, with all in it but what is archived', async ({ alice, bob }) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const page = await make(alice, { projectId, title: 'page', icon: '🌊', language: 'nl' })
  await make(alice, { projectId, title: 'next' })
  const child = await make(alice, { parentId: page.id, title: 'child' })
  for (const title of ['a', 'b']) await make(alice, { parentId: child.id, title })
  const hidden = await make(alice, { parentId: child.id, title: 'archived' })
  await verbs.archive(alice, hidden.id)
  const copy = await verbs.duplicate(bob, { id: page.id })
  expect(copy).toMatchObject({
    __typename: 'Page',
    title: 'page',
    version: 1,
    project: { id: projectId },
    parent: null,
  })
  const copyId = copy.__typename === 'Page' ? copy.id : ''
  expect(await topOf(alice, projectId)).toEqual(['page', 'page', 'next'])
  expect((await alice.query(PageDocument, { id: copyId })).page).toMatchObject({
    ...{ icon: '🌊', language: 'nl', createdBy: { id: bob.userId }, updatedBy: { id: bob.userId } },
  })
  const { page: read } = await alice.query(PageDocument, { id: copyId })
  const [copied] = read?.children.nodes ?? []
  expect(copied?.title).toBe('child')
  expect(copied?.id).not.toBe(child.id)
  expect(await childrenOf(alice, copied?.id ?? '')).toEqual(['a', 'b'])
  expect(await look(alice, copied?.id ?? '')).toMatchObject({ depth: 2, ancestors: [{ title: 'page' }] })

  const bare = await copyOf(bob, page.id, { title: 'bare', withChildren: false })
  expect(await look(alice, bare)).toMatchObject({ title: 'bare', children: { totalCount: 0 } })
  expect(await topOf(alice, projectId)).toEqual(['page', 'bare', 'page', 'next'])
  const inside = await copyOf(bob, child.id, { title: 'sibling' })
  expect(await look(alice, inside)).toMatchObject({ depth: 2, parent: { id: page.id } })
  expect(await childrenOf(alice, page.id)).toEqual(['child', 'sibling'])
})

test('blocks are copied with their order, their nesting, what they hold and their texts', async ({
  server,
  alice,
  page,
}) => {
  const [outer = '', inner = '', last = ''] = await write(alice, page.id, 'outer', 'inner', 'last')
  const { unscoped } = server.app.platform.database
  const nested = { parent_id: uuidIn(outer), depth: 2, type: 'TO_DO' as const, version: 7, text_version: 3 }
  const json = (value: object) => JSON.stringify(value) as never
  await unscoped
    .updateTable('block')
    .set({ ...nested, content: json({ checked: true }), aside: json({ language: 'sql' }) })
    .where('id', '=', uuidIn(inner))
    .execute()
  const state = edited(uuidIn(inner))
  const organization_id = uuidIn(alice.organizationId)
  await unscoped
    .insertInto('block_text')
    .values({ block_id: uuidIn(inner), organization_id, state, editors: json({ minute: 1, ids: [] }) })
    .execute()
  const copies = await blocksOn(alice, await copyOf(alice, page.id))
  expect(copies.map(({ text }) => text)).toEqual(['outer', 'inner', 'last'])
  expect(copies.map(({ id }) => id)).not.toEqual(expect.arrayContaining([outer]))
  expect(copies.map(({ position }) => position)).toEqual(
    (await blocksOn(alice, page.id)).map(({ position }) => position),
  )
  const { block } = await alice.query(BlockDocument, { id: copies[1]?.id ?? '' })
  expect(block).toMatchObject({
    ...{
      type: 'TO_DO',
      content: { checked: true },
      depth: 2,
      parent: { id: copies[0]?.id },
      version: 1,
      textVersion: 1,
    },
    textState: Buffer.from(state).toString('base64'),
  })
  const stored = unscoped
    .selectFrom('block')
    .select('aside')
    .where('id', '=', uuidIn(copies[1]?.id ?? ''))
  expect(await stored.executeTakeFirst()).toEqual({ aside: { language: 'sql' } })
  const untouched = await alice.query(BlockDocument, { id: copies[2]?.id ?? '' })
  expect(untouched.block?.textState).toBe(
    Buffer.from(seedState(uuidIn(copies[2]?.id ?? ''), 'last')).toString('base64'),
  )
  expect((await alice.query(BlockDocument, { id: last })).block?.text).toBe('last')
})

test('tags are copied, and links: those made lead to the copies, those in the text where it says', async ({
  server,
  alice,
  page,
}) => {
  const child = await make(alice, { parentId: page.id, title: 'child' })
  const elsewhere = await make(alice)
  const [source = ''] = await write(alice, page.id, 'links')
  const [target = ''] = await write(alice, child.id, 'target')
  await link(server, alice, source, [
    { kind: 'PAGE', target_id: uuidIn(child.id), in_text: true, is_explicit: true },
    { kind: 'BLOCK', target_id: uuidIn(target), in_text: false, is_explicit: true },
    { kind: 'PAGE', target_id: uuidIn(elsewhere.id), in_text: false, is_explicit: true },
    { kind: 'PAGE', target_id: uuidIn(page.id), in_text: true, is_explicit: false },
    { kind: 'URL', url: 'https://example.org/', in_text: true, is_explicit: true },
  ])
  await tag(server, alice, page.id)
  const copy = await copyOf(alice, page.id)
  const [copiedSource] = await blocksOn(alice, copy)
  const copiedChild = (await alice.query(PageDocument, { id: copy })).page?.children.nodes[0]?.id ?? ''
  const [copiedTarget] = await blocksOn(alice, copiedChild)
  const { unscoped } = server.app.platform.database
  const links = await unscoped
    .selectFrom('link')
    .select(['kind', 'target_id', 'url', 'in_text', 'is_explicit', 'created_by_id'])
    .where('source_block_id', '=', uuidIn(copiedSource?.id ?? ''))
    .execute()
  const by = { created_by_id: uuidIn(alice.userId) }
  const leadingTo = (kind: string, id: string, in_text: boolean, is_explicit: boolean) => {
    return { kind, target_id: uuidIn(id), url: null, in_text, is_explicit, ...by }
  }
  expect(links).toHaveLength(6)
  expect(links).toEqual(
    expect.arrayContaining([
      leadingTo('PAGE', child.id, true, false),
      leadingTo('PAGE', copiedChild, false, true),
      leadingTo('BLOCK', copiedTarget?.id ?? '', false, true),
      leadingTo('PAGE', elsewhere.id, false, true),
      leadingTo('PAGE', page.id, true, false),
      { kind: 'URL', target_id: null, url: 'https://example.org/', in_text: true, is_explicit: true, ...by },
    ]),
  )
  const tags = unscoped.selectFrom('page_tag').select(['tag_id', 'organization_id'])
  expect(await tags.where('page_id', '=', uuidIn(copy)).execute()).toEqual([
    { tag_id: uuidIn(page.id), organization_id: uuidIn(alice.organizationId) },
  ])
})

test('a copy is made once for a key', async ({ alice, page }) => {
  const input = { id: page.id, idempotencyKey: 'once' }
  const [one, two] = [await verbs.duplicate(alice, input), await verbs.duplicate(alice, input)]
  expect(one).toMatchObject({ __typename: 'Page' })
  expect(two).toEqual(one)
  expect(await verbs.duplicate(alice, { ...input, title: 'Other' })).toMatchObject({
    __typename: 'IdempotencyKeyReused',
  })
})

test('200 pages and 5,000 blocks are copied at once, and no more', async ({ server, alice }) => {
  const pages = await seedPages(server, alice, 199)
  const root = pages[0] ?? ''
  await seedBlocks(server, alice, pages, 5_000)
  const copy = await copyOf(alice, root)
  expect((await look(alice, copy))?.children.totalCount).toBe(199)
  const [block = ''] = await write(alice, root, 'one more')
  expect(await verbs.duplicate(alice, { id: root })).toMatchObject({
    fields: [{ path: ['id'], message: 'has more than 5,000 blocks' }],
  })
  await server.app.platform.database.unscoped.deleteFrom('block').where('id', '=', uuidIn(block)).execute()
  await make(alice, { parentId: root })
  expect(await verbs.duplicate(alice, { id: root })).toMatchObject({
    fields: [{ path: ['id'], message: 'has more than 200 pages' }],
  })
  expect(factOf(await verbs.duplicate(alice, { id: root, withChildren: false }))).toBe('Page')
})

test('who may not make pages and blocks copies none, and a foreign page is no page', async ({
  server,
  alice,
  bob,
  stranger,
  page,
}) => {
  const refused = (person: Person, id: string) => codeOf(person.send(DuplicatePageDocument, { input: { id } }))
  for (const id of [page.id, noRandomId, 'garbage']) expect(await refused(stranger, id)).toBe('NOT_FOUND')
  await setRole(server, bob, 'VIEWER')
  expect(await refused(bob, page.id)).toBe('FORBIDDEN')
  for (const permissions of [
    ['page.read', 'page.create'],
    ['page.read', 'block.create'],
    ['page.create', 'block.create'],
  ]) {
    const key = await makeKey(alice, { permissions })
    const program = programOf(alice, key.secret)
    const copy = 'mutation ($id: ID!) { duplicatePage(input: { id: $id }) { __typename } }'
    const { errors } = await program.send(copy, { id: page.id })
    await program.close()
    const code = permissions.includes('page.read') ? 'FORBIDDEN' : 'NOT_FOUND'
    expect([permissions, errors?.[0]?.extensions.code]).toEqual([permissions, code])
  }
  const { unscoped } = server.app.platform.database
  const pages = unscoped.selectFrom('page').select('id').where('organization_id', '=', uuidIn(alice.organizationId))
  expect(await pages.execute()).toHaveLength(1)
  const denied = (await trailOf(server, alice)).filter(({ outcome }) => outcome === 'denied')
  expect(denied.map(({ action }) => action)).toEqual(['block.create', 'block.create', 'page.create', 'block.create'])
})

/** The document of a text that somebody edited. */
function edited(blockId: string): Buffer {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, seedState(blockId, 'inner'))
  doc.getText('text').format(0, 2, { bold: true })
  return Buffer.from(Y.encodeStateAsUpdate(doc))
}

async function link(server: TestServer, person: Person, blockId: string, links: readonly object[]): Promise<void> {
  const now = server.clock.now()
  const own = { organization_id: uuidIn(person.organizationId), source_block_id: uuidIn(blockId) }
  const rows = links.map((one) => ({
    ...{ id: newUuid(now), ...own, target_id: null, url: null, created_by_id: newUuid(now), created_at: now },
    ...one,
  }))
  await server.app.platform.database.unscoped
    .insertInto('link')
    .values(rows as never)
    .execute()
}

async function tag(server: TestServer, person: Person, pageId: string): Promise<void> {
  const { unscoped } = server.app.platform.database
  const now = server.clock.now()
  const [id, organization_id] = [uuidIn(pageId), uuidIn(person.organizationId)]
  const made = { created_by_id: uuidIn(person.userId), version: 1, created_at: now, updated_at: now }
  const named = { name: id, name_key: id, color: '#000000' }
  await unscoped
    .insertInto('tag')
    .values({ id, organization_id, ...named, ...made })
    .execute()
  await unscoped.insertInto('page_tag').values({ page_id: id, tag_id: id, organization_id, created_at: now }).execute()
}

/** A page with so many others in it, by their ids; seeded, since the mutations would take their time. */
async function seedPages(server: TestServer, person: Person, count: number): Promise<string[]> {
  const root = await make(person)
  const { unscoped } = server.app.platform.database
  const rows = unscoped.selectFrom('page').selectAll().where('id', '=', uuidIn(root.id))
  const row = await rows.executeTakeFirstOrThrow()
  const pages = Array.from({ length: count }, (_, index) => ({
    ...row,
    ...{ id: newUuid(server.clock.now()), parent_id: row.id, depth: 2, rank: `a${String(index).padStart(4, '0')}1` },
  }))
  await unscoped.insertInto('page').values(pages).execute()
  return [root.id, ...pages.map(({ id }) => encodeGlobalId('Page', id))]
}

/** So many blocks, in turn on each of the pages. */
async function seedBlocks(server: TestServer, person: Person, pages: readonly string[], count: number): Promise<void> {
  const [first = ''] = await write(person, pages[0] ?? '', 'text')
  const { unscoped } = server.app.platform.database
  const row = await unscoped.selectFrom('block').selectAll().where('id', '=', uuidIn(first)).executeTakeFirstOrThrow()
  const nothing = { content: '{}' as never, aside: '{}' as never }
  const blocks = Array.from({ length: count - 1 }, (_, index) => ({
    ...{ ...row, ...nothing, id: newUuid(server.clock.now()), position: `b${String(index).padStart(5, '0')}1` },
    page_id: uuidIn(pages[index % pages.length] ?? ''),
  }))
  for (let start = 0; start < blocks.length; start += 1_000) {
    await unscoped
      .insertInto('block')
      .values(blocks.slice(start, start + 1_000))
      .execute()
  }
}
