import { randomBytes } from 'node:crypto'
import { print } from 'graphql'
import { expect } from 'vitest'
import { SearchDocument, type SearchMode, type SearchQuery, type SearchQueryVariables } from '../gql/graphql.ts'
import { indexed } from '../kit/inside.ts'
import type { Person } from '../kit/people.ts'
import { type Door, doorsFor } from './doors.ts'
import { type Attempt, send } from './strangers-attempts.ts'
import { expectNoSecrets, expectStranger } from './strangers-oracles.ts'

// What the victim wrote is looked for by all that would find it, and not found: neither it, nor how much of it there is,
// nor that it is there at all.

const modes: readonly SearchMode[] = ['LEXICAL', 'SEMANTIC', 'HYBRID']
const document = print(SearchDocument)

/** Texts with the word, and with others that nobody else writes: a language with spaces between its words, and one without. */
export function textsWith(word: string): readonly string[] {
  return [`The harbour pilot keeps the ${word} lighthouse.`, `灯塔守护者 ${word}`]
}

/** What finds that text: the word, what is beside it, in another form, unfinished, and misspelt. */
function searchesFor(word: string): readonly string[] {
  const misspelt = `${word.slice(0, -2)}${word.slice(-1)}${word.slice(-2, -1)}`
  const besides = ['harbour pilots', 'who keeps the lighthouse?', 'lighth', 'lighthuose', '灯塔']
  return [word, word.slice(0, -4), misspelt, ...besides]
}

/** Demands that whoever wrote it finds it by each of these, or nobody's finding nothing would tell anything. */
export async function expectFound(victim: Person, word: string): Promise<void> {
  const byWords = searchesFor(word).map((query) => ({ query, mode: 'LEXICAL' as const }))
  for (const wanted of [...byWords, { query: 'who keeps the lighthouse?', mode: 'SEMANTIC' as const }]) {
    const { search } = await victim.query(SearchDocument, wanted)
    expect(search.totalCount, wanted.query).toBeGreaterThan(0)
  }
}

/** Looks for what the victim wrote, in every mode; and goes on with a search of theirs. */
export async function trySearches(attempt: Attempt): Promise<void> {
  const { stage, actor, root } = attempt
  const [first = 'http', ...others] = doorsFor(root.operation)
  // What they wrote themselves is found alike then, from one search to the next.
  await indexed(stage.server, actor.person ?? stage.victim)
  for (const query of searchesFor(stage.word)) {
    for (const mode of modes) await findNothing(attempt, first, { query, mode })
  }
  // By another door the same gates stand.
  for (const door of others) for (const mode of modes) await findNothing(attempt, door, { query: stage.word, mode })
  const begun = { query: stage.word, mode: 'LEXICAL' } as const
  const { search } = await stage.victim.query(SearchDocument, { ...begun, first: 1 })
  expect(search.pageInfo.hasNextPage).toBe(true)
  await findNothing(attempt, first, { ...begun, after: search.pageInfo.endCursor })
  await tryWeights(attempt, first)
}

/** By meaning, everything of one's own may be near. */
async function findNothing(attempt: Attempt, door: Door, variables: SearchQueryVariables): Promise<void> {
  const found = await search(attempt, door, variables)
  if (found !== null && variables.mode === 'LEXICAL') expect([found.totalCount, found.edges]).toEqual([0, []])
}

/** Whether the victim's word or nobody's stands beside one's own: what is found of one's own is the same, to the score. */
async function tryWeights(attempt: Attempt, door: Door): Promise<void> {
  const { actor, stage } = attempt
  const twin = stage.word.slice(0, -12) + randomBytes(6).toString('hex')
  const [theirs, nobodys] = await Promise.all(
    [stage.word, twin].map((word) => search(attempt, door, { query: `mine ${word}`, mode: 'LEXICAL' })),
  )
  const comparable = (found: unknown) => JSON.stringify(found).replace(/"(cursor|endCursor)":"[^"]*"/g, '')
  expect(comparable(theirs)).toBe(comparable(nobodys))
  if (actor.mayWrite) expect(theirs?.totalCount).toBeGreaterThan(0)
}

type Found = SearchQuery['search']

/** What is found; null for whoever is not let in. */
async function search(attempt: Attempt, door: Door, variables: SearchQueryVariables): Promise<Found | null> {
  const { stage, actor, root, probe } = attempt
  const answer = await send(attempt, door, document, { first: 100, ...variables })
  expectNoSecrets(stage, actor, answer, [], probe)
  if (actor.person === null) {
    expectStranger(probe, root, answer)
    return null
  }
  const found: Found = [JSON.parse(answer)].flat()[0].data.search
  const sum = (counts: readonly { readonly count: number }[]) => counts.reduce((all, { count }) => all + count, 0)
  const { totalCount, facets, edges, pageInfo } = found
  expect([sum(facets.types), sum(facets.projects)], answer).toEqual([totalCount, totalCount])
  // All that is counted is shown.
  if (!pageInfo.hasNextPage && variables.after === undefined) expect(edges, answer).toHaveLength(totalCount)
  return found
}
