import type { CryptoKey, JSONWebKeySet } from 'jose'
import { KEYS_MAX_AGE_MILLIS, type KeyStore, type LoadedKey, loadKeys, rotateKeys, signingKey } from './key-rotation.ts'

/** One key, ready to sign with. */
export interface Signer {
  readonly kid: string
  readonly algorithm: string
  readonly privateKey: CryptoKey
}

/** The public half of a key, with the one algorithm it is for. */
export interface Verifier {
  readonly algorithm: string
  readonly publicKey: CryptoKey
}

/** The keys that sign and verify access tokens, kept in the database so that every node knows every key. */
export interface KeySet {
  /** The key that signs now, of those known a minute ago at most; where there is none at all, it is made. */
  signer(): Promise<Signer>
  /**
   * The public key of an id, or null; of a key that was deleted from a minute later on. A strange id costs at most one
   * query in ten seconds.
   */
  verifier(kid: string): Promise<Verifier | null>
  /** The public halves, RFC 7517, as of a minute ago at most: also of keys that do not sign yet, or no longer. */
  jwks(): Promise<JSONWebKeySet>
  /**
   * Makes a key when the newest is `rotationSeconds` old or of another algorithm than the configured one, and deletes
   * those whose successor signs for longer than `overlapSeconds`. Of many nodes at once, one makes it.
   */
  rotate(): Promise<void>
}

const RELOAD_PAUSE_MILLIS = 10_000

/** A key set over the keys of the database. Its promises reject with `SigningKeySealedOtherwise` where those are not ours. */
export function createKeySet(store: KeyStore): KeySet {
  const { clock, settings } = store
  const { keys, knownKeys, forget } = remembered(store)
  const rotate = async () => {
    await rotateKeys(store)
    forget()
  }
  const current = async () => signingKey(await keys(KEYS_MAX_AGE_MILLIS), clock.now(), settings.signingKeys)
  const find = (list: readonly LoadedKey[], kid: string) => list.find((key) => key.kid === kid)
  return {
    rotate,
    signer: async () => {
      const signer = (await current()) ?? (await rotate().then(current))
      if (signer === undefined) throw new Error('No signing key')
      return signer
    },
    verifier: async (kid) => find(await knownKeys(), kid) ?? find(await keys(RELOAD_PAUSE_MILLIS), kid) ?? null,
    jwks: async () => ({ keys: (await keys(KEYS_MAX_AGE_MILLIS)).map((key) => key.publicJwk) }),
  }
}

/** The keys as loaded once for all who ask within the age they allow. */
function remembered(store: KeyStore) {
  let loaded: Promise<readonly LoadedKey[]> | undefined
  let known: typeof loaded
  let loadedAt = 0

  const keys = (maxAgeMillis: number): Promise<readonly LoadedKey[]> => {
    const now = store.clock.now().getTime()
    if (loaded === undefined || now - loadedAt >= maxAgeMillis) {
      loadedAt = now
      const load = loadKeys(store)
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
  return {
    keys,
    /** Those known before where they cannot be loaded again. */
    knownKeys: () =>
      keys(KEYS_MAX_AGE_MILLIS).catch((error: unknown) => {
        if (known === undefined) throw error
        return known
      }),
    forget: () => {
      loadedAt = Number.NEGATIVE_INFINITY
    },
  }
}
