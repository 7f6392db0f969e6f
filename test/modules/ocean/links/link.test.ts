import { expect } from 'vitest'
import {
  BlockDocument,
  CreateLinkDocument,
  DeleteBlockDocument,
  DeleteLinkDocument,
  NodeDocument,
  PageEventsDocument,
} from '../../../gql/graphql.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import { linksFrom, makeLink, targetsFrom, untilLinked } from '../../../kit/links.ts'
import { uuidIn } from '../../../kit/people.ts'
import { makeKey, programOf } from '../../../kit/programs.ts'
import { createPage, test, write } from '../../../kit/test.ts'
import { codeOf, createPageIn, createProject } from '../../projects/stage.ts'

const [randomPage, randomBlock] = ['page_01h2xcejqtf2nbrexx3vqjhp41', 'block_01h2xcejqtf2nbrexx3vqjhp41']

test('a block is linked to a page, to a block and to an address', async ({ alice, bob, page }) => {
  const other = await createPage(alice, 'Elsewhere')
  const [from = '', to = ''] = await write(alice, page.id, 'from', 'to')
  expect(await makeLink(bob, { sourceBlockId: from, targetId: other.id })).toMatchObject({
    kind: 'PAGE',
    url: null,
    isDangling: false,
    inText: false,
    isExplicit: true,
    createdBy: { displayName: 'Bob' },
    source: { id: from },
    target: { __typename: 'Page', title: 'Elsewhere' },
  })
  expect(await makeLink(alice, { sourceBlockId: from, targetId: to })).toMatchObject({
    kind: 'BLOCK',
    target: { __typename: 'Block', text: 'to' },
  })
  expect(await makeLink(alice, { sourceBlockId: from, url: 'HTTPS://Example.ORG' })).toMatchObject({
    kind: 'URL',
    url: 'https://example.org/',
    isDangling: false,
    target: { __typename: 'ExternalUrl', url: 'https://example.org/' },
  })
  expect((await linksFrom(bob, from)).map(({ kind }) => kind)).toEqual(['PAGE', 'BLOCK', 'URL'])
})

test('a link that is there is answered, whoever makes it again', async ({ alice, bob, page }) => {
  const [from = ''] = await write(alice, page.id, 'from')
  const first = await makeLink(alice, { sourceBlockId: from, url: 'https://example.org' })
  expect(await makeLink(bob, { sourceBlockId: from, url: 'https://EXAMPLE.org/' })).toEqual(first)
  const keyed = { sourceBlockId: from, targetId: page.id, idempotencyKey: 'a key' }
  expect(await makeLink(alice, keyed)).toEqual(await makeLink(alice, keyed))
  const { createLink } = await alice.mutate(CreateLinkDocument, { input: { ...keyed, targetId: from } })
  expect(createLink.__typename).toBe('IdempotencyKeyReused')
  expect(await linksFrom(alice, from)).toHaveLength(2)
})

test('each rule of a new link is named with its place', async ({ alice, page }) => {
  const [sourceBlockId = ''] = await write(alice, page.id, 'from')
  for (const [input, path] of [
    [{}, 'targetId'],
    [{ targetId: page.id, url: 'https://example.org' }, 'targetId'],
    [{ url: 'javascript:alert(1)' }, 'url'],
    [{ url: 'example.org' }, 'url'],
    [{ url: `https://example.org/${'x'.repeat(2_048)}` }, 'url'],
    [{ url: `https://example.org/${'é'.repeat(500)}` }, 'url'],
  ] as const) {
    const { createLink } = await alice.mutate(CreateLinkDocument, { input: { sourceBlockId, ...input } })
    expect(createLink).toMatchObject({ __typename: 'InvalidInput', fields: [{ path: [path] }] })
  }
  expect(await linksFrom(alice, sourceBlockId)).toEqual([])
})

