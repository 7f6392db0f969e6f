import { expect } from 'vitest'
import {
  CreatePageDocument,
  type CreatePageInput,
  CreateProjectDocument,
  NodeDocument,
  PageDocument,
  PageEventsDocument,
  PagesDocument,
  type PagesQueryVariables,
} from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import { createPage, test, write } from '../../../kit/test.ts'

async function createProject(person: Person): Promise<string> {
  const { createProject } = await person.mutate(CreateProjectDocument, { input: { name: 'A project' } })
  if (createProject.__typename !== 'Project') throw new Error(createProject.__typename)
  return createProject.id
}

/** What an attempt came to: the type of the result, or the code of the error. */
async function attempt(client: Client, input: CreatePageInput): Promise<unknown> {
  const { data, errors } = await client.send(CreatePageDocument, { input })
  return errors?.[0]?.extensions.code ?? data?.createPage?.__typename
}

async function idsOf(person: Person, variables: PagesQueryVariables): Promise<string[]> {
  return (await person.query(PagesDocument, variables)).pages.nodes.map((page) => page.id)
}

test('a page is read back as it was made, in its project', async ({ alice, bob }) => {
  const projectId = await createProject(alice)
  const { createPage: made } = await bob.mutate(CreatePageDocument, {
    input: { title: ' Notes ', icon: '🌊', projectId },
  })
  expect(made).toMatchObject({ title: 'Notes', icon: '🌊', version: 1, project: { id: projectId } })
  if (made.__typename !== 'Page') throw new Error(made.__typename)

  const { page } = await alice.query(PageDocument, { id: made.id })
  expect(page).toMatchObject({
    title: 'Notes',
    eventsCursor: made.eventsCursor,
    project: { name: 'A project' },
    createdBy: { id: bob.userId },
    updatedBy: { id: bob.userId },
    viewerCan: expect.arrayContaining(['block.create', 'block.read', 'page.create', 'page.read']),
    blocks: { totalCount: 0, nodes: [], pageInfo: { hasNextPage: false, endCursor: null } },
  })
})

test('each rule of a new page is named with its place', async ({ alice }) => {
  const { createPage: result } = await alice.mutate(CreatePageDocument, {
    input: { title: 'x'.repeat(201), icon: 'x'.repeat(33), idempotencyKey: 'x'.repeat(129) },
  })
  if (result.__typename !== 'InvalidInput') throw new Error(result.__typename)
  expect(result.fields.map((field) => field.path.join('.'))).toEqual(['title', 'icon', 'idempotencyKey'])
  expect(await attempt(alice, { title: '' })).toBe('Page')
  expect(await attempt(alice, { title: '😀'.repeat(100), icon: '😀'.repeat(16) })).toBe('Page')
})

test('a foreign project, a random one and garbage are answered alike', async ({ server, alice, stranger }) => {
  const foreign = await createProject(stranger)
  const ids = [
    foreign,
    'project_01h2xcejqtf2nbrexx3vqjhp41',
    'garbage',
    alice.userId,
    foreign.replace('project', 'page'),
  ]
  const answers = await Promise.all(
    ids.map(async (projectId) => {
      const { data, errors } = await alice.send(CreatePageDocument, { input: { title: 'Mine', projectId } })
      return { data, message: errors?.[0]?.message, code: errors?.[0]?.extensions.code, path: errors?.[0]?.path }
    }),
  )
  for (const answer of answers) expect(answer).toEqual(answers[0])
  expect(answers[0]).toMatchObject({ code: 'NOT_FOUND', message: 'No such project.' })
  const pages = server.app.platform.database.unscoped.selectFrom('page').select('id')
  expect(await pages.where('project_id', '=', uuidIn(foreign)).execute()).toEqual([])
  expect(await idsOf(alice, {})).toEqual([])
})

test('a viewer reads but makes nothing; the denial is written down and nothing else', async ({
  server,
  alice,
  bob,
  page,
}) => {
  const projectId = await createProject(alice)
  await setRole(server, bob, 'VIEWER')
  expect((await bob.query(PageDocument, { id: page.id })).page?.viewerCan).toEqual(['block.read', 'page.read'])
  const key = { idempotencyKey: 'tried' }
  expect(await attempt(bob, { title: 'Mine', ...key })).toBe('FORBIDDEN')
  expect(await attempt(bob, { title: 'Mine', projectId, ...key })).toBe('FORBIDDEN')

  const denials = (await trailOf(server, alice)).filter((event) => event.outcome === 'denied')
  expect(denials).toMatchObject(Array(2).fill({ action: 'page.create', actor: bob.userId }))
  expect(await idsOf(bob, {})).toEqual([page.id])
  const keys = server.app.platform.database.unscoped.selectFrom('idempotency_key').selectAll()
  expect(await keys.where('actor_id', '=', uuidIn(bob.userId)).execute()).toEqual([])
})

test('a guest reads no page, neither singly nor in lists nor live', async ({ server, bob, page }) => {
  await setRole(server, bob, 'GUEST')
  expect(await bob.query(PageDocument, { id: page.id })).toEqual({ page: null })
  expect(await bob.query(NodeDocument, { id: page.id })).toEqual({ node: null })
  expect(await idsOf(bob, {})).toEqual([])
  expect(await attempt(bob, { title: 'Mine' })).toBe('FORBIDDEN')
  await expect(bob.subscribe(PageEventsDocument, { pageId: page.id }).next()).rejects.toThrow('NOT_FOUND')
})

