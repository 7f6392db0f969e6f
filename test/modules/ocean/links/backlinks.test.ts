import { expect } from 'vitest'
import { DeleteBlockDocument, DeletePageDocument, MovePageDocument } from '../../../gql/graphql.ts'
import { linksFrom, makeLink } from '../../../kit/links.ts'
import { type Person, signUpInto } from '../../../kit/people.ts'
import { createPage, test, write } from '../../../kit/test.ts'
import { addTo, createPageIn, createProject } from '../../projects/stage.ts'

const document = `query ($id: ID!, $first: Int, $after: String, $last: Int) { node(id: $id) {
  ... on Page { backlinks(first: $first, after: $after, last: $last) { totalCount nodes { id } pageInfo { endCursor hasNextPage } } }
  ... on Block { backlinks(first: $first, after: $after, last: $last) { totalCount nodes { id } pageInfo { endCursor hasNextPage } } }
} }`

interface Answer {
  readonly node: {
    readonly backlinks: {
      readonly totalCount: number
      readonly nodes: readonly { readonly id: string }[]
      readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean }
    }
  }
}

async function backlinks(person: Person, id: string, window: object = {}) {
  const { data, errors } = await person.send<Answer, object>(document, { id, ...window })
  if (data === null || data === undefined) throw new Error(JSON.stringify(errors))
  const { totalCount, nodes, pageInfo } = data.node.backlinks
  return { totalCount, ids: nodes.map(({ id }) => id), ...pageInfo }
}

test('of a page there are links to it and to blocks on it, newest first; of a block those to it', async ({
  alice,
  page,
}) => {
  const other = await createPage(alice, 'Elsewhere')
  const [to = '', beside = ''] = await write(alice, page.id, 'to', 'beside')
  const [from = '', also = ''] = await write(alice, other.id, 'from', 'also')
  const links: string[] = []
  for (const [sourceBlockId, targetId] of [
    [from, page.id],
    [from, to],
    [also, to],
    [beside, page.id],
  ] as const) {
    links.unshift((await makeLink(alice, { sourceBlockId, targetId })).id)
  }
  await makeLink(alice, { sourceBlockId: from, url: 'https://example.org' })
  expect(await backlinks(alice, page.id)).toMatchObject({ totalCount: 4, ids: links })
  expect(await backlinks(alice, to)).toMatchObject({ totalCount: 2, ids: links.slice(1, 3) })
  expect(await backlinks(alice, other.id)).toMatchObject({ totalCount: 0, ids: [] })
  const first = await backlinks(alice, page.id, { first: 3 })
  expect(first).toMatchObject({ ids: links.slice(0, 3), hasNextPage: true, totalCount: 4 })
  expect(await backlinks(alice, page.id, { first: 3, after: first.endCursor })).toMatchObject({ ids: links.slice(3) })
  expect(await backlinks(alice, page.id, { last: 1 })).toMatchObject({ ids: links.slice(3) })
})

test('links come only from blocks that may be read', async ({ server, alice, bob, page }) => {
  const guest = await signUpInto(server, alice, 'Guest', 'GUEST')
  const closed = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  await addTo(alice, closed, guest, 'VIEWER')
  const hidden = await createPageIn(alice, closed)
  const [to = '', open = ''] = await write(alice, page.id, 'to', 'open')
  const [from = '', target = ''] = await write(alice, hidden, 'from', 'target')
  const link = await makeLink(alice, { sourceBlockId: from, targetId: to })
  const seen = await makeLink(alice, { sourceBlockId: open, targetId: target })
  expect(await backlinks(alice, page.id)).toMatchObject({ totalCount: 1, ids: [link.id] })
  for (const id of [page.id, to]) expect(await backlinks(bob, id)).toMatchObject({ totalCount: 0, ids: [] })
  // The guest sees the private project alone: what leads there from without is not theirs to see.
  for (const id of [hidden, target]) expect(await backlinks(guest, id)).toMatchObject({ totalCount: 0, ids: [] })
  expect(await backlinks(alice, target)).toMatchObject({ ids: [seen.id] })
  expect(await linksFrom(guest, from)).toMatchObject([{ id: link.id, isDangling: true, target: null }])
  await guest.close()
})

test('links to what is deleted stay and lead nowhere; what comes back to sight is shown again', async ({
  alice,
  bob,
  page,
}) => {
  const other = await createPage(alice, 'To be hidden')
  const gone = await createPage(alice, 'To be deleted')
  const [goneBlock = ''] = await write(alice, gone.id, 'to be deleted')
  const [from = '', deleted = ''] = await write(alice, page.id, 'from', 'deleted')
  for (const targetId of [other.id, gone.id, goneBlock, deleted])
    await makeLink(alice, { sourceBlockId: from, targetId })
  await alice.mutate(DeleteBlockDocument, { input: { id: deleted } })
  await alice.mutate(DeletePageDocument, { input: { id: gone.id } })
  const closed = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  await alice.mutate(MovePageDocument, { input: { id: other.id, projectId: closed } })
  const [nowhere, there] = [
    { isDangling: true, target: null },
    { isDangling: false, target: { id: other.id } },
  ]
  expect(await linksFrom(bob, from)).toMatchObject([nowhere, nowhere, nowhere, nowhere])
  expect(await linksFrom(alice, from)).toMatchObject([there, nowhere, nowhere, nowhere])
  await alice.mutate(MovePageDocument, { input: { id: other.id, projectId: null } })
  expect(await linksFrom(bob, from)).toMatchObject([there, nowhere, nowhere, nowhere])
  expect(await backlinks(bob, other.id)).toMatchObject({ totalCount: 1 })
})
