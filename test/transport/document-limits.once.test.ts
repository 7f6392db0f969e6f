import { expect, test } from 'vitest'
import { parserCache } from '../../src/transport/document-limits.ts'

test('of what was parsed, what was used last is kept, and no more than 128 of it', () => {
  const { errorCache } = parserCache()
  for (let index = 0; index < 128; index += 1) errorCache.set(`${index}`, index)
  expect(errorCache.get('0')).toBe(0)
  errorCache.set('new', 'new')
  expect([errorCache.get('0'), errorCache.get('1'), errorCache.get('2')]).toEqual([0, undefined, 2])
})
