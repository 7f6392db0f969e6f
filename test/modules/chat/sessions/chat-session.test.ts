import { expect } from 'vitest'
import {
  ChatSessionDocument,
  ChatSessionsDocument,
  CreateChatSessionDocument,
  SendMessageDocument,
} from '../../../gql/graphql.ts'
import { openChat, test } from '../../../kit/test.ts'

test('only who takes part sees a session', async ({ alice, bob, stranger }) => {
  const session = await openChat(alice)
  const shared = await openChat(alice, { participantIds: [bob.userId] })
  for (const person of [bob, stranger]) {
    expect((await person.query(ChatSessionDocument, { id: session.id })).chatSession).toBe(null)
    await expect(
      person.mutate(SendMessageDocument, { input: { sessionId: session.id, content: 'May I?' } }),
    ).rejects.toThrow('NOT_FOUND')
  }
  expect((await bob.query(ChatSessionsDocument, {})).chatSessions.nodes.map(({ id }) => id)).toEqual([shared.id])
  const { chatSession } = await bob.query(ChatSessionDocument, { id: shared.id })
  expect(chatSession?.participants.map(({ id }) => id).sort()).toEqual([alice.userId, bob.userId].sort())
})

test('people of other organizations cannot be named as participants', async ({ alice, stranger }) => {
  await expect(
    alice.mutate(CreateChatSessionDocument, { input: { participantIds: [stranger.userId] } }),
  ).rejects.toThrow('NOT_FOUND')
})
