import { expect, test } from 'vitest'
import { createVerifiedTokens } from '../../src/platform/crypto/verified-tokens.ts'
import { movableClock } from '../kit/fakes.ts'

test('of more tokens than it may remember, the least recently used is forgotten', async () => {
  const clock = movableClock()
  const expiresAt = new Date(clock.now().getTime() + 60_000)
  const keys = { verifier: async () => ({ algorithm: 'RS256', publicKey: {} as CryptoKey }) }
  const tokens = createVerifiedTokens<string>({ keys, clock, maxTokens: 2 })
  const ask = (token: string) => tokens.answer(token, async () => ({ answer: token, good: { kid: 'kid', expiresAt } }))
  for (const token of ['a', 'b', 'a', 'c', 'a']) expect(await ask(token)).toBe(token)
  expect(tokens.counts()).toEqual({ checks: 3, hits: 2 })
  await ask('b')
  expect(tokens.counts()).toEqual({ checks: 4, hits: 2 })
})

test('no number of bad tokens makes it forget a good one', async () => {
  const clock = movableClock()
  const expiresAt = new Date(clock.now().getTime() + 60_000)
  const keys = { verifier: async () => ({ algorithm: 'RS256', publicKey: {} as CryptoKey }) }
  const tokens = createVerifiedTokens<string>({ keys, clock, maxTokens: 2 })
  const ask = () => tokens.answer('good', async () => ({ answer: 'good', good: { kid: 'kid', expiresAt } }))
  await ask()
  for (const token of ['a', 'b', 'c']) await tokens.answer(token, async () => ({ answer: 'bad', good: null }))
  await ask()
  expect(tokens.counts()).toEqual({ checks: 4, hits: 1 })
})

test('a check that fails is an error of all who share it, and of nobody after them', async () => {
  const tokens = createVerifiedTokens<string>({
    keys: { verifier: async () => null },
    clock: movableClock(),
    maxTokens: 2,
  })
  const failing = () => Promise.reject(new Error('No database'))
  const both = await Promise.allSettled([tokens.answer('a', failing), tokens.answer('a', failing)])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await tokens.answer('a', async () => ({ answer: 'good', good: null }))).toBe('good')
  expect(tokens.counts()).toEqual({ checks: 2, hits: 1 })
})
