import { expect } from 'vitest'
import { scenarioText } from '../../../../src/platform/model-scenarios.ts'
import { StopGenerationDocument } from '../../../gql/graphql.ts'
import { lastMessage, watch } from '../../../kit/chat.ts'
import { ask, openChat, test } from '../../../kit/test.ts'

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

test.for(['cut', 'error'])(
  'a model that ends in %s leaves the text so far and a usable session',
  async (end, { alice }) => {
    const session = await openChat(alice)
    const watching = watch(alice, session.id, { after: session.eventsCursor })
    const answerId = await ask(alice, session, `scenario/${end}-12`)
    const { texts } = await watching
    expect(texts.get(answerId)).toBe(scenarioText(12, 'Anything?'))
    expect(await lastMessage(alice, session.id)).toMatchObject({
      status: 'FAILED',
      failureCode: 'MODEL_FAILED',
      content: scenarioText(12, 'Anything?'),
    })
    const next = watch(alice, session.id, { after: null })
    await ask(alice, session, 'scenario/words-5')
    await next
  },
)
