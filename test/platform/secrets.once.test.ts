import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { SecretsFileDamaged, secretsIn } from '../../src/platform/crypto/secrets.ts'
import { temporaryDirectory } from '../kit/lane.ts'

const directory = temporaryDirectory()
const path = join(directory.path, 'secrets.json')
afterAll(directory.remove)

test('secrets nobody gave are made once, 32 bytes each, and kept for their owner alone', () => {
  const first = secretsIn(directory.path, { ONE: null, OTHER: null })
  expect(first.ONE).toHaveLength(32)
  expect(first.OTHER).not.toEqual(first.ONE)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(secretsIn(directory.path, { ONE: null, OTHER: null })).toEqual(first)
})

test('a secret that is given wins over the kept one, and is not kept itself', () => {
  const given = new Uint8Array(32).fill(7)
  const before = readFileSync(path, 'utf8')
  expect(secretsIn(directory.path, { ONE: given }).ONE).toEqual(given)
  expect(readFileSync(path, 'utf8')).toBe(before)
})

test('a secret that a newer version needs is added to the kept ones', () => {
  const { ONE } = secretsIn(directory.path, { ONE: null })
  const later = secretsIn(directory.path, { ONE: null, NEW: null })
  expect(later.ONE).toEqual(ONE)
  expect(secretsIn(directory.path, { ONE: null, NEW: null })).toEqual(later)
})

test.each(['', 'not json', 'null', '[]', '"ONE"', '{"ONE":"short"}', '{"ONE":7}', '{"ONE":null}'])(
  'a file that reads %j is refused and left as it is',
  (text) => {
    writeFileSync(path, text)
    expect(() => secretsIn(directory.path, { ONE: null, OTHER: null })).toThrow(SecretsFileDamaged)
    expect(readFileSync(path, 'utf8')).toBe(text)
  },
)
