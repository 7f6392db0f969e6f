import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { isSecretName, redact, redactText } from '../../src/lib/redact.ts'

const SECRET = 'hunter2-Canary'
const JWT = 'eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ'
const JWE = 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..5eym8TW_c8SuK0lt.aGVsbG8tY2FuYXJ5.XFBoMYUZodetZdvTiFvSkQ'

/** Numbers below a bound, the same for the same seed (mulberry32). */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const secretNames =
  `password currentPassword newPassword PASSWORD password_hash passwd pass pwd passphrase token accessToken
  refresh_token ID-TOKEN authorization Authorization Proxy-Authorization cookie Cookie set-cookie Set-Cookie cookies __Host-ocean-device ocean-refresh
  secret clientSecret apiKey api_key X-API-Key x-api-key privateKey private_key signingKey html text body rawBody textBody
  credentials otp totp pin recoveryCodes verificationCode jwt signature rawHeaders`.split(/\s+/)

test.each(secretNames)('the field %s is removed, at any depth and in a map', (name) => {
  const fields = { [name]: SECRET }
  const all = [
    fields,
    { a: [{ b: fields }] },
    new Map([[name, SECRET]]),
    { [name]: { deep: [SECRET] } },
    { [name]: 123456 },
  ]
  for (const value of all) {
    expect(JSON.stringify(redact(value))).not.toMatch(/hunter2|123456/)
    expect(JSON.stringify(redact(value))).toContain('[redacted]')
  }
})

test.each([
  'id',
  'email',
  'code',
  'author',
  'passenger',
  'footprint',
  'compass',
  'context',
  'spinner',
  'tokenId',
  'api_key_id',
  'title',
])('the field %s stays', (name) => {
  expect(isSecretName(name)).toBe(false)
  expect(redact({ [name]: 'plain' })).toEqual({ [name]: 'plain' })
})

test('figures, flags, dates and absence tell no secret and stay', () => {
  const at = new Date(0)
  const plain = {
    inputTokens: 512,
    tokens: 3,
    hasPassword: true,
    token: null,
    secret: undefined,
    accessTokenTtlSeconds: 900,
  }
  expect(redact({ ...plain, tokenExpiresAt: at })).toEqual({ ...plain, tokenExpiresAt: at.toISOString() })
})

test('headers are removed in every shape they come in', () => {
  const shapes = [
    new Headers({ authorization: SECRET, cookie: SECRET }),
    [['Authorization', SECRET]],
    [{ name: 'Set-Cookie', value: SECRET }],
    [{ key: 'x-api-key', value: SECRET }],
    { rawHeaders: ['Cookie', SECRET] },
    { _header: `GET / HTTP/1.1\r\nCookie: a=1; b=${SECRET}\r\nAuthorization: Basic ${SECRET}\r\nHost: x\r\n` },
  ]
  for (const shape of shapes) {
    const text = JSON.stringify(redact(shape))
    expect(text).toContain('[redacted]')
    expect(text).not.toContain(SECRET)
  }
})

