import { expect } from 'vitest'
import {
  ChatEventsDocument,
  ChatSessionDocument,
  PageDocument,
  SendMessageDocument,
  StopGenerationDocument,
} from '../../../gql/graphql.ts'
import { askAndWait, lastMessage, watch } from '../../../kit/chat.ts'
import { endMembership, setRole } from '../../../kit/inside.ts'
import { uuidIn } from '../../../kit/people.ts'
import { ask, createPage, openChat, test, write } from '../../../kit/test.ts'
import { createProject } from '../../projects/stage.ts'
import { add, look } from '../sessions/stage.ts'
import { approve, callsIn, decide, ended, have, haveDone, reject, untilAsked } from './stage.ts'

test('a model reads with a tool, is told what came of it, and goes on', async ({ alice, page }) => {
  await write(alice, page.id, 'The lamp burns until dawn.')
  const session = await openChat(alice)
  const message = await haveDone(alice, session.id, [[{ name: 'readPage', input: { pageId: page.id } }], 'Done.'])
  expect(message).toMatchObject({ status: 'COMPLETED', failureCode: null })
  expect(message.parts.map(({ __typename }) => __typename)).toEqual(['ToolCallPart', 'ToolResultPart', 'TextPart'])
  const [call] = callsIn(message)
  expect(call).toMatchObject({
    name: 'readPage',
    input: { pageId: page.id },
    status: 'COMPLETED',
    askedBy: { id: alice.userId },
  })
  expect(call?.output).toMatchObject({ id: page.id, title: 'A page', blocks: [{ text: 'The lamp burns until dawn.' }] })
  expect(message.content).toContain('The lamp burns until dawn.')
  expect(message.content).toMatch(/Done\.$/)
})

test('text, calls and what came of them are told in order, and from every cursor on', async ({ alice, page }) => {
  const session = await openChat(alice)
  const steps = [[{ name: 'readPage', input: { pageId: page.id } }], [{ name: 'listProjects', input: {} }], 'The end.']
  const watching = watch(alice, session.id, { after: session.eventsCursor })
  const message = await haveDone(alice, session.id, steps)
  const { kinds, texts, places } = await watching
  const call = ['ToolCallStarted', 'ToolCallFinished']
  expect(kinds.filter((kind) => kind.startsWith('ToolCall'))).toEqual([...call, ...call])
  expect(kinds.at(-1)).toBe('MessageFinished')
  expect([...texts.values()]).toEqual([message.content])
  for (const { cursor, length } of places.slice(0, -1)) {
    const seen = await watch(alice, session.id, { after: cursor, known: message.content.slice(0, length) })
    expect([...seen.texts.values()].at(-1) ?? message.content.slice(0, length)).toBe(message.content)
  }
})

test('what a model thinks is told apart from its text, to who comes late as well, and stays', async ({ alice }) => {
  const session = await openChat(alice)
  const watching = watch(alice, session.id, { after: session.eventsCursor })
  const id = await ask(alice, session, 'scenario/think-30')
  const [early, late] = await Promise.all([watching, watch(alice, session.id, { after: session.eventsCursor })])
  const message = await ended(alice, session.id)
  const [thought, text] = message.parts
  expect(message.parts.map(({ __typename }) => __typename)).toEqual(['ReasoningPart', 'TextPart'])
  for (const seen of [early, late]) {
    expect(seen.texts.get(id)).toBe(message.content)
    expect({ text: seen.thoughts.get(id) }).toMatchObject({ text: (thought as { text: string }).text })
  }
  expect(text).toMatchObject({ text: message.content })
  expect(message.usage).toMatchObject({ outputTokens: 60, reasoningTokens: 30 })
  const whole = early.thoughts.get(id) ?? ''
  for (const { cursor, length, thoughtLength } of early.places.slice(0, -1)) {
    const [known, knownThought] = [message.content.slice(0, length), whole.slice(0, thoughtLength)]
    const seen = await watch(alice, session.id, { after: cursor, known, knownThought })
    expect([seen.thoughts.get(id) ?? knownThought, seen.texts.get(id) ?? known]).toEqual([whole, message.content])
  }
})

