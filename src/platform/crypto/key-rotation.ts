import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { type Kysely, sql as raw } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Tables } from '../database/tables.ts'
import type { Settings } from '../settings.ts'
import type { SealedBox } from './sealed-box.ts'

/** How long a node goes on with the keys it knows before it looks for others. */
export const KEYS_MAX_AGE_MILLIS = 60_000

/** The settings that say when keys are made, sign and go. */
export type KeySettings = Pick<Settings, 'accessTokens' | 'signingKeys'>

/** Where keys are kept, what seals them, and by which clock and settings they come and go. */
export interface KeyStore {
  readonly sql: Kysely<Tables>
  readonly box: SealedBox
  readonly clock: Clock
  readonly settings: KeySettings
}

/** A key as it is in memory. */
export interface LoadedKey {
  readonly kid: string
  readonly algorithm: string
  readonly createdAt: Date
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly publicJwk: JWK
}

/** What decides on a key: nothing of it is secret. */
type Dated = Pick<LoadedKey, 'kid' | 'algorithm' | 'createdAt'>

/** The database holds keys that another SIGNING_KEY_SECRET sealed. */
export class SigningKeySealedOtherwise extends Error {
  constructor() {
    super('SIGNING_KEY_SECRET is not the one that sealed the signing keys in this database. Start with that one.')
  }
}

/**
 * Of keys, the newest first, the one that signs: the newest that was published for `aheadSeconds`. Before any was, the
 * oldest: that one is known to the most. So no key signs again after a later one did, whatever the configuration was.
 */
export function signingKey<Key extends Dated>(
  keys: readonly Key[],
  now: Date,
  { aheadSeconds }: KeySettings['signingKeys'],
): Key | undefined {
  return keys.find((key) => ageMillis(key, now) >= aheadSeconds * 1_000) ?? keys.at(-1)
}

/** All keys, the newest first. @throws {SigningKeySealedOtherwise} */
export async function loadKeys({ sql, box }: KeyStore): Promise<readonly LoadedKey[]> {
  const rows = await sql.selectFrom('signing_key').selectAll().orderBy('created_at', 'desc').orderBy('kid').execute()
  return Promise.all(
    rows.map(async (row) => {
      const privateJwk = await box.open(row.sealed_private_jwk)
      if (privateJwk === null) throw new SigningKeySealedOtherwise()
      return {
        kid: row.kid,
        algorithm: row.algorithm,
        createdAt: row.created_at,
        publicJwk: row.public_jwk as JWK,
        privateKey: (await importJWK(privateJwk as JWK, row.algorithm)) as CryptoKey,
        publicKey: (await importJWK(row.public_jwk as JWK, row.algorithm)) as CryptoKey,
      }
    }),
  )
}

/**
 * Makes a key if one is due, one however many nodes do so at once, and deletes those whose time is over.
 * @throws {SigningKeySealedOtherwise} before it changes anything: a key of another secret would stop all other nodes.
 */
export async function rotateKeys(store: KeyStore): Promise<void> {
  const { sql, clock, settings } = store
  const isDue = (keys: readonly Dated[]) => isKeyDue(keys[0], clock.now(), settings)
  if (isDue(await loadKeys(store))) {
    const made = await makeKey(store)
    await sql.transaction().execute(async (tx) => {
      // Conflicts with itself and with no reader: who comes second sees the key of who came first.
      await raw`lock table signing_key in share row exclusive mode`.execute(tx)
      if (!isDue(await datedKeys(tx))) return
      // The time of publication, not of the making: from it on, others can learn of the key.
      await tx
        .insertInto('signing_key')
        .values({ ...made, created_at: clock.now() })
        .execute()
    })
  }
  const over = keysOver(await datedKeys(sql), clock.now(), settings).map(({ kid }) => kid)
  if (over.length > 0) await sql.deleteFrom('signing_key').where('kid', 'in', over).execute()
}

async function datedKeys(sql: Pick<Kysely<Tables>, 'selectFrom'>): Promise<readonly Dated[]> {
  return sql
    .selectFrom('signing_key')
    .select(['kid', 'algorithm', 'created_at as createdAt'])
    .orderBy('created_at', 'desc')
    .orderBy('kid')
    .execute()
}

function isKeyDue(newest: Dated | undefined, now: Date, { accessTokens, signingKeys }: KeySettings): boolean {
  if (newest === undefined || newest.algorithm !== accessTokens.algorithm) return true
  return ageMillis(newest, now) > signingKeys.rotationSeconds * 1_000
}

/** Keys that no token needs: their successors sign for longer than the overlap, and than any token of theirs may live. */
function keysOver(keys: readonly Dated[], now: Date, { accessTokens, signingKeys }: KeySettings): readonly Dated[] {
  const { aheadSeconds, overlapSeconds } = signingKeys
  // Where ahead is less than that, a node may sign with the old key until it looks for others.
  const needed = Math.max(overlapSeconds * 1_000, accessTokens.ttlSeconds * 1_000 + KEYS_MAX_AGE_MILLIS)
  return keys.filter((_key, index) => {
    const successor = keys[index - 1]
    return successor !== undefined && ageMillis(successor, now) - aheadSeconds * 1_000 > needed
  })
}

function ageMillis({ createdAt }: Dated, now: Date): number {
  return now.getTime() - createdAt.getTime()
}

/** A key pair of the configured algorithm, its private half sealed: RSA of 2,048 bits (NIST SP 800-57, 112 bits), P-256 or Ed25519. */
async function makeKey({ box, settings }: KeyStore) {
  const { algorithm } = settings.accessTokens
  const pair = await generateKeyPair(algorithm, { extractable: true, modulusLength: 2_048 })
  const publicJwk = await exportJWK(pair.publicKey)
  const kid = await calculateJwkThumbprint(publicJwk)
  return {
    kid,
    algorithm,
    public_jwk: { ...publicJwk, kid, alg: algorithm, use: 'sig' },
    sealed_private_jwk: await box.seal(await exportJWK(pair.privateKey)),
  }
}