test.each([
  ['a JWT', JWT, 'canary|c2lnbmF0'],
  ['a JWT in a sentence', `bad token (${JWT}).`, 'eyJ'],
  ['a JWT after an underscore', `access_${JWT}`, 'c2lnbmF0'],
  ['a JWE', `x ${JWE} y`, 'aGVsbG8|XFBo'],
  ['a bearer token', `sent Bearer ${SECRET}`, SECRET],
  ['a cookie of ours', `got a=b; __Host-ocean-device=${SECRET}; c=d`, SECRET],
  ['a cookie of ours in JSON', `{"ocean-refresh":"${SECRET}","x":1}`, SECRET],
  ['a bearer token in lower case', `bearer\t${SECRET}`, SECRET],
  ['a URL with a password', `postgres://ocean:${SECRET}@db:5432/x`, SECRET],
  ['a URL with a password alone', `redis://:${SECRET}@cache`, SECRET],
  ['a URL with @ and / in the password', `postgres://ocean:p@x/${SECRET}@db/x`, SECRET],
  ['a query parameter', `/reset?token=${SECRET}&x=1`, SECRET],
  ['an assignment', `DATABASE_PASSWORD=${SECRET}`, SECRET],
  ['JSON', `{"newPassword":"a \\"${SECRET}","x":1}`, SECRET],
  ['JSON in JSON', JSON.stringify(JSON.stringify({ password: SECRET })), SECRET],
  ['an unfinished JSON text', `{"password":"a ${SECRET}`, SECRET],
  ['a single-quoted value', `{ secret: 'a ${SECRET}' }`, SECRET],
  ['an SMTP command', `AUTH PLAIN ${SECRET}`, SECRET],
  ['an argon2 hash', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g', 'c2Fsd|aGFza'],
  ['a bcrypt hash', '$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW', 'R9h'],
  ['a private key', `-----BEGIN RSA PRIVATE KEY-----\n${SECRET}\n-----END RSA PRIVATE KEY-----`, SECRET],
  ['half a private key', `-----BEGIN PRIVATE KEY-----\n${SECRET}`, SECRET],
  ['an API key', `used oc_key_${'aB3'.repeat(15)}`, 'aB3'],
  ['a provider key', 'sk-proj-abcdefghijklmnop1234', 'abcdefgh'],
  ['a key of Anthropic', 'sk-ant-api03-abcdefghijklmnop1234', 'abcdefgh'],
  ['a key of Google', 'AIzaSyabcdefghijklmnopqrstuvwxyz1234567', 'abcdefgh'],
  ['a key of Groq', 'gsk_abcdefghijklmnopqrstuvwxyz1234', 'abcdefgh'],
])('a text loses %s', (_name, text, secret) => {
  expect(redactText(text)).not.toMatch(new RegExp(secret))
  expect(redactText(text)).toContain('[redacted]')
})

test.each([
  'request answered in 12 ms',
  'connect ECONNREFUSED 127.0.0.1:5432',
  'http://localhost:4000/users/@me',
  'input tokens: 512, output tokens: 20',
  'at read (file:///srv/src/keyJoin.config.ts:12:5)',
  'api_key_01h455vb4pex5vsknk084sn02q was revoked',
  'postgres://ocean@db/x',
])('a text without secrets stays: %s', (text) => {
  expect(redactText(text)).toBe(text)
})

test('an error keeps its name, message, stack, code and causes, without their secrets', () => {
  const cause = Object.assign(new TypeError(`no ${JWT}`), { code: 'ECAUSE', command: { args: [SECRET] } })
  const error = new AggregateError([new Error(`Bearer ${SECRET}`)], `postgres://a:${SECRET}@b failed`, { cause })
  const copy = redact({ err: error }) as { err: Record<string, unknown> }
  expect(copy.err).toMatchObject({
    name: 'AggregateError',
    message: 'postgres://a:[redacted]@b failed',
    stack: expect.stringContaining('redact.test.ts'),
    cause: { name: 'TypeError', message: 'no [redacted]', code: 'ECAUSE' },
    errors: [{ message: 'Bearer [redacted]' }],
  })
  expect(JSON.stringify(copy)).not.toMatch(/Canary|eyJ/)
})

test('dates, URLs, bytes, sets, bigints and toJSON become JSON', () => {
  const value = {
    at: new Date(0),
    url: new URL('https://a:b@c/?token=d'),
    bytes: Buffer.from(SECRET),
    set: new Set([1, 2]),
    big: 12n,
    json: { toJSON: () => ({ password: SECRET, id: 1 }) },
    call: () => 1,
  }
  expect(redact(value)).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    url: 'https://a:[redacted]@c/?token=[redacted]',
    bytes: '[14 bytes]',
    set: [1, 2],
    big: '12',
    json: { password: '[redacted]', id: 1 },
  })
})

