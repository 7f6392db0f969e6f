import { expect } from 'vitest'
import {
  ChatSessionDocument,
  type ChatSessionQuery,
  EditMessageDocument,
  type EditMessageInput,
  RegenerateMessageDocument,
  SendMessageDocument,
} from '../../../gql/graphql.ts'
import { askAndWait, untilEnded, watch } from '../../../kit/chat.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import { makeKey, programOf } from '../../../kit/programs.ts'
import { ask, openChat, test } from '../../../kit/test.ts'
import { otherwise } from '../generations/other-model.ts'

/** What is in a branch of a session: that of a message, or the newest. */
async function branch(person: Person, sessionId: string, through: string | null = null, last = 100) {
  const { chatSession } = await person.query(ChatSessionDocument, { id: sessionId, through, last })
  if (!chatSession) throw new Error('There is no such session')
  expect(chatSession.messages.totalCount).toBeGreaterThanOrEqual(chatSession.messages.nodes.length)
  return chatSession.messages
}
const idsIn = async (...place: Parameters<typeof branch>) => (await branch(...place)).nodes.map(({ id }) => id)

async function edit(person: Person, sessionId: string, input: Pick<EditMessageInput, 'id' | 'content'>) {
  const { editMessage: sent } = await person.mutate(EditMessageDocument, {
    input: { model: 'scenario/words-1', ...input },
  })
  if (sent.__typename !== 'SentMessage') throw new Error(`The edit came to ${JSON.stringify(sent)}`)
  await untilEnded(person, sessionId)
  return { question: sent.question.id, answer: sent.answer.id }
}

async function regenerate(person: Person, sessionId: string, id: string, model = 'scenario/words-1') {
  const { regenerateMessage: sent } = await person.mutate(RegenerateMessageDocument, { input: { id, model } })
  if (sent.__typename !== 'SentMessage') throw new Error(`The new answer came to ${JSON.stringify(sent)}`)
  await untilEnded(person, sessionId)
  return sent.answer.id
}

test('a question that is asked otherwise begins a branch, and the old one stays with all that followed it', async ({
  alice,
}) => {
  const { id: sessionId } = await openChat(alice)
  const first = await askAndWait(alice, { sessionId })
  const second = await askAndWait(alice, { sessionId })
  const third = await askAndWait(alice, { sessionId })
  const old = [first, second, third].flatMap(({ question, answer }) => [question, answer])
  expect(await idsIn(alice, sessionId)).toEqual(old)

  const edited = await edit(alice, sessionId, { id: second.question, content: 'Otherwise?' })
  const own = [first.question, first.answer, edited.question, edited.answer]
  expect(await idsIn(alice, sessionId)).toEqual(own)
  expect((await branch(alice, sessionId)).totalCount).toBe(4)
  // Through any message of it one comes to the old branch, as far as it went.
  for (const id of [second.question, second.answer, third.answer])
    expect([id, await idsIn(alice, sessionId, id)]).toEqual([id, old])
  expect((await branch(alice, sessionId, third.answer)).totalCount).toBe(6)

  const { nodes } = await branch(alice, sessionId)
  const siblings = [second.question, edited.question]
  expect(nodes.map((node) => node.siblings.map(({ id }) => id))).toEqual([
    [first.question],
    [first.answer],
    siblings,
    [edited.answer],
  ])
  expect(nodes.map(({ parent }) => parent?.id ?? null)).toEqual([null, ...own.slice(0, 3)])
})

test('what is said goes on from the newest message, or from the answer that is named', async ({ alice }) => {
  const { id: sessionId } = await openChat(alice)
  const first = await askAndWait(alice, { sessionId })
  const again = await regenerate(alice, sessionId, first.answer)
  expect(await idsIn(alice, sessionId)).toEqual([first.question, again])
  const next = await askAndWait(alice, { sessionId })
  expect(await idsIn(alice, sessionId)).toEqual([first.question, again, next.question, next.answer])
  const back = await askAndWait(alice, { sessionId, parentId: first.answer })
  expect(await idsIn(alice, sessionId)).toEqual([first.question, first.answer, back.question, back.answer])
  const fork = await askAndWait(alice, { sessionId, parentId: first.answer })
  expect(await idsIn(alice, sessionId)).toEqual([first.question, first.answer, fork.question, fork.answer])
  expect(await idsIn(alice, sessionId, again)).toEqual([first.question, again, next.question, next.answer])
})

