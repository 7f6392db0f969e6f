import { describe, expect, test } from 'vitest'
import { ConfigInvalid, loadConfig, secretNames } from '../src/config.ts'

const bytes = Buffer.alloc(32, 0xfb)
const real = {
  DATABASE_URL: 'postgres://ocean:word@db.example.org/ocean',
  REDIS_URL: 'redis://cache.example.org:6379',
  PUBLIC_URL: 'https://ocean.example.org',
  SIGNING_KEY_SECRET: bytes.toString('base64'),
  REFRESH_TOKEN_SECRET: bytes.toString('hex'),
}

describe('nothing configured', () => {
  test('is a server for this machine alone, on an embedded database, with a demo', () => {
    expect(loadConfig({})).toMatchObject({
      production: false,
      port: 4000,
      host: '127.0.0.1',
      dataDir: '.data',
      services: null,
      secrets: { SIGNING_KEY_SECRET: null, REFRESH_TOKEN_SECRET: null },
      smtpUrl: null,
      logLevel: 'info',
      corsOrigins: null,
      demo: true,
      embeddings: 'embedded',
      settings: { publicUrl: 'http://localhost:4000', accessTokens: { issuer: 'http://localhost:4000' } },
    })
  })

  test('is what empty variables come to as well', () => {
    const empty = Object.fromEntries(
      Object.keys({ ...real, PORT: '', NODE_ENV: '', HOST: '' }).map((name) => [name, '']),
    )
    expect(loadConfig(empty)).toEqual(loadConfig({}))
  })

  test('has no demo in production', () => {
    expect(loadConfig({ NODE_ENV: 'production' })).toMatchObject({ production: true, demo: false })
  })
})

describe('the two services', () => {
  test('make a server for everybody, without a demo, that browsers of other origins may not call', () => {
    expect(loadConfig(real)).toMatchObject({
      host: '0.0.0.0',
      services: { databaseUrl: real.DATABASE_URL, redisUrl: real.REDIS_URL },
      corsOrigins: [],
      demo: false,
    })
  })

  test.each(['DATABASE_URL', 'REDIS_URL', 'PUBLIC_URL', 'SIGNING_KEY_SECRET', 'REFRESH_TOKEN_SECRET'])(
    'are refused without %s',
    (name) => {
      const faults = faultsOf({ ...real, [name]: '' })
      expect(faults).toHaveLength(1)
      expect(faults[0]).toMatch(new RegExp(`^${name} is missing`))
    },
  )
})

describe('values', () => {
  test('of a public address lose their last slash, and name the issuer and audience of access tokens', () => {
    const { settings } = loadConfig({ PUBLIC_URL: 'https://ocean.example.org/api//' })
    expect(settings.publicUrl).toBe('https://ocean.example.org/api')
    expect(settings.accessTokens).toMatchObject({ issuer: settings.publicUrl, audience: [settings.publicUrl] })
  })

  test('of origins are a list', () => {
    const { corsOrigins } = loadConfig({ CORS_ORIGINS: ' https://a.example.org, ,https://b.example.org' })
    expect(corsOrigins).toEqual(['https://a.example.org', 'https://b.example.org'])
    const ofApps = ['capacitor://localhost', 'ionic://localhost', 'app://ocean:8080']
    expect(loadConfig({ CORS_ORIGINS: ofApps.join() }).corsOrigins).toEqual(ofApps)
  })

  test('of embeddings may be off, in production as well', () => {
    expect(loadConfig({ EMBEDDINGS: 'off' }).embeddings).toBe('off')
    expect(loadConfig({ ...real, NODE_ENV: 'production' }).embeddings).toBe('embedded')
    expect(loadConfig({ ...real, NODE_ENV: 'production', EMBEDDINGS: 'off' }).embeddings).toBe('off')
  })

  test('cannot be changed afterwards', () => {
    const config = loadConfig(real)
    expect(() => Object.assign(config, { demo: true })).toThrow(TypeError)
    expect(() => Object.assign(config.settings.accessTokens, { ttlSeconds: 1 })).toThrow(TypeError)
  })

  test.each([
    ['base64', bytes.toString('base64')],
    ['base64 without its padding', bytes.toString('base64').replace('=', '')],
    ['base64url', bytes.toString('base64url')],
    ['hex', bytes.toString('hex')],
    ['upper-case hex', bytes.toString('hex').toUpperCase()],
  ])('of secrets are 32 bytes in %s', (_, text) => {
    for (const name of secretNames) {
      expect(Buffer.from(loadConfig({ [name]: text }).secrets[name] ?? [])).toEqual(bytes)
    }
  })

  test.each([
    ['too short', bytes.subarray(1).toString('base64')],
    ['too long', Buffer.alloc(33).toString('base64')],
    ['hex of the wrong length', bytes.subarray(1).toString('hex')],
    ['a word', 'changeme'],
  ])('of secrets are refused when %s, and not repeated', (_, text) => {
    const faults = faultsOf({ SIGNING_KEY_SECRET: text })
    expect(faults).toEqual([expect.stringMatching(/^SIGNING_KEY_SECRET is not 32 bytes/)])
    expect(faults.join()).not.toContain(text)
  })

  test.each([
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '80a'],
    ['NODE_ENV', 'prod'],
    ['LOG_LEVEL', 'loud'],
    ['EMBEDDINGS', 'on'],
    ['PUBLIC_URL', 'ocean.example.org'],
    ['PUBLIC_URL', 'ftp://ocean.example.org'],
    ['PUBLIC_URL', 'https://somebody:word@ocean.example.org'],
    ['PUBLIC_URL', 'https://ocean.example.org/?a=b'],
    ['PUBLIC_URL', 'https://ocean.example.org/#top'],
    ['SMTP_URL', 'http://mail.example.org'],
    ['CORS_ORIGINS', 'https://a.example.org/path'],
    ['SMTP_URL', 'smtp:mail'],
    ['SMTP_URL', 'smtp://mail.example.org:25?secure=true'],
    ['SMTP_URL', 'smtp://somebody:100%@mail.example.org'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'null'],
    ['CORS_ORIGINS', 'https://A.example.org'],
    ['CORS_ORIGINS', 'capacitor://localhost/'],
    ['CORS_ORIGINS', 'capacitor://somebody@localhost'],
    ['CORS_ORIGINS', 'capacitor:localhost'],
    ['CORS_ORIGINS', 'capacitor://'],
    ['CORS_ORIGINS', 'file:///'],
    ['CORS_ORIGINS', 'file://'],
    ['MAIL_FROM', 'nobody'],
    ['TRUSTED_PROXIES', 'proxy.example.org'],
    ['TRUSTED_PROXIES', '10.0.0.0/8,0.0.0.0/0'],
    ['TRUSTED_PROXIES', '::/0'],
    ...['MONTHLY_CREDITS_FREE', 'MONTHLY_CREDITS_PRO', 'MONTHLY_CREDITS_ENTERPRISE'].flatMap((name) =>
      ['-1', '1.5', '1000001', 'many', '1e3'].map((value): [string, string] => [name, value]),
    ),
  ])('%s=%s is refused', (name, value) => {
    const faults = faultsOf({ [name]: value })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(new RegExp(`^${name} `))
  })

  test.each([
    ['DATABASE_URL', 'mysql://db.example.org/ocean'],
    ['DATABASE_URL', 'db.example.org'],
    ['DATABASE_URL', 'postgres:ocean'],
    ['DATABASE_URL', 'postgres://ocean:100%@db.example.org/ocean'],
    ['DATABASE_URL', 'postgres://db.example.org/%zz'],
    ['REDIS_URL', 'cache.example.org:6379'],
    ['REDIS_URL', 'redis:'],
    ['REDIS_URL', 'redis://:100%@cache.example.org'],
  ])('%s=%s is refused beside the other service', (name, value) => {
    const faults = faultsOf({ ...real, [name]: value })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(new RegExp(`^${name} `))
    expect(faults[0]).not.toContain('100%')
  })
})

