import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose'
import { expect } from 'vitest'
import { createApp } from '../../src/app.ts'
import { createKeySet } from '../../src/platform/crypto/key-set.ts'
import { createSealedBox } from '../../src/platform/crypto/sealed-box.ts'
import { signingKeyRotation } from '../../src/platform/crypto/signing-key.jobs.ts'
import { ProjectsDocument } from '../gql/graphql.ts'
import { createTestClient } from '../kit/client.ts'
import { test } from '../kit/clocked.ts'
import { cheapPasswords, movableClock } from '../kit/fakes.ts'
import { testSecrets } from '../kit/lane.ts'
import { signIn, signUp } from '../kit/people.ts'
import { startServer, type TestServer } from '../kit/server.ts'

type Running = Pick<TestServer, 'app' | 'url'>

const kidOf = (token: string) => decodeProtectedHeader(token).kid

/** The ids of the keys that everybody can fetch. */
async function published({ url }: Running): Promise<(string | undefined)[]> {
  const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid?: string }[] }
  return keys.map((key) => key.kid)
}

/** The published keys, after a run of the job by the real queue. */
async function rotate(server: Running): Promise<(string | undefined)[]> {
  const { database, jobs } = server.app.platform
  await database.unscoped.transaction().execute((tx) => jobs.enqueue(tx, signingKeyRotation, {}))
  jobs.wake([signingKeyRotation.name])
  await jobs.idle(15_000)
  return published(server)
}

async function answerTo({ url }: Running, accessToken: string): Promise<string> {
  const { errors } = await createTestClient(url, () => accessToken).send(ProjectsDocument, {})
  return errors?.[0]?.message ?? 'admitted'
}

async function tokenFor(server: Running, email: string): Promise<string> {
  const person = await signIn(server, email)
  await person.close()
  return person.tokens.accessToken
}

test('a key is followed by another after 30 days, published before it signs and after it has signed', async ({
  clocked: server,
  alice,
}) => {
  const old = await server.app.platform.signingKeys.signer()
  expect(await rotate(server)).toEqual([old.kid])
  server.clock.advance({ days: 29, hours: 23 })
  expect(await rotate(server)).toEqual([old.kid])

  server.clock.advance({ hours: 1, seconds: 30 })
  const both = await rotate(server)
  expect(both).toEqual([expect.any(String), old.kid])
  const [next = ''] = both
  expect(next).not.toBe(old.kid)
  expect(await rotate(server)).toEqual(both)
  server.clock.advance({ minutes: 9, seconds: 50 })
  const last = await tokenFor(server, alice.email)
  expect(kidOf(last)).toBe(old.kid)
  server.clock.advance({ seconds: 20 })
  expect(kidOf(await tokenFor(server, alice.email))).toBe(next)
  server.clock.advance({ minutes: 14 })
  expect(await answerTo(server, last)).toBe('admitted')

  server.clock.advance({ hours: 23, minutes: 45 })
  expect(await rotate(server)).toEqual(both)
  const { payload } = await jwtVerify(await tokenFor(server, alice.email), createRemoteJWKSet(keysOf(server)), {
    currentDate: server.clock.now(),
  })
  const byOld = () =>
    new SignJWT({ ...payload, jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: old.algorithm, kid: old.kid, typ: 'at+jwt' })
      .sign(old.privateKey)
  const used = await byOld()
  expect(await answerTo(server, used)).toBe('admitted')
  server.clock.advance({ minutes: 2 })
  expect(await rotate(server)).toEqual([next])
  expect(await answerTo(server, await byOld())).toBe('The access token is not valid.')
  expect(await answerTo(server, used)).toBe('The access token is not valid.')
})

const keysOf = (server: Running) => new URL(`${server.url}/.well-known/jwks.json`)

test.each(['RS256', 'ES256', 'EdDSA'])('a third party verifies %s with the published keys', async (algorithm) => {
  const server = await startServer({ environment: { ACCESS_TOKEN_ALGORITHM: algorithm } })
  // The database may hold an RSA key already: the new one then waits until everybody knows it.
  server.clock.advance({ minutes: 11 })
  const alice = await signUp(server, 'Alice')
  const { issuer, audience } = server.config.settings.accessTokens
  const { protectedHeader, payload } = await jwtVerify(alice.tokens.accessToken, createRemoteJWKSet(keysOf(server)), {
    issuer,
    audience: [...audience],
    typ: 'at+jwt',
    algorithms: [algorithm],
    currentDate: server.clock.now(),
  })
  expect(protectedHeader).toEqual({ alg: algorithm, typ: 'at+jwt', kid: expect.stringMatching(/^[\w-]{43}$/) })
  expect(payload).toMatchObject({ sub: alice.userId, org: alice.organizationId, role: 'OWNER' })
  expect(await answerTo(server, alice.tokens.accessToken)).toBe('admitted')
  await alice.close()
  await server.close()
})

test('another algorithm takes over across a restart, and no token is lost by it', async () => {
  const server = await startServer()
  const alice = await signUp(server, 'Alice')
  const { accessToken } = alice.tokens
  await alice.close()
  const restarted = async (algorithm: 'RS256' | 'ES256') => {
    const { settings } = server.config
    const config = {
      ...server.config,
      settings: { ...settings, accessTokens: { ...settings.accessTokens, algorithm } },
    }
    const app = await createApp(config, { clock: server.clock, mailer: server.mails, passwordCost: cheapPasswords })
    return { app, ...(await app.listen()) }
  }
  await server.app.close()

  const same = await restarted('RS256')
  expect(await published(same)).toEqual([kidOf(accessToken)])
  expect(kidOf(await tokenFor(same, alice.email))).toBe(kidOf(accessToken))
  expect(await answerTo(same, accessToken)).toBe('admitted')
  await same.app.close()

  const other = await restarted('ES256')
  expect(await published(other)).toEqual([expect.any(String), kidOf(accessToken)])
  expect(await answerTo(other, accessToken)).toBe('admitted')
  expect(kidOf(await tokenFor(other, alice.email))).toBe(kidOf(accessToken))
  server.clock.advance({ minutes: 10, seconds: 1 })
  expect(decodeProtectedHeader(await tokenFor(other, alice.email)).alg).toBe('ES256')
  expect(await answerTo(other, accessToken)).toBe('admitted')
  server.clock.advance({ days: 1, minutes: 1 })
  expect(await rotate(other)).toHaveLength(1)
  await other.app.close()
  await server.close()
})

test('a key stays while a token of it can be good, however short the overlap', async () => {
  const server = await startServer()
  const { settings, database } = server.app.platform
  const clock = movableClock()
  const keys = createKeySet({
    sql: database.unscoped,
    box: createSealedBox(Buffer.from(testSecrets.SIGNING_KEY_SECRET, 'base64')),
    clock,
    settings: { ...settings, signingKeys: { rotationSeconds: 3_600, aheadSeconds: 60, overlapSeconds: 0 } },
  })
  const { kid } = await keys.signer()
  clock.advance({ hours: 1, seconds: 1 })
  await keys.rotate()
  clock.advance({ seconds: 59 })
  expect((await keys.signer()).kid).toBe(kid)
  clock.advance({ minutes: 15, seconds: 30 })
  await keys.rotate()
  expect(await keys.verifier(kid)).not.toBeNull()
  clock.advance({ minutes: 1 })
  await keys.rotate()
  expect(await keys.verifier(kid)).toBeNull()
  await server.close()
})
