import { expect, test } from 'vitest'
import { createMemoryRateLimits } from '../../src/platform/rate-limit.ts'
import { standingClock } from '../kit/fakes.ts'
import { newRule, rateLimitContract, use } from './rate-limit.contract.ts'

rateLimitContract('limits in this process', createMemoryRateLimits)

test('of more callers than memory has room for, those not seen for longest are forgotten', async () => {
  const limits = createMemoryRateLimits(standingClock())
  const rule = newRule(1)
  await limits.consume(rule, 'first')
  for (let caller = 0; caller < 50_000; caller++) await limits.consume(rule, `caller ${caller}`)
  expect((await use(limits, rule, 'caller 49999', 1)).admitted).toBe(0)
  expect((await use(limits, rule, 'first', 1)).admitted).toBe(1)
})
