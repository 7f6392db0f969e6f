import { expect } from 'vitest'
import {
  CreateProjectDocument,
  NodesDocument,
  ProjectDocument,
  ProjectsDocument,
  type ProjectsQueryVariables,
} from '../../gql/graphql.ts'
import { setRole, trailOf } from '../../kit/inside.ts'
import type { Person } from '../../kit/people.ts'
import { test } from '../../kit/test.ts'

async function createProject(person: Person, name: string): Promise<string> {
  const { createProject } = await person.mutate(CreateProjectDocument, { input: { name } })
  if (createProject.__typename !== 'Project') throw new Error(`The project came to ${JSON.stringify(createProject)}`)
  return createProject.id
}

async function createProjects(person: Person, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let index = 0; index < count; index += 1) ids.push(await createProject(person, `Project ${index}`))
  return ids
}

async function list(person: Person, variables: ProjectsQueryVariables) {
  const { projects } = await person.query(ProjectsDocument, variables)
  return { ...projects, ids: projects.nodes.map((project) => project.id) }
}

async function namesFound(person: Person, name: string): Promise<string[]> {
  return (await list(person, { filter: { name } })).nodes.map((project) => project.name).sort()
}

async function codeOf(person: Person, input: { name: string }): Promise<unknown> {
  return (await person.send(CreateProjectDocument, { input })).errors?.[0]?.extensions.code
}

test('a project is read back as it was made, by all who share the organization', async ({ alice, bob, stranger }) => {
  const input = { name: '  Ocean  ', description: 'Deep & <blue>' }
  const { createProject: made } = await alice.mutate(CreateProjectDocument, { input })
  if (made.__typename !== 'Project') throw new Error(made.__typename)
  expect(made).toMatchObject({ name: 'Ocean', description: 'Deep & <blue>', version: 1 })

  const { project } = await bob.query(ProjectDocument, { id: made.id })
  expect(project).toMatchObject({
    id: made.id,
    name: made.name,
    createdAt: made.createdAt,
    owner: { id: alice.userId },
    viewerCan: ['project.create', 'project.read', 'project.update'],
  })
  expect(await stranger.query(ProjectDocument, { id: made.id })).toEqual({ project: null })
})

test('each rule of a new project is named with its place', async ({ alice }) => {
  const refused = async (input: { name: string; description?: string; idempotencyKey?: string }) => {
    const { createProject: result } = await alice.mutate(CreateProjectDocument, { input })
    return result.__typename === 'InvalidInput' ? result.fields.map((field) => field.path.join('.')) : result.__typename
  }
  expect(await refused({ name: '   ', description: 'x'.repeat(2_001), idempotencyKey: '' })).toEqual([
    'name',
    'description',
    'idempotencyKey',
  ])
  expect(await refused({ name: 'x'.repeat(121) })).toEqual(['name'])
  expect(await refused({ name: 'a\0b' })).toEqual(['name'])
  expect(await refused({ name: '😀'.repeat(60), description: '😀'.repeat(1_000) })).toBe('Project')
  expect((await list(alice, {})).totalCount).toBe(1)
})

test('reading a list forward misses and repeats nothing while projects are added', async ({ alice }) => {
  const ids = await createProjects(alice, 11)
  const read: string[] = []
  let after: string | null = null
  for (const expected of [4, 4, 3]) {
    const part: Awaited<ReturnType<typeof list>> = await list(alice, { first: 4, after })
    expect(part.ids).toHaveLength(expected)
    expect(part.pageInfo.hasNextPage).toBe(expected === 4)
    expect(part.pageInfo.hasPreviousPage).toBe(after !== null)
    read.push(...part.ids)
    after = part.pageInfo.endCursor ?? null
    await createProject(alice, 'Added meanwhile')
  }
  expect(read).toEqual(ids.toReversed())
  expect((await list(alice, { first: 1 })).totalCount).toBe(14)
})