test('what a person writes is never taken for a thought', async ({ alice }) => {
  const session = await openChat(alice)
  const content = 'One\u000etwo\u000fthree'
  await askAndWait(alice, { sessionId: session.id, content })
  const { chatSession } = await alice.query(ChatSessionDocument, { id: session.id, last: 2 })
  expect(chatSession?.messages.nodes[0]?.parts).toEqual([{ __typename: 'TextPart', text: content }])
})

test('a stopped thought stays as far as it came', async ({ alice }) => {
  const session = await openChat(alice)
  const events = alice.subscribe(ChatEventsDocument, { sessionId: session.id, after: session.eventsCursor })
  const messageId = await ask(alice, session, 'scenario/think-2000')
  for (let told = 0; told < 5; ) told += (await events.next()).chatEvents.__typename === 'MessageDelta' ? 1 : 0
  events.stop()
  const { stopGeneration } = await alice.mutate(StopGenerationDocument, { input: { messageId } })
  expect(stopGeneration).toMatchObject({ status: 'CANCELLED', content: '' })
  const message = await lastMessage(alice, session.id)
  expect(message?.parts).toMatchObject([{ __typename: 'ReasoningPart', text: expect.stringMatching(/./) }])
})

test('a fault of a tool is told to the model, which goes on', async ({ alice, bob, page }) => {
  const session = await openChat(alice)
  const hidden = await openChat(bob)
  const message = await haveDone(alice, session.id, [
    [
      { name: 'readPage', input: { pageId: 'page_01jd0000000000000000000000' } },
      { name: 'readPage', input: { pageId: hidden.id } },
      { name: 'readPage', input: { pageId: page.id, more: true } },
      { name: 'deletePage', input: { pageId: page.id } },
      { name: '__proto__', input: {} },
      { name: 'listProjects' },
    ],
    'So be it.',
  ])
  expect(callsIn(message).map(({ status, output }) => [status, (output as { code: string }).code])).toEqual([
    ['FAILED', 'NOT_FOUND'],
    ['FAILED', 'INVALID_INPUT'],
    ['FAILED', 'INVALID_INPUT'],
    ['FAILED', 'NO_SUCH_TOOL'],
    ['FAILED', 'NO_SUCH_TOOL'],
    ['FAILED', 'INVALID_INPUT'],
  ])
  expect(message).toMatchObject({ status: 'COMPLETED', content: expect.stringMatching(/So be it\.$/) })
})

test('input that is no JSON is refused, and the session is usable afterwards', async ({ alice }) => {
  const session = await openChat(alice)
  await ask(alice, session, 'scenario/badjson')
  const message = await ended(alice, session.id)
  expect(callsIn(message)).toMatchObject([{ name: 'createPage', input: null, status: 'FAILED' }])
  expect(message.status).toBe('COMPLETED')
  await ask(alice, session, 'scenario/words-1')
})

test('calls out of all bounds are refused as any other', async ({ alice }) => {
  const session = await openChat(alice)
  const deep = `${'['.repeat(6_000)}${']'.repeat(6_000)}`
  const content = `[[{"name":"a\\u0000b","input":{}},{"name":"\\ud83c","input":{}},{"name":"${'x'.repeat(5_000)}","input":{}},{"name":"searchPages","input":{"query":1e400}},{"name":"searchPages","input":${deep}}],"Done."]`
  const input = { sessionId: session.id, content, model: 'scenario/tools' }
  await alice.mutate(SendMessageDocument, { input })
  const message = await ended(alice, session.id)
  expect(message).toMatchObject({ status: 'COMPLETED', content: expect.stringMatching(/Done\.$/) })
  const calls = callsIn(message)
  expect(calls.map(({ status }) => status)).toEqual(Array(5).fill('FAILED'))
  expect(Math.max(...calls.map(({ name }) => name.length))).toBe(64)
})

