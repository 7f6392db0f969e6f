import { randomInt } from 'node:crypto'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import fc from 'fast-check'
import { parse } from 'graphql'
import { expect } from 'vitest'
import { blockTypes } from '../../../../src/lib/block-content.ts'
import {
  BlockDocument,
  ConvertBlockDocument,
  CreateBlocksDocument,
  DeleteBlockDocument,
  MoveBlockDocument,
} from '../../../gql/graphql.ts'
import type { Subscription } from '../../../kit/client.ts'
import { type Person, signUpInto } from '../../../kit/people.ts'
import { createPage, test, write } from '../../../kit/test.ts'
import { blocksOf, expectTree, outcomeOf, type Standing } from './outline.ts'

// Five people change the structure of two pages at once, at random. Afterwards both are trees, no block is lost or there
// twice, and whoever only followed what was told has what there is.

const isFull = process.env.FULL === '1'
const OPERATIONS = isFull ? 2_000 : 150
const ACTORS = 5

const place = { target: fc.nat(), beside: fc.constantFrom('in', 'after', 'before', 'last') }
const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('create'),
      ...place,
      page: fc.nat(1),
      depths: fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 7, arbitrary: fc.record({ kind: fc.constant('move'), ...place, page: fc.nat(1), id: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete'), id: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('convert'), id: fc.nat(), type: fc.constantFrom(...blockTypes) }),
  },
)
type Operation = typeof operation extends fc.Arbitrary<infer One> ? One : never

/** All that the people of a storm share. */
interface Storm {
  readonly pageIds: readonly string[]
  /** Every block there ever was. */
  readonly made: string[]
  readonly outcomes: Map<string, number>
}

/** Outcomes that somebody who was not fast enough gets, or who asked for what cannot be. */
const lawful = new Set([
  ...['Block', 'CreatedBlocks', 'DeletedBlock', 'NOT_FOUND', 'parentId', 'afterId', 'beforeId'],
  ...['WouldCreateCycle', 'NestedTooDeep', 'WouldLoseText'],
])

async function act(person: Person, storm: Storm, operation: Operation): Promise<string> {
  const { made, pageIds } = storm
  const known = (index: number) => made[index % Math.max(1, made.length)] ?? ''
  if ('depths' in operation) {
    const { depths, target, beside, page } = operation
    const { data } = await person.send(CreateBlocksDocument, {
      input: { ...(await placeOf(person, known(target), beside)), pageId: pageIds[page] ?? '', blocks: batch(depths) },
    })
    const created = data?.createBlocks
    if (created?.__typename === 'CreatedBlocks') made.push(...created.blocks.map(({ id }) => id))
    return created?.__typename === 'InvalidInput'
      ? created.fields.map(({ path }) => path.join('.')).join(' ')
      : String(created?.__typename)
  }
  const id = known(operation.id)
  if ('page' in operation) {
    const { target, beside, page } = operation
    const { pageId, ...beneath } = await placeOf(person, known(target), beside)
    // Most follow the block they go to; others are told to go to a page, which may be another one.
    const input = { id, ...beneath, pageId: beside === 'last' ? pageIds[page] : pageId }
    return outcomeOf(person.send(MoveBlockDocument, { input }))
  }
  if ('type' in operation) return outcomeOf(person.send(ConvertBlockDocument, { input: { id, type: operation.type } }))
  return outcomeOf(person.send(DeleteBlockDocument, { input: { id } }))
}

/** A place at a block as it stands just now: it may be gone or elsewhere when it is used. */
async function placeOf(person: Person, target: string, beside: string) {
  const { block } = await person.query(BlockDocument, { id: target })
  if (block === null || beside === 'last') return {}
  const pageId = block.page.id
  if (beside === 'in') return { pageId, parentId: target }
  return { pageId, parentId: block.parent?.id ?? null, [beside === 'after' ? 'afterId' : 'beforeId']: target }
}

/** Blocks in document order, each as deep as it says or as it can be there. */
function batch(depths: readonly number[]) {
  const open: number[] = []
  return depths.map((wanted, index) => {
    const depth = Math.min(wanted, open.length)
    const parentIndex = depth === 0 ? null : (open[depth - 1] ?? null)
    open.splice(depth, Number.POSITIVE_INFINITY, index)
    return { text: `${index}`, parentIndex }
  })
}

