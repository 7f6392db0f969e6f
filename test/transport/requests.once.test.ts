import { print } from 'graphql'
import { describe, expect } from 'vitest'
import { PageDocument } from '../gql/graphql.ts'
import { test } from '../kit/test.ts'
import { type Answer, type Ask, ask } from './wire.ts'

// `ask` itself checks of every answer that it leaks nothing and that all its errors are complete.

const MODERN = 'application/graphql-response+json'
const LEGACY = 'application/json'
const MIB = 1024 * 1024

interface Refused extends Ask {
  readonly code?: string
  /** For all, or for those who accept application/json and for those who accept application/graphql-response+json. */
  readonly status: number | readonly [legacy: number, modern: number]
}

const get = (parameters: Record<string, string>): Ask => ({
  method: 'GET',
  path: `/graphql?${new URLSearchParams(parameters)}`,
})
const post = (query: string, variables?: unknown): Ask => ({ body: { query, variables } })
const typed = (type: string): Ask => ({ headers: { 'content-type': type }, body: '{"query":"{ __typename }"}' })
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

/** Not worth reading as a request: one status for everybody. */
const malformed: Record<string, Refused> = {
  'malformed JSON': { body: '{"query": "{ __typename }"', status: 400 },
  'an empty body': { body: '', status: 400 },
  'a list of operations': { body: [{ query: '{ __typename }' }, { query: '{ __typename }' }], status: 400 },
  'an empty list': { body: [], status: 400 },
  'a bare string': { body: '"{ __typename }"', status: 400 },
  'a bare null': { body: 'null', status: 400 },
  'a bare number': { body: '42', status: 400 },
  'no query': { body: {}, status: 400 },
  'a query of null': { body: { query: null }, status: 400 },
  'a query that is an object': { body: { query: {} }, status: 400 },
  'variables that are a list': { body: { query: '{ __typename }', variables: [] }, status: 400 },
  'variables that are a string': { body: { query: '{ __typename }', variables: '{}' }, status: 400 },
  'extensions that are a string': { body: { query: '{ __typename }', extensions: 'x' }, status: 400 },
  'an operationName that is a number': { body: { query: '{ __typename }', operationName: 1 }, status: 400 },
  'a parameter nobody knows': { body: { query: '{ __typename }', sql: 'x' }, status: 400 },
  'UTF-16': { ...typed('application/json; charset=utf-16'), body: '\u0000{\u0000}', status: 400 },
  'a form': { ...typed('application/x-www-form-urlencoded'), status: 415 },
  'a multipart form': { ...typed('multipart/form-data; boundary=x'), status: 415 },
  'plain text': { ...typed('text/plain'), status: 415 },
  'a bare document': { ...typed('application/graphql'), status: 415 },
  'a type that only begins like JSON': { ...typed('application/json-seq'), status: 415 },
  'no content type': { ...typed(''), status: 415 },
  'a body over 1 MiB': { body: 'x'.repeat(MIB + 1), status: 413, code: 'PAYLOAD_TOO_LARGE' },
  'a body over 1 MiB of unknown length': {
    body: `{"query":"{ __typename ${' '.repeat(MIB)}}"}`,
    chunked: true,
    status: 413,
    code: 'PAYLOAD_TOO_LARGE',
  },
  PUT: { ...post('{ __typename }'), method: 'PUT', status: 405 },
  DELETE: { ...post('{ __typename }'), method: 'DELETE', status: 405 },
  'a mutation by GET': { ...get({ query: 'mutation { logout(input: {}) { __typename } }' }), status: 405 },
  'GET without a query': { ...get({}), status: 400 },
  'GET with variables that are no JSON': { ...get({ query: '{ __typename }', variables: '{' }), status: 400 },
  'GET with extensions that are no JSON': { ...get({ query: '{ __typename }', extensions: 'x' }), status: 400 },
  'GET with variables that are a list': { ...get({ query: '{ __typename }', variables: '[]' }), status: 400 },
}

