import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
} from 'jose'
import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Tables } from '../database/tables.ts'
import type { SealedBox } from './sealed-box.ts'

/** One key, ready to sign with. */
export interface Signer {
  readonly kid: string
  readonly algorithm: string
  readonly privateKey: CryptoKey
}

/** The keys that sign and verify access tokens, kept in the database so that every node knows every key. */
export interface KeySet {
  /** The newest key, as of a minute ago at most; the very first call on an empty database makes it. */
  signer(): Promise<Signer>
  /** The public key of an id with its one algorithm, or null. A strange id costs at most one query in ten seconds. */
  verifier(kid: string): Promise<{ algorithm: string; publicKey: CryptoKey } | null>
  /** The public halves, RFC 7517, as of a minute ago at most. */
  jwks(): Promise<JSONWebKeySet>
}

interface LoadedKey extends Signer {
  readonly publicKey: CryptoKey
  readonly publicJwk: JWK
}

const ALGORITHM = 'RS256'
const RELOAD_PAUSE_MILLIS = 10_000
// Another node that started at the same time may have made a key since: it must not stay unpublished for longer.
const MAX_AGE_MILLIS = 60_000

/** A key set whose private halves are sealed by `box`. */
export function createKeySet(options: { sql: Kysely<Tables>; box: SealedBox; clock: Clock }): KeySet {
  const { sql, box, clock } = options
  let loaded: Promise<readonly LoadedKey[]> | undefined
  let known: typeof loaded
  let loadedAt = 0

  const keys = (maxAgeMillis = Number.POSITIVE_INFINITY): Promise<readonly LoadedKey[]> => {
    const now = clock.now().getTime()
    if (loaded === undefined || now - loadedAt >= maxAgeMillis) {
      loadedAt = now
      const load = loadKeys(sql, box, clock)
      loaded = load
      // A failed load is not remembered: what was known stays known, and while nothing is the next caller tries again.
      load.then(
        () => {
          known = load
        },
        () => {
          if (loaded === load) loaded = known
        },
      )
    }
    return loaded
  }
  const find = (list: readonly LoadedKey[], kid: string) => list.find((key) => key.kid === kid)

  return {
    signer: async () => {
      const [newest] = await keys(MAX_AGE_MILLIS)
      if (newest === undefined) throw new Error('No signing key')
      return newest
    },
    verifier: async (kid) => find(await keys(), kid) ?? find(await keys(RELOAD_PAUSE_MILLIS), kid) ?? null,
    jwks: async () => ({ keys: (await keys(MAX_AGE_MILLIS)).map((key) => key.publicJwk) }),
  }
}

async function loadKeys(sql: Kysely<Tables>, box: SealedBox, clock: Clock): Promise<readonly LoadedKey[]> {
  const rows = await sql.selectFrom('signing_key').selectAll().orderBy('created_at', 'desc').orderBy('kid').execute()
  if (rows.length === 0) {
    await insertNewKey(sql, box, clock)
    return loadKeys(sql, box, clock)
  }
  return Promise.all(
    rows.map(async (row) => {
      const privateJwk = await box.open(row.sealed_private_jwk)
      if (privateJwk === null) throw new SigningKeySealedOtherwise()
      return {
        kid: row.kid,
        algorithm: row.algorithm,
        publicJwk: row.public_jwk as JWK,
        privateKey: (await importJWK(privateJwk as JWK, row.algorithm)) as CryptoKey,
        publicKey: (await importJWK(row.public_jwk as JWK, row.algorithm)) as CryptoKey,
      }
    }),
  )
}

/** The database holds keys that another SIGNING_KEY_SECRET sealed. */
export class SigningKeySealedOtherwise extends Error {
  constructor() {
    super('SIGNING_KEY_SECRET is not the one that sealed the signing keys in this database. Start with that one.')
  }
}

// Two nodes starting at once on an empty database each make a key: both verify everywhere, and within a minute the newer one
// signs everywhere.
async function insertNewKey(sql: Kysely<Tables>, box: SealedBox, clock: Clock): Promise<void> {
  const pair = await generateKeyPair(ALGORITHM, { extractable: true, modulusLength: 2048 })
  const publicJwk = await exportJWK(pair.publicKey)
  const kid = await calculateJwkThumbprint(publicJwk)
  await sql
    .insertInto('signing_key')
    .values({
      kid,
      algorithm: ALGORITHM,
      public_jwk: { ...publicJwk, kid, alg: ALGORITHM, use: 'sig' },
      sealed_private_jwk: await box.seal(await exportJWK(pair.privateKey)),
      created_at: clock.now(),
    })
    .execute()
}