type Told = Omit<Standing, 'createdAt' | 'createdBy'> & { readonly page: { readonly id: string } }
interface Heard {
  readonly pageEvents: { readonly __typename: string; readonly blockId?: string; readonly block?: Told | null }
}
const fields = '{ id type text content depth position version textVersion parent { id } page { id } }'
const shown = ['BlockCreated', 'BlockMoved', 'BlockConverted', 'BlockTextChanged', 'BlockUpdated']
const following = parse(`subscription ($pageId: ID!, $after: Cursor) { pageEvents(pageId: $pageId, after: $after) {
  __typename ... on BlockDeleted { blockId } ${shown.map((type) => `... on ${type} { blockId block ${fields} }`).join(' ')}
} }`) as TypedDocumentNode<Heard, { pageId: string; after: string }>

/** What somebody has of a page who only hears what is told, up to a block that comes last; and what they heard is deleted. */
async function replay(events: Subscription<Heard>, pageId: string, last: string) {
  const blocks = new Map<string, Told>()
  const deleted: string[] = []
  for (let isOver = false; !isOver; ) {
    const { __typename: type, blockId = '', block } = (await events.next({ within: 30_000 })).pageEvents
    if (type !== 'BlockDeleted' && !shown.includes(type)) throw new Error(`Nobody expected ${type}`)
    if (type === 'BlockDeleted') deleted.push(blockId)
    if (block && block.page.id === pageId) blocks.set(blockId, block)
    else blocks.delete(blockId)
    isOver = blockId === last
  }
  events.stop()
  const standing = [...blocks.values()].toSorted((one, other) => (one.position < other.position ? -1 : 1))
  return { standing: standing.map(({ page: _page, ...block }) => block), deleted }
}

test(`${OPERATIONS} changes by ${ACTORS} people at once leave two trees, and their events say the same`, {
  timeout: isFull ? 600_000 : 60_000,
}, async ({ server, alice }) => {
  const others = await Promise.all(
    Array.from({ length: ACTORS - 1 }, (_, index) => signUpInto(server, alice, `Actor${index}`, 'EDITOR')),
  )
  const actors = [alice, ...others]
  const seed = randomInt(2 ** 31)
  console.log(`the storm over blocks has the seed ${seed}`)
  const storm = async (operations: Operation[]) => {
    const pages = [await createPage(alice, 'One'), await createPage(alice, 'Another')]
    const watched = pages.map(({ id, eventsCursor: after }) => alice.subscribe(following, { pageId: id, after }))
    const state: Storm = { pageIds: pages.map(({ id }) => id), made: [], outcomes: new Map() }
    const queue = operations.values()
    await Promise.all(
      actors.map(async (actor) => {
        // One queue for all: whoever is done takes the next.
        for (const next of queue) {
          const outcome = await act(actor, state, next)
          state.outcomes.set(outcome, (state.outcomes.get(outcome) ?? 0) + 1)
        }
      }),
    )
    expect([...state.outcomes.keys()].filter((outcome) => !lawful.has(outcome))).toEqual([])
    const ends: string[] = []
    for (const { id } of pages) ends.push((await write(alice, id, 'the end'))[0] ?? '')
    const told = await Promise.all(
      watched.map((events, index) => replay(events, pages[index]?.id ?? '', ends[index] ?? '')),
    )
    const read = await Promise.all(pages.map(({ id }) => blocksOf(alice, id)))
    for (const blocks of read) expectTree(blocks)
    // Nothing is lost, and nothing there twice: what was made is there or was told to be gone, once.
    const all = [...read.flat().map(({ id }) => id), ...told.flatMap(({ deleted }) => deleted)]
    expect(all.toSorted()).toEqual([...state.made, ...ends].toSorted())
    for (const [index, blocks] of read.entries()) {
      const bare = blocks.map(({ createdAt: _at, createdBy: _by, ...block }) => block)
      expect(told[index]?.standing).toEqual(bare)
    }
    // It was a storm: much of each kind came to something, on both pages, and some of it was nested. How deep is left in the
    // end is chance.
    for (const outcome of ['Block', 'CreatedBlocks', 'DeletedBlock'])
      expect(state.outcomes.get(outcome)).toBeGreaterThan(2)
    expect(told.every(({ standing, deleted }) => standing.length + deleted.length > 2)).toBe(true)
    expect(read.flat().some(({ depth }) => depth > 1)).toBe(true)
  }
  const operations = fc.array(operation, { minLength: OPERATIONS, maxLength: OPERATIONS, size: 'max' })
  await fc.assert(fc.asyncProperty(operations, storm), { numRuns: 1, seed, endOnFailure: true })
  await Promise.all(others.map((person) => person.close()))
})
