import { expect } from 'vitest'
import { StopGenerationDocument } from '../../../gql/graphql.ts'
import { openChat } from '../../../kit/test.ts'
import { creditsOf, expectSoundBooks, lastAnswer, MONTHLY, rates, send, sendAndWait, test } from '../stage.ts'

test('an answer is charged what its provider counted, by the prices of its kinds of tokens', async ({
  clocked,
  alice,
}) => {
  const session = await openChat(alice)
  const answer = await sendAndWait(alice, session.id, { model: 'scenario/think-10' })
  const usage = { inputTokens: 9, cachedInputTokens: 0, outputTokens: 20, reasoningTokens: 10, isEstimated: false }
  expect(answer.usage).toEqual(usage)
  const cost = 9n * rates.input + 10n * rates.output + 10n * rates.reasoning
  expect(answer.costMillionths).toBe(String(cost))
  expect(answer.priceVersion).toMatch(/^own-[0-9a-f]{12}$/)
  expect(await creditsOf(alice)).toMatchObject({ available: MONTHLY - cost, held: 0n })
  await expectSoundBooks(clocked, alice)
})

test('an answer that is stopped is charged its prompt and what was written, counted here', async ({
  clocked,
  alice,
}) => {
  const session = await openChat(alice)
  const sent = await send(alice, session.id, { model: 'scenario/slow-50' })
  if (sent.__typename !== 'SentMessage') throw new Error(JSON.stringify(sent))
  const held = await creditsOf(alice)
  expect(held.held).toBeGreaterThan(100n * rates.output)
  await expect.poll(async () => (await lastAnswer(alice, session.id)).content).not.toBe('')
  await alice.mutate(StopGenerationDocument, { input: { messageId: sent.answer.id } })
  const answer = await lastAnswer(alice, session.id)
  expect(answer.status).toBe('CANCELLED')
  expect(answer.usage).toMatchObject({ isEstimated: true, inputTokens: expect.any(Number) })
  const { inputTokens, outputTokens } = answer.usage ?? {}
  expect(BigInt(answer.costMillionths ?? 0)).toBe(
    BigInt(inputTokens ?? 0) * rates.input + BigInt(outputTokens ?? 0) * rates.output,
  )
  expect((await creditsOf(alice)).held).toBe(0n)
  await expectSoundBooks(clocked, alice)
})
