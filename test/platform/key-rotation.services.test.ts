import { expect, test } from 'vitest'
import { createKeySet } from '../../src/platform/crypto/key-set.ts'
import { createSealedBox } from '../../src/platform/crypto/sealed-box.ts'
import type { Settings } from '../../src/platform/settings.ts'
import { movableClock } from '../kit/fakes.ts'
import { testSecrets } from '../kit/lane.ts'
import { startServer, type TestServer } from '../kit/server.ts'

/** Key sets of several nodes on the server's database. */
function nodesOn({ app }: TestServer, accessTokens: Partial<Settings['accessTokens']>, clock = movableClock()) {
  const { database, settings } = app.platform
  return Array.from({ length: 8 }, () =>
    createKeySet({
      sql: database.unscoped,
      box: createSealedBox(Buffer.from(testSecrets.SIGNING_KEY_SECRET, 'base64')),
      clock,
      settings: { ...settings, accessTokens: { ...settings.accessTokens, ...accessTokens } },
    }),
  )
}

test('of nodes that rotate at once, one makes the key', async () => {
  const server = await startServer()
  const { unscoped } = server.app.platform.database
  const algorithms = async () =>
    (await unscoped.selectFrom('signing_key').select('algorithm').orderBy('created_at').execute()).map(
      (row) => row.algorithm,
    )
  // Their keys are made in no time, so that all come to the insert together.
  for (const algorithm of ['EdDSA', 'ES256'] as const) {
    await Promise.all(nodesOn(server, { algorithm }).map((node) => node.rotate()))
  }
  expect(await algorithms()).toEqual(['RS256', 'EdDSA', 'ES256'])

  const clock = movableClock()
  clock.advance({ days: 30, seconds: 1 })
  await Promise.all(nodesOn(server, { algorithm: 'ES256' }, clock).map((node) => node.rotate()))
  expect(await algorithms()).toEqual(['ES256', 'ES256'])

  await unscoped.deleteFrom('signing_key').execute()
  const signers = await Promise.all(nodesOn(server, { algorithm: 'EdDSA' }).map((node) => node.signer()))
  expect(new Set(signers.map((signer) => signer.kid)).size).toBe(1)
  expect(await algorithms()).toEqual(['EdDSA'])
  await server.close()
})
