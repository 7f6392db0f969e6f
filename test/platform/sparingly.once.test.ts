import { afterEach, expect, test, vi } from 'vitest'
import { sparingly } from '../../src/platform/channels/sparingly.ts'

afterEach(() => void vi.useRealTimers())

test('one line is written a period, with the number of those held back', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const written: [unknown, number][] = []
  const warn = sparingly(1_000, (error, heldBack) => void written.push([error, heldBack]))
  warn('first')
  warn('second')
  warn('third')
  vi.advanceTimersByTime(1_000)
  warn('fourth')
  expect(written).toEqual([
    ['first', 0],
    ['fourth', 2],
  ])
})
