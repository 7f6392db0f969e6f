import { sql } from 'kysely'
import { expect } from 'vitest'
import { SendMessageDocument } from '../../../gql/graphql.ts'
import { askAndWait, lastMessage, untilEnded } from '../../../kit/chat.ts'
import { uuidIn } from '../../../kit/people.ts'
import { openChat, test } from '../../../kit/test.ts'
import { otherwise } from './other-model.ts'

test('a question that waited for the answer before it is asked with all of that answer', async ({ server, alice }) => {
  using other = otherwise(server, 'scenario/words-3', {})
  const session = await openChat(alice)
  const { unscoped } = server.app.platform.database
  await askAndWait(alice, { sessionId: session.id, model: 'scenario/words-1' })
  const model = 'scenario/words-60'
  const { sendMessage: first } = await alice.mutate(SendMessageDocument, {
    input: { sessionId: session.id, model, content: 'How deep?' },
  })
  if (first.__typename !== 'SentMessage') throw new Error(JSON.stringify(first))
  const second = await unscoped.transaction().execute(async (tx) => {
    // So that it has read what was said by now, and cannot be put before the answer has ended.
    await tx.selectFrom('chat_session').select('id').where('id', '=', uuidIn(session.id)).forUpdate().execute()
    const sending = alice.mutate(SendMessageDocument, {
      input: { sessionId: session.id, model: 'scenario/words-3', content: 'And then?' },
    })
    sending.catch(() => undefined)
    const isWaiting = sql<{ count: number }>`
      select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await expect.poll(async () => (await isWaiting.execute(unscoped)).rows[0]?.count).toBe(1)
    await expect.poll(async () => (await lastMessage(alice, session.id))?.status).toBe('COMPLETED')
    return { sending }
  })
  expect((await second.sending).sendMessage.__typename).toBe('SentMessage')
  await untilEnded(alice, session.id)
  const said = other.asked.at(-1)?.messages.map(({ role }) => role)
  expect(said).toEqual(['system', 'user', 'assistant', 'user', 'assistant', 'user'])
})
