import { expect } from 'vitest'
import { DeleteLinkDocument, PageEventsDocument } from '../../../gql/graphql.ts'
import { linksFrom, makeLink, rewrite, targetsFrom, untilLinked } from '../../../kit/links.ts'
import { createPage, test, write } from '../../../kit/test.ts'

test('what the text of a new block says is found, by whom it was written', async ({ server, alice, bob, page }) => {
  const other = await createPage(alice, 'Elsewhere')
  const [to = '', from = ''] = await write(bob, page.id, 'to', `see ${other.id}, (https://example.org/a) and more`)
  await untilLinked(server)
  expect(await targetsFrom(alice, from)).toEqual(['https://example.org/a', other.id].toSorted())
  expect(await linksFrom(alice, from)).toMatchObject(
    Array(2).fill({ inText: true, isExplicit: false, createdBy: { displayName: 'Bob' } }),
  )
  expect(await linksFrom(alice, to)).toEqual([])
})

test('the links of a text follow it: what is new is found, what is gone goes, what stays is the same', async ({
  server,
  alice,
  bob,
  page,
}) => {
  const [id = ''] = await write(alice, page.id, 'https://example.org/a https://example.org/b')
  await untilLinked(server)
  const kept = (await linksFrom(alice, id)).find(({ url }) => url === 'https://example.org/a')
  await rewrite(bob, id, `https://example.org/a ${page.id}`)
  await untilLinked(server)
  expect(await targetsFrom(alice, id)).toEqual(['https://example.org/a', page.id].toSorted())
  const [first, second] = await linksFrom(alice, id)
  expect(first).toEqual(kept)
  expect(second).toMatchObject({ kind: 'PAGE', createdBy: { displayName: 'Bob' } })
  await rewrite(alice, id, 'nothing any more')
  await untilLinked(server)
  expect(await linksFrom(alice, id)).toEqual([])
})

test('a link that was made as well as said outlives the text, and can be deleted then', async ({
  server,
  alice,
  page,
}) => {
  const [id = ''] = await write(alice, page.id, 'https://example.org/a')
  const made = await makeLink(alice, { sourceBlockId: id, url: 'https://example.org/a' })
  await untilLinked(server)
  expect(await linksFrom(alice, id)).toMatchObject([{ id: made.id, inText: true, isExplicit: true }])
  await rewrite(alice, id, 'nothing any more')
  await untilLinked(server)
  expect(await linksFrom(alice, id)).toMatchObject([{ id: made.id, inText: false, isExplicit: true }])
  const { deleteLink } = await alice.mutate(DeleteLinkDocument, { input: { id: made.id } })
  expect(deleteLink.__typename).toBe('DeletedLink')
})

test('whoever watches hears of a block whose links changed, and of no other', async ({ server, alice, page }) => {
  const events = alice.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  const heard = async () => (await events.next()).pageEvents
  const [plain, linked] = await write(alice, page.id, 'nothing', 'https://example.org/a')
  await untilLinked(server)
  expect([await heard(), await heard(), await heard()]).toMatchObject([
    { __typename: 'BlockCreated', blockId: plain },
    { __typename: 'BlockCreated', blockId: linked },
    { __typename: 'BlockUpdated', blockId: linked },
  ])
  // The same links in other words.
  await rewrite(alice, linked ?? '', 'https://example.org/a, that is')
  await untilLinked(server)
  await write(alice, page.id, 'the last')
  expect([await heard(), await heard()]).toMatchObject([
    { __typename: 'BlockTextChanged', blockId: linked },
    { __typename: 'BlockCreated' },
  ])
  events.stop()
})

test('an id of another organization is kept like one of nothing', async ({ server, alice, stranger, page }) => {
  const theirs = await createPage(stranger, 'Theirs')
  const nothing = 'page_01h2xcejqtf2nbrexx3vqjhp41'
  const [one = '', other = ''] = await write(alice, page.id, theirs.id, nothing)
  await untilLinked(server)
  const dangling = { kind: 'PAGE', url: null, target: null, isDangling: true, inText: true }
  for (const id of [one, other]) expect(await linksFrom(alice, id)).toMatchObject([dangling])
  const backlinks = 'query ($id: ID!) { page(id: $id) { backlinks { totalCount nodes { id } } } }'
  const none = { page: { backlinks: { totalCount: 0, nodes: [] } } }
  expect((await stranger.send(backlinks, { id: theirs.id })).data).toEqual(none)
})

test('the id of a block that is written as one of a page leads nowhere, and to nothing', async ({
  server,
  alice,
  page,
}) => {
  const [to = ''] = await write(alice, page.id, 'to')
  const [from = ''] = await write(alice, page.id, `${to.replace('block', 'page')} ${page.id.replace('page', 'block')}`)
  await untilLinked(server)
  expect(await linksFrom(alice, from)).toMatchObject(Array(2).fill({ isDangling: true, target: null }))
  const backlinks = 'query ($id: ID!) { page(id: $id) { backlinks { totalCount nodes { id } } } }'
  const none = { page: { backlinks: { totalCount: 0, nodes: [] } } }
  expect((await alice.send(backlinks, { id: page.id })).data).toEqual(none)
})