test('cycles end, and the same object twice is no cycle', () => {
  const shared = { id: 1 }
  const cycle: { one: object; two: object; self?: object } = { one: shared, two: shared }
  cycle.self = cycle
  const error = new Error('loop')
  error.cause = error
  expect(redact(cycle)).toEqual({ one: { id: 1 }, two: { id: 1 }, self: '[circular]' })
  expect(redact(error)).toMatchObject({ cause: '[circular]' })
})

test('getters, proxies and toJSON that throw are marked, and the rest stays', () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const fail = () => {
    throw new Error(SECRET)
  }
  const hostile = {
    id: 1,
    proxy,
    keys: new Proxy({}, { ownKeys: fail }),
    json: { toJSON: fail },
    get getter() {
      return fail()
    },
    get password() {
      return fail()
    },
  }
  const bad = '[unreadable]'
  expect(redact(hostile)).toEqual({ id: 1, proxy: bad, keys: bad, json: bad, getter: bad, password: '[redacted]' })
  expect(redact(proxy)).toBe(bad)
})

test('depth, breadth and length are bounded', () => {
  let deep: unknown = SECRET
  for (let level = 0; level < 10_000; level += 1) deep = { next: deep }
  const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index]))
  const bushy = Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => ({ text1: 'x'.repeat(10_000) })))
  const long = (index: number) => [`${index}${'k'.repeat(300)}`, 1]
  const keys = Array.from({ length: 50 }, () =>
    Object.fromEntries(Array.from({ length: 100 }, (_, index) => long(index))),
  )
  for (const value of [deep, wide, bushy, keys, 'x'.repeat(10_000_000), new Array(1e6).fill('y'.repeat(9_000))]) {
    expect(JSON.stringify(redact(value)).length).toBeLessThan(150_000)
  }
  expect(JSON.stringify(redact(deep))).toBe(`${'{"next":'.repeat(8)}"[truncated]"${'}'.repeat(8)}`)
  expect(redact({ text1: 'é'.repeat(9_000) })).toEqual({ text1: `${'é'.repeat(8_192)}[truncated]` })
})

test('a secret across the cut is removed whole', () => {
  expect(redactText(`${'x'.repeat(8_170)} ${JWT}`)).not.toContain('eyJ')
})

test('a key named __proto__ is only a key, and a secret as a key is removed', () => {
  const copy = redact(JSON.parse(`{"__proto__":{"admin":true},"${JWT}":1}`)) as object
  expect(JSON.stringify(copy)).toBe('{"__proto__":{"admin":true},"[redacted]":1}')
  expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
})

test('hostile texts are read in linear time', () => {
  const pieces = [
    'eyJ_',
    '-eyJ',
    'eyJaaaaaaaa.',
    '://x:',
    'token',
    'token:',
    'token="\\"',
    '$2a$',
    'a_key_',
    'sk-',
    'bearer ',
    'ocean-access=',
    'ocean-',
  ]
  for (const piece of [...pieces, 'authorization', 'cookie:', '-----BEGIN PRIVATE KEY-----', 'token'.padEnd(9_000)]) {
    const text = piece.repeat(Math.ceil(20_000 / piece.length))
    const start = performance.now()
    redactText(text)
    expect(performance.now() - start, piece).toBeLessThan(50)
  }
})

test('200 random objects with a secret in each keep none of it', () => {
  const seed = randomInt(2 ** 31)
  const random = seeded(seed)
  const names = ['a', 'list', 'cause', ...secretNames]
  for (let round = 0; round < 200; round += 1) {
    const canary = `canary${random(2 ** 31).toString(36)}`
    let value: unknown = { [secretNames[random(secretNames.length)] ?? 'token']: canary }
    for (let depth = random(6); depth > 0; depth -= 1) {
      const name = names[random(names.length)] ?? 'a'
      const error = new Error(`Bearer ${canary}`, { cause: value })
      const wraps = [[value], { [name]: value }, new Map([[name, value]]), error, new Set([value])]
      value = wraps[random(wraps.length)]
    }
    expect(JSON.stringify(redact(value)), `seed ${seed}, round ${round}`).not.toContain(canary)
  }
})
