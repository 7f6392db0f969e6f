import { print } from 'graphql'
import { describe, expect } from 'vitest'
import {
  BlockDocument,
  CreateBlocksDocument,
  CreatePageDocument,
  CreateProjectDocument,
  LoginDocument,
  NodeDocument,
  NodesDocument,
  PageDocument,
  PagesDocument,
  ProjectDocument,
  ProjectsDocument,
  RefreshTokensDocument,
  RegisterDocument,
} from '../gql/graphql.ts'
import type { Person } from '../kit/people.ts'
import { test, write } from '../kit/test.ts'
import { type Answer, ask } from './wire.ts'

// What a caller may put where a value belongs. `ask` checks of every answer that it leaks nothing.

const NUL = 'nul \u0000 in it'
const LONE_SURROGATE = 'half \ud83d of one'

const garbageIds = [
  '',
  ' ',
  'garbage',
  'page_',
  '_01jd0000000000000000000000',
  'page_01jd',
  'page_zzzzzzzzzzzzzzzzzzzzzzzzzz',
  'PAGE_01h455vb4pex5vsknk084sn02q',
  'user_01h455vb4pex5vsknk084sn02q',
  'page_01h455vb4pex5vsknk084sn02q',
  '__proto___01h455vb4pex5vsknk084sn02q',
  'query_01h455vb4pex5vsknk084sn02q',
  '00000000-0000-0000-0000-000000000000',
  "' or 1=1 --",
  '../../etc/passwd',
  'x'.repeat(100_000),
  NUL,
  LONE_SURROGATE,
]