describe('monthly credits', () => {
  const monthlyOf = (environment: Record<string, string>) => loadConfig(environment).settings.credits.monthly

  test('are whole credits of each tier, and those of the product where nobody says how many', () => {
    const usual = { FREE: 5_000_000n, PRO: 100_000_000n, ENTERPRISE: 1_000_000_000n }
    expect(monthlyOf({})).toEqual(usual)
    expect(monthlyOf({ MONTHLY_CREDITS_PRO: '7' })).toEqual({ ...usual, PRO: 7_000_000n })
  })

  test('may be none, and a million at most', () => {
    const environment = { MONTHLY_CREDITS_FREE: '0', MONTHLY_CREDITS_ENTERPRISE: '1000000' }
    expect(monthlyOf(environment)).toMatchObject({ FREE: 0n, ENTERPRISE: 1_000_000_000_000n })
  })
})

describe('cookies', () => {
  const cookiesOf = (environment: Record<string, string>) => loadConfig(environment).settings.cookies

  test('are for https alone where people come by https, and lax unless told otherwise', () => {
    expect(cookiesOf({})).toEqual({ isSecure: false, sameSite: 'lax' })
    expect(cookiesOf(real)).toEqual({ isSecure: true, sameSite: 'lax' })
    expect(cookiesOf({ PUBLIC_URL: 'HTTPS://ocean.example.org' }).isSecure).toBe(true)
    expect(cookiesOf({ COOKIE_SAME_SITE: 'strict' }).sameSite).toBe('strict')
  })

  test('for every site need https, or browsers would drop them', () => {
    expect(cookiesOf({ ...real, COOKIE_SAME_SITE: 'none' })).toEqual({ isSecure: true, sameSite: 'none' })
    for (const environment of [{}, { PUBLIC_URL: 'http://ocean.example.org' }, { ...real, PUBLIC_URL: 'http://a' }]) {
      const faults = faultsOf({ ...environment, COOKIE_SAME_SITE: 'none' })
      expect(faults).toEqual([expect.stringMatching(/^COOKIE_SAME_SITE is none/)])
    }
  })
})

test('every fault is told at once, the malformed with the missing', () => {
  const faults = faultsOf({
    ...real,
    NODE_ENV: 'prod',
    PORT: 'x',
    LOG_LEVEL: 'loud',
    SIGNING_KEY_SECRET: 'short',
    REDIS_URL: '',
  })
  const names = faults.map((fault) => fault.split(' ', 1)[0])
  expect(names.toSorted()).toEqual(['LOG_LEVEL', 'NODE_ENV', 'PORT', 'REDIS_URL', 'SIGNING_KEY_SECRET'])
})

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    loadConfig(environment)
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.faults
    throw error
  }
  return []
}