test('whoever watches the page hears when links of a block change', async ({ alice, bob, page }) => {
  const [from = ''] = await write(alice, page.id, 'from')
  const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  const heard = async () => (await events.next()).pageEvents
  expect((await heard()).__typename).toBe('BlockCreated')
  const { id } = await makeLink(alice, { sourceBlockId: from, targetId: page.id })
  await makeLink(alice, { sourceBlockId: from, targetId: page.id })
  expect(await heard()).toMatchObject({ __typename: 'BlockUpdated', blockId: from })
  await alice.mutate(DeleteLinkDocument, { input: { id } })
  await write(alice, page.id, 'the last')
  expect([await heard(), await heard()]).toMatchObject([
    { __typename: 'BlockUpdated', blockId: from },
    { __typename: 'BlockCreated' },
  ])
  events.stop()
})

test('a deleted link is gone; one that the text says goes with the text', async ({ server, alice, page }) => {
  const [from = ''] = await write(alice, page.id, 'see https://example.org/a')
  await untilLinked(server)
  const [said] = await linksFrom(alice, from)
  const made = await makeLink(alice, { sourceBlockId: from, url: 'https://example.org/b' })
  const remove = async (id: string) => (await alice.mutate(DeleteLinkDocument, { input: { id } })).deleteLink
  expect(await remove(made.id)).toEqual({ __typename: 'DeletedLink', deletedId: made.id })
  expect(await codeOf(alice.send(DeleteLinkDocument, { input: { id: made.id } }))).toBe('NOT_FOUND')
  expect(await remove(said?.id ?? '')).toMatchObject({ __typename: 'LinkStandsInText', code: 'LINK_STANDS_IN_TEXT' })
  // Nor when it was made beside the text as well.
  const both = await makeLink(alice, { sourceBlockId: from, url: 'https://example.org/a' })
  expect(both).toMatchObject({ id: said?.id, inText: true, isExplicit: true })
  expect(await remove(both.id)).toMatchObject({ __typename: 'LinkStandsInText' })
  expect(await linksFrom(alice, from)).toMatchObject([{ id: said?.id, inText: true, isExplicit: true }])
})

test('what is linked to may be gone or out of sight, and both look the same', async ({ alice, bob, page }) => {
  const project = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const hidden = await createPageIn(alice, project)
  const [hiddenBlock = ''] = await write(alice, hidden, 'hidden')
  const [from = '', to = ''] = await write(alice, page.id, 'from', 'to')
  const ids = [hidden, hiddenBlock, to]
  for (const targetId of ids) await makeLink(alice, { sourceBlockId: from, targetId })
  expect(await targetsFrom(alice, from)).toEqual(ids.toSorted())
  await alice.mutate(DeleteBlockDocument, { input: { id: to } })
  const nowhere = { isDangling: true, target: null, url: null }
  expect(await linksFrom(alice, from)).toMatchObject([{ isDangling: false }, { isDangling: false }, nowhere])
  expect(await linksFrom(bob, from)).toMatchObject([nowhere, nowhere, nowhere])
})

