import { expect } from 'vitest'
import { reapGenerations } from '../../../../src/modules/chat/generations/reaper.service.ts'
import { ChatEventsDocument, ChatSessionDocument } from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { ask, openChat } from '../../../kit/test.ts'

test('an answer whose writer is gone ends with the text so far once its lease is over', async ({
  clocked: server,
  alice,
}) => {
  const session = await openChat(alice)
  const events = alice.subscribe(ChatEventsDocument, { sessionId: session.id, after: session.eventsCursor })
  const answerId = await ask(alice, session, 'scenario/stall-5')
  await events.next()
  await events.next()
  const { platform } = server.app
  expect(await reapGenerations(platform)).toBe(0)
  server.clock.advance({ seconds: platform.settings.generations.leaseMillis / 1_000 })
  expect(await reapGenerations(platform)).toBe(1)
  expect(await reapGenerations(platform)).toBe(0)
  const { chatSession } = await alice.query(ChatSessionDocument, { id: session.id, last: 1 })
  expect(chatSession?.messages.nodes[0]).toMatchObject({ id: answerId, status: 'INTERRUPTED' })
  events.stop()
  await ask(alice, session, 'scenario/words-1')
})
