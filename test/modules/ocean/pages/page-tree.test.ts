import { expect } from 'vitest'
import { CreatePageDocument, type CreatePageInput, DeleteProjectDocument } from '../../../gql/graphql.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import type { Person } from '../../../kit/people.ts'
import { test } from '../../../kit/test.ts'
import { codeOf, createProject } from '../../projects/stage.ts'
import { childrenOf, factOf, look, make, makeChain, topOf, verbs } from './stage.ts'

const refusal = (person: Person, input: Omit<CreatePageInput, 'title'>) =>
  codeOf(person.send(CreatePageDocument, { input: { title: 'A page', ...input } }))
const fact = async (person: Person, input: Omit<CreatePageInput, 'title'>) =>
  factOf(await verbs.create(person, { title: 'A page', ...input }))

test('a page stands in another, in that one’s project, and says what it stands in', async ({ alice, bob }) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const [outer = '', inner = ''] = await makeChain(bob, 3, { projectId })
  const page = await make(bob, {
    parentId: inner,
    title: 'Leaf',
    coverImage: 'https://example.org/a.png',
    language: 'pt-br',
  })
  expect(page).toMatchObject({
    ...{ depth: 3, project: { id: projectId }, parent: { id: inner } },
    ...{ coverImage: 'https://example.org/a.png', language: 'pt-BR' },
  })
  expect(await look(alice, page.id)).toMatchObject({
    depth: 3,
    ancestors: [{ title: '1' }, { title: '2' }],
    children: { totalCount: 0, nodes: [] },
  })
  expect(await look(alice, inner)).toMatchObject({
    children: { totalCount: 2, nodes: [{ title: '3' }, { title: 'Leaf' }] },
  })
  expect(await look(alice, outer)).toMatchObject({ depth: 1, parent: null, ancestors: [], children: { totalCount: 1 } })
})

test('a page is put at the end, or behind or before a sibling', async ({ alice }) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const parent = await make(alice, { projectId })
  for (const at of [{ parentId: parent.id }, { projectId }]) {
    const b = await make(alice, { ...at, title: 'b' })
    const d = await make(alice, { ...at, title: 'd' })
    await make(alice, { ...at, title: 'c', afterId: b.id })
    await make(alice, { ...at, title: 'a', beforeId: b.id })
    await make(alice, { ...at, title: 'e', afterId: d.id })
  }
  expect(await childrenOf(alice, parent.id)).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(await topOf(alice, projectId)).toEqual(['A page', 'a', 'b', 'c', 'd', 'e'])
})

test('a sibling that stands elsewhere, or is nobody’s or a stranger’s, is named', async ({ alice, stranger }) => {
  const [parent, elsewhere, theirs] = [await make(alice), await make(alice), await make(stranger)]
  const child = await make(alice, { parentId: parent.id })
  for (const id of [elsewhere.id, theirs.id, 'page_01h2xcejqtf2nbrexx3vqjhp41', 'garbage', parent.id]) {
    expect(await fact(alice, { parentId: parent.id, afterId: id })).toEqual(['afterId'])
    expect(await fact(alice, { parentId: parent.id, beforeId: id })).toEqual(['beforeId'])
  }
  expect(await fact(alice, { afterId: child.id })).toEqual(['afterId'])
  expect(await fact(alice, { parentId: parent.id, afterId: child.id, beforeId: child.id })).toEqual(['beforeId'])
  expect(await childrenOf(alice, parent.id)).toEqual(['A page'])
})

test('32 pages stand in each other; the 33rd is told that it would be too deep', async ({ alice }) => {
  const chain = await makeChain(alice, 32)
  expect((await look(alice, chain[31] ?? ''))?.depth).toBe(32)
  expect(await fact(alice, { parentId: chain[31] ?? '' })).toBe('NestedTooDeep')
  expect(await childrenOf(alice, chain[31] ?? '')).toEqual([])
})