/** Well-formed and not to be executed: 200 for those who accept application/json, as the specification wants it. */
const unexecutable: Record<string, Refused> = {
  'a syntax error': { ...post('{ viewer {'), status: [200, 400], code: 'GRAPHQL_PARSE_FAILED' },
  'an empty document': { ...post(''), status: [200, 400], code: 'GRAPHQL_PARSE_FAILED' },
  'a syntax error by GET': { ...get({ query: '{' }), status: [200, 400], code: 'GRAPHQL_PARSE_FAILED' },
  'an unknown field': { ...post('{ viever { role } }'), status: [200, 400], code: 'GRAPHQL_VALIDATION_FAILED' },
  'an unknown argument': { ...post('{ page(idd: 1) { id } }'), status: [200, 400], code: 'GRAPHQL_VALIDATION_FAILED' },
  'an unknown type': {
    ...post('query ($a: Pages) { page(id: $a) { id } }'),
    status: [200, 400],
    code: 'GRAPHQL_VALIDATION_FAILED',
  },
  'an unknown enum value': {
    ...post('mutation { createBlocks(input: { pageId: "x", blocks: [{ text: "", type: PARAGRAF }] }) { __typename } }'),
    status: [200, 400],
    code: 'GRAPHQL_VALIDATION_FAILED',
  },
  'an enum variable of an unknown value': {
    ...post(
      'mutation ($t: BlockType) { createBlocks(input: { pageId: "x", blocks: [{ text: "", type: $t }] }) { __typename } }',
      {
        t: 'PARAGRAF',
      },
    ),
    status: [200, 400],
  },
  'a literal no Int can hold': {
    ...post('{ pages(first: 99999999999999999999) { nodes { id } } }'),
    status: [200, 400],
    code: 'GRAPHQL_VALIDATION_FAILED',
  },
  'a variable no Int can hold': {
    ...post('query ($n: Int) { pages(first: $n) { nodes { id } } }', { n: 1e300 }),
    status: [200, 400],
  },
  'a variable of the wrong type': { ...post(print(PageDocument), { id: { a: 1 } }), status: [200, 400] },
  'a missing variable': { ...post(print(PageDocument)), status: [200, 400] },
  'a variable of null where there must be one': { ...post(print(PageDocument), { id: null }), status: [200, 400] },
  'a field no input has': {
    ...post('mutation ($i: CreatePageInput!) { createPage(input: $i) { __typename } }', {
      i: { title: '', tittle: '' },
    }),
    status: [200, 400],
  },
  'variables 10,000 deep': {
    body: `{"query":"query ($i: PageFilter) { pages(filter: $i) { nodes { id } } }","variables":{"i":${nested(10_000)}}}`,
    status: [200, 400],
  },
  'ids 10,000 lists deep': {
    body: `{"query":"query ($i: [ID!]!) { nodes(ids: $i) { id } }","variables":{"i":${'['.repeat(10_000)}${']'.repeat(10_000)}}}`,
    status: [200, 400],
  },
  'an operation of an unknown name': {
    body: { query: 'query A { __typename } query B { __typename }', operationName: 'C' },
    status: [200, 400],
  },
  'a document of 15,001 characters': { ...post(`{ __typename }${' '.repeat(14_987)}`), status: [200, 400] },
  'a document of 15,001 characters by GET': {
    ...get({ query: `{ __typename }${' '.repeat(14_987)}` }),
    status: [200, 400],
  },
  'a document of 1,501 tokens': { ...post(`{${' id'.repeat(1_499)}}`), status: [200, 400] },
  'two operations and no name': {
    body: { query: 'query A { __typename } query B { __typename }' },
    status: [200, 400],
  },
  'fragments and nothing else': { body: { query: 'fragment A on Query { __typename }' }, status: [200, 400] },
  'a subscription nobody is signed in for': {
    ...post('subscription { pageEvents(pageId: "garbage") { __typename } }'),
    status: [200, 401],
    code: 'UNAUTHENTICATED',
  },
  'a cursor longer than any': {
    ...post('subscription ($a: Cursor) { pageEvents(pageId: "x", after: $a) { __typename } }', { a: 'x'.repeat(513) }),
    status: [200, 400],
  },
}

describe.for(Object.entries({ ...malformed, ...unexecutable }))('%s', ([name, refused]) => {
  test('is refused with the status and in the media type the caller can rely on', async ({ server }) => {
    const statuses = typeof refused.status === 'number' ? [refused.status, refused.status] : refused.status
    for (const [index, accept] of [LEGACY, MODERN].entries()) {
      const headers = { accept, ...refused.headers }
      const answer = await ask(server.url, { ...refused, headers })
      expect(answer.status, `${name}, accepting ${accept}: ${answer.text}`).toBe(statuses[index])
      expect(answer.headers['content-type']).toBe(`${accept}; charset=utf-8`)
      expect(answer.body).not.toHaveProperty('data')
      expect(codesOf(answer)).toContain(refused.code ?? 'BAD_REQUEST')
    }
  })
})

