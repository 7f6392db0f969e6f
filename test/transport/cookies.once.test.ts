import { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { cookieRefusal, cookieValues, openCookieJar, socketCookieRefusal } from '../../src/transport/cookies.ts'
import { credentialsOf } from '../../src/transport/credentials.ts'
import { originRule } from '../../src/transport/origins.ts'

const secure = { isSecure: true, sameSite: 'lax' } as const
const plain = { isSecure: false, sameSite: 'strict' } as const
const allowsOrigin = originRule(['https://app.example.org'])

function jarOf(cookie: string | undefined, settings: typeof secure | typeof plain, refusal: string | null = null) {
  const request = { headers: cookie === undefined ? {} : { cookie } }
  const response = new ServerResponse({ method: 'POST' } as never)
  return { jar: openCookieJar({ request, response, refusal }, settings), sent: () => response.getHeader('set-cookie') }
}

describe('a cookie that is written', () => {
  test('is of this host and https alone, and out of the reach of scripts', () => {
    const { jar, sent } = jarOf(undefined, secure)
    jar.write('access', 'a.b-c_d', 899.9)
    expect(sent()).toEqual(['__Host-ocean-access=a.b-c_d; Max-Age=899; Path=/; HttpOnly; Secure; SameSite=Lax'])
  })

  test('over http has a plain name, since browsers would drop the other', () => {
    const { jar, sent } = jarOf(undefined, plain)
    jar.write('refresh', 'x', 60)
    expect(sent()).toEqual(['ocean-refresh=x; Max-Age=60; Path=/; HttpOnly; SameSite=Strict'])
  })

  test('for every site is told so', () => {
    const { jar, sent } = jarOf(undefined, { isSecure: true, sameSite: 'none' } as never)
    jar.write('device', 'x', 60)
    expect(sent()).toEqual(['__Host-ocean-device=x; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=None'])
  })

  test('leaves the others alone, and its last value is the one sent', () => {
    const { jar, sent } = jarOf(undefined, plain)
    jar.write('access', 'first', 60)
    jar.write('device', 'd', 60)
    jar.write('access', 'second', 60)
    jar.clear('refresh')
    expect(sent()).toEqual([
      expect.stringMatching(/^ocean-access=second; Max-Age=60;/),
      expect.stringMatching(/^ocean-device=d;/),
      expect.stringMatching(/^ocean-refresh=; Max-Age=0; Path=\/; HttpOnly;/),
    ])
  })

  test('cannot bring attributes or headers of its own, and reads as it was written', () => {
    const value = 'a; Domain=evil.example\r\nSet-Cookie: b=c; "d", e\\f %20 🌊'
    const { jar, sent } = jarOf(undefined, secure)
    jar.write('device', value, 60)
    const [header = ''] = sent() as string[]
    expect(header.split(';')).toHaveLength(6)
    expect(header).not.toMatch(/[\r\n]|; *domain/i)
    expect(jarOf(header.split(';')[0], secure).jar.read('device')).toBe(value)
  })
})

describe('a request whose cookies count for nothing', () => {
  const { jar, sent } = jarOf('ocean-refresh=x', plain, 'Not so.')
  test('has none, and is given none', () => {
    expect(jar.mayWrite).toBe(false)
    expect(jar.read('refresh')).toBeNull()
    expect(() => jar.write('access', 'x', 60)).toThrow('against the rule: Not so.')
    jar.clear('access')
    expect(sent()).toBeUndefined()
  })
})

describe('cookies that came', () => {
  test.each([
    ['nothing', undefined, null],
    ['no pair', ';;; ; ocean-access', null],
    ['another name', 'ocean-accessx=1; xocean-access=2; Ocean-Access=3', null],
    ['the value', 'a=b; ocean-access=good; c=d', 'good'],
    ['a value with a sign of equality', 'ocean-access=a=b', 'a=b'],
    ['an encoded value', 'ocean-access=a%20b', 'a b'],
    ['a broken encoding', 'ocean-access=%E0%A4%A', '%E0%A4%A'],
    ['nothing as the value', 'ocean-access=', null],
    ['nothing beside a value', 'ocean-access=; ocean-access=good', 'good'],
    ['two values', 'ocean-access=evil; ocean-access=good', null],
    ['the same value twice', 'ocean-access=good; ocean-access=good', null],
    ['a prefix that is not asked for', '__Host-ocean-access=evil; __Secure-ocean-access=evil', null],
    ['a cookie without a name that looks like one', '=ocean-access=evil', null],
    ['names of an object', '__proto__=x; constructor=y; toString=z', null],
  ])('%s', (_, header, value) => expect(jarOf(header, plain).jar.read('access')).toBe(value))

  test('without the prefix, or with another, are not those of this host', () => {
    const tossed =
      'ocean-access=1; __Secure-ocean-access=2; __host-ocean-access=3; \u00a0__Host-ocean-access=4; \u0085__Host-ocean-access=5'
    expect(jarOf(tossed, secure).jar.read('access')).toBeNull()
    expect(jarOf(`${tossed}; __Host-ocean-access=good`, secure).jar.read('access')).toBe('good')
  })

  test('in thousands are read in no time', () => {
    const headers = { cookie: 'ocean-access=x;'.repeat(1_000) }
    const startedAt = performance.now()
    expect(cookieValues({ headers }, plain, 'access')).toHaveLength(1_000)
    expect(performance.now() - startedAt).toBeLessThan(250)
  })
})

describe('cookies count', () => {
  const ofHttp = (headers: Record<string, string>) => cookieRefusal({ headers }, allowsOrigin)
  const ofSocket = (headers: Record<string, string>) => socketCookieRefusal({ headers }, allowsOrigin)
  const csrf = { 'x-ocean-csrf': '1' }

  test('over HTTP beside the header, and from an allowed page if from any', () => {
    expect(ofHttp(csrf)).toBeNull()
    expect(ofHttp({ ...csrf, origin: 'https://app.example.org' })).toBeNull()
    expect(ofHttp({ ...csrf, origin: 'https://api.example.org', host: 'api.example.org' })).toBeNull()
    for (const headers of [{}, { 'x-ocean-csrf': '' }, { origin: 'https://app.example.org' }]) {
      expect(ofHttp(headers)).toBe('Cookies are credentials only beside the header x-ocean-csrf.')
    }
    for (const origin of ['https://evil.example', 'null', '', 'https://app.example.org.evil.example']) {
      expect(ofHttp({ ...csrf, origin, host: 'api.example.org' })).toMatch(/allowed origin/)
    }
  })

  test('on a socket from an allowed page alone', () => {
    expect(ofSocket({ origin: 'https://app.example.org' })).toBeNull()
    expect(ofSocket({ origin: 'https://api.example.org', host: 'api.example.org' })).toBeNull()
    for (const headers of [{}, csrf, { origin: 'https://evil.example' }, { origin: 'null' }, { origin: '' }]) {
      expect(ofSocket(headers)).toMatch(/allowed origin/)
    }
  })
})

describe('credentials', () => {
  const nothing = { authorization: null, apiKey: null, accessCookies: [], cookieRefusal: null }
  const nobody = (refusal: string | null) => ({ authorization: null, apiKey: null, refusal })

  test('are the header, whatever it is worth and whatever came beside it', () => {
    for (const authorization of ['Bearer a', 'Basic b', 'garbage']) {
      for (const accessCookies of [[], ['x'], ['x', 'y']]) {
        const credentials = credentialsOf({ ...nothing, authorization, accessCookies, cookieRefusal: 'Not so.' })
        expect(credentials).toEqual({ authorization, apiKey: null, refusal: null })
      }
    }
  })

  test('are else the one cookie, where cookies count', () => {
    for (const authorization of [null, '']) {
      const presented = { ...nothing, authorization, accessCookies: ['x'] }
      expect(credentialsOf(presented)).toEqual({ authorization: 'Bearer x', apiKey: null, refusal: null })
      expect(credentialsOf({ ...presented, cookieRefusal: 'Not so.' })).toEqual(nobody('Not so.'))
    }
    expect(credentialsOf({ ...nothing, accessCookies: ['x', 'x'] })).toEqual(nobody(expect.stringMatching(/once/)))
    expect(credentialsOf({ ...nothing, accessCookies: ['x y'] })).toEqual(nobody(expect.stringMatching(/no.* token/)))
  })

  test('are a secret by itself, and nothing beside an Authorization, since nothing tells which is meant', () => {
    const alone = { ...nothing, apiKey: 'oc_key_x', accessCookies: ['x'], cookieRefusal: 'Not so.' }
    for (const authorization of [null, '']) {
      const credentials = credentialsOf({ ...alone, authorization })
      expect(credentials).toEqual({ authorization: null, apiKey: 'oc_key_x', refusal: null })
    }
    const both = credentialsOf({ ...alone, authorization: 'Bearer oc_key_x' })
    expect(both).toEqual(nobody(expect.stringMatching(/both/i)))
  })

  test('that are missing are no fault', () => {
    expect(credentialsOf(nothing)).toEqual(nobody(null))
    expect(credentialsOf({ ...nothing, cookieRefusal: 'Not so.' })).toEqual(nobody(null))
  })
})