test('the first question has alternatives as well, and a branch of branches is read from end to end in pages', async ({
  alice,
}) => {
  const { id: sessionId } = await openChat(alice)
  let last = await askAndWait(alice, { sessionId })
  const roots = [last.question]
  last = await edit(alice, sessionId, { id: last.question, content: 'Or rather?' })
  roots.push(last.question)
  const path = [last.question]
  for (let round = 0; round < 4; round++) {
    const answer = await regenerate(alice, sessionId, last.answer)
    const next = await askAndWait(alice, { sessionId, parentId: answer })
    path.push(answer, next.question)
    last = next
  }
  path.push(last.answer)
  expect(await idsIn(alice, sessionId)).toEqual(path)
  const read: string[] = []
  let before: string | null = null
  do {
    const found: ChatSessionQuery = await alice.query(ChatSessionDocument, { id: sessionId, last: 3, before })
    const messages: NonNullable<ChatSessionQuery['chatSession']>['messages'] | undefined = found.chatSession?.messages
    read.unshift(...(messages?.nodes ?? []).map(({ id }) => id))
    before = messages?.pageInfo.hasPreviousPage === true ? (messages.pageInfo.startCursor ?? null) : null
  } while (before !== null)
  expect(read).toEqual(path)
  expect((await branch(alice, sessionId)).nodes[0]?.siblings.map(({ id }) => id)).toEqual(roots)
})

test('a model reads what led to its answer, and nothing of other branches', async ({ server, alice }) => {
  const { id: sessionId } = await openChat(alice)
  const first = await askAndWait(alice, { sessionId, content: 'Of the left?' })
  await askAndWait(alice, { sessionId, content: 'Further left?' })
  using model = otherwise(server, 'scenario/words-1', {})
  await edit(alice, sessionId, { id: first.question, content: 'Of the right?' })
  await askAndWait(alice, { sessionId, content: 'Further right?' })
  const text = (await branch(alice, sessionId)).nodes[1]?.content
  const said = model.asked.map(({ messages }) =>
    messages.flatMap((message) => (message.role === 'user' || message.role === 'assistant' ? [message.content] : [])),
  )
  expect(said).toEqual([['Of the right?'], ['Of the right?', text, 'Further right?']])
})

test('whoever watches is told of an alternative as of anything else', async ({ alice }) => {
  const session = await openChat(alice)
  const { answer } = await askAndWait(alice, { sessionId: session.id })
  const { chatSession } = await alice.query(ChatSessionDocument, { id: session.id })
  const again = await regenerate(alice, session.id, answer)
  const seen = await watch(alice, session.id, { after: chatSession?.eventsCursor ?? null })
  expect(seen.kinds).toEqual(['MessageCreated', 'MessageDelta', 'MessageFinished'])
  expect([...seen.texts.keys()]).toEqual([again])
})

test('what is no question is not edited, what is no answer is not given anew, and neither is followed', async ({
  alice,
  bob,
  stranger,
}) => {
  const { id: sessionId } = await openChat(alice)
  const { question, answer } = await askAndWait(alice, { sessionId })
  const other = await askAndWait(alice, { sessionId: (await openChat(alice)).id })
  const invalid = (path: string) => ({ __typename: 'InvalidInput', fields: [{ path: [path] }] })
  const editing = async (id: string, content = 'Well?') =>
    (await alice.mutate(EditMessageDocument, { input: { id, content } })).editMessage
  const giving = async (id: string) =>
    (await alice.mutate(RegenerateMessageDocument, { input: { id } })).regenerateMessage
  expect(await editing(answer)).toMatchObject(invalid('id'))
  expect(await editing(question, ' ')).toMatchObject(invalid('content'))
  expect(await giving(question)).toMatchObject(invalid('id'))
  for (const parentId of [question, other.answer]) {
    const input = { sessionId, parentId, content: 'Well?' }
    expect((await alice.mutate(SendMessageDocument, { input })).sendMessage).toMatchObject(invalid('parentId'))
  }
  for (const person of [bob, stranger]) {
    await expect(person.mutate(EditMessageDocument, { input: { id: question, content: 'Mine' } })).rejects.toThrow(
      'NOT_FOUND',
    )
    await expect(person.mutate(RegenerateMessageDocument, { input: { id: answer } })).rejects.toThrow('NOT_FOUND')
  }
  expect((await branch(alice, sessionId, other.answer)).nodes).toEqual([])
  expect(await idsIn(alice, sessionId)).toEqual([question, answer])
})

