import { expect } from 'vitest'
import { indexed } from '../../../kit/inside.ts'
import { ask, createPage, openChat, test, write } from '../../../kit/test.ts'
import { verbs } from '../../ocean/pages/stage.ts'
import { createProject } from '../../projects/stage.ts'
import { found, searched } from './stage.ts'

test('a hit says what it is, where it stands and why it was found', async ({ server, alice }) => {
  const page = await createPage(alice, 'Harvest festival')
  const [block = ''] = await write(alice, page.id, 'Lanterns are lit at the harvest.')
  const session = await openChat(alice)
  await ask(alice, session, 'scenario/words-1', 'When is the harvest?')
  await indexed(server, alice)
  const { edges, totalCount } = await searched(alice, 'harvest lanterns')
  expect(totalCount).toBe(3)
  const byType = new Map(edges.map(({ node }) => [node.node.__typename, node]))
  expect(byType.get('Block')).toEqual({
    node: { __typename: 'Block', id: block, page: { id: page.id, title: 'Harvest festival' } },
    score: 1,
    lexicalScore: 1,
    semanticScore: null,
    matchedBy: ['LEXICAL'],
    snippet: 'Lanterns are lit at the harvest.',
    highlights: [
      { start: 0, end: 8 },
      { start: 24, end: 31 },
    ],
  })
  expect(byType.get('Page')).toMatchObject({
    node: { id: page.id, title: 'Harvest festival' },
    matchedBy: ['LEXICAL'],
    snippet: 'Harvest festival',
    highlights: [{ start: 0, end: 7 }],
  })
  expect(byType.get('Message')).toMatchObject({
    node: { session: { id: session.id } },
    snippet: 'When is the harvest?',
  })
})

test('hits come by their score, which is from 0 to 1 and the mean of its shares', async ({ server, alice }) => {
  const texts = [
    'oak',
    'oak and elm',
    'oak, elm and yew',
    'an oak at the end of a long row of quite other trees',
    'yew',
  ]
  for (const text of texts) await write(alice, (await createPage(alice, `About ${text}`)).id, text)
  await indexed(server, alice)
  for (const mode of ['LEXICAL', 'HYBRID'] as const) {
    const { edges, totalCount } = await searched(alice, 'oak elm yew', { mode })
    const scores = edges.map(({ node }) => node.score)
    expect(scores).toEqual(scores.toSorted((one, other) => other - one))
    expect(edges.length).toBe(totalCount)
    expect(Math.max(...edges.map(({ node }) => node.lexicalScore ?? 0))).toBe(1)
    const isSemantic = edges.some(({ node }) => node.semanticScore !== null)
    for (const { node } of edges) {
      const { score, lexicalScore, semanticScore, matchedBy } = node
      for (const value of [score, lexicalScore ?? 0, semanticScore ?? 0]) {
        expect(value).toBeGreaterThanOrEqual(0)
        expect(value).toBeLessThanOrEqual(1)
      }
      expect(score).toBeCloseTo(((lexicalScore ?? 0) + (semanticScore ?? 0)) / (isSemantic ? 2 : 1))
      expect([matchedBy.includes('LEXICAL'), matchedBy.includes('SEMANTIC')]).toEqual([
        lexicalScore !== null,
        semanticScore !== null,
      ])
      expect(matchedBy.length).toBeGreaterThan(0)
    }
  }
})

test('what was found is counted by type and by project, whatever part of it is shown', async ({ server, alice }) => {
  const [one, other] = [await createProject(alice, { name: 'One' }), await createProject(alice, { name: 'Other' })]
  const inOne = await createPage(alice, 'Tulip', one)
  await write(alice, inOne.id, 'A tulip', 'Another tulip', 'No other tulip')
  await write(alice, (await createPage(alice, 'Garden', other)).id, 'A tulip')
  const top = await createPage(alice, 'Tulips of the top')
  await openChat(alice, { projectId: other }).then((session) => ask(alice, session, 'scenario/words-1', 'Which tulip?'))
  await openChat(alice).then((session) => ask(alice, session, 'scenario/words-1', 'What tulip?'))
  await indexed(server, alice)
  const all = await searched(alice, 'tulip')
  expect(all.facets.types).toEqual([
    { type: 'BLOCK', count: 4 },
    { type: 'PAGE', count: 3 },
    { type: 'MESSAGE', count: 2 },
  ])
  expect(all.facets.projects).toEqual([
    { project: { id: one, name: 'One' }, count: 4 },
    { project: { id: other, name: 'Other' }, count: 3 },
    { project: null, count: 2 },
  ])
  expect(all.totalCount).toBe(9)
  const part = await searched(alice, 'tulip', { first: 2 })
  expect([part.edges.length, part.totalCount, part.facets]).toEqual([2, 9, all.facets])
  const rest = await searched(alice, 'tulip', { first: 100, after: part.pageInfo.endCursor ?? null })
  expect([rest.edges.length, rest.totalCount, rest.facets]).toEqual([7, 9, all.facets])
  const narrowed = await searched(alice, 'tulip', { filter: { projectId: one, types: ['BLOCK'] } })
  expect(narrowed.facets).toEqual({
    types: [{ type: 'BLOCK', count: 3 }],
    projects: [{ project: { id: one, name: 'One' }, count: 3 }],
  })
  expect(await searched(alice, 'nothing of the kind')).toMatchObject({
    edges: [],
    totalCount: 0,
    facets: { types: [], projects: [] },
  })
  await verbs.remove(alice, top.id)
  expect((await searched(alice, 'tulip')).facets.types).toContainEqual({ type: 'PAGE', count: 2 })
})

test('nothing is found of another organization, and nothing by nobody', async ({
  server,
  alice,
  stranger,
  anonymous,
}) => {
  const page = await createPage(alice, 'Confidential harpsichord')
  await write(alice, page.id, 'The harpsichord is sold.')
  await indexed(server, alice)
  expect((await found(alice, 'harpsichord')).length).toBe(2)
  for (const mode of ['LEXICAL', 'SEMANTIC', 'HYBRID'] as const) {
    expect(await found(stranger, 'harpsichord', { mode })).toEqual([])
  }
  await expect(found(anonymous, 'harpsichord')).rejects.toThrow('UNAUTHENTICATED')
})

test('whoever searches without saying how finds by words, and by meaning where that is to be had', async ({
  server,
  alice,
  page,
}) => {
  await write(alice, page.id, 'The harbour master speaks Portuguese.')
  await indexed(server, alice)
  const { data } = await alice.send<{ search: { edges: { node: { matchedBy: string[] } }[] } }, object>(
    'query ($query: String!) { search(query: $query) { edges { node { matchedBy } } } }',
    { query: 'harbour master' },
  )
  expect(data?.search.edges[0]?.node.matchedBy).toContain('LEXICAL')
})
