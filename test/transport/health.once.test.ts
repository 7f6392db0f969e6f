import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { expect } from 'vitest'
import { test } from '../kit/test.ts'
import { ask } from './wire.ts'

test('the server says that it runs and that it can serve', async ({ server }) => {
  const health = await ask(server.url, { method: 'GET', path: '/health' })
  expect([health.status, JSON.parse(health.text)]).toEqual([200, { status: 'ok' }])
  const ready = await ask(server.url, { method: 'GET', path: '/ready' })
  expect([ready.status, JSON.parse(ready.text)]).toEqual([200, { ready: true, database: 'up', channels: 'up' }])
})

test('any other path is not found, whatever the method', async ({ server }) => {
  for (const path of [
    '/',
    '/graphql/',
    '/GraphQL',
    '/graphql/health',
    '/..%2f..%2fetc/passwd',
    '/ready/',
    '//graphql',
  ]) {
    for (const method of ['GET', 'POST']) {
      const answer = await ask(server.url, { method, path })
      expect(answer.status, `${method} ${path}`).toBe(404)
      expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    }
  }
})

test('a third party verifies an access token with nothing but the published keys', async ({ server, alice }) => {
  const { issuer, audience } = server.config.settings.accessTokens
  const keys = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`))
  const { protectedHeader, payload } = await jwtVerify(alice.tokens.accessToken, keys, {
    issuer,
    audience: [...audience],
    typ: 'at+jwt',
    algorithms: ['RS256'],
  })
  expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'at+jwt', kid: expect.any(String) })
  expect(payload).toMatchObject({ iss: issuer, sub: alice.userId, org: alice.organizationId, role: 'OWNER' })
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(server.config.settings.accessTokens.ttlSeconds)
})

test('the published keys hold no private half, and the one that signs is among them', async ({ server, alice }) => {
  const { headers, text } = await ask(server.url, { method: 'GET', path: '/.well-known/jwks.json' })
  const { keys } = JSON.parse(text) as { keys: Record<string, string>[] }
  expect(headers['cache-control']).toContain('public')
  expect(keys.length).toBeGreaterThan(0)
  for (const key of keys) expect(Object.keys(key).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
  expect(keys.map((key) => key.kid)).toContain(decodeProtectedHeader(alice.tokens.accessToken).kid)
})

test('every answer carries the security headers', async ({ server }) => {
  const asks = [
    { method: 'GET', path: '/health' },
    { method: 'GET', path: '/nothing' },
    { method: 'GET', path: '/graphql?query={__typename}' },
    { body: { query: '{ __typename }' } },
    { body: 'garbage' },
    { method: 'OPTIONS', headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'POST' } },
  ]
  for (const one of asks) {
    const { headers } = await ask(server.url, one)
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
    expect(headers['x-powered-by'] ?? headers.server).toBeUndefined()
  }
})

test('browsers are let in from pages of the server and of this machine, and from nowhere else', async ({ server }) => {
  const preflight = (origin: string) =>
    ask(server.url, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })
  for (const origin of [server.url, 'http://localhost:3000', 'http://127.0.0.1:5173', 'http://[::1]:80']) {
    expect((await preflight(origin)).headers['access-control-allow-origin'], origin).toBe(origin)
  }
  const strangers = [
    'https://evil.example',
    'http://localhost.evil.example',
    'null',
    'https://localhost:3000',
    'garbage',
  ]
  for (const origin of strangers) {
    const { headers } = await preflight(origin)
    expect(headers['access-control-allow-origin'], origin).toBeUndefined()
    expect(headers['access-control-allow-credentials'], origin).toBeUndefined()
  }
})
