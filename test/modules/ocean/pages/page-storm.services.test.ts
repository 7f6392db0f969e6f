import { randomInt } from 'node:crypto'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import fc from 'fast-check'
import { parse } from 'graphql'
import { expect } from 'vitest'
import {
  ArchivePageDocument,
  CreateBlocksDocument,
  CreateLinkDocument,
  CreatePageDocument,
  DeletePageDocument,
  DuplicatePageDocument,
  MovePageDocument,
  RestorePageDocument,
} from '../../../gql/graphql.ts'
import type { Subscription } from '../../../kit/client.ts'
import { type Person, signUpInto, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { createPage, test } from '../../../kit/test.ts'
import { createProject } from '../../projects/stage.ts'
import { outcomeOf } from '../blocks/outline.ts'
import { faultsOf } from './faults.ts'

// Five people change the pages of two projects, and link them, at once and at random. Afterwards they are trees, links lead
// where they led, and whoever only followed what the projects told has what there is.

const isFull = process.env.FULL === '1'
const OPERATIONS = isFull ? 2_000 : 150
const ACTORS = 5

const place = { target: fc.nat(), beside: fc.constantFrom('in', 'after', 'before', 'last'), project: fc.nat(1) }
const one = (kind: 'archive' | 'restore' | 'delete' | 'duplicate') =>
  fc.record({ kind: fc.constant(kind), id: fc.nat() })
const operation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('create' as const), ...place }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('move' as const), ...place, id: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('link' as const), id: fc.nat(), target: fc.nat() }) },
  { weight: 2, arbitrary: one('archive') },
  { weight: 3, arbitrary: one('restore') },
  { weight: 1, arbitrary: one('delete') },
  { weight: 1, arbitrary: one('duplicate') },
)
type Operation = typeof operation extends fc.Arbitrary<infer One> ? One : never

interface Storm {
  readonly projectIds: readonly string[]
  /** Every page that somebody was told to have made. */
  readonly made: string[]
  /** Every link that was made, and the page it leads to. */
  readonly links: Map<string, string>
}

/** Outcomes of whoever was not fast enough, asked for what cannot be, or met too many others. */
const lawful = new Set([
  ...['Page', 'DeletedPage', 'Link', 'CreatedBlocks', 'NOT_FOUND', 'FORBIDDEN', 'SERVICE_UNAVAILABLE'],
  ...['WouldCreateCycle', 'NestedTooDeep', 'projectId', 'afterId', 'beforeId'],
])

async function act(person: Person, storm: Storm, operation: Operation): Promise<string> {
  const { made, projectIds } = storm
  const known = (index: number) => made[index % Math.max(1, made.length)] ?? ''
  if (operation.kind === 'create') {
    const input = { title: 'A page', ...(await placeOf(person, known(operation.target), operation, projectIds)) }
    const { data, errors } = await person.send(CreatePageDocument, { input })
    const page = data?.createPage
    if (page?.__typename === 'Page') made.push(page.id)
    return page?.__typename === 'InvalidInput'
      ? page.fields.map(({ path }) => path.join('.')).join(' ')
      : String(errors?.[0]?.extensions.code ?? page?.__typename)
  }
  const id = known(operation.id)
  switch (operation.kind) {
    case 'move': {
      const input = { id, ...(await placeOf(person, known(operation.target), operation, projectIds)) }
      return outcomeOf(person.send(MovePageDocument, { input }))
    }
    case 'link':
      return link(person, storm, id, known(operation.target))
    case 'archive':
      return outcomeOf(person.send(ArchivePageDocument, { input: { id } }))
    case 'restore':
      return outcomeOf(person.send(RestorePageDocument, { input: { id } }))
    case 'delete':
      return outcomeOf(person.send(DeletePageDocument, { input: { id } }))
    case 'duplicate': {
      const { data, errors } = await person.send(DuplicatePageDocument, { input: { id, withChildren: true } })
      if (data?.duplicatePage?.__typename === 'Page') made.push(data.duplicatePage.id)
      return String(errors?.[0]?.extensions.code ?? data?.duplicatePage?.__typename)
    }
  }
}

