import { expect } from 'vitest'
import { renewHold } from '../../../../src/modules/usage/charges/hold.service.ts'
import { bookAllowances, expireHolds } from '../../../../src/modules/usage/credits/credits.jobs.ts'
import {
  EstimateCompletionDocument,
  StopGenerationDocument,
  UpdateSpendingRulesDocument,
} from '../../../gql/graphql.ts'
import { uuidIn } from '../../../kit/people.ts'
import { makeKey, programOf } from '../../../kit/programs.ts'
import { openChat } from '../../../kit/test.ts'
import {
  booksOf,
  creditsOf,
  expectSoundBooks,
  lastAnswer,
  MONTHLY,
  rates,
  runJob,
  send,
  sendAndWait,
  short,
  test,
} from '../stage.ts'

/** Most of what an organization has here. */
const dear = { maxTokens: 80_000, tools: [] }

test('whoever has not enough is told how much is missing, and nothing is said or held', async ({ clocked, alice }) => {
  const session = await openChat(alice)
  const sent = await send(alice, session.id, { settings: { maxTokens: 1_000_000, tools: [] } })
  if (sent.__typename !== 'InsufficientCredits') throw new Error(JSON.stringify(sent))
  const required = BigInt(sent.requiredMillionths)
  expect(required).toBeGreaterThan(1_000_000n * rates.reasoning)
  expect(BigInt(sent.availableMillionths ?? -1)).toBe(MONTHLY)
  expect(BigInt(sent.missingMillionths ?? -1)).toBe(required - MONTHLY)
  expect(sent).toMatchObject({ code: 'INSUFFICIENT_CREDITS', message: expect.stringContaining('not enough credits') })
  await expect(lastAnswer(alice, session.id)).rejects.toThrow('There is no answer')
  expect(await creditsOf(alice)).toMatchObject({ available: MONTHLY, held: 0n })
  await expectSoundBooks(clocked, alice)
})

test('of two sends at the last credit one is answered', async ({ clocked, alice }) => {
  const sessions = await Promise.all([openChat(alice), openChat(alice)])
  const sent = await Promise.all(
    sessions.map(({ id }) => send(alice, id, { model: 'scenario/slow-400', settings: dear })),
  )
  expect(sent.map(({ __typename }) => __typename).toSorted()).toEqual(['InsufficientCredits', 'SentMessage'])
  await expectSoundBooks(clocked, alice)
})

test('a send that is repeated under its key is held for once, and answered the same whatever has changed since', async ({
  clocked,
  alice,
}) => {
  const session = await openChat(alice)
  const input = { model: 'scenario/slow-400', idempotencyKey: 'once' }
  const [one, two] = [await send(alice, session.id, input), await send(alice, session.id, input)]
  expect(one).toEqual(two)
  const { prices } = clocked.app.platform
  const find = prices.find.bind(prices)
  Object.assign(prices, { find: () => null })
  try {
    expect(await send(alice, session.id, input)).toEqual(one)
  } finally {
    Object.assign(prices, { find })
  }
  const holds = await clocked.app.platform.database.unscoped
    .selectFrom('credit_entry')
    .select('reference')
    .where('organization_id', '=', uuidIn(alice.organizationId))
    .where('move', '=', 'HOLD')
    .where('account', '=', 'HELD')
    .execute()
  expect(holds).toHaveLength(1)
  await expectSoundBooks(clocked, alice)
})

test('a send that fails for another reason holds nothing', async ({ clocked, alice }) => {
  const session = await openChat(alice)
  await send(alice, session.id, { model: 'scenario/slow-400' })
  const before = await creditsOf(alice)
  expect(await send(alice, session.id, { model: 'scenario/slow-400' })).toMatchObject({
    __typename: 'GenerationInProgress',
  })
  expect(await creditsOf(alice)).toMatchObject({ held: before.held, available: before.available })
  await expectSoundBooks(clocked, alice)
})

test('a free model is answered without any credits, and its answer is counted all the same', async ({
  clocked,
  alice,
}) => {
  const session = await openChat(alice)
  const answer = await sendAndWait(alice, session.id, { model: 'scenario/words-7' })
  expect(answer).toMatchObject({ costMillionths: '0', priceVersion: null, usage: { outputTokens: 7 } })
  expect((await booksOf(clocked, alice)).issued).toBe(0n)
})

test('a model whose price nobody knows answers nobody', async ({ clocked, alice }) => {
  const session = await openChat(alice)
  const { prices } = clocked.app.platform
  const find = prices.find.bind(prices)
  Object.assign(prices, { find: () => null })
  try {
    expect(await send(alice, session.id)).toMatchObject({ __typename: 'ModelNotPriced', code: 'MODEL_NOT_PRICED' })
  } finally {
    Object.assign(prices, { find })
  }
})