test('a document may be as long as the limits', async ({ server }) => {
  const longest = `{ __typename }${' '.repeat(14_986)}`
  const fullest = `{ __typename __typename ${'...{__typename}'.repeat(374)}}` // 4 and 374 times 4 tokens
  for (const query of [longest, fullest]) {
    const answer = await ask(server.url, post(query))
    expect([answer.status, answer.body]).toEqual([200, { data: { __typename: 'Query' } }])
  }
})

test('a refusal says what would have been taken', async ({ server }) => {
  const form = await ask(server.url, typed('text/plain'))
  expect(form.headers.accept).toBe('application/json')
  const put = await ask(server.url, { ...post('{ __typename }'), method: 'PUT' })
  expect(put.headers.allow).toBe('GET, POST')
  const mutation = await ask(server.url, get({ query: 'mutation { logout(input: {}) { __typename } }' }))
  expect(mutation.headers.allow).toBe('POST')
})

test('lawful ways to write the content type are all taken', async ({ server }) => {
  const types = [
    'application/json',
    'application/json;charset=utf-8',
    'application/json; charset=UTF-8',
    'Application/JSON ; charset="utf-8"',
    'application/json;',
    'application/json; profile=x; charset=utf-8',
    // Sent twice, as some proxies do.
    ['application/json', 'application/json'] as unknown as string,
  ]
  for (const type of types) {
    const answer = await ask(server.url, typed(type))
    expect([answer.status, answer.body], String(type)).toEqual([200, { data: { __typename: 'Query' } }])
  }
})

test('a query comes by GET as well, with its variables and by name', async ({ server }) => {
  const query = 'query A { a: __typename } query B($yes: Boolean!) { b: __typename @include(if: $yes) }'
  const answer = await ask(server.url, get({ query, operationName: 'B', variables: '{"yes":true}' }))
  expect([answer.status, answer.body]).toEqual([200, { data: { b: 'Query' } }])
})

test('the answer has the media type that was asked for, or is refused as not acceptable', async ({ server }) => {
  const cases: [accept: string | string[], status: number, type: string][] = [
    ['application/json', 200, 'application/json; charset=utf-8'],
    ['application/graphql-response+json', 200, 'application/graphql-response+json; charset=utf-8'],
    [
      'application/graphql-response+json, application/json;q=0.9',
      200,
      'application/graphql-response+json; charset=utf-8',
    ],
    [['image/png', 'application/json'], 200, 'application/json; charset=utf-8'],
    ['*/*', 200, 'application/json; charset=utf-8'],
    ['application/*', 200, 'application/json; charset=utf-8'],
    ['text/event-stream', 200, 'text/event-stream'],
    ['image/png', 406, 'application/json; charset=utf-8'],
    ['application/json; charset=latin1', 406, 'application/json; charset=utf-8'],
  ]
  for (const [accept, status, type] of cases) {
    const answer = await ask(server.url, { ...post('{ __typename }'), headers: { accept } })
    expect([answer.status, answer.headers['content-type']], String(accept)).toEqual([status, type])
  }
})

test('a subscription whose events the caller cannot read is refused and does not stay open', async ({
  server,
  alice,
  page,
}) => {
  const { channels } = server.app.platform
  const before = channels.openCount()
  const authorization = `Bearer ${alice.tokens.accessToken}`
  for (const accept of [LEGACY, MODERN, 'multipart/mixed', 'image/png']) {
    const subscription = post(`subscription { pageEvents(pageId: "${page.id}") { __typename } }`)
    const answer = await ask(server.url, { ...subscription, headers: { accept, authorization } })
    expect([answer.status, codesOf(answer)], accept).toEqual([406, ['BAD_REQUEST']])
  }
  expect(channels.openCount()).toBe(before)
})

test("a caller's own request id is taken over when it is harmless, else replaced", async ({ server }) => {
  const idOf = async (given: string | string[]) => {
    const { headers, body } = await ask(server.url, { ...post('{'), headers: { 'x-request-id': given } })
    expect(body.errors?.[0]?.extensions?.requestId).toBe(headers['x-request-id'])
    return headers['x-request-id']
  }
  for (const given of ['12345678', 'Trace_1-abcdef', 'a'.repeat(64)]) expect(await idOf(given)).toBe(given)
  const harmful = ['1234567', 'a'.repeat(65), 'with space', 'semi;colon', '<script>', 'umlaut-\u00e4\u00f6\u00fc']
  for (const given of [...harmful, ['12345678', '87654321']]) expect(await idOf(given)).not.toBe(String(given))
  expect(await idOf('')).not.toBe(await idOf(''))
})

function codesOf({ body }: Answer): unknown[] {
  return (body.errors ?? []).map((error) => error.extensions?.code)
}
