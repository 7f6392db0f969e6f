import { exportSPKI, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { expect } from 'vitest'
import { CreateProjectDocument, ProjectsDocument, ViewerDocument } from '../../../gql/graphql.ts'
import { createTestClient } from '../../../kit/client.ts'
import { test } from '../../../kit/clocked.ts'
import { setRole } from '../../../kit/inside.ts'
import type { Person } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'

type Claims = Record<string, unknown>

interface Changes {
  readonly header?: Record<string, unknown>
  readonly claims?: Claims
  readonly key?: Parameters<SignJWT['sign']>[0]
}

const notValid = 'The access token is not valid.'

/** A person's token signed anew by the server's own key, or another, with some things changed; undefined leaves one out. */
async function resigned(server: TestServer, person: Person, changes: Changes = {}): Promise<string> {
  const signer = await server.app.platform.signingKeys.signer()
  const header = { alg: signer.algorithm, kid: signer.kid, typ: 'at+jwt', ...changes.header }
  return new SignJWT({ ...claimsOf(person), ...changes.claims })
    .setProtectedHeader(header)
    .sign(changes.key ?? signer.privateKey)
}

function claimsOf(person: Person): Claims {
  return JSON.parse(Buffer.from(person.tokens.accessToken.split('.')[1] ?? '', 'base64url').toString())
}

/** What the server says to a token: `admitted`, or why not. */
async function answerTo(server: TestServer, accessToken: string): Promise<string> {
  const { errors } = await createTestClient(server.url, () => accessToken).send(ProjectsDocument, {})
  if (errors === undefined) return 'admitted'
  expect(errors[0]?.extensions.code).toBe('UNAUTHENTICATED')
  return errors[0]?.message ?? ''
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a token is what RFC 9068 says, and holds no secret', async ({ clocked: server, alice }) => {
  const [header] = alice.tokens.accessToken.split('.').map((part) => Buffer.from(part, 'base64url').toString())
  const { kid } = await server.app.platform.signingKeys.signer()
  expect(JSON.parse(header ?? '')).toEqual({ alg: 'RS256', kid, typ: 'at+jwt' })
  const { issuer, audience } = server.app.platform.settings.accessTokens
  const claims = claimsOf(alice)
  expect(claims).toEqual({
    sub: alice.userId,
    org: alice.organizationId,
    sid: expect.stringMatching(/^device_session_/),
    role: 'OWNER',
    iss: issuer,
    aud: audience,
    jti: expect.any(String),
    iat: expect.any(Number),
    exp: expect.any(Number),
  })
  expect(Number(claims.exp) - Number(claims.iat)).toBe(900)
})

test('a token signed anew by our key with the same claims is admitted', async ({ clocked: server, alice }) => {
  expect(await answerTo(server, await resigned(server, alice))).toBe('admitted')
})

test('a token is over after 15 minutes, and its holder is told so', async ({ clocked: server, alice }) => {
  server.clock.advance({ minutes: 14 })
  expect(await answerTo(server, alice.tokens.accessToken)).toBe('admitted')
  server.clock.advance({ minutes: 1, seconds: 1 })
  expect(await answerTo(server, alice.tokens.accessToken)).toBe('The access token has expired.')
})

test('no token chooses how it is checked', async ({ clocked: server, alice }) => {
  const [header = '', payload = '', signature = ''] = alice.tokens.accessToken.split('.')
  const { keys } = (await (await fetch(`${server.url}/.well-known/jwks.json`)).json()) as { keys: JWK[] }
  const publicKey = await importJWK({ ...keys[0] }, 'RS256')
  if (publicKey instanceof Uint8Array) throw new Error('The key set holds a secret')
  const pem = new TextEncoder().encode(await exportSPKI(publicKey))
  const ownKeys = await generateKeyPair('RS256')
  const ownElliptic = await generateKeyPair('ES256')
  const { kid } = await server.app.platform.signingKeys.signer()
  const forgeries = {
    'alg none': `${encoded({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.`,
    'alg None': `${encoded({ alg: 'None', typ: 'at+jwt', kid })}.${payload}.${signature}`,
    'no signature': `${header}.${payload}.`,
    'HS256 with the public key': await resigned(server, alice, { header: { alg: 'HS256' }, key: pem }),
    'another key under our kid': await resigned(server, alice, { key: ownKeys.privateKey }),
    'another algorithm under our kid': await resigned(server, alice, {
      header: { alg: 'ES256' },
      key: ownElliptic.privateKey,
    }),
    'RS512 by our own key': `${encoded({ alg: 'RS512', typ: 'at+jwt', kid })}.${payload}.${signature}`,
    'a key brought along': await resigned(server, alice, {
      header: { kid: 'mine', jwk: { kty: 'RSA', n: 'AQAB', e: 'AQAB' } },
      key: ownKeys.privateKey,
    }),
    'a key to be fetched': await resigned(server, alice, {
      header: { kid: 'mine', jku: `${server.url}/.well-known/jwks.json` },
      key: ownKeys.privateKey,
    }),
    'an unknown critical extension': `${encoded({ alg: 'RS256', typ: 'at+jwt', kid, crit: ['mine'], mine: 1 })}.${payload}.${signature}`,
    'the same bytes and one more part': `${alice.tokens.accessToken}.`,
  }
  for (const [name, token] of Object.entries(forgeries)) {
    expect([name, await answerTo(server, token)]).toEqual([name, notValid])
  }
})

