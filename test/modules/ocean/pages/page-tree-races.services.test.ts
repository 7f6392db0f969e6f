import { expect, onTestFinished, vi } from 'vitest'
import {
  ArchivePageDocument,
  CreatePageDocument,
  DeletePageDocument,
  DuplicatePageDocument,
  MovePageDocument,
  RestorePageDocument,
} from '../../../gql/graphql.ts'
import { type Person, signUpInto } from '../../../kit/people.ts'
import { createRandom, type Random } from '../../../kit/random.ts'
import { test as base } from '../../../kit/test.ts'
import { createProject } from '../../projects/stage.ts'
import { faultsOf } from './faults.ts'
import { childrenOf, look, make, makeChain } from './stage.ts'
import { begin, holdPage, untilWaiting } from './waiting.ts'

// Many change one tree at once. On a real database: the embedded one does one thing after the other.

const MOVES = 200

/** Four who may do everything to pages. */
const test = base.extend<{ four: readonly Person[] }>({
  four: async ({ server, alice }, use) => {
    const others = await Promise.all(['Ben', 'Cleo', 'Dan'].map((name) => signUpInto(server, alice, name, 'ADMIN')))
    await use([alice, ...others])
    for (const person of others) await person.close()
  },
})

/** What a call came to: the type of its result, or the code of its error. */
async function outcome(sent: ReturnType<Person['send']>): Promise<string> {
  const { data, errors } = await sent
  const [result] = Object.values((data ?? {}) as Record<string, { __typename: string } | null>)
  return String(errors?.[0]?.extensions.code ?? result?.__typename)
}

/** Everybody does something again and again, all at once; answers what it came to, and how often. */
async function storm(people: readonly Person[], times: number, deed: (person: Person) => Promise<string>) {
  const outcomes = new Map<string, number>()
  await Promise.all(
    people.map(async (person) => {
      for (let time = 0; time < times; time += 1) {
        const one = await deed(person)
        outcomes.set(one, (outcomes.get(one) ?? 0) + 1)
      }
    }),
  )
  return outcomes
}

/** Moves some page under some other, or to the top, at some place. */
function moveOf(random: Random, pages: readonly string[], projects: readonly string[]) {
  const [id, parentId] = [random.pick(pages), random.pick(pages)]
  return random.chance(0.2) ? { id, projectId: random.pick(projects) } : { id, parentId }
}

test('four people move pages under each other, and a tree is left', { timeout: 120_000 }, async ({
  server,
  alice,
  four,
}) => {
  const random = createRandom()
  console.log(`page races: seed ${random.seed}`)
  const projectId = await createProject(alice, { name: 'Ocean' })
  const pages = await makeChain(alice, 6, { projectId })
  for (let index = 0; index < 10; index += 1) pages.push((await make(alice, { projectId })).id)
  const outcomes = await storm(four, MOVES / 4, (person) =>
    outcome(person.send(MovePageDocument, { input: moveOf(random, pages, [projectId]) })),
  )
  expect([...outcomes.keys()].toSorted()).toEqual(['Page', 'WouldCreateCycle'])
  expect(await faultsOf(server, alice)).toEqual([])
})

test('pages that move, are made, copied, archived and deleted at once leave a tree in each project', {
  timeout: 120_000,
}, async ({ server, alice, four }) => {
  const random = createRandom()
  console.log(`page races: seed ${random.seed}`)
  const projects = await Promise.all(['One', 'Two'].map((name) => createProject(alice, { name })))
  const pages: string[] = []
  for (const projectId of projects) pages.push(...(await makeChain(alice, 5, { projectId })))
  const doomed: string[] = []
  const outcomes = await storm(four, MOVES / 2, async (person) => {
    const id = random.pick(pages)
    if (random.chance(0.4)) return outcome(person.send(MovePageDocument, { input: moveOf(random, pages, projects) }))
    if (random.chance(0.3)) return outcome(person.send(ArchivePageDocument, { input: { id } }))
    if (random.chance(0.4)) return outcome(person.send(RestorePageDocument, { input: { id } }))
    const end = doomed.shift()
    if (end !== undefined) return outcome(person.send(DeletePageDocument, { input: { id: end } }))
    const input = { title: 'New', parentId: id }
    const sent = random.chance(0.2)
      ? person.send(DuplicatePageDocument, { input: { id, withChildren: false } })
      : person.send(CreatePageDocument, { input })
    const [made] = Object.values((await sent).data ?? {})
    if (made?.__typename === 'Page') doomed.push(made.id)
    return outcome(sent)
  })
  // Whoever moves something out of a project has everybody else asked once more whether they may what they do there.
  const known = ['Page', 'DeletedPage', 'WouldCreateCycle', 'NestedTooDeep', 'FORBIDDEN', 'NOT_FOUND']
  expect([...outcomes.keys()].filter((one) => ![...known, 'SERVICE_UNAVAILABLE'].includes(one))).toEqual([])
  expect(outcomes.get('Page')).toBeGreaterThan(MOVES / 4)
  expect(await faultsOf(server, alice)).toEqual([])
})