/** A place at a page as it stands just now: it may be gone or elsewhere when it is used. */
async function placeOf(person: Person, target: string, operation: Operation, projectIds: readonly string[]) {
  if (!('beside' in operation)) return {}
  const { beside, project } = operation
  type Stands = { page: { parent: { id: string } | null; project: { id: string } | null } | null }
  const { data } = await person.send<Stands, object>(
    'query ($id: ID!) { page(id: $id) { parent { id } project { id } } }',
    { id: target },
  )
  const page = data?.page
  if (!page || beside === 'last') return { projectId: projectIds[project] ?? '' }
  if (beside === 'in') return { parentId: target }
  const home = page.parent === null ? { projectId: page.project?.id ?? null } : { parentId: page.parent.id }
  return { ...home, [beside === 'after' ? 'afterId' : 'beforeId']: target }
}

/** Writes a block and links it to a page. */
async function link(person: Person, storm: Storm, pageId: string, targetId: string): Promise<string> {
  const { data, errors } = await person.send(CreateBlocksDocument, { input: { pageId, blocks: [{ text: 'see' }] } })
  const made = data?.createBlocks
  if (made?.__typename !== 'CreatedBlocks') return String(errors?.[0]?.extensions.code ?? made?.__typename)
  const input = { sourceBlockId: made.blocks[0]?.id ?? '', targetId }
  const sent = await person.send(CreateLinkDocument, { input })
  if (sent.data?.createLink?.__typename === 'Link') storm.links.set(sent.data.createLink.id, targetId)
  return String(sent.errors?.[0]?.extensions.code ?? sent.data?.createLink?.__typename)
}

interface Place {
  readonly id: string
  readonly parent: { readonly id: string } | null
  readonly project: { readonly id: string } | null
  readonly archivedAt: string | null
}
interface Heard {
  readonly projectEvents: { readonly __typename: string; readonly pageId?: string; readonly page?: Place | null }
}
const fields = 'id parent { id } project { id } archivedAt'
const following =
  parse(`subscription ($projectId: ID!, $after: Cursor) { projectEvents(projectId: $projectId, after: $after) {
  __typename ... on PageRemoved { pageId }
  ${['PageAdded', 'PageChanged', 'PageMoved'].map((type) => `... on ${type} { pageId page { ${fields} } }`).join(' ')}
} }`) as TypedDocumentNode<Heard, { projectId: string; after: string | null }>

/** What somebody has of a project who only hears what it tells, up to a page that comes last. */
async function replay(events: Subscription<Heard>, projectId: string, last: string): Promise<Place[]> {
  const pages = new Map<string, Place>()
  for (let isOver = false; !isOver; ) {
    const { __typename: type, pageId = '', page } = (await events.next({ within: 60_000 })).projectEvents
    if (!type.startsWith('Page')) throw new Error(`Nobody expected ${type}`)
    if (page?.project?.id === projectId) pages.set(pageId, page)
    else pages.delete(pageId)
    isOver = pageId === last
  }
  events.stop()
  return inOrder([...pages.values()])
}

function inOrder(pages: readonly Place[]): Place[] {
  return pages.toSorted((one, other) => (one.id < other.id ? -1 : 1))
}

interface Read {
  readonly project: {
    readonly eventsCursor: string
    readonly pages: {
      readonly nodes: readonly Place[]
      readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
    }
  }
}
const reading = `query ($id: ID!, $after: String) { project(id: $id) { eventsCursor
  pages(first: 100, after: $after) { nodes { ${fields} } pageInfo { hasNextPage endCursor } } } }`

async function readProject(person: Person, id: string): Promise<{ cursor: string; pages: Place[] }> {
  const pages: Place[] = []
  let after: string | null = null
  let cursor = ''
  for (let isOpen = true; isOpen; ) {
    const sent: { data?: Read | null } = await person.send<Read, object>(reading, { id, after })
    if (!sent.data) throw new Error('The project could not be read')
    cursor = sent.data.project.eventsCursor
    pages.push(...sent.data.project.pages.nodes)
    after = sent.data.project.pages.pageInfo.endCursor
    isOpen = sent.data.project.pages.pageInfo.hasNextPage
  }
  return { cursor, pages: inOrder(pages) }
}