test('only a whole token of this server for this server is admitted', async ({ clocked: server, alice }) => {
  const changes: Record<string, Changes> = {
    'no kid': { header: { kid: undefined } },
    'a strange kid': { header: { kid: 'strange' } },
    'no type': { header: { typ: undefined } },
    'an ID token': { header: { typ: 'JWT' } },
    'another issuer': { claims: { iss: 'https://elsewhere.example' } },
    'no issuer': { claims: { iss: undefined } },
    'another audience': { claims: { aud: ['https://elsewhere.example'] } },
    'no audience': { claims: { aud: undefined } },
    'no end': { claims: { exp: undefined } },
    'an end that is no number': { claims: { exp: '9999999999' } },
    'not yet': { claims: { nbf: Number(claimsOf(alice).iat) + 600 } },
    'no subject': { claims: { sub: undefined } },
    'another noun as subject': { claims: { sub: alice.organizationId } },
    'a subject of another shape': { claims: { sub: { $ne: null } } },
    'no session': { claims: { sid: undefined } },
    'no organization': { claims: { org: '' } },
  }
  for (const [name, change] of Object.entries(changes)) {
    expect([name, await answerTo(server, await resigned(server, alice, change))]).toEqual([name, notValid])
  }
})

test('a changed payload is refused', async ({ clocked: server, alice, stranger }) => {
  const [header = '', , signature = ''] = alice.tokens.accessToken.split('.')
  const changed = encoded({ ...claimsOf(alice), org: stranger.organizationId })
  expect(await answerTo(server, `${header}.${changed}.${signature}`)).toBe(notValid)
})

test('a session, its person and their organization belong together', async ({ clocked: server, alice, stranger }) => {
  for (const name of ['sub', 'org', 'sid']) {
    const mixed = await resigned(server, alice, { claims: { [name]: claimsOf(stranger)[name] } })
    expect([name, await answerTo(server, mixed)]).toEqual([name, expect.stringMatching(/ended|no longer a member/)])
  }
})

test('a token over 8 KiB is refused before it is read', async ({ clocked: server, alice }) => {
  const long = await resigned(server, alice, { claims: { pad: 'x'.repeat(4_000) } })
  expect(long.length).toBeLessThan(8 * 1024)
  expect(await answerTo(server, long)).toBe('admitted')
  const tooLong = await resigned(server, alice, { claims: { pad: 'x'.repeat(6_000) } })
  expect(tooLong.length).toBeGreaterThan(8 * 1024)
  expect(await answerTo(server, tooLong)).toBe(notValid)
})

test('other headers than a bearer token are refused with the reason', async ({ clocked: server, alice }) => {
  const send = async (authorization: string) => {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', authorization },
      body: JSON.stringify({ query: '{ viewer { role } }' }),
    })
    const { data, errors } = (await response.json()) as { data: unknown; errors?: { message: string }[] }
    return errors?.[0]?.message ?? data
  }
  const { accessToken } = alice.tokens
  expect(await send(`bearer  ${accessToken}`)).toEqual({ viewer: { role: 'OWNER' } })
  for (const header of [accessToken, `Basic ${accessToken}`, 'Bearer', `Bearer ${accessToken} x`]) {
    expect(await send(header)).toBe('The Authorization header is not a bearer token.')
  }
})

test('the role is the one of the database, whatever the token says', async ({ clocked: server, bob }) => {
  const create = async () => {
    const { data, errors } = await bob.send(CreateProjectDocument, { input: { name: 'Mine' } })
    return errors?.[0]?.extensions.code ?? data?.createProject?.__typename
  }
  expect(await create()).toBe('Project')
  await setRole(server, bob, 'VIEWER')
  expect((await bob.query(ViewerDocument, {})).viewer).toMatchObject({
    role: 'VIEWER',
    permissions: expect.not.arrayContaining(['project.create']),
  })
  expect(await create()).toBe('FORBIDDEN')
  Object.assign(bob.tokens, { accessToken: await resigned(server, bob, { claims: { role: 'OWNER' } }) })
  expect(await create()).toBe('FORBIDDEN')
  await setRole(server, bob, 'ADMIN')
  expect(await create()).toBe('Project')
})
