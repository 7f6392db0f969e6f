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

test('64 wait for the two that are hashed, and the next is refused', async () => {
  const passwords = createPasswords(cheapPasswords)
  const results = await Promise.allSettled(Array.from({ length: 67 }, () => passwords.hash('x')))
  const refused = results.filter((result) => result.status === 'rejected')
  expect(refused).toHaveLength(1)
  expect(refused[0]?.reason).toBeInstanceOf(Unavailable)
  expect(await passwords.hash('x')).toMatch(/^\$argon2id/)
})
