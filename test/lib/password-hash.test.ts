import { describe, expect, test } from 'vitest'
import { readPasswordHash } from '../../src/lib/password-hash.ts'

const base64 = (bytes: number, fill = 7) => Buffer.alloc(bytes, fill).toString('base64')
const unpadded = (bytes: number, fill = 7) => base64(bytes, fill).replace(/=+$/, '')
const [salt, digest] = [unpadded(16), unpadded(32)]
const bcryptRest = `${'a'.repeat(21)}u${'b'.repeat(30)}6`

const argon2 = (costs: string, { variant = 'id', version = 'v=19$', ofSalt = salt, ofDigest = digest } = {}) =>
  `$argon2${variant}$${version}${costs}$${ofSalt}$${ofDigest}`

describe('argon2', () => {
  test('of any variant and version is read with its costs, in any order', () => {
    const costs = { memoryKib: 19_456, iterations: 2, parallelism: 1 }
    expect(readPasswordHash(argon2('m=19456,t=2,p=1'))).toEqual({
      scheme: 'argon2',
      variant: 'id',
      version: 19,
      ...costs,
    })
    expect(readPasswordHash(argon2('p=1,t=2,m=19456', { variant: 'i' }))).toMatchObject({ variant: 'i', ...costs })
    expect(readPasswordHash(argon2('t=2,m=19456,p=1', { variant: 'd' }))).toMatchObject({ variant: 'd', ...costs })
    expect(readPasswordHash(argon2('m=19456,t=2,p=1', { version: 'v=16$' }))).toMatchObject({ version: 16 })
    expect(readPasswordHash(argon2('m=19456,t=2,p=1', { version: '' }))).toMatchObject({ version: 16 })
  })

  test('is read up to 256 MiB, ten passes and eight lanes', () => {
    expect(readPasswordHash(argon2('m=262144,t=10,p=8'))).not.toBeNull()
    for (const costs of ['m=262145,t=1,p=1', 'm=1024,t=11,p=1', 'm=1024,t=1,p=9', 'm=4294967295,t=1,p=1']) {
      expect(readPasswordHash(argon2(costs)), costs).toBeNull()
    }
  })

  test('without a cost, or with less memory than its lanes need, is not read', () => {
    for (const costs of [
      'm=0,t=1,p=1',
      'm=1024,t=0,p=1',
      'm=1024,t=1,p=0',
      'm=15,t=1,p=2',
      'm=1024,t=1',
      'm=8,m=8,t=1',
    ]) {
      expect(readPasswordHash(argon2(costs)), costs).toBeNull()
    }
  })

  test('of other variants, versions, salts, digests or parameters is not read', () => {
    const costs = 'm=1024,t=1,p=1'
    for (const parts of [
      { variant: 'x' },
      { version: 'v=20$' },
      { ofSalt: unpadded(7) },
      { ofSalt: base64(16) },
      { ofSalt: `${salt.slice(0, -1)}-` },
      { ofDigest: unpadded(15) },
      { ofDigest: unpadded(65) },
      { ofDigest: `${digest}$` },
    ]) {
      expect(readPasswordHash(argon2(costs, parts)), JSON.stringify(parts)).toBeNull()
    }
    expect(readPasswordHash(argon2(`${costs},data=c2FsdA`))).toBeNull()
  })
})

describe('bcrypt', () => {
  test('of any of its prefixes is read as the one', () => {
    for (const prefix of ['2a', '2b', '2y']) {
      expect(readPasswordHash(`$${prefix}$12$${bcryptRest}`)).toEqual({
        scheme: 'bcrypt',
        text: `$2b$12$${bcryptRest}`,
      })
    }
    for (const prefix of ['2', '2x', '2c', '1']) expect(readPasswordHash(`$${prefix}$12$${bcryptRest}`)).toBeNull()
  })

  test('is read of the costs 4 to 14', () => {
    for (const cost of ['04', '10', '14']) expect(readPasswordHash(`$2b$${cost}$${bcryptRest}`)).not.toBeNull()
    for (const cost of ['03', '15', '31', '4', '99']) expect(readPasswordHash(`$2b$${cost}$${bcryptRest}`)).toBeNull()
  })

  test('is 53 characters whose spare bits are not set', () => {
    for (const rest of [
      bcryptRest.slice(1),
      `a${bcryptRest}`,
      `!${bcryptRest.slice(1)}`,
      `${'a'.repeat(22)}${'b'.repeat(30)}6`,
      `${bcryptRest.slice(0, -1)}5`,
    ]) {
      expect(readPasswordHash(`$2b$10$${rest}`), rest).toBeNull()
    }
  })
})

