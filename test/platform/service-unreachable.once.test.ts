import { expect, test } from 'vitest'
import { ServiceUnreachable } from '../../src/platform/service-unreachable.ts'

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
