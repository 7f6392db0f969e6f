import { expect } from 'vitest'
import type { SearchFilter, SearchMode } from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'
import { indexed } from '../../../kit/inside.ts'
import { uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { createPage, test, write } from '../../../kit/test.ts'
import { update } from '../../ocean/blocks/typist.ts'
import { make, verbs } from '../../ocean/pages/stage.ts'
import { addTo, codeOf, createProject } from '../../projects/stage.ts'

const document = `query ($query: String!, $mode: SearchMode, $filter: SearchFilter, $first: Int, $after: String,
  $last: Int, $before: String) {
  search(query: $query, mode: $mode, filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    totalCount
    edges { cursor node { node { ... on Page { id } ... on Block { id } ... on Message { id } } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`
interface Place {
  readonly first?: number
  readonly after?: string | null
  readonly last?: number
  readonly before?: string | null
}
interface Asked extends Place {
  readonly query: string
  readonly mode?: SearchMode
  readonly filter?: SearchFilter
}
interface Answer {
  readonly search: {
    readonly totalCount: number
    readonly edges: readonly { readonly cursor: string; readonly node: { readonly node: { readonly id: string } } }[]
    readonly pageInfo: {
      readonly hasNextPage: boolean
      readonly hasPreviousPage: boolean
      readonly startCursor: string | null
      readonly endCursor: string | null
    }
  }
}

async function part(person: Client, asked: Asked) {
  const { data, errors } = await person.send<Answer, object>(document, { mode: 'LEXICAL', ...asked })
  if (!data) throw new Error(`The search failed: ${JSON.stringify(errors)}`)
  const { edges, pageInfo, totalCount } = data.search
  return {
    ids: edges.map(({ node }) => node.node.id),
    cursors: edges.map(({ cursor }) => cursor),
    ...pageInfo,
    totalCount,
  }
}

/** Reads from one end to the other, a few at a time; something may happen between. */
async function read(
  person: Client,
  way: 'forward' | 'backward',
  asked: Omit<Asked, keyof Place>,
  between: (ids: readonly string[], cursor: string | null) => Promise<unknown> = async () => undefined,
): Promise<string[]> {
  const isForward = way === 'forward'
  const ids: string[] = []
  let place: Place = isForward ? { first: 7 } : { last: 7 }
  for (;;) {
    const found = await part(person, { ...asked, ...place })
    if (isForward) ids.push(...found.ids)
    else ids.unshift(...found.ids)
    expect(isForward ? found.hasPreviousPage : found.hasNextPage).toBe(ids.length > found.ids.length)
    if (!(isForward ? found.hasNextPage : found.hasPreviousPage)) return ids
    expect(found.ids.length).toBe(7)
    place = isForward ? { first: 7, after: found.endCursor } : { last: 7, before: found.startCursor }
    await between(ids, place.after ?? place.before ?? null)
  }
}

/** Pages and blocks, all of which speak of a walrus, in texts of several lengths. */
async function furnish(server: TestServer, person: Parameters<typeof createPage>[0]) {
  const pages = new Map<string, string[]>()
  for (let number = 1; number <= 5; number += 1) {
    const { id } = await make(person, { title: `Walrus ${number}` })
    const texts = Array.from({ length: 6 }, (_, index) => `walrus ${'and so on '.repeat(index * number)}`)
    pages.set(id, await write(person, id, ...texts))
  }
  await indexed(server, person)
  return pages
}

test('all pages of a search together are each hit once, in one order, forwards and backwards', async ({
  server,
  alice,
}) => {
  await furnish(server, alice)
  const all = (await part(alice, { query: 'walrus', first: 100 })).ids
  expect(new Set(all).size).toBe(35)
  expect(await read(alice, 'forward', { query: 'walrus' })).toEqual(all)
  expect(await read(alice, 'backward', { query: 'walrus' })).toEqual(all)
  const some = { query: 'walrus', filter: { types: ['BLOCK' as const] } }
  expect(await read(alice, 'forward', some)).toEqual((await part(alice, { ...some, first: 100 })).ids)
  // Between any two places, too.
  const { cursors } = await part(alice, { query: 'walrus', first: 100 })
  const between = { after: cursors[9] ?? null, before: cursors[20] ?? null }
  expect((await part(alice, { query: 'walrus', first: 100, ...between })).ids).toEqual(all.slice(10, 20))
  expect((await part(alice, { query: 'walrus', last: 3, ...between })).ids).toEqual(all.slice(17, 20))
  expect((await part(alice, { query: 'walrus', first: 5, after: cursors.at(-1) ?? null })).ids).toEqual([])
})

for (const way of ['forward', 'backward'] as const) {
  test(`the order stays ${way}, whatever is written, renamed and deleted between the pages`, async ({
    server,
    alice,
    bob,
  }) => {
    const pages = await furnish(server, alice)
    const all = (await part(alice, { query: 'walrus', first: 100 })).ids
    const gone = new Set<string>()
    const unread = (seen: readonly string[]) => all.filter((id) => !seen.includes(id) && !gone.has(id))
    const remove = async (id: string) => {
      for (const one of [id, ...(pages.get(id) ?? [])]) gone.add(one)
      if (id.startsWith('page')) await verbs.remove(alice, id)
      else await alice.send('mutation ($id: ID!) { deleteBlock(input: { id: $id }) { __typename } }', { id })
    }
    let [turn, version] = [0, 1]
    const [renamed = ''] = pages.keys()
    const ids = await read(alice, way, { query: 'walrus' }, async (seen) => {
      turn += 1
      await write(bob, (await createPage(bob, 'Walrus of Bob')).id, 'walrus', 'walrus walrus')
      await verbs.update(alice, { id: renamed, expectedVersion: version, title: `Walrus, ${turn}` })
      version += 1
      const [first, second] = unread(seen).filter((id) => id !== renamed && !pages.get(renamed)?.includes(id))
      if (first !== undefined) await remove(first)
      if (second?.startsWith('block')) {
        await update(alice, { id: second, text: `walrus ${'and more '.repeat(20)}` })
      }
      await indexed(server, alice)
    })
    expect(turn).toBeGreaterThan(2)
    expect(gone.size).toBeGreaterThan(2)
    // What was deleted after it had been seen has been seen.
    expect(ids).toEqual(all.filter((id) => ids.includes(id)))
    expect(new Set([...ids, ...gone])).toEqual(new Set(all))
    // A search that begins anew finds what is new.
    expect((await part(alice, { query: 'walrus', first: 100 })).ids.length).toBe(35 - gone.size + 3 * turn)
  })
}

test('what the viewer may read no more is gone from a search that they go on with', async ({ server, alice, bob }) => {
  const projectId = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  await addTo(alice, projectId, bob, 'VIEWER')
  const secret = await createPage(alice, 'Walrus in private', projectId)
  const open = await createPage(alice, 'Walrus in the open, for all to see')
  await indexed(server, alice)
  const first = await part(bob, { query: 'walrus', first: 1 })
  expect(first.totalCount).toBe(2)
  await alice.send(
    'mutation ($input: RemoveProjectMemberInput!) { removeProjectMember(input: $input) { __typename } }',
    { input: { projectId, userId: bob.userId } },
  )
  const rest = await part(bob, { query: 'walrus', first: 10, after: first.endCursor })
  expect([...first.ids, ...rest.ids].at(-1)).toBe(open.id)
  expect(rest.ids).not.toContain(secret.id)
  expect(rest.totalCount).toBe(1)
})

test('a search that is remembered no more goes on in the same order while nothing has changed', async ({
  server,
  alice,
}) => {
  await furnish(server, alice)
  const all = (await part(alice, { query: 'walrus', first: 100 })).ids
  const forget = (cursor: string | null) => {
    const [id] = JSON.parse(Buffer.from(cursor ?? '', 'base64url').toString())
    return server.app.platform.cache.drop({ name: 'searches' }, `${uuidIn(alice.userId)}/${id}`)
  }
  for (const way of ['forward', 'backward'] as const) {
    expect(await read(alice, way, { query: 'walrus' }, (_seen, cursor) => forget(cursor))).toEqual(all)
  }
  const { endCursor } = await part(alice, { query: 'walrus', first: 3 })
  await verbs.remove(alice, all.find((id) => id.startsWith('page')) ?? '')
  await indexed(server, alice)
  await forget(endCursor)
  const { ids, totalCount } = await part(alice, { query: 'walrus', first: 100, after: endCursor })
  expect(ids.length).toBe(totalCount - 3)
})

test("a cursor of another search, or of somebody else's, gives nothing away and breaks nothing", async ({
  server,
  alice,
  bob,
  stranger,
}) => {
  await furnish(server, alice)
  const session = await createPage(stranger, "Walrus of a stranger's")
  await createPage(alice, 'Penguin')
  await indexed(server, alice)
  await indexed(server, stranger)
  const all = (await part(alice, { query: 'walrus', first: 100 })).ids
  const { endCursor } = await part(alice, { query: 'walrus', first: 5 })
  const own = [session.id]
  expect(
    (await part(stranger, { query: 'walrus', first: 100, after: endCursor })).ids.filter((id) => !own.includes(id)),
  ).toEqual([])
  expect((await part(stranger, { query: 'walrus', last: 100, before: endCursor })).ids).toEqual(own)
  expect((await part(alice, { query: 'penguin', last: 100, before: endCursor })).ids.length).toBe(1)
  const blocks = await part(alice, { query: 'walrus', filter: { types: ['BLOCK'] }, first: 100, after: endCursor })
  expect(blocks.ids.every((id) => id.startsWith('block'))).toBe(true)
  await part(alice, { query: 'walrus', mode: 'HYBRID', first: 5, after: endCursor })
  await part(bob, { query: 'walrus', first: 5, after: endCursor })
  // And its owner goes on.
  expect((await part(alice, { query: 'walrus', first: 100, after: endCursor })).ids).toEqual(all.slice(5))
})

test('what is no cursor of a search is refused', async ({ alice }) => {
  const id = uuidIn(alice.userId)
  const keys = [[id], [id, '-1'], [id, '1.5'], [id, '10000'], [id, '1', '1'], ['x', '1'], [id, 1], {}, null, [id, "1'"]]
  const encoded = keys.map((key) => Buffer.from(JSON.stringify(key)).toString('base64url'))
  for (const after of ['x', '\0', 'é', 'e30=', ...encoded]) {
    const code = await codeOf(alice.send(document, { query: 'walrus', after }))
    expect([after, code]).toEqual([after, 'BAD_REQUEST'])
  }
  for (const size of [{ first: 0 }, { first: 101 }, { first: -1 }, { last: 101 }, { first: 1, last: 1 }]) {
    expect([size, await codeOf(alice.send(document, { query: 'walrus', ...size }))]).toEqual([size, 'BAD_REQUEST'])
  }
})
