import { expect } from 'vitest'
import {
  ChatSessionDocument,
  CreateChatSessionDocument,
  SendMessageDocument,
  StopGenerationDocument,
} from '../../../gql/graphql.ts'
import { untilEnded } from '../../../kit/chat.ts'
import { ask, openChat, test } from '../../../kit/test.ts'

test('what is no question or names no model is refused with its place', async ({ alice }) => {
  const session = await openChat(alice)
  const send = async (input: object) =>
    (await alice.mutate(SendMessageDocument, { input: { sessionId: session.id, content: 'Well?', ...input } }))
      .sendMessage
  for (const content of ['', ' \n\t ', 'x'.repeat(100_000)]) {
    expect(await send({ content })).toMatchObject({ __typename: 'InvalidInput', fields: [{ path: ['content'] }] })
  }
  for (const model of ['nothing', 'scenario/nothing', 'scenario/words-9999999', 'embedded/']) {
    expect(await send({ model })).toMatchObject({ __typename: 'InvalidInput', fields: [{ path: ['model'] }] })
  }
  const { createChatSession } = await alice.mutate(CreateChatSessionDocument, { input: { model: 'nothing' } })
  expect(createChatSession).toMatchObject({ __typename: 'InvalidInput', fields: [{ path: ['model'] }] })
  expect((await alice.query(ChatSessionDocument, { id: session.id })).chatSession?.messages.totalCount).toBe(0)
  await ask(alice, session, 'scenario/words-1')
})

test('of 20 questions at once one is answered, and the others are told to wait', async ({ alice }) => {
  const session = await openChat(alice)
  const input = { sessionId: session.id, content: 'Me first!', model: 'scenario/stall-1' }
  const results = await Promise.all(
    Array.from({ length: 20 }, async () => (await alice.mutate(SendMessageDocument, { input })).sendMessage),
  )
  const sent = results.filter((result) => result.__typename === 'SentMessage')
  expect(sent).toHaveLength(1)
  expect(results.filter((result) => result.__typename === 'GenerationInProgress')).toHaveLength(19)
  await alice.mutate(StopGenerationDocument, { input: { messageId: sent[0]?.answer.id ?? '' } })
  expect((await alice.query(ChatSessionDocument, { id: session.id })).chatSession?.messages.totalCount).toBe(2)
})

test('a question sent again under its key is asked once', async ({ alice }) => {
  const session = await openChat(alice)
  const input = { sessionId: session.id, content: 'Once?', model: 'scenario/words-3', idempotencyKey: 'a-key' }
  const sends = await Promise.all(
    Array.from({ length: 5 }, async () => (await alice.mutate(SendMessageDocument, { input })).sendMessage),
  )
  const answers = new Set(sends.map((sent) => (sent.__typename === 'SentMessage' ? sent.answer.id : sent.__typename)))
  expect(answers.size).toBe(1)
  await untilEnded(alice, session.id)
  const late = await alice.mutate(SendMessageDocument, { input })
  expect(late.sendMessage).toMatchObject({
    __typename: 'SentMessage',
    answer: { id: [...answers][0], status: 'COMPLETED' },
  })
  const other = await alice.mutate(SendMessageDocument, { input: { ...input, content: 'Twice?' } })
  expect(other.sendMessage.__typename).toBe('IdempotencyKeyReused')
  expect((await alice.query(ChatSessionDocument, { id: session.id })).chatSession?.messages.totalCount).toBe(2)
})
