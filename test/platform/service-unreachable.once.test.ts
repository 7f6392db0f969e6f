import { expect, test } from 'vitest'
import { isUnreachable, ServiceUnreachable } from '../../src/platform/service-unreachable.ts'

test.each([
  ['postgres://ocean:word@db.example.org:6543/graph', 'db.example.org:6543'],
  ['postgres:///graph?host=/run/postgresql', '/run/postgresql'],
])('%s is named as %s', (url, host) => {
  const { message } = new ServiceUnreachable('DATABASE_URL', url, new Error('it is asleep'))
  expect(message).toBe(`DATABASE_URL points to ${host}, which cannot be used: it is asleep`)
})

test('a reason that is several is told by the first', () => {
  const reason = new AggregateError([new Error('not at ::1'), new Error('not at 127.0.0.1')])
  expect(new ServiceUnreachable('REDIS_URL', 'redis://localhost', reason).message).toMatch(/used: not at ::1$/)
})

test('an error of a service that is away is told from one of a service that answers', () => {
  const coded = (code: string) => Object.assign(new Error('some words'), { code })
  const away = [
    coded('ECONNREFUSED'),
    coded('08006'),
    coded('57P01'),
    new Error('Connection terminated unexpectedly'),
    new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]),
    new Error('the query failed', { cause: coded('ECONNRESET') }),
  ]
  expect(away.filter((error) => !isUnreachable(error))).toEqual([])
  const answering = [coded('23505'), coded('57014'), new Error('some words'), 'ECONNREFUSED', null]
  expect(answering.filter(isUnreachable)).toEqual([])
})
