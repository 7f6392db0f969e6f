import { expect } from 'vitest'
import { ChatEventsDocument, ChatSessionsDocument, SendMessageDocument } from '../../../gql/graphql.ts'
import { setRole } from '../../../kit/inside.ts'
import { uuidIn } from '../../../kit/people.ts'
import { ask, openChat, test } from '../../../kit/test.ts'
import { createProject } from '../../projects/stage.ts'
import { add, erase, look, untilEnd } from './stage.ts'

test('a deleted session is gone for all who took part, with all that was said', async ({ server, alice, bob }) => {
  const session = await openChat(alice, { participantIds: [bob.userId] })
  const { id } = session
  const messageId = uuidIn(await ask(bob, session, 'scenario/words-1'))
  expect(await erase(alice, id)).toMatchObject({ __typename: 'DeletedChatSession', deletedId: id })
  for (const person of [alice, bob]) {
    expect(await look(person, id)).toBe(null)
    expect((await person.query(ChatSessionsDocument, {})).chatSessions.nodes).toEqual([])
    const input = { sessionId: id, content: 'Anything?' }
    await expect(person.mutate(SendMessageDocument, { input })).rejects.toThrow('NOT_FOUND')
    await expect(add(person, id, bob)).rejects.toThrow('NOT_FOUND')
    await expect(erase(person, id)).rejects.toThrow('NOT_FOUND')
  }
  const { unscoped } = server.app.platform.database
  expect(await unscoped.selectFrom('message').select('id').where('id', '=', messageId).execute()).toEqual([])
})

test.for([
  ['in no project', false],
  ['in a project', true],
] as const)('what is open of a session %s ends with it, for all who watch', async ([, isInProject], { alice, bob }) => {
  const projectId = isInProject ? await createProject(alice, { name: 'Ocean' }) : null
  const session = await openChat(alice, { participantIds: [bob.userId], projectId })
  const watching = [alice, bob].map((person) =>
    person.subscribe(ChatEventsDocument, { sessionId: session.id, after: session.eventsCursor }),
  )
  await ask(alice, session, 'scenario/words-1')
  for (const events of watching) await events.next()
  await erase(alice, session.id)
  for (const events of watching) {
    const told = await untilEnd(events)
    expect(told.at(-1)).toMatchObject({ reason: 'RESOURCE_DELETED' })
    expect(told.filter(({ __typename }) => __typename === 'SubscriptionEnded')).toHaveLength(1)
  }
})

test('who watches and has been told nothing yet hears of the end as well', async ({ alice, bob }) => {
  const session = await openChat(alice, { participantIds: [bob.userId] })
  const events = bob.subscribe(ChatEventsDocument, { sessionId: session.id, after: session.eventsCursor })
  const first = bob.subscribe(ChatEventsDocument, { sessionId: session.id, after: 'garbage' })
  await first.next()
  await erase(alice, session.id)
  expect(await untilEnd(events)).toMatchObject([{ reason: 'RESOURCE_DELETED' }])
  expect(await untilEnd(first)).toMatchObject([{ reason: 'RESOURCE_DELETED' }])
})

test('an answer that is being written ends with its session, and nothing of its text is kept', async ({
  server,
  alice,
}) => {
  const { liveTexts } = server.app.platform
  const session = await openChat(alice)
  const events = alice.subscribe(ChatEventsDocument, { sessionId: session.id, after: session.eventsCursor })
  const answerId = await ask(alice, session, 'scenario/stall-1')
  for (let kind = ''; kind !== 'MessageDelta'; ) kind = (await events.next()).chatEvents.__typename
  await erase(alice, session.id)
  expect((await untilEnd(events)).at(-1)).toMatchObject({ reason: 'RESOURCE_DELETED' })
  const id = uuidIn(answerId)
  const late = { fence: 1, at: 0, text: 'too late' }
  await expect.poll(() => liveTexts.append(id, late)).toBe(false)
  expect((await liveTexts.seal(id, 9, 0)).trim()).toBe('')
})

test('whoever has not read as far as the end when their access is looked at again is told of the end', async ({
  server,
  alice,
  bob,
}) => {
  const session = await openChat(alice, { participantIds: [bob.userId] })
  const events = bob.subscribe(ChatEventsDocument, { sessionId: session.id, after: session.eventsCursor })
  await ask(alice, session, 'scenario/words-0')
  await events.next()
  // Without its event, as for who reads slowly.
  const { pool } = server.app.platform.database
  for (const statement of ['message where session_id', 'chat_participant where session_id', 'chat_session where id'])
    await pool.query(`delete from ${statement} = $1`, [uuidIn(session.id)])
  await setRole(server, bob, 'VIEWER')
  expect((await untilEnd(events)).at(-1)).toMatchObject({ reason: 'RESOURCE_DELETED' })
})