test('what is held goes back once its writer has not been heard of for long enough, and not before', async ({
  clocked,
  alice,
}) => {
  const session = await openChat(alice)
  const sent = await send(alice, session.id, { model: 'scenario/slow-400' })
  if (sent.__typename !== 'SentMessage') throw new Error(JSON.stringify(sent))
  const { platform } = clocked.app
  const messageId = uuidIn(sent.answer.id)
  const { holdSeconds } = platform.settings.credits
  const { held } = await creditsOf(alice)
  expect(held).toBeGreaterThan(0n)
  // Without its writer, which would renew it.
  platform.tasks.abort(messageId)
  await expect.poll(async () => (await lastAnswer(alice, session.id)).status).not.toBe('STREAMING')
  const reopened = platform.database.unscoped.updateTable('charge')
  const again = await send(alice, (await openChat(alice)).id, { model: 'scenario/stall-1' })
  if (again.__typename !== 'SentMessage') throw new Error(JSON.stringify(again))
  await reopened.set({ expires_at: clocked.clock.now() }).where('message_id', '=', uuidIn(again.answer.id)).execute()
  await renewHold(platform, uuidIn(again.answer.id))
  await runJob(clocked, expireHolds)
  expect((await creditsOf(alice)).held).toBeGreaterThan(0n)
  const late = new Date(clocked.clock.now().getTime() - holdSeconds * 1_000)
  await reopened.set({ expires_at: late }).where('message_id', '=', uuidIn(again.answer.id)).execute()
  await runJob(clocked, expireHolds)
  expect((await creditsOf(alice)).held).toBe(0n)
  await expectSoundBooks(clocked, alice)
  // Its end comes after all: charged is what it came to, of what there is.
  await alice.mutate(StopGenerationDocument, { input: { messageId: again.answer.id } })
  await expectSoundBooks(clocked, alice)
})

test('whoever needs what others hold past its time is not refused for it', async ({ clocked, alice }) => {
  const first = await openChat(alice)
  const sent = await send(alice, first.id, { model: 'scenario/stall-1', settings: dear })
  if (sent.__typename !== 'SentMessage') throw new Error(JSON.stringify(sent))
  const second = await openChat(alice)
  expect(await send(alice, second.id, { settings: dear })).toMatchObject({ __typename: 'InsufficientCredits' })
  const charge = clocked.app.platform.database.unscoped.updateTable('charge')
  await charge.set({ expires_at: clocked.clock.now() }).where('message_id', '=', uuidIn(sent.answer.id)).execute()
  expect(await send(alice, second.id, { settings: dear })).toMatchObject({ __typename: 'SentMessage' })
  await expectSoundBooks(clocked, alice)
  await runJob(clocked, bookAllowances)
  await expectSoundBooks(clocked, alice)
})

test('whoever may not see the credits is told by no refusal what there is', async ({ clocked, alice }) => {
  const session = await openChat(alice)
  const key = await makeKey(alice, { permissions: ['chat_session.read', 'message.send'] })
  const program = programOf(clocked, key.secret)
  const settings = { maxTokens: 1_000_000, tools: [] }
  const sent = await send(program, session.id, { settings })
  expect(sent).toMatchObject({ __typename: 'InsufficientCredits', availableMillionths: null, missingMillionths: null })
  await alice.mutate(UpdateSpendingRulesDocument, { input: { sessionCapMillionths: '5' } })
  expect(await send(program, session.id)).toMatchObject({
    ...{ __typename: 'SpendingCapReached', capMillionths: null, remainingMillionths: null },
  })
  expect(await send(alice, session.id)).toMatchObject({ capMillionths: '5', remainingMillionths: '5' })
  await program.close()
})

test('nothing is begun that can cost more than whoever asks allows', async ({ clocked, alice }) => {
  const session = await openChat(alice)
  const asked = { content: 'Anything?', model: 'scenario/words-3', settings: short }
  const { estimateCompletion } = await alice.query(EstimateCompletionDocument, { input: asked })
  const most = BigInt(estimateCompletion.costMillionths)
  const allowing = (amount: bigint) => ({
    settings: { ...short, maxCostMillionths: String(amount) },
    model: asked.model,
  })
  expect(await send(alice, session.id, allowing(most - 1n))).toMatchObject({
    ...{ __typename: 'CostLimitExceeded', code: 'COST_LIMIT_EXCEEDED' },
    ...{ requiredMillionths: String(most), limitMillionths: String(most - 1n) },
  })
  await sendAndWait(alice, session.id, { ...allowing(most), idempotencyKey: 'allowed' })
  await expectSoundBooks(clocked, alice)
})
