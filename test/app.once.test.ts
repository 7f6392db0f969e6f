import { expect } from 'vitest'
import { banner } from '../src/banner.ts'
import { loadConfig } from '../src/config.ts'
import { test } from './kit/test.ts'

test('on a free port links lead to that port, while the issuer of tokens is the same after a restart', ({ server }) => {
  const { publicUrl, accessTokens } = server.app.platform.settings
  expect(publicUrl).toBe(`http://localhost:${new URL(server.url).port}`)
  expect(accessTokens).toMatchObject({ issuer: 'http://localhost:0', audience: ['http://localhost:0'] })
})

test.each([
  ['http://0.0.0.0:4000', 'http://localhost:4000'],
  ['http://[::]:4000', 'http://localhost:4000'],
  ['http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
  ['http://10.0.0.0:4000', 'http://10.0.0.0:4000'],
])('a server that listens at %s is announced at %s', (listening, announced) => {
  expect(banner(loadConfig({}), listening, null)).toContain(`GraphiQL  ${announced}/graphql\n`)
})

test('services are announced without their credentials, a socket by its directory', () => {
  const secret = Buffer.alloc(32).toString('hex')
  const config = loadConfig({
    DATABASE_URL: 'postgres:///graph?host=/run/postgresql&user=ocean&password=word',
    REDIS_URL: 'redis://:word@cache.example.org:6380',
    PUBLIC_URL: 'https://ocean.example.org',
    SIGNING_KEY_SECRET: secret,
    REFRESH_TOKEN_SECRET: secret,
  })
  const text = banner(config, 'http://0.0.0.0:4000', null)
  expect(text).toContain('Database  /run/postgresql/graph\n')
  expect(text).toContain('Channels  Redis at cache.example.org:6380\n')
  expect(text).not.toContain('word')
})