test('what leaves a page while that is copied is copied with it, or not at all', async ({ server, alice, four }) => {
  const [mover = alice, copier = alice] = four
  const open = await createProject(alice, { name: 'Open' })
  const closed = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const [elsewhere, unseen] = [await make(alice, { projectId: open }), await make(alice, { projectId: closed })]
  for (const [projectId, parentId] of [
    [open, elsewhere.id],
    [null, unseen.id],
  ] as const) {
    const [outer = '', middle = '', inner = ''] = await makeChain(alice, 3, { projectId })
    const beside = await begin(server)
    await holdPage(beside, middle)
    const copying = copier.send(DuplicatePageDocument, { input: { id: outer } })
    await untilWaiting(server, 1)
    const moving = outcome(mover.send(MovePageDocument, { input: { id: inner, parentId } }))
    await untilWaiting(server, 2, moving)
    await beside.query('commit')
    expect([await outcome(copying), await moving]).toEqual(['Page', 'Page'])
    expect(await faultsOf(server, alice)).toEqual([])
    const copied = (await copying).data?.duplicatePage
    const [child = ''] = (await childrenOf(alice, copied?.__typename === 'Page' ? copied.id : '')) ?? []
    expect(child).toBe('2')
    expect(await look(alice, inner)).toMatchObject({ parent: { id: parentId } })
  }
})

test('pages that are copied with what is in them while it moves in and out stay a tree in each project', {
  timeout: 120_000,
}, async ({ server, alice, four }) => {
  const random = createRandom()
  console.log(`page races: seed ${random.seed}`)
  const projects = [
    await createProject(alice, { name: 'Open' }),
    await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' }),
  ]
  const pages: string[] = []
  for (const projectId of [null, ...projects]) pages.push(...(await makeChain(alice, 4, { projectId })))
  const [first = alice, second = alice] = four
  const outcomes = await storm(four, MOVES / 8, (person) =>
    person === first || person === second
      ? outcome(person.send(MovePageDocument, { input: moveOf(random, pages, projects) }))
      : outcome(person.send(DuplicatePageDocument, { input: { id: random.pick(pages), title: 'Copy' } })),
  )
  const known = ['Page', 'InvalidInput', 'WouldCreateCycle', 'NestedTooDeep', 'NOT_FOUND', 'SERVICE_UNAVAILABLE']
  expect([...outcomes.keys()].filter((one) => !known.includes(one))).toEqual([])
  // By chance most of them soon stand where only one of the four sees them.
  expect(outcomes.get('Page')).toBeGreaterThan(MOVES / 40)
  expect(await faultsOf(server, alice)).toEqual([])
})

test('what is made in a page while it is deleted or archived goes the same way', { timeout: 120_000 }, async ({
  server,
  alice,
  four,
}) => {
  const [first = alice, ...others] = four
  for (let round = 0; round < 20; round += 1) {
    const [outer = '', inner = ''] = await makeChain(alice, 2)
    const end = round % 2 === 0 ? DeletePageDocument : ArchivePageDocument
    const makers = others.flatMap((person) => [inner, outer].map((parentId) => ({ person, parentId })))
    const [ended, ...made] = await Promise.all([
      outcome(first.send(end as typeof ArchivePageDocument, { input: { id: outer } })),
      ...makers.map(({ person, parentId }) =>
        outcome(person.send(CreatePageDocument, { input: { title: 'In time?', parentId } })),
      ),
    ])
    expect(ended).toBe(round % 2 === 0 ? 'DeletedPage' : 'Page')
    const refusal = round % 2 === 0 ? 'NOT_FOUND' : 'FORBIDDEN'
    for (const one of made) expect(['Page', refusal]).toContain(one)
    expect(await faultsOf(server, alice)).toEqual([])
  }
})

test('pages that are put in the same place at the same moment all get one', async ({ server, alice, four }) => {
  const parent = await make(alice)
  const sibling = await make(alice, { parentId: parent.id })
  // Without its jitter the same rank is chosen by all.
  const jitter = vi.spyOn(Math, 'random').mockReturnValue(0.5)
  onTestFinished(() => jitter.mockRestore())
  const input = { title: 'Here', parentId: parent.id, afterId: sibling.id }
  for (let round = 0; round < 15; round += 1) {
    const outcomes = await Promise.all(four.map((person) => outcome(person.send(CreatePageDocument, { input }))))
    expect(outcomes).toEqual(Array(4).fill('Page'))
  }
  expect(await faultsOf(server, alice)).toEqual([])
})
