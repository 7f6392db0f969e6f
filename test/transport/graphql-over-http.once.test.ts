import { auditServer } from 'graphql-http'
import { expect } from 'vitest'
import { test } from '../kit/test.ts'

test('the door passes all 61 audits of the GraphQL-over-HTTP specification', async ({ server }) => {
  const results = await auditServer({ url: `${server.url}/graphql` })
  const failed = results.filter((result) => result.status !== 'ok')
  expect(failed.map(({ id, name, status }) => `${id} ${status}: ${name}`)).toEqual([])
  expect(results).toHaveLength(61)
})
