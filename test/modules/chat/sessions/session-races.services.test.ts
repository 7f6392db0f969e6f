import { expect } from 'vitest'
import {
  AddChatParticipantDocument,
  DeleteChatSessionDocument,
  RemoveChatParticipantDocument,
  SendMessageDocument,
} from '../../../gql/graphql.ts'
import { type Person, signUpInto, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { openChat, test } from '../../../kit/test.ts'
import { add, archive, look, peopleIn, update } from './stage.ts'

// Races, on a real database: the embedded one has one session.

const ROUNDS = 8

test('of many who change the same version one does, and the others are shown what it is now', async ({
  alice,
  bob,
}) => {
  const { id } = await openChat(alice, { participantIds: [bob.userId] })
  const tries = Array.from({ length: 12 }, (_, index) =>
    update(index % 2 === 0 ? alice : bob, { id, expectedVersion: 1, title: `Title ${index}` }),
  )
  const came = await Promise.all(tries)
  const outcomes = came.map(({ __typename }) => __typename).sort()
  expect(outcomes).toEqual(['ChatSession', ...Array(11).fill('EditConflict')])
  const winner = came.find((one) => one.__typename === 'ChatSession')
  expect(await look(alice, id)).toMatchObject({ title: winner?.title, version: 2 })
})

test('somebody who is added by many at once takes part once', async ({ alice, bob }) => {
  const { id } = await openChat(alice)
  const added = await Promise.all(Array.from({ length: 10 }, () => add(alice, id, bob)))
  expect(new Set(added.map(({ __typename }) => __typename))).toEqual(new Set(['ChatSession']))
  expect(await peopleIn(bob, id)).toEqual([alice.userId, bob.userId].sort())
})

test('two who leave at once, the last of them, leave no session behind', async ({ server, alice, bob }) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { id } = await openChat(alice, { participantIds: [bob.userId] })
    const left = await Promise.all([leave(alice, id), leave(bob, id)])
    expect(left.map(({ errors }) => errors)).toEqual([undefined, undefined])
    expect(await isThere(server, id)).toBe(false)
  }
})

test('two who take each other out once the one who opened it has left leave one', async ({ server, alice, bob }) => {
  const carol = await signUpInto(server, alice, 'Carol', 'EDITOR')
  for (let round = 0; round < ROUNDS; round += 1) {
    const { id } = await openChat(alice, { participantIds: [bob.userId, carol.userId] })
    await leave(alice, id)
    await Promise.all([
      bob.send(RemoveChatParticipantDocument, { input: { id, userId: carol.userId } }),
      carol.send(RemoveChatParticipantDocument, { input: { id, userId: bob.userId } }),
    ])
    const left = (await peopleIn(bob, id)) ?? (await peopleIn(carol, id))
    expect(left).toHaveLength(1)
  }
  await carol.close()
})

test('a session that is deleted while people are added and speak is gone, with all of it', async ({
  server,
  alice,
  bob,
}) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { id } = await openChat(alice)
    const came = await Promise.all([
      alice.send(AddChatParticipantDocument, { input: { id, userId: bob.userId } }),
      alice.send(DeleteChatSessionDocument, { input: { id } }),
      alice.send(SendMessageDocument, { input: { sessionId: id, content: 'Hm?', model: 'scenario/words-1' } }),
      leave(alice, id),
    ])
    const codes = came.flatMap(({ errors }) => errors?.map(({ extensions }) => extensions.code) ?? [])
    expect(new Set(['NOT_FOUND', ...codes])).toEqual(new Set(['NOT_FOUND']))
    expect(await isThere(server, id)).toBe(await takesPart(server, id, bob))
  }
})

test('nothing is said in a session after it was archived', async ({ alice }) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { id } = await openChat(alice)
    const input = { sessionId: id, content: 'Hm?', model: 'scenario/words-1' }
    const [sent, archived] = await Promise.all([alice.mutate(SendMessageDocument, { input }), archive(alice, id)])
    expect(archived).toMatchObject({ status: 'ARCHIVED' })
    const isSaid = sent.sendMessage.__typename === 'SentMessage'
    if (!isSaid) expect(sent.sendMessage.__typename).toBe('SessionArchived')
    expect((await look(alice, id))?.messages.totalCount).toBe(isSaid ? 2 : 0)
  }
})

test('somebody who is taken out while they speak has spoken before, or not at all', async ({ alice, bob }) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { id } = await openChat(alice, { participantIds: [bob.userId] })
    const input = { sessionId: id, content: 'Hm?', model: 'scenario/words-1' }
    const [, removed] = await Promise.all([
      bob.send(SendMessageDocument, { input }),
      alice.send(RemoveChatParticipantDocument, { input: { id, userId: bob.userId } }),
    ])
    expect(removed.errors).toBe(undefined)
    const { errors } = await bob.send(SendMessageDocument, { input })
    expect(errors?.[0]?.extensions.code).toBe('NOT_FOUND')
  }
})

function leave(person: Person, id: string) {
  return person.send(RemoveChatParticipantDocument, { input: { id, userId: person.userId } })
}

async function isThere({ app }: TestServer, id: string): Promise<boolean> {
  const query = app.platform.database.unscoped.selectFrom('chat_session').select('id').where('id', '=', uuidIn(id))
  return (await query.executeTakeFirst()) !== undefined
}

async function takesPart({ app }: TestServer, id: string, { userId }: Person): Promise<boolean> {
  const query = app.platform.database.unscoped
    .selectFrom('chat_participant')
    .select('user_id')
    .where('session_id', '=', uuidIn(id))
    .where('user_id', '=', uuidIn(userId))
  return (await query.executeTakeFirst()) !== undefined
}
