import { expect } from 'vitest'
import { scenarioText } from '../../../../src/platform/model-scenarios.ts'
import { ChatEventsDocument, StopGenerationDocument } from '../../../gql/graphql.ts'
import { lastMessage, watch } from '../../../kit/chat.ts'
import { indexed } from '../../../kit/inside.ts'
import { makeKey, programOf } from '../../../kit/programs.ts'
import { ask, openChat, test, write } from '../../../kit/test.ts'

test('an answer is stopped by whoever takes part, and keeps the text so far', async ({ alice, bob }) => {
  const session = await openChat(alice, { participantIds: [bob.userId] })
  const watching = watch(alice, session.id, { after: session.eventsCursor })
  const answerId = await ask(alice, session, 'scenario/stall-20')
  await expect.poll(async () => (await lastMessage(alice, session.id))?.content, { timeout: 5_000 }).not.toBe('')
  const { stopGeneration } = await bob.mutate(StopGenerationDocument, { input: { messageId: answerId } })
  expect(stopGeneration).toMatchObject({ id: answerId, status: 'CANCELLED' })
  const { texts, kinds } = await watching
  expect(texts.get(answerId)).toBe((stopGeneration as { content: string }).content)
  expect(kinds.at(-1)).toBe('MessageFinished')
  const again = await alice.mutate(StopGenerationDocument, { input: { messageId: answerId } })
  expect(again.stopGeneration).toEqual(stopGeneration)
  await ask(alice, session, 'scenario/words-1')
})

test.for([
  ['cut', 'INTERRUPTED', 'MODEL_CUT'],
  ['error', 'FAILED', 'MODEL_FAILED'],
  ['limited', 'FAILED', 'MODEL_RATE_LIMITED'],
] as const)(
  'a model that ends in %s leaves the text so far and a usable session',
  async ([end, status, failureCode], { alice }) => {
    const session = await openChat(alice)
    const watching = watch(alice, session.id, { after: session.eventsCursor })
    const answerId = await ask(alice, session, `scenario/${end}-12`)
    const { texts, places } = await watching
    expect(texts.get(answerId)).toBe(scenarioText(12, 'Anything?'))
    expect(await lastMessage(alice, session.id)).toMatchObject({
      status,
      failureCode,
      content: scenarioText(12, 'Anything?'),
      segments: [{ index: 0, providerId: 'scenario', modelId: `scenario/${end}-12` }],
    })
    const next = watch(alice, session.id, { after: places.at(-1)?.cursor ?? null })
    await ask(alice, session, 'scenario/words-5')
    await next
  },
)

test('an answer stopped before its first word ends empty or with what it had, and breaks nothing', async ({
  alice,
}) => {
  const session = await openChat(alice)
  for (const model of ['embedded/extractive', 'scenario/stall-0', 'scenario/words-50', 'embedded/extractive']) {
    const messageId = await ask(alice, session, model)
    const { stopGeneration } = await alice.mutate(StopGenerationDocument, { input: { messageId } })
    expect(stopGeneration).toMatchObject({ id: messageId, status: expect.stringMatching(/^(CANCELLED|COMPLETED)$/) })
  }
})

test('a key that may only read chats stops no answer', async ({ alice }) => {
  const answer = await ask(alice, await openChat(alice), 'scenario/words-1')
  const { secret } = await makeKey(alice, { permissions: ['chat_session.read'] })
  const program = programOf(alice, secret)
  const { errors } = await program.send(StopGenerationDocument, { input: { messageId: answer } })
  expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN')
  await program.close()
})

test('of several who stop an answer at once each is told its end', async ({ alice }) => {
  const session = await openChat(alice)
  const messageId = await ask(alice, session, 'scenario/stall-5')
  const stops = Array.from({ length: 8 }, () => alice.mutate(StopGenerationDocument, { input: { messageId } }))
  for (const { stopGeneration } of await Promise.all(stops)) {
    expect(stopGeneration).toMatchObject({ id: messageId, status: 'CANCELLED' })
  }
})

test('a stopped answer keeps its citations', async ({ server, alice, page }) => {
  const text = 'The lighthouse has 12 lamps. Every lamp of the lighthouse burns until dawn.'
  await write(alice, page.id, ...Array.from({ length: 5 }, (_, index) => `${text} Lamp ${index} is a lighthouse lamp.`))
  await indexed(server, alice)
  const session = await openChat(alice)
  const events = alice.subscribe(ChatEventsDocument, { sessionId: session.id, after: session.eventsCursor })
  const messageId = await ask(alice, session, 'embedded/extractive', 'Which lamps has the lighthouse?')
  const isCited = async () => ((await lastMessage(alice, session.id))?.parts.length ?? 0) > 1
  await expect.poll(isCited, { timeout: 10_000 }).toBe(true)
  events.stop()
  const { stopGeneration } = await alice.mutate(StopGenerationDocument, { input: { messageId } })
  expect(stopGeneration.__typename).toBe('Message')
  expect(await isCited()).toBe(true)
})
