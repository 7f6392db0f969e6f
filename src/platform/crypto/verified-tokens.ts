import { LRUCache } from 'lru-cache'
import { sha256Hex } from '../../lib/hash.ts'
import type { Clock } from '../clock.ts'
import type { KeySet } from './key-set.ts'

/** What came of a check; `good` is null unless the token may be taken for good until then, while its key is published. */
export interface Checked<Answer> {
  readonly answer: Answer
  readonly good: { readonly kid: string; readonly expiresAt: Date } | null
}

/** How often signatures were checked, and how often that was saved. */
export interface CheckCounts {
  readonly checks: number
  readonly hits: number
}

/** The memory of tokens that passed their check. */
export interface VerifiedTokens<Answer> {
  /**
   * The answer to a token: that of its first check until it expires or its key is gone, which is noticed within a minute.
   * Several who ask at once share one check. What fails is checked anew each time.
   */
  answer(token: string, check: () => Promise<Checked<Answer>>): Promise<Answer>
  counts(): CheckCounts
}

/** A memory of at most `maxTokens`, the least recently used forgotten first; it holds their hashes, not the tokens. */
export function createVerifiedTokens<Answer>(options: {
  readonly keys: Pick<KeySet, 'verifier'>
  readonly clock: Clock
  readonly maxTokens: number
}): VerifiedTokens<Answer> {
  const { keys, clock, maxTokens } = options
  const good = new LRUCache<string, Checked<Answer>>({ max: maxTokens })
  const underWay = new Map<string, Promise<Checked<Answer>>>()
  let [checks, hits] = [0, 0]

  const isStillGood = async ({ good: until }: Checked<Answer>) =>
    until !== null && clock.now() < until.expiresAt && (await keys.verifier(until.kid)) !== null
  const checkOnce = async (hash: string, check: () => Promise<Checked<Answer>>) => {
    checks += 1
    try {
      const checked = await check()
      if (checked.good !== null) good.set(hash, checked)
      return checked
    } finally {
      underWay.delete(hash)
    }
  }
  return {
    answer: async (token, check) => {
      // Two microseconds for a kilobyte, where the check of an RSA signature takes a hundred.
      const hash = sha256Hex(token)
      const known = good.get(hash)
      if (known !== undefined) {
        if (await isStillGood(known)) {
          hits += 1
          return known.answer
        }
        good.delete(hash)
      }
      const shared = underWay.get(hash)
      if (shared !== undefined) hits += 1
      const checking = shared ?? checkOnce(hash, check)
      underWay.set(hash, checking)
      return (await checking).answer
    },
    counts: () => ({ checks, hits }),
  }
}
