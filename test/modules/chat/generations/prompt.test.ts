import { expect } from 'vitest'
import { CreateChatSessionDocument, SendMessageDocument } from '../../../gql/graphql.ts'
import { askAndWait } from '../../../kit/chat.ts'
import { openChat, test, write } from '../../../kit/test.ts'
import { look, update } from '../sessions/stage.ts'
import { callsIn, haveDone } from '../tools/stage.ts'
import { otherwise } from './other-model.ts'

const MODEL = 'scenario/words-1'
const contextWindow = 2_000
const words = (count: number) => Array.from({ length: count }, (_, index) => `word${index}`).join(' ')

test('a question that no window holds is refused before anything is written', async ({ server, alice }) => {
  using _small = otherwise(server, MODEL, { contextWindow, capabilities: [] })
  const session = await openChat(alice)
  const input = { sessionId: session.id, model: MODEL, content: words(1_500) }
  const { sendMessage } = await alice.mutate(SendMessageDocument, { input })
  expect(sendMessage).toMatchObject({ __typename: 'PromptTooLong', code: 'PROMPT_TOO_LONG' })
  expect((await look(alice, session.id))?.messages.totalCount).toBe(0)
  // What is to be written counts as well, up to a share of the window.
  const fits = { ...input, content: words(430) }
  const long = await alice.mutate(SendMessageDocument, { input: { ...fits, settings: { maxTokens: 100_000 } } })
  expect(long.sendMessage.__typename).toBe('SentMessage')
})

test('of a long conversation the newest is sent that fits, oldest first', async ({ server, alice }) => {
  using small = otherwise(server, MODEL, { contextWindow, capabilities: [] })
  const session = await openChat(alice)
  for (const index of Array.from({ length: 6 }).keys())
    await askAndWait(alice, { sessionId: session.id, model: MODEL, content: `${index}: ${words(90)}` })
  const { messages = [] } = small.asked.at(-1) ?? {}
  const questions = messages.flatMap((message) => (message.role === 'user' ? [message.content[0]] : []))
  expect(messages[0]?.role).toBe('system')
  expect(questions.at(-1)).toBe('5')
  expect(questions.length).toBeGreaterThan(1)
  expect(questions.length).toBeLessThan(6)
  expect(questions).toEqual(questions.toSorted())
})

test('what tools return is counted before the model is asked again', async ({ server, alice, page }) => {
  using _small = otherwise(server, 'scenario/tools', { contextWindow: 5_000 })
  await write(alice, page.id, words(1_500), words(1_500))
  const session = await openChat(alice)
  const message = await haveDone(alice, session.id, [[{ name: 'readPage', input: { pageId: page.id } }], 'Done.'])
  expect(callsIn(message)).toMatchObject([{ status: 'COMPLETED' }])
  expect(message).toMatchObject({ status: 'FAILED', failureCode: 'PROMPT_TOO_LONG' })
})

test('a model without a key answers nobody, and is chosen for no session', async ({ server, alice }) => {
  using _closed = otherwise(server, MODEL, { isConfigured: false })
  const session = await openChat(alice)
  const fact = { __typename: 'ModelNotConfigured', code: 'MODEL_NOT_CONFIGURED' }
  const input = { sessionId: session.id, model: MODEL, content: 'Anything?' }
  expect((await alice.mutate(SendMessageDocument, { input })).sendMessage).toMatchObject(fact)
  const made = await alice.mutate(CreateChatSessionDocument, { input: { model: MODEL } })
  expect(made.createChatSession).toMatchObject(fact)
  expect(await update(alice, { id: session.id, expectedVersion: 1, model: MODEL })).toMatchObject(fact)
})
