import { describe, expect, vi } from 'vitest'
import { parserCache } from '../../src/transport/document-limits.ts'
import { trailOf } from '../kit/inside.ts'
import { test } from '../kit/test.ts'
import { openSocket } from './raw-socket.ts'
import { ask } from './wire.ts'

test('of what was parsed, what was used last is kept, and no more than 128 of it', () => {
  const { errorCache } = parserCache()
  for (let index = 0; index < 128; index += 1) errorCache.set(`${index}`, index)
  expect(errorCache.get('0')).toBe(0)
  errorCache.set('new', 'new')
  expect([errorCache.get('0'), errorCache.get('1'), errorCache.get('2')]).toEqual([0, undefined, 2])
})

const many = (count: number, write: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => write(i)).join('\n')
const login = 'login(input: $i) { __typename }'
const aliases = (count: number, offset = 0) => many(count, (index) => `a${offset + index}: ${login}`)
const guesses: Record<string, string> = {
  '100 aliases in one selection': `mutation M($i: LoginInput!) { ${aliases(100)} }`,
  '100 aliases in fragments': `mutation M($i: LoginInput!) { ${many(10, (n) => `...F${n}`)} }
    ${many(10, (n) => `fragment F${n} on Mutation { ${aliases(10, n * 10)} }`)}`,
  '100 aliases in inline fragments': `mutation M($i: LoginInput!) {
    ${many(10, (n) => `... on Mutation { ... @include(if: true) { ${aliases(10, n * 10)} } }`)} }`,
  '50 operations': many(50, (n) => `mutation ${n === 0 ? 'M' : `M${n}`}($i: LoginInput!) { ${login} }`),
  'a second one under a fragment of the first': `mutation M($i: LoginInput!) { ${login} ...F }
    fragment F on Mutation { again: ${login} }`,
  'two kinds of them': `mutation M($i: LoginInput!) {
    ${login} refreshTokens(input: { refreshToken: "x" }) { __typename } }`,
}
const TOLD = 'A document holds one of the mutations that are open to callers who are not signed in, once.'

describe.each(Object.entries(guesses))('%s', (_, query) => {
  test('are refused on every door before a password is checked', async ({ server, alice }) => {
    const { passwords, database } = server.app.platform
    const verify = vi.spyOn(passwords, 'verify')
    const failures = database.unscoped.selectFrom('login_failure').selectAll().orderBy('key')
    const failuresBefore = await failures.execute()
    const trailBefore = await trailOf(server, alice)
    const variables = { i: { identifier: alice.email, password: 'Wrong-Horse-1' } }
    const errors = [{ message: TOLD, extensions: { code: 'BAD_REQUEST', family: 'API_400' } }]

    for (const [accept, status] of [
      ['application/json', 200],
      ['application/graphql-response+json', 400],
    ] as const) {
      const answer = await ask(server.url, { body: { query, variables, operationName: 'M' }, headers: { accept } })
      expect([answer.status, answer.body]).toMatchObject([status, { errors }])
      expect(answer.body).not.toHaveProperty('data')
    }
    const socket = await openSocket(server.url)
    socket.send({ type: 'connection_init' })
    await socket.next()
    socket.send({ id: '1', type: 'subscribe', payload: { query, variables, operationName: 'M' } })
    expect(await socket.next('1')).toMatchObject({ type: 'error', payload: errors })
    socket.ws.close()

    expect(verify).not.toHaveBeenCalled()
    verify.mockRestore()
    expect(await failures.execute()).toEqual(failuresBefore)
    expect(await trailOf(server, alice)).toEqual(trailBefore)
  })
})

test('one of them beside other mutations is taken', async ({ server, alice }) => {
  const create = 'createPage(input: { title: "A page" }) { __typename }'
  const query = `mutation M($i: LoginInput!) { ${login} a: ${create} b: ${create} }`
  const variables = { i: { identifier: alice.email, password: alice.password } }
  const made = { __typename: 'Page' }
  const { body } = await ask(server.url, { body: { query, variables } })
  expect(body).toEqual({ data: { login: { __typename: 'AuthPayload' }, a: made, b: made } })
})
