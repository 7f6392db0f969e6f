import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import type { Clock } from '../../src/platform/clock.ts'
import { RateLimited } from '../../src/platform/errors.ts'
import type { RateLimit, RateLimits } from '../../src/platform/rate-limit.ts'
import { standingClock } from '../kit/fakes.ts'

/** A rule that no other test uses. */
export const newRule = (points: number, windowSeconds = 60): RateLimit => ({
  name: `rule-${randomUUID()}`,
  points,
  windowSeconds,
})

/** Uses a rule so often, all at once, and answers how many were let through and when the others may come back. */
export async function use(limits: RateLimits, rule: RateLimit, key: string, times: number) {
  const outcomes = await Promise.allSettled(Array.from({ length: times }, () => limits.consume(rule, key)))
  const refusals = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason)
  for (const refusal of refusals) expect(refusal).toBeInstanceOf(RateLimited)
  return {
    admitted: times - refusals.length,
    retryAfterSeconds: [...new Set(refusals.map((refusal: RateLimited) => refusal.retryAfterSeconds))],
  }
}

/** What every adapter of the limits promises; `open` makes those of one node. */
export function rateLimitContract(name: string, open: (clock: Clock) => RateLimits): void {
  const opened: RateLimits[] = []
  const node = async (clock: Clock): Promise<RateLimits> => {
    const limits = open(clock)
    opened.push(limits)
    await limits.connected()
    return limits
  }
  afterEach(async () => {
    for (const limits of opened.splice(0)) await limits.close()
  })

  describe(name, () => {
    test('as many as the rule says are let through, also at once, and the others told when to come back', async () => {
      const clock = standingClock()
      const limits = await node(clock)
      clock.advance({ seconds: 12.5 })
      expect(await use(limits, newRule(5), 'key', 50)).toEqual({ admitted: 5, retryAfterSeconds: [48] })
    })

    test('there is room again when the clock says so, and not before', async () => {
      const clock = standingClock()
      const limits = await node(clock)
      const rule = newRule(2)
      expect(await use(limits, rule, 'key', 3)).toEqual({ admitted: 2, retryAfterSeconds: [60] })
      clock.advance({ seconds: 59.999 })
      expect(await use(limits, rule, 'key', 1)).toEqual({ admitted: 0, retryAfterSeconds: [1] })
      clock.advance({ seconds: 0.001 })
      expect(await use(limits, rule, 'key', 3)).toEqual({ admitted: 2, retryAfterSeconds: [60] })
    })

    test('keys and rules are counted apart', async () => {
      const limits = await node(standingClock())
      const rule = newRule(1)
      const strange = ['key', 'KEY', 'key ', '', '{key}', '*', `${'long'.repeat(1_000)}`, 'k\0ey', '🌊']
      for (const key of strange) expect((await use(limits, rule, key, 2)).admitted).toBe(1)
      expect((await use(limits, newRule(1), 'key', 2)).admitted).toBe(1)
    })
  })
}
