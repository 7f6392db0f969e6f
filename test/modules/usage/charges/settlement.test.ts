import { expect } from 'vitest'
import { reapGenerations } from '../../../../src/modules/chat/generations/reaper.service.ts'
import { ChatEventsDocument, DeleteChatSessionDocument, StopGenerationDocument } from '../../../gql/graphql.ts'
import { untilEnded } from '../../../kit/chat.ts'
import { openChat } from '../../../kit/test.ts'
import { otherwise } from '../../chat/generations/other-model.ts'
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

test('an answer that is stopped before its model has said anything costs nothing', async ({ clocked, alice }) => {
  const session = await openChat(alice)
  const sent = await send(alice, session.id, { model: 'scenario/stall-0' })
  if (sent.__typename !== 'SentMessage') throw new Error(JSON.stringify(sent))
  await alice.mutate(StopGenerationDocument, { input: { messageId: sent.answer.id } })
  const answer = await lastAnswer(alice, session.id)
  expect(answer).toMatchObject({ status: 'CANCELLED', costMillionths: '0', usage: null })
  expect(await creditsOf(alice)).toMatchObject({ available: MONTHLY, held: 0n })
  await expectSoundBooks(clocked, alice)
})

test.for(['cut-9', 'error-9', 'limited-9'])(
  'an answer of scenario/%s is charged what there is of it',
  async (kind, { clocked, alice }) => {
    const session = await openChat(alice)
    const answer = await sendAndWait(alice, session.id, { model: `scenario/${kind}` })
    expect(answer.status).not.toBe('COMPLETED')
    expect(answer.usage).toMatchObject({ isEstimated: true })
    expect(BigInt(answer.costMillionths ?? 0)).toBeGreaterThan(0n)
    await expectSoundBooks(clocked, alice)
  },
)

test('an answer goes by the prices of its beginning, whatever they are at its end', async ({ clocked, alice }) => {
  const session = await openChat(alice)
  const sent = await send(alice, session.id, { model: 'scenario/slow-5' })
  if (sent.__typename !== 'SentMessage') throw new Error(JSON.stringify(sent))
  const { prices } = clocked.app.platform
  const find = prices.find.bind(prices)
  const each = 2_000_000_000n
  const dearer = { input: each, cachedInput: each, output: each, reasoning: each }
  Object.assign(prices, { find: () => ({ rates: dearer, version: 'dearer' }) })
  try {
    await untilEnded(alice, session.id)
    const answer = await lastAnswer(alice, session.id)
    expect(answer.priceVersion).not.toBe('dearer')
    expect(answer.costMillionths).toBe(String(9n * rates.input + 5n * rates.output))
    const next = await sendAndWait(alice, session.id, { model: 'scenario/words-5' })
    expect(next).toMatchObject({ priceVersion: 'dearer', costMillionths: String((9n + 5n) * 2_000n) })
  } finally {
    Object.assign(prices, { find })
  }
  await expectSoundBooks(clocked, alice)
})

test('an answer that a node left behind is charged by another, by what it had written', async ({ clocked, alice }) => {
  const session = await openChat(alice)
  await send(alice, session.id, { model: 'scenario/stall-9' })
  await expect.poll(async () => (await lastAnswer(alice, session.id)).content.length).toBeGreaterThan(8)
  clocked.clock.advance({ seconds: clocked.app.platform.settings.generations.leaseMillis / 1_000 })
  await expect
    .poll(() => reapGenerations(clocked.app.platform).then(() => lastStatus(alice, session.id)))
    .toBe('INTERRUPTED')
  const answer = await lastAnswer(alice, session.id)
  expect(answer.usage).toMatchObject({ isEstimated: true })
  expect(BigInt(answer.costMillionths ?? 0)).toBeGreaterThan(9n * rates.output)
  await expectSoundBooks(clocked, alice)
})

test('a session that is deleted in mid-answer is charged for what was written of it', async ({ clocked, alice }) => {
  const session = await openChat(alice)
  await send(alice, session.id, { model: 'scenario/stall-9' })
  await expect.poll(async () => (await lastAnswer(alice, session.id)).content.length).toBeGreaterThan(8)
  await alice.mutate(DeleteChatSessionDocument, { input: { id: session.id } })
  const credits = await creditsOf(alice)
  expect(credits.held).toBe(0n)
  expect(credits.available).toBeLessThan(MONTHLY)
  await expectSoundBooks(clocked, alice)
})

test('what a provider says of its tokens may be anything: nobody pays more than was held, nor gets anything back', async ({
  clocked,
  alice,
}) => {
  const absurd = [Number.NaN, -5, 2 ** 53, 1e300, 3.5, Number.POSITIVE_INFINITY]
  for (const tokens of absurd) {
    const session = await openChat(alice)
    const usage = { inputTokens: tokens, cachedInputTokens: tokens, outputTokens: tokens, reasoningTokens: tokens }
    const before = await creditsOf(alice)
    using _ = otherwise(clocked, 'scenario/words-3', {}, (part) => (part.type === 'end' ? { ...part, usage } : part))
    const answer = await sendAndWait(alice, session.id, { model: 'scenario/words-3' })
    expect([tokens, answer.status]).toEqual([tokens, 'COMPLETED'])
    const charged = BigInt(answer.costMillionths ?? -1)
    expect(charged).toBeGreaterThanOrEqual(0n)
    expect(before.available - (await creditsOf(alice)).available).toBe(charged)
  }
  await expectSoundBooks(clocked, alice)
})

async function lastStatus(person: Parameters<typeof lastAnswer>[0], sessionId: string) {
  return (await lastAnswer(person, sessionId)).status
}

test.for(['stopped', 'deleted'] as const)(
  'an answer that is %s as soon as something of it was shown is charged for all that was',
  async (how, { clocked, alice }) => {
    const session = await openChat(alice)
    const events = alice.subscribe(ChatEventsDocument, { sessionId: session.id, after: session.eventsCursor })
    const sent = await send(alice, session.id, { model: 'scenario/words-400' })
    if (sent.__typename !== 'SentMessage') throw new Error(JSON.stringify(sent))
    for (;;) if ((await events.next()).chatEvents.__typename === 'MessageDelta') break
    if (how === 'stopped') await alice.mutate(StopGenerationDocument, { input: { messageId: sent.answer.id } })
    else await alice.mutate(DeleteChatSessionDocument, { input: { id: session.id } })
    events.stop()
    const { available, held } = await creditsOf(alice)
    expect(held).toBe(0n)
    // Its prompt alone is some hundred tokens.
    expect(MONTHLY - available).toBeGreaterThan(100n * rates.input + rates.output)
    await expectSoundBooks(clocked, alice)
  },
)

test('a provider that says it counted nothing has counted nothing', async ({ clocked, alice }) => {
  const session = await openChat(alice)
  const usage = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0 }
  using _ = otherwise(clocked, 'scenario/words-30', {}, (part) => (part.type === 'end' ? { ...part, usage } : part))
  const answer = await sendAndWait(alice, session.id, { model: 'scenario/words-30' })
  expect(answer).toMatchObject({ status: 'COMPLETED', usage: { isEstimated: true } })
  expect(BigInt(answer.costMillionths ?? 0)).toBeGreaterThan(100n * rates.input)
})