describe('PBKDF2-SHA256', () => {
  const formats = {
    Django: (rounds: string, length = 32) => `pbkdf2_sha256$${rounds}$a-salt$${base64(length)}`,
    passlib: (rounds: string, length = 32) => `$pbkdf2-sha256$${rounds}$${salt}$${unpadded(length)}`,
    PHC: (rounds: string, length = 32) => `$pbkdf2-sha256$i=${rounds}$${salt}$${unpadded(length)}`,
  }

  test.for(Object.entries(formats))('as %s writes it is read from 1,000 to 2,000,000 rounds', ([, format]) => {
    expect(readPasswordHash(format('1000'))).toMatchObject({ scheme: 'pbkdf2-sha256', iterations: 1_000 })
    expect(readPasswordHash(format('2000000'))).toMatchObject({ digest: Buffer.alloc(32, 7), iterations: 2_000_000 })
    for (const rounds of ['999', '0999', '2000001', '9999999999', '-1000', '1e6', '']) {
      expect(readPasswordHash(format(rounds)), rounds).toBeNull()
    }
  })

  test.for(Object.entries(formats))('as %s writes it has a digest of 16 to 64 bytes', ([, format]) => {
    for (const length of [16, 64]) expect(readPasswordHash(format('1000', length))).not.toBeNull()
    for (const length of [0, 15, 65]) expect(readPasswordHash(format('1000', length)), `${length}`).toBeNull()
  })

  test('has a salt of letters with Django, of bytes elsewhere, with a dot or a plus', () => {
    expect(readPasswordHash(formats.Django('1000'))).toMatchObject({ salt: Buffer.from('a-salt') })
    const bytes = Buffer.from([0xfb, 0xef, 0xbe, 0xff])
    for (const text of ['++++/w', '..../w', '++++/w==']) {
      expect(readPasswordHash(`$pbkdf2-sha256$1000$${text}$${digest}`)).toMatchObject({ salt: bytes })
      expect(readPasswordHash(`$pbkdf2-sha256$i=1000$${text}$${digest}`)).toMatchObject({ salt: bytes })
    }
  })

  test('may name the length of its digest, if truly', () => {
    expect(readPasswordHash(`$pbkdf2-sha256$i=1000,l=32$${salt}$${digest}`)).not.toBeNull()
    expect(readPasswordHash(`$pbkdf2-sha256$i=1000,l=33$${salt}$${digest}`)).toBeNull()
  })

  test('with a damaged salt or digest, or another hash function, is not read', () => {
    for (const text of [
      `$pbkdf2-sha256$1000$${salt}$${digest}*`,
      `$pbkdf2-sha256$1000$_-_-$${digest}`,
      `$pbkdf2-sha256$1000$$${digest}`,
      `pbkdf2_sha256$1000$a salt$${base64(32)}`,
      `$pbkdf2-sha512$1000$${salt}$${digest}`,
      `$pbkdf2$1000$${salt}$${digest}`,
      `pbkdf2_sha1$1000$salt$${base64(20)}`,
    ]) {
      expect(readPasswordHash(text), text).toBeNull()
    }
  })
})

test('what is no hash, or longer than the column, is not read', () => {
  const long = (length: number) => `pbkdf2_sha256$1000$${'s'.repeat(length)}$${base64(32)}`
  const short = long(0).length
  expect(readPasswordHash(long(255 - short))).not.toBeNull()
  for (const text of [
    '',
    'Correct-Horse-1',
    '$',
    '$argon2id$',
    '5f4dcc3b5aa765d61d8327deb882cf99',
    long(256 - short),
  ]) {
    expect(readPasswordHash(text), text).toBeNull()
  }
  expect(readPasswordHash(`${argon2('m=1024,t=1,p=1')}\n`)).toBeNull()
})