test('reading a list backward misses and repeats nothing while projects are added', async ({ alice }) => {
  const ids = await createProjects(alice, 9)
  const read: string[] = []
  let before: string | null = null
  for (const expected of [4, 4, 3]) {
    const part: Awaited<ReturnType<typeof list>> = await list(alice, { last: 4, before })
    expect(part.ids).toHaveLength(expected)
    expect(part.pageInfo.hasPreviousPage).toBe(expected === 4)
    read.unshift(...part.ids)
    before = part.pageInfo.startCursor ?? null
    ids.push(await createProject(alice, 'Added meanwhile'))
  }
  // The list grows at the end this reader comes to last, so two of those added meanwhile are met.
  expect(read).toEqual(ids.slice(0, 11).toReversed())
})

test('a window between two cursors is read from either end', async ({ alice }) => {
  const newestFirst = (await createProjects(alice, 6)).toReversed()
  const { projects } = await alice.query(ProjectsDocument, { first: 1 })
  const { projects: end } = await alice.query(ProjectsDocument, { last: 1 })
  const between = { after: projects.pageInfo.endCursor ?? null, before: end.pageInfo.startCursor ?? null }
  expect((await list(alice, { ...between, first: 3 })).ids).toEqual(newestFirst.slice(1, 4))
  expect((await list(alice, { ...between, last: 3 })).ids).toEqual(newestFirst.slice(2, 5))
  expect((await list(alice, { ...between, first: 100 })).ids).toEqual(newestFirst.slice(1, 5))
})

test('an empty list is a list', async ({ alice }) => {
  expect(await alice.query(ProjectsDocument, {})).toEqual({
    projects: {
      totalCount: 0,
      nodes: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    },
  })
})

test('sizes outside 1 to 100 and cursors of other lists are bad requests', async ({ alice, page }) => {
  await createProject(alice, 'One')
  const key = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
  const refusals: ProjectsQueryVariables[] = [
    { first: 0 },
    { first: 101 },
    { first: -1 },
    { last: 0 },
    { last: 101 },
    { first: 1, last: 1 },
    { after: 'garbage' },
    { after: '' },
    { before: page.eventsCursor },
    { after: key() },
    { after: key("' or true --") },
    { after: key(7) },
    { after: key('a0', page.id) },
    { before: Buffer.from('null').toString('base64url') },
  ]
  for (const variables of refusals) {
    const { errors } = await alice.send(ProjectsDocument, variables)
    expect([variables, errors?.[0]?.extensions.code]).toEqual([variables, 'BAD_REQUEST'])
  }
  expect((await list(alice, { first: 100 })).ids).toHaveLength(1)
})

test('a filter takes every character for itself', async ({ alice }) => {
  for (const name of ['100% sure', '100 sure', 'snake_case', 'snakeXcase', 'back\\slash', 'backslash', "o'clock"]) {
    await createProject(alice, name)
  }
  expect(await namesFound(alice, '%')).toEqual(['100% sure'])
  expect(await namesFound(alice, '_')).toEqual(['snake_case'])
  expect(await namesFound(alice, '\\')).toEqual(['back\\slash'])
  expect(await namesFound(alice, '\\%')).toEqual([])
  expect(await namesFound(alice, "'")).toEqual(["o'clock"])
  expect(await namesFound(alice, 'SNAKE_c')).toEqual(['snake_case'])
  expect(await namesFound(alice, '')).toHaveLength(7)
  expect((await list(alice, { filter: { name: '100' }, first: 1 })).totalCount).toBe(2)
})

test('a filter ignores the case of all letters, not of English ones alone', async ({ alice }) => {
  await createProject(alice, 'Übersicht ÉTÉ Жизнь')
  for (const part of ['ÜBER', 'über', 'été', 'жИЗНЬ'])
    expect([part, await namesFound(alice, part)]).toEqual([part, ['Übersicht ÉTÉ Жизнь']])
})