function operate(person: Person, query: string, variables: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${person.tokens.accessToken}` }
  return ask(person.url, { body: { query, variables }, headers })
}

function codes({ body }: Answer): unknown[] {
  return (body.errors ?? []).map((error) => error.extensions?.code)
}

test('an id of nothing, of another type, or no id at all is nothing to be found', async ({ alice }) => {
  for (const id of garbageIds) {
    for (const document of [PageDocument, BlockDocument, ProjectDocument, NodeDocument]) {
      const { status, body } = await operate(alice, print(document), { id })
      expect([status, body.errors, Object.values(body.data ?? {})], id).toEqual([200, undefined, [null]])
    }
    const pages = await operate(alice, print(PagesDocument), { filter: { projectId: id } })
    expect(pages.body, id).toMatchObject({ data: { pages: { nodes: [] } } })
  }
  const { body } = await operate(alice, print(NodesDocument), { ids: garbageIds })
  expect(body).toEqual({ data: { nodes: garbageIds.map(() => null) } })
})

test('a number is an id as good as any, and no id is no request', async ({ alice }) => {
  const number = await operate(alice, print(NodeDocument), { id: 42 })
  expect(number.body).toEqual({ data: { node: null } })
  const many = await operate(alice, print(NodesDocument), { ids: Array.from({ length: 101 }, () => alice.userId) })
  expect(codes(many)).toEqual(['BAD_REQUEST'])
})

test('nothing is written to a thing that is not there', async ({ alice }) => {
  for (const id of garbageIds.slice(0, -2)) {
    const blocks = await operate(alice, print(CreateBlocksDocument), { input: { pageId: id, blocks: [{ text: 'a' }] } })
    expect(codes(blocks), id).toEqual(['NOT_FOUND'])
    const page = await operate(alice, print(CreatePageDocument), { input: { title: 'a', projectId: id } })
    expect(codes(page), id).toEqual(['NOT_FOUND'])
  }
})

describe.for([
  ['first: 0', { first: 0 }],
  ['first: 101', { first: 101 }],
  ['first: -1', { first: -1 }],
  ['last: 0', { last: 0 }],
  ['last: 2147483647', { last: 2_147_483_647 }],
  ['first and last', { first: 1, last: 1 }],
  ['an empty cursor', { after: '' }],
  ['a garbage cursor', { after: 'garbage' }],
  ['a cursor that is no JSON', { before: Buffer.from('{').toString('base64url') }],
  ['a cursor with a key too many', { before: Buffer.from('["a","b"]').toString('base64url') }],
  ['a cursor with SQL in it', { after: Buffer.from('["\' or 1=1 --"]').toString('base64url') }],
  ['a cursor with an object in it', { after: Buffer.from('[{"$ne":1}]').toString('base64url') }],
  ['a cursor with NUL', { after: NUL }],
  ['a cursor of 100,000 characters', { after: 'x'.repeat(100_000) }],
] as const)('a page of a list asked for with %s', ([, args]) => {
  test('is a bad request', async ({ alice, page }) => {
    await write(alice, page.id, 'one', 'two')
    const lists = [
      await operate(alice, print(PagesDocument), args),
      await operate(alice, print(ProjectsDocument), args),
      await operate(
        alice,
        'query ($id: ID!, $first: Int, $last: Int, $after: String, $before: String) { page(id: $id) { blocks(first: $first, last: $last, after: $after, before: $before) { nodes { id } } } }',
        { id: page.id, ...args },
      ),
    ]
    for (const list of lists) expect([list.status, codes(list)]).toEqual([200, ['BAD_REQUEST']])
  })
})

test('text that no database can hold is refused where people see it', async ({ alice, page }) => {
  for (const text of [NUL, LONE_SURROGATE]) {
    const unstorable = [{ path: [expect.any(String)], message: 'holds characters that are not text' }]
    const results = [
      await operate(alice, print(CreatePageDocument), { input: { title: text } }),
      await operate(alice, print(CreateProjectDocument), { input: { name: text } }),
      await operate(alice, print(RegisterDocument), {
        input: { email: 'nobody@example.org', password: 'Correct-Horse-1', displayName: text },
      }),
    ].map(({ body }) => Object.values(body.data ?? {})[0])
    for (const result of results) expect(result).toMatchObject({ __typename: 'InvalidInput', fields: unstorable })
    const blocks = await operate(alice, print(CreateBlocksDocument), { input: { pageId: page.id, blocks: [{ text }] } })
    expect(blocks.body).toMatchObject({
      data: { createBlocks: { __typename: 'InvalidInput', fields: [{ path: ['blocks', '0', 'text'] }] } },
    })
    const login = await operate(alice, print(LoginDocument), { input: { identifier: text, password: text } })
    expect(login.body).toMatchObject({ data: { login: { __typename: 'InvalidInput' } } })
    const refreshed = await operate(alice, print(RefreshTokensDocument), { input: { refreshToken: text } })
    expect(refreshed.body).toMatchObject({ data: { refreshTokens: { __typename: 'InvalidInput' } } })
    const projects = await operate(alice, print(ProjectsDocument), { filter: { name: text } })
    expect(codes(projects)).toEqual(['BAD_REQUEST'])
  }
})

test('a null that reaches an argument through a default is the fault of the caller', async ({ alice }) => {
  const answer = await operate(alice, 'query ($id: ID = "a") { page(id: $id) { id } }', { id: null })
  expect([answer.status, codes(answer), answer.body.data]).toEqual([200, ['BAD_REQUEST'], { page: null }])
})

test('tokens that are none make no one of their bearer', async ({ alice }) => {
  const [head, , tail] = alice.tokens.accessToken.split('.')
  const tokens = ['', 'garbage', 'a.b.c', `${head}.e30.${tail}`, 'x'.repeat(10_000), `${alice.tokens.accessToken}x`]
  const headers = [...tokens.map((token) => `Bearer ${token}`), 'Basic YTpi', 'bearer', alice.tokens.accessToken]
  for (const authorization of headers) {
    const answer = await ask(alice.url, { body: { query: '{ pages { nodes { id } } }' }, headers: { authorization } })
    expect([answer.status, codes(answer), answer.body.data], authorization).toEqual([200, ['UNAUTHENTICATED'], null])
  }
})
