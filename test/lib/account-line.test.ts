import { describe, expect, test } from 'vitest'
import { accountLineReader } from '../../src/lib/account-line.ts'

const now = new Date('2026-03-01T12:00:00Z')
const read = accountLineReader(now)
const passwordHash = `$2b$12$${'a'.repeat(21)}u${'b'.repeat(30)}6`
const ada = { email: 'Ada@Example.org', passwordHash, displayName: 'Ada' }
const lineOf = (changes: object) => JSON.stringify({ ...ada, ...changes })

test('an account has an address, a hash and a name, and may have more', () => {
  const nothing = { username: null, emailVerifiedAt: null, createdAt: null }
  expect(read(lineOf({}))).toEqual({ account: { ...ada, ...nothing } })
  expect(read(`${lineOf({ ...nothing, displayName: '  Ada ' })}\r`)).toEqual({ account: { ...ada, ...nothing } })
  const more = { username: 'ada_1', emailVerifiedAt: '2020-02-29T10:00:00+02:00', createdAt: '2019-12-31T23:59:59.5Z' }
  expect(read(lineOf(more))).toEqual({
    account: {
      ...ada,
      username: 'ada_1',
      emailVerifiedAt: new Date('2020-02-29T08:00:00Z'),
      createdAt: new Date('2019-12-31T23:59:59.500Z'),
    },
  })
})

test.for([
  ['email', { email: 'ada' }],
  ['email', { email: null }],
  ['email', { email: `${'a'.repeat(250)}@example.org` }],
  ['passwordHash', { passwordHash: 'Correct-Horse-1' }],
  ['passwordHash', { passwordHash: passwordHash.replace('$12$', '$15$') }],
  ['passwordHash', { passwordHash: undefined }],
  ['displayName', { displayName: ' A ' }],
  ['displayName', { displayName: 'a'.repeat(81) }],
  ['displayName', { displayName: 'A\u202eda' }],
  ['displayName', { displayName: 'Ada\ud800' }],
  ['displayName', { displayName: 7 }],
  ['username', { username: 'a' }],
  ['username', { username: 'ada@example.org' }],
  ['emailVerifiedAt', { emailVerifiedAt: true }],
  ['emailVerifiedAt', { emailVerifiedAt: '2020-02-30T10:00:00Z' }],
  ['emailVerifiedAt', { emailVerifiedAt: '2020-02-20T10:00:00' }],
  ['createdAt', { createdAt: '2026-03-01T12:00:00.001Z' }],
  ['', { isAdmin: true }],
] as const)('a fault of %j is told for %j', ([path, changes]) => {
  expect(read(lineOf(changes))).toEqual({ faults: [{ path, message: expect.any(String) }] })
})

test('all faults of a line are told at once', () => {
  const result = read(lineOf({ email: 'ada', passwordHash: 'x', displayName: '' }))
  expect(result).toMatchObject({ faults: [{ path: 'email' }, { path: 'passwordHash' }, { path: 'displayName' }] })
})

describe('what is no object', () => {
  test.for(['', '{', 'null', '7', '[]', '"ada"', `{"email":"${passwordHash}`])('such as %s is a fault', (line) => {
    expect(read(line)).toEqual({ faults: [{ path: '', message: expect.any(String) }] })
  })
})

test('no fault repeats what the line holds', () => {
  const told = [
    read(`${passwordHash}`),
    read(`{"email": ${passwordHash}}`),
    read(JSON.stringify({ ...ada, [passwordHash]: 1 })),
    read(
      lineOf({
        email: passwordHash,
        passwordHash: `${passwordHash}!`,
        username: passwordHash,
        createdAt: passwordHash,
      }),
    ),
  ]
  for (const result of told) expect(result).toHaveProperty('faults')
  expect(JSON.stringify(told)).not.toContain('aaaa')
})