test('a filter that breaks its rule is a bad request', async ({ alice }) => {
  for (const name of ['x'.repeat(121), 'a\0b']) {
    const { errors } = await alice.send(ProjectsDocument, { filter: { name } })
    expect(errors?.[0]?.extensions.code).toBe('BAD_REQUEST')
  }
})

test('a list holds nothing of another organization, whatever cursor it is given', async ({ alice, stranger }) => {
  await createProjects(alice, 3)
  await createProjects(stranger, 1)
  const { pageInfo } = await list(alice, { first: 1 })
  const theirs = await list(stranger, { before: pageInfo.endCursor ?? null, last: 100 })
  expect([...theirs.ids, ...(await list(stranger, { after: pageInfo.endCursor ?? null })).ids]).toHaveLength(1)
  expect((await list(stranger, {})).totalCount).toBe(1)
})

test('a viewer reads projects but makes none, and the attempt is in the audit trail', async ({
  server,
  alice,
  bob,
}) => {
  const id = await createProject(alice, 'Read me')
  await setRole(server, bob, 'VIEWER')
  expect((await bob.query(ProjectDocument, { id })).project?.viewerCan).toEqual(['project.read'])
  expect(await codeOf(bob, { name: 'Not mine' })).toBe('FORBIDDEN')
  expect((await list(bob, {})).totalCount).toBe(1)
  const denials = (await trailOf(server, alice)).filter((event) => event.outcome === 'denied')
  expect(denials).toMatchObject([{ action: 'project.create', actor: bob.userId, target: null }])
})

test('a guest reads no project and is not told of any', async ({ server, alice, bob }) => {
  const id = await createProject(alice, 'Not for guests')
  await setRole(server, bob, 'GUEST')
  expect(await bob.query(ProjectDocument, { id })).toEqual({ project: null })
  expect(await list(bob, {})).toMatchObject({ ids: [], totalCount: 0 })
  expect(await bob.query(NodesDocument, { ids: [id] })).toEqual({ nodes: [null] })
  expect(await codeOf(bob, { name: 'Mine' })).toBe('FORBIDDEN')
})

test('nodes answers each id in its place, and null for what is not to be seen', async ({ alice, stranger, page }) => {
  const own = await createProject(alice, 'Own')
  const foreign = await createProject(stranger, 'Foreign')
  const suffix = own.slice('project_'.length)
  const ids = [
    foreign,
    own,
    'garbage',
    page.id,
    `page_${suffix}`,
    `nonsense_${suffix}`,
    `device_session_${suffix}`,
    `query_${suffix}`,
    own.toUpperCase(),
    `${own} `,
    'project_7zzzzzzzzzzzzzzzzzzzzzzzzz',
    'project_00000000000000000000000000',
    '',
    '__proto___00000000000000000000000000',
    own,
    stranger.userId,
    stranger.organizationId,
    alice.userId,
    alice.organizationId,
  ]
  const { nodes } = await alice.query(NodesDocument, { ids })
  const seen = [own, page.id, alice.userId, alice.organizationId]
  expect(nodes.map((node) => node?.id ?? null)).toEqual(ids.map((id) => (seen.includes(id) ? id : null)))
})

test('nodes takes 100 ids and no more', async ({ alice }) => {
  const own = await createProject(alice, 'Own')
  const { nodes } = await alice.query(NodesDocument, { ids: Array(100).fill(own) })
  expect(nodes.filter((node) => node?.id === own)).toHaveLength(100)
  const { errors, data } = await alice.send(NodesDocument, { ids: Array(101).fill(own) })
  expect(errors?.[0]?.extensions.code).toBe('BAD_REQUEST')
  expect(data).toBe(null)
})

test('nobody in particular finds nothing by id', async ({ alice, anonymous }) => {
  const id = await createProject(alice, 'Mine')
  const { errors } = await anonymous.send(NodesDocument, { ids: [id] })
  expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
  expect((await anonymous.send(ProjectDocument, { id })).data).toEqual({ project: null })
})