test('a foreign target, a random one, one out of sight and garbage are answered alike', async ({
  server,
  alice,
  bob,
  stranger,
  page,
}) => {
  const hidden = await createPageIn(alice, await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' }))
  const [hiddenBlock = ''] = await write(alice, hidden, 'hidden')
  const foreign = await createPage(stranger, 'Theirs')
  const [foreignBlock = ''] = await write(stranger, foreign.id, 'theirs')
  const [from = ''] = await write(bob, page.id, 'from')
  const targets = [hidden, hiddenBlock, foreign.id, foreignBlock, randomPage, randomBlock, 'garbage', bob.userId]
  const answers = await Promise.all(
    targets.map(async (targetId) => {
      const { data, errors } = await bob.send(CreateLinkDocument, { input: { sourceBlockId: from, targetId } })
      return [data, errors?.[0]?.message, errors?.[0]?.extensions.code]
    }),
  )
  for (const answer of answers) expect(answer).toEqual(answers[0])
  expect(answers[0]?.slice(1)).toEqual(['No such page or block.', 'NOT_FOUND'])
  for (const sourceBlockId of [hiddenBlock, foreignBlock, randomBlock, 'garbage']) {
    const input = { sourceBlockId, url: 'https://example.org' }
    expect(await codeOf(bob.send(CreateLinkDocument, { input }))).toBe('NOT_FOUND')
  }
  const links = server.app.platform.database.unscoped.selectFrom('link').select('id')
  const blocks = [hiddenBlock, foreignBlock, from].map(uuidIn)
  expect(await links.where('source_block_id', 'in', blocks).execute()).toEqual([])
})

test('a stranger finds no link, and a viewer changes none', async ({ server, alice, bob, stranger, page }) => {
  const [from = ''] = await write(alice, page.id, 'from')
  const { id } = await makeLink(alice, { sourceBlockId: from, url: 'https://example.org' })
  const find = async (person: typeof alice) => (await person.query(NodeDocument, { id })).node?.id
  expect([await find(bob), await find(stranger)]).toEqual([id, undefined])
  expect(await codeOf(stranger.send(DeleteLinkDocument, { input: { id } }))).toBe('NOT_FOUND')
  await setRole(server, bob, 'VIEWER')
  expect(await codeOf(bob.send(DeleteLinkDocument, { input: { id } }))).toBe('FORBIDDEN')
  const input = { sourceBlockId: from, url: 'https://example.org/b' }
  expect(await codeOf(bob.send(CreateLinkDocument, { input }))).toBe('FORBIDDEN')
  expect(await linksFrom(bob, from)).toMatchObject([{ id }])
  const deeds = (await trailOf(server, alice)).filter(({ action }) => action.startsWith('link.'))
  expect(deeds).toMatchObject([
    { action: 'link.create', outcome: 'allowed', target: from },
    { action: 'link.delete', outcome: 'denied', target: id },
    { action: 'link.create', outcome: 'denied', target: from },
  ])
})

test('a key that may read no blocks sees no links', async ({ alice, page }) => {
  const [from = ''] = await write(alice, page.id, 'from')
  const { id } = await makeLink(alice, { sourceBlockId: from, targetId: page.id })
  const program = programOf(alice, (await makeKey(alice, { permissions: ['page.read'] })).secret)
  expect((await program.query(NodeDocument, { id })).node).toBeNull()
  expect((await program.query(BlockDocument, { id: from })).block).toBeNull()
  const backlinks = 'query ($id: ID!) { page(id: $id) { backlinks { totalCount nodes { id } } } }'
  const none = { page: { backlinks: { totalCount: 0, nodes: [] } } }
  expect((await program.send(backlinks, { id: page.id })).data).toEqual(none)
  await program.close()
})

test('a hundred links are made from a block at most', async ({ server, alice, page }) => {
  const [from = ''] = await write(alice, page.id, 'from')
  const { id } = await makeLink(alice, { sourceBlockId: from, url: 'https://example.org/first' })
  const { unscoped } = server.app.platform.database
  const row = await unscoped.selectFrom('link').selectAll().where('id', '=', uuidIn(id)).executeTakeFirstOrThrow()
  const others = Array.from({ length: 98 }, (_, index) => ({
    ...row,
    id: crypto.randomUUID(),
    url: `https://x/${index}`,
  }))
  await unscoped.insertInto('link').values(others).execute()
  await makeLink(alice, { sourceBlockId: from, url: 'https://example.org/last' })
  const one = { sourceBlockId: from, url: 'https://example.org/more' }
  expect((await alice.mutate(CreateLinkDocument, { input: one })).createLink).toMatchObject({
    __typename: 'InvalidInput',
    fields: [{ path: ['sourceBlockId'] }],
  })
  expect(await makeLink(alice, { sourceBlockId: from, url: 'https://example.org/first' })).toMatchObject({ id })
})
