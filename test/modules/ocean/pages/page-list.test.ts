import { expect } from 'vitest'
import { type PageOrder, PagesDocument, type PagesQueryVariables } from '../../../gql/graphql.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import { makeAgent } from '../../../kit/programs.ts'
import type { TestServer } from '../../../kit/server.ts'
import { test } from '../../../kit/test.ts'
import { codeOf, createProject } from '../../projects/stage.ts'
import { make, verbs } from './stage.ts'

async function titlesOf(person: Person, variables: PagesQueryVariables): Promise<string[]> {
  return (await person.query(PagesDocument, { first: 100, ...variables })).pages.nodes.map(({ title }) => title)
}

const ofProject = `query ($id: ID!, $filter: ProjectPageFilter, $orderBy: PageOrder, $first: Int, $after: String) {
  project(id: $id) { pages(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    totalCount nodes { title } pageInfo { hasNextPage endCursor }
  } }
}`
interface OfProject {
  readonly project: {
    readonly pages: {
      readonly totalCount: number
      readonly nodes: { readonly title: string }[]
      readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
    }
  } | null
}

async function pagesIn(person: Person, id: string, variables: object) {
  const { data, errors } = await person.send<OfProject, object>(ofProject, { id, ...variables })
  if (!data?.project) throw new Error(`The pages failed: ${JSON.stringify(errors)}`)
  return data.project.pages
}

/** Five pages, whose titles in order of age, of title and of change are these. */
async function furnish(person: Person) {
  const projectId = await createProject(person, { name: 'Ocean' })
  const titles = ['Crab', 'anemone', 'Dolphin', 'barnacle', 'eel']
  const pages = new Map<string, string>()
  for (const title of titles) pages.set(title, (await make(person, { projectId, title })).id)
  await verbs.update(person, { id: pages.get('Dolphin') ?? '', expectedVersion: 1, icon: '🐬' })
  await verbs.update(person, { id: pages.get('Crab') ?? '', expectedVersion: 1, icon: '🦀' })
  await verbs.move(person, { id: pages.get('eel') ?? '', projectId, beforeId: pages.get('Crab') ?? '' })
  return { projectId, pages }
}
const inOrder: Record<PageOrder, string[]> = {
  NEWEST: ['eel', 'barnacle', 'Dolphin', 'anemone', 'Crab'],
  OLDEST: ['Crab', 'anemone', 'Dolphin', 'barnacle', 'eel'],
  UPDATED: ['eel', 'Crab', 'Dolphin', 'barnacle', 'anemone'],
  TITLE: ['anemone', 'barnacle', 'Crab', 'Dolphin', 'eel'],
  TREE: ['eel', 'Crab', 'anemone', 'Dolphin', 'barnacle'],
}
const orders = Object.keys(inOrder) as PageOrder[]

test('pages are listed in every order, forward and backward, two at a time', async ({ alice, bob }) => {
  const { projectId } = await furnish(alice)
  const read = async (orderBy: PageOrder, way: 'forward' | 'backward') => {
    const titles: string[] = []
    let place: PagesQueryVariables = way === 'forward' ? { first: 2 } : { last: 2 }
    for (;;) {
      const { pages } = await bob.query(PagesDocument, { ...place, orderBy, filter: { projectId } })
      const found = pages.nodes.map(({ title }) => title)
      if (way === 'forward') titles.push(...found)
      else titles.unshift(...found)
      const { hasNextPage, hasPreviousPage, endCursor, startCursor } = pages.pageInfo
      if (!(way === 'forward' ? hasNextPage : hasPreviousPage)) return titles
      place = way === 'forward' ? { first: 2, after: endCursor ?? null } : { last: 2, before: startCursor ?? null }
    }
  }
  for (const order of orders) {
    expect([order, await read(order, 'forward')]).toEqual([order, inOrder[order]])
    expect([order, await read(order, 'backward')]).toEqual([order, inOrder[order]])
    const titles: string[] = []
    for (let after: string | null = null; ; ) {
      const { totalCount, nodes, pageInfo } = await pagesIn(bob, projectId, { orderBy: order, first: 2, after })
      expect(totalCount).toBe(5)
      titles.push(...nodes.map(({ title }) => title))
      after = pageInfo.endCursor
      if (!pageInfo.hasNextPage) break
    }
    expect([order, titles]).toEqual([order, inOrder[order]])
  }
  expect(await titlesOf(bob, { filter: { projectId } })).toEqual(inOrder.NEWEST)
})

