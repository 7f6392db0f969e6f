import { pbkdf2Sync } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { argon2d, argon2i, type HashOptions, hash } from 'argon2'
import { hashSync } from 'bcrypt'
import { expect, test } from 'vitest'
import { createPasswords, owaspPasswordCost } from '../../src/platform/crypto/passwords.ts'
import { Unavailable } from '../../src/platform/errors.ts'
import { cheapPasswords } from '../kit/fakes.ts'

test('a hash is argon2id at the given cost, salted, and matches its password alone', async () => {
  const passwords = createPasswords(cheapPasswords)
  const [first, second] = [await passwords.hash('Päss-wörd-1'), await passwords.hash('Päss-wörd-1')]
  expect(first).toMatch(/^\$argon2id\$v=19\$m=1024,p=1,t=1\$/)
  expect(first).not.toBe(second)
  expect(await passwords.verify(first, 'Päss-wörd-1')).toBe(true)
  for (const wrong of ['', 'päss-wörd-1', 'Päss-wörd-1 ', 'Päss-wörd-', first]) {
    expect(await passwords.verify(first, wrong)).toBe(false)
  }
})

test('the default cost is the first row of OWASP with one lane', () => {
  expect(owaspPasswordCost).toEqual({ memoryKib: 19_456, iterations: 2, parallelism: 1 })
})

test('a missing account matches nothing and costs a whole hash', async () => {
  const cost = { memoryKib: 19_456, iterations: 8, parallelism: 1 }
  const passwords = createPasswords(cost)
  const known = await passwords.hash('Correct-Horse-1')
  const millisOf = async (hash: string | null) => {
    const runs: number[] = []
    for (let run = 0; run < 3; run += 1) {
      const startedAt = performance.now()
      expect(await passwords.verify(hash, 'Wrong-Horse-1')).toBe(false)
      runs.push(performance.now() - startedAt)
    }
    return Math.min(...runs)
  }
  const [missing, wrong] = [await millisOf(null), await millisOf(known)]
  // Without the hash it would be a thousandth.
  expect(missing).toBeGreaterThan(wrong / 5)
  expect(await passwords.verify(null, '')).toBe(false)
})

test('a hash of another cost is outdated, one of today’s is not', async () => {
  const passwords = createPasswords(cheapPasswords)
  expect(passwords.isOutdated(await passwords.hash('x'))).toBe(false)
  for (const other of [{ memoryKib: 2_048 }, { iterations: 2 }, { parallelism: 2 }]) {
    const hash = await createPasswords({ ...cheapPasswords, memoryKib: 2_048, ...other }).hash('x')
    expect(passwords.isOutdated(hash)).toBe(true)
    expect(await passwords.verify(hash, 'x')).toBe(true)
  }
})

// Two at once, but for a core that is left to all else.
const AT_ONCE = Math.max(1, Math.min(2, availableParallelism() - 1))
const ONE_TOO_MANY = AT_ONCE + 64 + 1

test('64 wait for those that are hashed, and the next is refused', async () => {
  const passwords = createPasswords(cheapPasswords)
  const results = await Promise.allSettled(Array.from({ length: ONE_TOO_MANY }, () => passwords.hash('x')))
  const refused = results.filter((result) => result.status === 'rejected')
  expect(refused).toHaveLength(1)
  expect(refused[0]?.reason).toBeInstanceOf(Unavailable)
  expect(await passwords.hash('x')).toMatch(/^\$argon2id/)
})

// The vectors that are not made here are published: OpenWall's for bcrypt, RFC 7914 (11) for PBKDF2, passlib's manual
// and the tests of argon2's reference implementation.
const pbkdf2Hash = (password: string, salt: string | Buffer) => pbkdf2Sync(password, salt, 1_000, 32, 'sha256')
const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
const rfc7914 =
  '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d'

