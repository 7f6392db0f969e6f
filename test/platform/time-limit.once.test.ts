import { expect, test } from 'vitest'
import { createTimeLimit } from '../../src/platform/time-limit.ts'

const never = () => new Promise<never>(() => undefined)

test('what takes too long is given up, whoever does it', async () => {
  const limit = createTimeLimit(new AbortController().signal)
  limit.set(10)
  await expect(limit.within(never())).rejects.toMatchObject({ name: 'AbortError' })
  expect([limit.isOver, limit.signal.aborted]).toEqual([true, true])
  limit.end()
})

test('the outer signal ends it with its reason, also one that had aborted before', async () => {
  for (const outer of [AbortSignal.abort(new Error('gone')), AbortSignal.timeout(5)]) {
    const limit = createTimeLimit(outer)
    const reason: unknown = await limit.within(never()).catch((error: unknown) => error)
    expect(reason).toBe(outer.reason)
    expect(limit.isOver).toBe(false)
    limit.end()
  }
})

test('a time that was taken back or set anew does not end it', async () => {
  const limit = createTimeLimit(new AbortController().signal)
  limit.set(5)
  limit.set(null)
  const later = new Promise((resolve) => setTimeout(() => resolve('done'), 30))
  expect(await limit.within(later)).toBe('done')
  limit.end()
  expect([limit.isOver, limit.signal.aborted]).toEqual([false, true])
})