test('a cursor of another order is no cursor of this one', async ({ alice }) => {
  const { projectId } = await furnish(alice)
  for (const given of orders) {
    const variables = { filter: { projectId }, orderBy: given, first: 1 }
    const after = (await alice.query(PagesDocument, variables)).pages.pageInfo.endCursor ?? null
    for (const asked of orders) {
      const code = await codeOf(alice.send(PagesDocument, { filter: { projectId }, orderBy: asked, after }))
      expect([given, asked, code]).toEqual([given, asked, given === asked ? undefined : 'BAD_REQUEST'])
    }
  }
  for (const key of [
    ['TITLE', 'a\0', 'x'],
    ['TITLE', 'a'],
    ['UPDATED', 'now', uuidIn(alice.userId)],
    ['UPDATED', '0000-01-01T00:00:00Z', uuidIn(alice.userId)],
    ['UPDATED', `2026-01-01T00:00:00.${'0'.repeat(200)}Z`, uuidIn(alice.userId)],
    ['TREE', "'", uuidIn(alice.userId)],
  ]) {
    const after = Buffer.from(JSON.stringify(key)).toString('base64url')
    const orderBy = key[0] as PageOrder
    expect([key, await codeOf(alice.send(PagesDocument, { orderBy, after }))]).toEqual([key, 'BAD_REQUEST'])
  }
})

test('pages are narrowed by what they are, where they stand and who made them', async ({ server, alice, bob }) => {
  const { projectId, pages } = await furnish(alice)
  const crab = pages.get('Crab') ?? ''
  await make(bob, { title: 'Claw 100%', parentId: crab })
  await make(bob, { title: 'Shell', parentId: crab })
  await verbs.archive(alice, pages.get('eel') ?? '')
  await tag(server, alice, crab)
  const narrowed = async (filter: object) => {
    const { nodes, totalCount } = await pagesIn(alice, projectId, { filter, orderBy: 'OLDEST' })
    const titles = nodes.map(({ title }) => title)
    expect(totalCount).toBe(titles.length)
    expect(await titlesOf(alice, { filter: { projectId, ...filter }, orderBy: 'OLDEST' })).toEqual(titles)
    return titles
  }
  expect(await narrowed({})).toEqual(['Crab', 'anemone', 'Dolphin', 'barnacle', 'eel', 'Claw 100%', 'Shell'])
  expect(await narrowed({ parentId: crab })).toEqual(['Claw 100%', 'Shell'])
  expect(await narrowed({ isTopLevel: true })).toEqual(['Crab', 'anemone', 'Dolphin', 'barnacle', 'eel'])
  expect(await narrowed({ isTopLevel: false })).toEqual(['Claw 100%', 'Shell'])
  expect(await narrowed({ isArchived: true })).toEqual(['eel'])
  expect(await narrowed({ isArchived: false, isTopLevel: true })).toEqual(['Crab', 'anemone', 'Dolphin', 'barnacle'])
  expect(await narrowed({ createdById: bob.userId })).toEqual(['Claw 100%', 'Shell'])
  expect(await narrowed({ title: 'N' })).toEqual(['anemone', 'Dolphin', 'barnacle'])
  expect(await narrowed({ title: '100%' })).toEqual(['Claw 100%'])
  expect(await narrowed({ title: '%' })).toEqual(['Claw 100%'])
  expect(await narrowed({ tagId: `tag_${crab.slice('page_'.length)}` })).toEqual(['Crab'])
  const agent = await makeAgent(alice)
  for (const nothing of ['garbage', crab, agent.id]) {
    expect(await narrowed({ createdById: nothing })).toEqual([])
  }
  for (const nothing of ['garbage', alice.userId]) {
    expect(await narrowed({ parentId: nothing })).toEqual([])
    expect(await narrowed({ tagId: nothing })).toEqual([])
  }
  expect(await codeOf(alice.send(PagesDocument, { filter: { title: 'x'.repeat(201) } }))).toBe('BAD_REQUEST')
})

test('a stranger narrows nothing that is not theirs', async ({ alice, stranger }) => {
  const { pages } = await furnish(alice)
  const parentId = pages.get('Crab') ?? ''
  await make(alice, { parentId })
  for (const filter of [{ parentId }, { createdById: alice.userId }, { title: 'crab' }, {}]) {
    expect(await titlesOf(stranger, { filter })).toEqual([])
  }
})

/** Marks a page with a tag that has the page's own number. */
async function tag(server: TestServer, person: Person, pageId: string): Promise<void> {
  const { unscoped } = server.app.platform.database
  const now = server.clock.now()
  const [id, organization_id] = [uuidIn(pageId), uuidIn(person.organizationId)]
  const made = { created_by_id: uuidIn(person.userId), version: 1, created_at: now, updated_at: now }
  await unscoped
    .insertInto('tag')
    .values({ id, organization_id, name: 'shell', name_key: 'shell', color: '#000000', ...made })
    .execute()
  await unscoped.insertInto('page_tag').values({ page_id: id, tag_id: id, organization_id, created_at: now }).execute()
}