test('a stranger finds no page, and nobody none', async ({ stranger, anonymous, page }) => {
  expect(await stranger.query(PageDocument, { id: page.id })).toEqual({ page: null })
  expect(await stranger.query(NodeDocument, { id: page.id })).toEqual({ node: null })
  expect(await idsOf(stranger, {})).toEqual([])
  await expect(stranger.subscribe(PageEventsDocument, { pageId: page.id }).next()).rejects.toThrow('NOT_FOUND')
  expect(await attempt(anonymous, { title: 'Mine' })).toBe('UNAUTHENTICATED')
  expect((await anonymous.send(PageDocument, { id: page.id })).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
})

test('pages are listed newest first, of one project or of all', async ({ alice, stranger }) => {
  const projectId = await createProject(alice)
  const ids: string[] = []
  for (const where of [{}, { projectId }, {}, { projectId }]) {
    const { createPage: made } = await alice.mutate(CreatePageDocument, { input: { title: 'A page', ...where } })
    if (made.__typename === 'Page') ids.unshift(made.id)
  }
  expect(await idsOf(alice, {})).toEqual(ids)
  expect(await idsOf(alice, { filter: { projectId } })).toEqual([ids[0], ids[2]])
  for (const nothing of ['garbage', alice.userId, await createProject(stranger)]) {
    expect(await idsOf(alice, { filter: { projectId: nothing } })).toEqual([])
  }
  expect(await idsOf(stranger, { filter: { projectId } })).toEqual([])
  const total = `query ($filter: PageFilter) { pages(filter: $filter) { totalCount } }`
  expect((await alice.send(total, { filter: { projectId } })).data).toEqual({ pages: { totalCount: 2 } })
  expect((await stranger.send(total, { filter: { projectId } })).data).toEqual({ pages: { totalCount: 0 } })
})

test('a list of pages is read whole in either direction while pages are added', async ({ alice }) => {
  const ids: string[] = []
  for (let index = 0; index < 7; index += 1) ids.unshift((await createPage(alice, `Page ${index}`)).id)
  const forward: string[] = []
  const backward: string[] = []
  let after: string | null = null
  let before: string | null = null
  for (let part = 0; part < 3; part += 1) {
    const next: Awaited<ReturnType<typeof pagesOf>> = await pagesOf(alice, { first: 3, after })
    forward.push(...next.nodes.map((page) => page.id))
    after = next.pageInfo.endCursor ?? null
    const previous: Awaited<ReturnType<typeof pagesOf>> = await pagesOf(alice, { last: 3, before })
    backward.unshift(...previous.nodes.map((page) => page.id))
    before = previous.pageInfo.startCursor ?? null
    ids.unshift((await createPage(alice, 'Added meanwhile')).id)
  }
  expect(forward).toEqual(ids.slice(3))
  expect(backward).toEqual(ids.slice(1))
})

async function pagesOf(person: Person, variables: PagesQueryVariables) {
  return (await person.query(PagesDocument, variables)).pages
}

test('whoever watches from the cursor of a page they read gets exactly what was written after', async ({
  alice,
  bob,
  page,
}) => {
  const watch = async (cursor: string, count: number) => {
    const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: cursor })
    const texts: (string | undefined)[] = []
    for (let index = 0; index < count; index += 1) {
      const { pageEvents } = await events.next()
      texts.push(pageEvents.__typename === 'BlockCreated' ? pageEvents.block?.text : pageEvents.__typename)
    }
    // One more, so that what should not be there has the time to come.
    await write(alice, page.id, 'the last')
    const { pageEvents } = await events.next()
    texts.push(pageEvents.__typename === 'BlockCreated' ? pageEvents.block?.text : pageEvents.__typename)
    events.stop()
    return texts
  }
  const cursorNow = async () => (await bob.query(PageDocument, { id: page.id })).page?.eventsCursor ?? ''

  await write(alice, page.id, 'a', 'b')
  // The page had no events when it was made.
  expect(await watch(page.eventsCursor, 2)).toEqual(['a', 'b', 'the last'])
  const cursor = await cursorNow()
  await write(alice, page.id, 'c')
  await write(bob, page.id, 'd', 'e')
  expect(await watch(cursor, 3)).toEqual(['c', 'd', 'e', 'the last'])
  expect(await watch(await cursorNow(), 0)).toEqual(['the last'])
})

test('what happens on a page is kept and numbered under the name of its organization', async ({
  server,
  alice,
  page,
}) => {
  await write(alice, page.id, 'a text')
  const { unscoped } = server.app.platform.database
  const channel = `${uuidIn(alice.organizationId)}/page/${uuidIn(page.id)}`
  for (const table of ['channel_event', 'channel_head'] as const) {
    const rows = unscoped
      .selectFrom(table)
      .select('channel')
      .where('channel', 'like', `%${uuidIn(page.id)}%`)
    expect([table, await rows.execute()]).toEqual([table, [{ channel }]])
  }
})