test('a key that may send may neither edit nor have anything answered anew', async ({ alice }) => {
  const { id: sessionId } = await openChat(alice)
  const { question, answer } = await askAndWait(alice, { sessionId })
  const key = await makeKey(alice, { permissions: ['chat_session.read', 'message.send'] })
  const program = programOf(alice, key.secret)
  await expect(program.mutate(EditMessageDocument, { input: { id: question, content: 'Mine' } })).rejects.toThrow(
    'FORBIDDEN',
  )
  await expect(program.mutate(RegenerateMessageDocument, { input: { id: answer } })).rejects.toThrow('FORBIDDEN')
  await program.close()
})

test('while an answer is written there is no other', async ({ alice }) => {
  const { id: sessionId } = await openChat(alice)
  const { question, answer } = await askAndWait(alice, { sessionId })
  const stalled = await ask(alice, { id: sessionId }, 'scenario/stall-1')
  const busy = [
    (await alice.mutate(EditMessageDocument, { input: { id: question, content: 'Now?' } })).editMessage,
    (await alice.mutate(RegenerateMessageDocument, { input: { id: answer } })).regenerateMessage,
  ]
  expect(busy.map(({ __typename }) => __typename)).toEqual(['GenerationInProgress', 'GenerationInProgress'])
  expect(await idsIn(alice, sessionId)).toContain(stalled)
})

test('of many who go on from one answer at once each is in a branch of their own', async ({ alice }) => {
  const { id: sessionId } = await openChat(alice)
  const { question, answer } = await askAndWait(alice, { sessionId })
  const input = { sessionId, parentId: answer, content: 'And?', model: 'scenario/words-0' }
  const goOn = async () => {
    const { sendMessage: sent } = await alice.mutate(SendMessageDocument, { input })
    return sent.__typename === 'SentMessage' ? [[question, answer, sent.question.id, sent.answer.id]] : []
  }
  const branches: string[][] = []
  while (branches.length < 12) branches.push(...(await Promise.all(Array.from({ length: 8 }, goOn))).flat())
  await untilEnded(alice, sessionId)
  for (const ids of branches) expect(await idsIn(alice, sessionId, ids.at(-1))).toEqual(ids)
})

test('a message has a hundred alternatives at most', async ({ server, alice }) => {
  const { id: sessionId } = await openChat(alice)
  const { question, answer } = await askAndWait(alice, { sessionId })
  await server.app.platform.database.pool.query(
    `insert into message (id, organization_id, session_id, parent_id, branch_id, role, content, citations, status, fence, created_at, updated_at)
    select made.id, organization_id, session_id, parent_id, made.id, role, content, citations, status, fence, created_at, updated_at
    from message, lateral (select ('00000000-0000-7000-8000-' || lpad(number::text, 12, '0'))::uuid as id
      from generate_series(1, 98) as number where message.id is not null) as made
    where message.id = $1`,
    [uuidIn(answer)],
  )
  const last = await regenerate(alice, sessionId, answer)
  const { regenerateMessage: refused } = await alice.mutate(RegenerateMessageDocument, { input: { id: last } })
  expect(refused).toMatchObject({ __typename: 'BranchLimitReached', code: 'BRANCH_LIMIT_REACHED' })
  const edited = await edit(alice, sessionId, { id: question, content: 'Anew?' })
  expect(await idsIn(alice, sessionId, edited.answer)).toEqual([edited.question, edited.answer])
})
