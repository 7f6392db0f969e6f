import { jwtVerify, SignJWT } from 'jose'
import type { Kysely } from 'kysely'
import { expect } from 'vitest'
import { type KeySettings, SigningKeySealedOtherwise } from '../../src/platform/crypto/key-rotation.ts'
import { createKeySet } from '../../src/platform/crypto/key-set.ts'
import { createSealedBox } from '../../src/platform/crypto/sealed-box.ts'
import type { Tables } from '../../src/platform/database/tables.ts'
import { defaultSettings } from '../../src/platform/settings.ts'
import { movableClock } from '../kit/fakes.ts'
import { testSecrets } from '../kit/lane.ts'
import { startServer, type TestServer } from '../kit/server.ts'
import { test as base } from '../kit/test.ts'

const test = base.extend<{ own: TestServer }>({
  own: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
    async ({}, use) => {
      const server = await startServer()
      await use(server)
      await server.close()
    },
    { scope: 'file' },
  ],
})

const box = createSealedBox(Buffer.from(testSecrets.SIGNING_KEY_SECRET, 'base64'))
const settings: KeySettings = {
  accessTokens: { ...defaultSettings.accessTokens, issuer: 'http://issuer.test', audience: [] },
  signingKeys: defaultSettings.signingKeys,
}
const keySetOf = (sql: Kysely<Tables>, clock = movableClock()) => createKeySet({ sql, box, clock, settings })

test('every node signs with the same key, kept sealed, and publishes its public half only', async ({ own }) => {
  const { database, signingKeys } = own.app.platform
  const other = keySetOf(database.unscoped)
  const [signer, theirs] = [await signingKeys.signer(), await other.signer()]
  expect(theirs.kid).toBe(signer.kid)

  const token = await new SignJWT({}).setProtectedHeader({ alg: signer.algorithm }).sign(signer.privateKey)
  const verifier = await other.verifier(signer.kid)
  if (verifier === null) throw new Error('The other node does not know the key')
  await expect(jwtVerify(token, verifier.publicKey)).resolves.toBeDefined()

  const { keys } = await signingKeys.jwks()
  expect(keys).toEqual([{ kty: 'RSA', n: expect.any(String), e: 'AQAB', kid: signer.kid, alg: 'RS256', use: 'sig' }])
  expect(Buffer.from(keys[0]?.n ?? '', 'base64url').length * 8).toBeGreaterThanOrEqual(2_048)
  const rows = await database.unscoped.selectFrom('signing_key').selectAll().execute()
  expect(JSON.stringify(rows)).not.toMatch(/"(d|p|q|dp|dq|qi)":/)
  expect(rows[0]?.sealed_private_jwk).toMatch(/^eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/)
})

test('a strange key id costs one query in ten seconds, whoever asks', async ({ own }) => {
  const { database } = own.app.platform
  const clock = movableClock()
  const keys = keySetOf(database.unscoped, clock)
  await keys.signer()
  const statementsOf = async (work: () => Promise<unknown>) => {
    const before = database.statementCount()
    await work()
    return database.statementCount() - before
  }
  const ask = () => Promise.all(Array.from({ length: 50 }, (_, index) => keys.verifier(`strange-${index}`)))
  clock.advance({ seconds: 11 })
  expect(await statementsOf(ask)).toBe(1)
  expect(await statementsOf(ask)).toBe(0)
  clock.advance({ seconds: 11 })
  expect(await statementsOf(ask)).toBe(1)
})

test('a key that another node made verifies and is published here within a minute, and signs ten minutes later', async ({
  own,
}) => {
  const { unscoped } = own.app.platform.database
  const clock = movableClock()
  const keys = keySetOf(unscoped, clock)
  const before = (await keys.signer()).kid
  const future = movableClock()
  future.advance({ seconds: 30 })
  const kept = await unscoped.deleteFrom('signing_key').returningAll().execute()
  const newer = await keySetOf(unscoped, future).signer()
  await unscoped.insertInto('signing_key').values(kept).execute()
  const published = async () => (await keys.jwks()).keys.map((key) => key.kid)

  clock.advance({ seconds: 50 })
  expect(await published()).not.toContain(newer.kid)
  expect(await keys.verifier(newer.kid)).toMatchObject({ algorithm: 'RS256' })
  clock.advance({ seconds: 11 })
  expect(await published()).toEqual(expect.arrayContaining([before, newer.kid]))
  expect((await keys.signer()).kid).toBe(before)
  expect((await keySetOf(unscoped, clock).signer()).kid).toBe(before)
  clock.advance({ minutes: 10 })
  expect((await keys.signer()).kid).toBe(newer.kid)
  expect((await keySetOf(unscoped, clock).signer()).kid).toBe(newer.kid)
  await unscoped.deleteFrom('signing_key').where('kid', '=', newer.kid).execute()
})

test('keys that cannot be loaded again are still known', async ({ own }) => {
  const { unscoped } = own.app.platform.database
  const clock = movableClock()
  const keys = keySetOf(unscoped, clock)
  const { kid } = await keys.signer()
  const damaged = {
    kid: 'damaged',
    algorithm: 'RS256',
    public_jwk: {},
    sealed_private_jwk: 'no box',
    created_at: new Date(0),
  }
  await unscoped.insertInto('signing_key').values(damaged).execute()
  clock.advance({ seconds: 61 })
  await expect(keys.jwks()).rejects.toThrow(SigningKeySealedOtherwise)
  expect(await keys.verifier(kid)).not.toBeNull()
  clock.advance({ seconds: 61 })
  expect(await keys.verifier(kid)).not.toBeNull()
  await unscoped.deleteFrom('signing_key').where('kid', '=', 'damaged').execute()
})

test('keys sealed with another secret are an error that says so, and is not remembered', async ({ own }) => {
  const { unscoped } = own.app.platform.database
  const clock = movableClock()
  const stranger = createKeySet({ sql: unscoped, box: createSealedBox(Buffer.alloc(32, 'x')), clock, settings })
  await expect(stranger.signer()).rejects.toThrow(SigningKeySealedOtherwise)
  await expect(stranger.signer()).rejects.toThrow('SIGNING_KEY_SECRET')

  // A key of its own among the others would stop every node that starts after it.
  const before = await unscoped.selectFrom('signing_key').select('kid').execute()
  clock.advance({ days: 31 })
  await expect(stranger.rotate()).rejects.toThrow(SigningKeySealedOtherwise)
  expect(await unscoped.selectFrom('signing_key').select('kid').execute()).toEqual(before)
})