interface Leads {
  readonly nodes: readonly ({
    readonly id: string
    readonly isDangling: boolean
    readonly target: { id: string } | null
  } | null)[]
}

/** Every link stands as long as its block does, and leads to its page as long as that is there. */
async function expectLinks(
  server: TestServer,
  person: Person,
  links: ReadonlyMap<string, string>,
  living: ReadonlySet<string>,
) {
  const ids = [...links.keys()]
  for (let start = 0; start < ids.length; start += 100) {
    const some = ids.slice(start, start + 100)
    const { data } = await person.send<Leads, object>(
      'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Link { id isDangling target { ... on Page { id } } } } }',
      { ids: some },
    )
    const rows = server.app.platform.database.unscoped.selectFrom('link').select('id')
    const kept = new Set((await rows.where('id', 'in', some.map(uuidIn)).execute()).map(({ id }) => id))
    for (const [index, id] of some.entries()) {
      const shown = data?.nodes[index] ?? null
      const target = links.get(id) ?? ''
      expect(shown !== null, `${id} is shown`).toBe(kept.has(uuidIn(id)))
      if (shown === null) continue
      expect(shown.isDangling, `${id} dangles`).toBe(!living.has(target))
      expect(shown.target?.id ?? null).toBe(living.has(target) ? target : null)
    }
  }
}

test(`${OPERATIONS} changes of pages by ${ACTORS} people at once leave trees, links that lead there, and events that say the same`, {
  timeout: isFull ? 900_000 : 90_000,
}, async ({ server, alice }) => {
  const others = await Promise.all(
    Array.from({ length: ACTORS - 1 }, (_, index) => signUpInto(server, alice, `Mover${index}`, 'ADMIN')),
  )
  const actors = [alice, ...others]
  const seed = randomInt(2 ** 31)
  console.log(`the storm over pages has the seed ${seed}`)
  const storm = async (operations: Operation[]) => {
    const projectIds = [await createProject(alice, { name: 'One' }), await createProject(alice, { name: 'Other' })]
    const watched = await Promise.all(
      projectIds.map(async (projectId) =>
        alice.subscribe(following, { projectId, after: (await readProject(alice, projectId)).cursor }),
      ),
    )
    const state: Storm = { projectIds, made: [], links: new Map() }
    const outcomes = new Map<string, number>()
    const queue = operations.values()
    await Promise.all(
      actors.map(async (actor) => {
        // One queue for all: whoever is done takes the next.
        for (const next of queue) {
          const outcome = await act(actor, state, next)
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        }
      }),
    )
    expect([...outcomes.keys()].filter((outcome) => !lawful.has(outcome))).toEqual([])
    const ends: string[] = []
    for (const id of projectIds) ends.push((await createPage(alice, 'The end', id)).id)
    const told = await Promise.all(
      watched.map((events, index) => replay(events, projectIds[index] ?? '', ends[index] ?? '')),
    )
    const read = await Promise.all(projectIds.map((id) => readProject(alice, id)))
    for (const [index, { pages }] of read.entries()) expect(told[index]).toEqual(pages)
    // That no two siblings have one rank the index sees to.
    expect(await faultsOf(server, alice)).toEqual([])
    const living = new Set(read.flatMap(({ pages }) => pages.map(({ id }) => id)))
    await expectLinks(server, alice, state.links, living)
    // It was a storm: much came to something, links among it, and some lead nowhere now.
    expect(outcomes.get('Page')).toBeGreaterThan(OPERATIONS / 4)
    expect(state.links.size).toBeGreaterThan(0)
    console.log(`${[...outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(', ')}`)
  }
  const operations = fc.array(operation, { minLength: OPERATIONS, maxLength: OPERATIONS, size: 'max' })
  await fc.assert(fc.asyncProperty(operations, storm), { numRuns: 1, seed, endOnFailure: true })
  await Promise.all(others.map((person) => person.close()))
})
