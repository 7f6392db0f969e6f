import { auditServer } from 'graphql-http'
import { expect } from 'vitest'
import { test } from '../kit/test.ts'
import { ask } from './wire.ts'

test('the door passes all 61 audits of the GraphQL-over-HTTP specification', async ({ server }) => {
  const results = await auditServer({ url: `${server.url}/graphql` })
  const failed = results.filter((result) => result.status !== 'ok')
  expect(failed.map(({ id, name, status }) => `${id} ${status}: ${name}`)).toEqual([])
  expect(results).toHaveLength(61)
})

test('an answer is for one caller and one origin, and a page may read its request id and when to come back', async ({
  server,
}) => {
  const body = { query: '{ __typename }' }
  const origin = 'http://localhost:5173'
  const plain = await ask(server.url, { body })
  expect(plain.headers).toMatchObject({ vary: 'Origin', 'cache-control': 'no-store' })
  const fromPage = await ask(server.url, { body, headers: { origin } })
  expect(fromPage.headers).toMatchObject({
    'cache-control': 'no-store',
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'x-request-id, retry-after',
  })
  expect(fromPage.headers.vary).toMatch(/origin/i)
})