test('a call is told behind the text before it, also to who says nothing of that', async ({ alice }) => {
  const session = await openChat(alice)
  await have(alice, session.id, [
    [{ name: 'listProjects', input: {} }],
    [{ name: 'createPage', input: { title: 'x' } }],
    'x',
  ])
  const call = await untilAsked(alice, session.id)
  const before = await look(alice, session.id)
  await reject(alice, call)
  const message = await ended(alice, session.id)
  const { kinds } = await watch(alice, session.id, { after: session.eventsCursor })
  expect(kinds.slice(kinds.lastIndexOf('ToolCallStarted') - 1)[0]).toBe('MessageDelta')
  const late = await watch(alice, session.id, { after: before?.eventsCursor ?? null })
  expect([...late.texts.values()]).toEqual([message.content])
  expect(late.kinds.slice(0, 2)).toEqual(['MessageDelta', 'ToolCallFinished'])
})

test('who is let in while something waits is told nothing that they may not read', async ({ alice, bob }) => {
  const projectId = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const page = await createPage(alice, 'Secret of the closed project', projectId)
  const session = await openChat(alice)
  const steps = [
    [
      { name: 'readPage', input: { pageId: page.id } },
      { name: 'createPage', input: { title: 'x' } },
    ],
    'Told.',
  ]
  await have(alice, session.id, steps)
  const call = await untilAsked(alice, session.id)
  await add(alice, session.id, bob)
  await approve(alice, call)
  const message = await ended(bob, session.id)
  expect(message).toMatchObject({ status: 'FAILED', failureCode: 'AUDIENCE_GROWN' })
  expect(JSON.stringify(message)).not.toContain('Secret')
})

test('a model that never comes to an end is ended', async ({ alice }) => {
  const session = await openChat(alice)
  const steps = Array.from({ length: 5 }, () => [{ name: 'listProjects', input: {} }])
  const message = await haveDone(alice, session.id, steps, { settings: { maxIterations: 3 } })
  expect(message).toMatchObject({ status: 'FAILED', failureCode: 'TOO_MANY_ITERATIONS' })
  expect(callsIn(message)).toHaveLength(3)
})

test('a model that is given no tools has none', async ({ alice, page }) => {
  const session = await openChat(alice)
  const steps = [
    [
      { name: 'readPage', input: { pageId: page.id } },
      { name: 'listProjects', input: {} },
    ],
  ]
  const only = async (tools: string[]) => {
    const message = await haveDone(alice, session.id, steps, { settings: { tools } })
    return callsIn(message).map(({ status }) => status)
  }
  expect(await only([])).toEqual(['FAILED', 'FAILED'])
  expect(await only(['listProjects'])).toEqual(['FAILED', 'COMPLETED'])
})

test('a tool acts as who asked is by then: whoever lost their role, or left, is refused', async ({
  server,
  alice,
  bob,
}) => {
  const page = await createPage(alice, 'Of all')
  const session = await openChat(bob)
  const append = [{ name: 'appendBlocks', input: { pageId: page.id, blocks: [{ text: 'Mine.' }] } }]
  await have(bob, session.id, [append])
  const first = await untilAsked(bob, session.id)
  await setRole(server, bob, 'VIEWER')
  expect((await approve(bob, first)).__typename).toBe('Message')
  expect(callsIn(await ended(bob, session.id))).toMatchObject([{ status: 'FAILED', output: { code: 'FORBIDDEN' } }])
  await setRole(server, bob, 'EDITOR')
  const messageId = await have(bob, session.id, [append])
  const second = await untilAsked(bob, session.id)
  await endMembership(server, bob)
  await decide(server, second.id, 'APPROVED')
  const { unscoped } = server.app.platform.database
  const query = unscoped
    .selectFrom('tool_call')
    .where('message_id', '=', uuidIn(messageId))
    .select(['status', 'output'])
  await expect
    .poll(() => query.executeTakeFirst())
    .toMatchObject({ status: 'FAILED', output: { code: 'ACCESS_ENDED' } })
  expect((await alice.query(PageDocument, { id: page.id })).page?.blocks.nodes).toEqual([])
})

test('settings out of bounds are refused', async ({ alice }) => {
  const session = await openChat(alice)
  const bad = [{ temperature: 3 }, { maxTokens: 0 }, { tools: ['eval'] }, { maxIterations: 21 }]
  for (const settings of bad) {
    await expect(have(alice, session.id, ['x'], { settings })).rejects.toThrow('InvalidInput')
  }
})
