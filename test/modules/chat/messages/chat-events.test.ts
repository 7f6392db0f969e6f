import { expect } from 'vitest'
import { scenarioText } from '../../../../src/platform/model-scenarios.ts'
import { ChatEventsDocument } from '../../../gql/graphql.ts'
import { lastMessage, watch } from '../../../kit/chat.ts'
import { ask, openChat, test } from '../../../kit/test.ts'

test('a question and its answer are told in order, the text whole and once', async ({ alice }) => {
  const session = await openChat(alice)
  const watching = watch(alice, session.id, { after: session.eventsCursor })
  const answerId = await ask(alice, session, 'scenario/words-60', 'How?')
  const { kinds, texts } = await watching
  expect(kinds).toEqual(['MessageCreated', 'MessageDelta', 'MessageFinished'])
  expect(texts.get(answerId)).toBe(scenarioText(60, 'How?'))
  expect(await lastMessage(alice, session.id)).toMatchObject({
    id: answerId,
    status: 'COMPLETED',
    content: scenarioText(60, 'How?'),
  })
})

test('who comes late gets the text so far at once, and then the rest', async ({ alice, bob }) => {
  const session = await openChat(alice, { participantIds: [bob.userId] })
  const early = alice.subscribe(ChatEventsDocument, { sessionId: session.id, after: session.eventsCursor })
  const answerId = await ask(alice, session, 'scenario/slow-25')
  let length = 0
  while (length < 10) {
    const { chatEvents } = await early.next()
    if (chatEvents.__typename === 'MessageDelta') length = chatEvents.index + chatEvents.text.length
  }
  early.stop()
  const late = bob.subscribe(ChatEventsDocument, { sessionId: session.id })
  const { chatEvents: first } = await late.next()
  expect(first).toMatchObject({ __typename: 'MessageDelta', index: 0, messageId: answerId })
  late.stop()
  const { texts } = await watch(bob, session.id, { after: null })
  expect(texts.get(answerId)).toBe(scenarioText(25, 'Anything?'))
})

test('from every cursor on there is neither a hole nor a repeat', async ({ alice }) => {
  const session = await openChat(alice)
  const watching = watch(alice, session.id, { after: session.eventsCursor })
  const answerId = await ask(alice, session, 'scenario/words-60')
  const { places, texts } = await watching
  const whole = texts.get(answerId) ?? ''
  for (const [index, { cursor, length }] of places.slice(0, -1).entries()) {
    const again = await watch(alice, session.id, { after: cursor, known: whole.slice(0, length) })
    expect(again.texts.get(answerId) ?? whole, `from place ${index}`).toBe(whole)
    expect(again.indexes[0] ?? length, `from place ${index}`).toBe(length)
    expect(again.kinds).not.toContain('ResyncRequired')
  }
})

test('a cursor that is garbage, of another session or of the future is answered with a resync', async ({ alice }) => {
  const [session, other] = [await openChat(alice), await openChat(alice)]
  const watching = watch(alice, session.id, { after: session.eventsCursor })
  await ask(alice, session, 'scenario/words-30')
  const inText = (await watching).places.find(({ cursor }) => cursor.includes('.'))?.cursor ?? ''
  const [place = '', text = ''] = inText.split('.')
  const others = watch(alice, other.id, { after: other.eventsCursor })
  await ask(alice, other, 'scenario/words-30')
  const foreign = (await others).places.map(({ cursor }) => cursor)
  const garbage = [
    '',
    '.',
    'garbage',
    `${place}.`,
    `${place}.garbage`,
    `garbage.${text}`,
    `${inText}.${text}`,
    `${text}.${place}`,
  ]
  for (const after of [...garbage, ...foreign.slice(1)]) {
    const events = alice.subscribe(ChatEventsDocument, { sessionId: session.id, after })
    const { chatEvents } = await events.next()
    expect(chatEvents.__typename, after).toBe('ResyncRequired')
    events.stop()
  }
})