test.for([
  ['bcrypt $2a$', 'U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['bcrypt $2y$', 'U*U*', '$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK'],
  ['bcrypt $2b$', 'Päss-wörd-1', hashSync('Päss-wörd-1', 4)],
  [
    'PBKDF2 of Django',
    'Päss-wörd-1',
    `pbkdf2_sha256$1000$a-salt$${pbkdf2Hash('Päss-wörd-1', 'a-salt').toString('base64')}`,
  ],
  [
    'PBKDF2 of passlib',
    'toomanysecrets',
    '$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk',
  ],
  [
    'PBKDF2 as PHC',
    'Password',
    `$pbkdf2-sha256$i=80000,l=64$${unpadded(Buffer.from('NaCl'))}$${unpadded(Buffer.from(rfc7914, 'hex'))}`,
  ],
  [
    'argon2i of before versions',
    'password',
    '$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ',
  ],
  ['argon2id', 'password', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
] as const)('a hash by %s matches its password alone, and is outdated', async ([, password, hash]) => {
  const passwords = createPasswords(cheapPasswords)
  expect(await passwords.verify(hash, password)).toBe(true)
  for (const wrong of ['', `${password} `, password.slice(1), password.replace(/[a-z]/i, '_'), hash]) {
    expect(await passwords.verify(hash, wrong), wrong).toBe(false)
  }
  expect(passwords.isOutdated(hash)).toBe(true)
})

test('argon2 of another variant or version is outdated at the same cost', async () => {
  const passwords = createPasswords(cheapPasswords)
  const same = { memoryCost: 1_024, timeCost: 1, parallelism: 1 }
  const others: readonly HashOptions[] = [{ type: argon2i }, { type: argon2d }, { version: 16 }]
  for (const other of others) {
    const made = await hash('x', { ...same, ...other })
    expect(await passwords.verify(made, 'x')).toBe(true)
    expect(passwords.isOutdated(made)).toBe(true)
  }
  expect(passwords.isOutdated(await hash('x', same))).toBe(false)
})

test('bcrypt sees the first 72 bytes of a password', async () => {
  const passwords = createPasswords(cheapPasswords)
  const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
  const known = '$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui'
  expect(await passwords.verify(known, `${alphabet}chars after 72 are ignored`)).toBe(true)
  expect(await passwords.verify(known, alphabet.slice(0, -1))).toBe(false)
  // Where the length of a $2a$ password is counted in one byte, this one has none.
  expect(await passwords.verify(known, alphabet + 'x'.repeat(255 - 72))).toBe(true)
})

test('a hash that cannot be read, or costs too much, matches nothing and costs a whole hash of today', async () => {
  const passwords = createPasswords({ memoryKib: 19_456, iterations: 8, parallelism: 1 })
  const startedAt = performance.now()
  await passwords.verify(null, 'x')
  const missingMillis = performance.now() - startedAt
  for (const unreadable of [
    '',
    'x',
    'Correct-Horse-1',
    '$argon2id$',
    '$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    `$2b$31$${'a'.repeat(21)}u${'b'.repeat(30)}6`,
    `pbkdf2_sha256$999999999$a-salt$${pbkdf2Hash('x', 'a-salt').toString('base64')}`,
    `pbkdf2_sha256$999$a-salt$${pbkdf2Sync('x', 'a-salt', 999, 32, 'sha256').toString('base64')}`,
  ]) {
    const begun = performance.now()
    expect(await passwords.verify(unreadable, 'x'), unreadable).toBe(false)
    expect(performance.now() - begun, unreadable).toBeGreaterThan(missingMillis / 10)
    expect(passwords.isOutdated(unreadable), unreadable).toBe(true)
  }
})

test('a cost whose hashes could not be verified is refused at once', () => {
  for (const wrong of [{ memoryKib: 262_145 }, { iterations: 11 }, { parallelism: 9 }, { memoryKib: 1 }]) {
    expect(() => createPasswords({ ...owaspPasswordCost, ...wrong })).toThrow(RangeError)
  }
})

test('every kind of hash waits in the one queue', async () => {
  const passwords = createPasswords(cheapPasswords)
  const kinds = [hashSync('x', 4), `pbkdf2_sha256$1000$a-salt$${pbkdf2Hash('x', 'a-salt').toString('base64')}`, null]
  const asked = Array.from({ length: ONE_TOO_MANY }, (_, index) => passwords.verify(kinds[index % 3] ?? null, 'x'))
  const refused = (await Promise.allSettled(asked)).filter((result) => result.status === 'rejected')
  expect(refused.map(({ reason }) => reason)).toEqual([expect.any(Unavailable)])
})