test('a parent in another project than the one named is no place', async ({ alice }) => {
  const [one, other] = [await createProject(alice, { name: 'One' }), await createProject(alice, { name: 'Other' })]
  const parent = await make(alice, { projectId: one })
  expect(await fact(alice, { parentId: parent.id, projectId: other })).toEqual(['projectId'])
  expect(await fact(alice, { parentId: (await make(alice)).id, projectId: other })).toEqual(['projectId'])
  expect(await fact(alice, { parentId: parent.id, projectId: one })).toBe('Page')
})

test('a parent of another organization, one that is nobody’s and garbage are answered alike', async ({
  alice,
  stranger,
}) => {
  const own = await createProject(alice, { name: 'Ocean' })
  const theirs = await make(stranger, { projectId: await createProject(stranger, { name: 'Theirs' }) })
  for (const projectId of [null, own]) {
    const answers = await Promise.all(
      [theirs.id, 'page_01h2xcejqtf2nbrexx3vqjhp41', 'garbage', alice.userId].map(async (parentId) => {
        const { data, errors } = await alice.send(CreatePageDocument, { input: { title: 'Mine', parentId, projectId } })
        return { data, message: errors?.[0]?.message, code: errors?.[0]?.extensions.code }
      }),
    )
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(answers[0]).toMatchObject({ code: 'NOT_FOUND', message: 'No such page.' })
  }
})

test('nothing is made in what is archived, or by a viewer; the denial is written down', async ({
  server,
  alice,
  bob,
}) => {
  const parent = await make(alice)
  await verbs.archive(alice, parent.id)
  expect(await refusal(bob, { parentId: parent.id })).toBe('FORBIDDEN')
  await verbs.restore(alice, parent.id)
  expect(await fact(bob, { parentId: parent.id })).toBe('Page')
  await setRole(server, bob, 'VIEWER')
  expect(await refusal(bob, { parentId: parent.id })).toBe('FORBIDDEN')
  const denials = (await trailOf(server, alice)).filter(({ outcome }) => outcome === 'denied')
  expect(denials).toMatchObject(Array(2).fill({ action: 'page.create', target: parent.id, actor: bob.userId }))
})

test('each rule of what a page looks like is named with its place', async ({ alice }) => {
  const input = { title: 'x'.repeat(201), icon: 'a\nb', language: 'no language!' }
  expect(factOf(await verbs.create(alice, input))).toEqual(['title', 'icon', 'language'])
  const page = await make(alice)
  expect(factOf(await verbs.update(alice, { id: page.id, expectedVersion: 1, ...input }))).toEqual([
    'title',
    'icon',
    'language',
  ])
  const { errors } = await alice.send(CreatePageDocument, { input: { title: '', coverImage: 'javascript:alert(1)' } })
  expect(errors?.[0]?.extensions.code).toBe('BAD_REQUEST')
  expect(await look(alice, page.id)).toMatchObject({ title: 'A page', version: 1 })
})

test('a page is changed by whoever saw its version; what is left out stays, null empties', async ({ alice, bob }) => {
  const { id } = await make(alice, { icon: '🌊', coverImage: 'https://example.org/a.png', language: 'en' })
  const update = (change: object) => verbs.update(bob, { id, expectedVersion: 1, ...change })
  expect(await update({ title: ' New ', icon: null })).toMatchObject({
    ...{ title: 'New', icon: null, coverImage: 'https://example.org/a.png', language: 'en', version: 2 },
  })
  expect(await update({ title: 'Late' })).toMatchObject({
    __typename: 'EditConflict',
    current: { id, title: 'New', version: 2 },
  })
  expect(await update({ expectedVersion: 2, title: null, coverImage: null, language: null })).toMatchObject({
    ...{ title: 'New', coverImage: null, language: null, version: 3 },
  })
})

test('of a deleted project no page is found, nor any path to one', async ({ alice }) => {
  const projectId = await createProject(alice, { name: 'Ocean' })
  const [, inner = ''] = await makeChain(alice, 2, { projectId })
  await alice.mutate(DeleteProjectDocument, { input: { id: projectId } })
  expect(await look(alice, inner)).toBeNull()
})
