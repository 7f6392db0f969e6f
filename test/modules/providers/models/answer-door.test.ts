import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { costOf } from '../../../../src/lib/credits.ts'
import { CATALOGUE_VERSION } from '../../../../src/lib/model-catalogue.ts'
import { createPriceList } from '../../../../src/lib/price-list.ts'
import type { TokenUsage } from '../../../../src/lib/token-usage.ts'
import { ChatSessionDocument, ModelsDocument, ProvidersDocument, SendMessageDocument } from '../../../gql/graphql.ts'
import { lastMessage, untilEnded, watch } from '../../../kit/chat.ts'
import { createTestClient } from '../../../kit/client.ts'
import { correctedCohere } from '../../../kit/corrected-cohere.ts'
import { answerWith, type ModelServer, startModelServer } from '../../../kit/model-server.ts'
import { type Person, signUp } from '../../../kit/people.ts'
import { startServer, type TestServer } from '../../../kit/server.ts'
import { ask, openChat, test } from '../../../kit/test.ts'
import { callsIn } from '../../chat/tools/stage.ts'

let mock: ModelServer
let server: TestServer
let person: Person
beforeAll(async () => {
  mock = await startModelServer(correctedCohere)
  const keys = ['ANTHROPIC', 'OPENAI', 'GOOGLE', 'COHERE'].map((name) => [`${name}_API_KEY`, 'a-key-of-a-test'])
  server = await startServer({
    environment: {
      ...Object.fromEntries(keys),
      ANTHROPIC_BASE_URL: `${mock.url}/v1`,
      OPENAI_BASE_URL: `${mock.url}/v1`,
      GOOGLE_BASE_URL: `${mock.url}/v1beta`,
      COHERE_BASE_URL: `${mock.url}/v2`,
      OLLAMA_URL: mock.url,
      OPENAI_COMPATIBLE: `house=${mock.url}/v1`,
      MODEL_PRICES: 'house/*=free',
      MODEL_BACK_OFF_MILLIS: '2',
      DEFAULT_MODEL: 'openai/gpt-4.1',
      MODEL_FALLBACKS: 'anthropic/claude-opus-5-5 > openai/gpt-5',
    },
  })
  person = await signUp(server, 'Alice')
})
afterEach(() => mock.reset())
afterAll(async () => {
  await person.close()
  await server.close()
  await mock.close()
})

const answer = 'The sea is eleven kilometres deep where it is deepest.'

/** Asks in a session of its own, and tells how the answer looks when it has ended, and what was seen of it before. */
async function answered(model: string) {
  const session = await openChat(person, { model })
  const seen = watch(person, session.id, { after: session.eventsCursor })
  const id = await ask(person, session, model, 'How deep is the sea?')
  const watched = (await seen).texts.get(id)
  return { ...(await lastMessage(person, session.id)), watched }
}

/** What an answer costs by the prices of the catalogue, whoever was asked for it. */
function chargedFor(model: string, usage: TokenUsage | null | undefined) {
  const price = createPriceList(new Map([['house/*', 'free' as const]])).find(model)
  if (price === null || usage == null) throw new Error(`Nobody knows what ${model} costs`)
  if (price === 'free') return { priceVersion: null, costMillionths: '0' }
  return { priceVersion: CATALOGUE_VERSION, costMillionths: String(costOf(price.rates, usage)) }
}

const models = [
  'anthropic/claude-sonnet-4-6',
  'openai/gpt-5',
  'openai-chat/gpt-4.1',
  'google/gemini-2.5-flash',
  'cohere/command-a-03-2025',
  'ollama/qwen3:8b',
  'house/any-model',
] as const

describe('through the door', () => {
  test.for(models)('%s answers, told while it writes', async (model) => {
    answerWith(mock, { content: answer })
    const message = await answered(model)
    expect(message).toMatchObject({ status: 'COMPLETED', content: answer, watched: answer })
    expect(message).toMatchObject(chargedFor(model, message.usage))
  })

  test.for(models)('%s has a tool used, is told what came of it, and goes on', async (model) => {
    const call = { id: 'call_1', name: 'listProjects', arguments: '{}' }
    mock.mock.on({ hasToolResult: false }, { toolCalls: [call] })
    mock.mock.on({ hasToolResult: true }, { content: answer })
    const message = await answered(model)
    expect(message).toMatchObject({ status: 'COMPLETED', content: answer, watched: answer })
    expect(message.parts?.map(({ __typename }) => __typename)).toEqual(['ToolCallPart', 'ToolResultPart', 'TextPart'])
    expect(callsIn({ parts: message.parts ?? [] })).toMatchObject([
      { name: 'listProjects', input: {}, status: 'COMPLETED', output: { projects: [] } },
    ])
    const providerId = model.split('/')[0]?.replace('openai-chat', 'openai')
    expect(message.segments).toMatchObject([{ index: 0, length: answer.length, providerId, modelId: model }])
  })

  test('what a model thinks, and what it took, is kept with what it says', async () => {
    const usage = { input_tokens: 11, output_tokens: 7 }
    answerWith(mock, { content: answer, reasoning: 'Deeper than mountains are high.', usage })
    const model = 'anthropic/claude-sonnet-4-6'
    const session = await openChat(person)
    const settings = { reasoning: 'LOW' as const }
    const input = { sessionId: session.id, content: 'How deep is the sea?', model, settings }
    await person.mutate(SendMessageDocument, { input })
    await untilEnded(person, session.id)
    const message = await lastMessage(person, session.id)
    expect(message?.parts).toMatchObject([
      { __typename: 'ReasoningPart', text: 'Deeper than mountains are high.' },
      { __typename: 'TextPart', text: answer },
    ])
    expect(message?.usage).toMatchObject({ inputTokens: 11, outputTokens: 7 })
  })

  test('an answer that is cut off ends with what there is, and the session goes on', async () => {
    answerWith(mock, { content: answer }, { truncateAfterChunks: 4, latency: 20 })
    const model = 'openai-chat/gpt-4.1'
    const session = await openChat(person)
    await ask(person, session, model, 'How deep is the sea?')
    await untilEnded(person, session.id)
    const message = await lastMessage(person, session.id)
    expect(message).toMatchObject({ status: 'INTERRUPTED', failureCode: 'MODEL_CUT' })
    expect(answer.startsWith(message?.content ?? '-')).toBe(true)
    expect(message?.segments).toMatchObject([{ index: 0, length: message?.content.length, modelId: model }])
    await mock.reset()
    answerWith(mock, { content: answer })
    await ask(person, session, model, 'How deep is the sea?')
    await untilEnded(person, session.id)
    expect(await lastMessage(person, session.id)).toMatchObject({ status: 'COMPLETED', content: answer })
  })

  const begun = { id: 'c', created: 1, model: 'm', choices: [{ index: 0, delta: { content: 'The sea' } }] }
  const usage = { input_tokens: 1, output_tokens: 1 }
  const start = { id: 'm', type: 'message', role: 'assistant', model: 'claude', content: [], usage }
  test.for<[string, readonly object[]]>([
    ['house/any-model', [begun]],
    [
      'anthropic/claude-sonnet-4-6',
      [
        { type: 'message_start', message: { ...start, stop_reason: null, stop_sequence: null } },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'The sea' } },
      ],
    ],
  ])('%s falls silent in the middle: what there is stays, and the session goes on', async ([model, events]) => {
    const { settings } = server.app.platform
    const { generations } = settings
    const silent = new Readable({ read: () => undefined })
    for (const event of events)
      silent.push(`${'type' in event ? `event: ${event.type}\n` : ''}data: ${JSON.stringify(event)}\n\n`)
    await mock.faults.forAnyRequest().thenStream(200, silent, { 'content-type': 'text/event-stream' })
    const session = await openChat(person)
    Object.assign(settings, { generations: { ...generations, idleMillis: 500 } })
    try {
      await ask(person, session, model, 'How deep is the sea?')
      await untilEnded(person, session.id)
    } finally {
      Object.assign(settings, { generations })
      silent.destroy()
    }
    expect(await lastMessage(person, session.id)).toMatchObject({
      status: 'FAILED',
      failureCode: 'MODEL_TIMED_OUT',
      content: 'The sea',
    })
    await mock.reset()
    answerWith(mock, { content: answer })
    await ask(person, session, model, 'How deep is the sea?')
    await untilEnded(person, session.id)
    expect(await lastMessage(person, session.id)).toMatchObject({ status: 'COMPLETED', content: answer })
  })

  test('a provider that is down is stood in for by the next of its group', async () => {
    answerWith(mock, { content: answer })
    await mock.faults.forPost('/v1/messages').thenReply(529, '{}')
    const message = await answered('anthropic/claude-opus-5-5')
    expect(message).toMatchObject({ status: 'COMPLETED', content: answer })
    expect(message.segments).toMatchObject([{ providerId: 'openai', modelId: 'openai/gpt-5', length: answer.length }])
    expect(message).toMatchObject(chargedFor('openai/gpt-5', message.usage))
  })

  test('where nobody stands in the answer fails, with a reason and nothing of what was said', async () => {
    await mock.faults.forPost('/v1/messages').thenReply(401, '{"error":{"message":"a secret"}}')
    const message = await answered('anthropic/claude-haiku-5-5')
    expect(message).toMatchObject({ status: 'FAILED', content: '', costMillionths: '0' })
    expect(message.failureCode).toMatch(/^MODEL_/)
    expect(JSON.stringify(message)).not.toContain('secret')
  })
})

test('where nobody chose the configured default answers', async () => {
  const session = await openChat(person)
  const { chatSession } = await person.query(ChatSessionDocument, { id: session.id })
  expect(chatSession?.model).toMatchObject({ id: 'openai/gpt-4.1', name: 'GPT-4.1' })
})

test('the models are listed, with who runs them and whether they can be asked', async () => {
  const { models } = await person.query(ModelsDocument, {})
  expect(models.find(({ id }) => id === 'embedded/extractive')).toMatchObject({
    provider: { id: 'embedded', isConfigured: true },
    pricing: null,
  })
  expect(models.find(({ id }) => id === 'anthropic/claude-opus-5-5')).toMatchObject({
    name: 'Claude Opus 5.5',
    contextWindow: 1_000_000,
    capabilities: ['TOOLS', 'REASONING'],
    pricing: { inputPerMillion: '4', cachedInputPerMillion: '0.2', outputPerMillion: '20' },
    provider: { id: 'anthropic', isConfigured: true },
  })
  expect(models.find(({ id }) => id.startsWith('groq/'))?.provider.isConfigured).toBe(false)
})

test('the providers are listed, and nothing of their keys or addresses', async () => {
  const { providers } = await person.query(ProvidersDocument, {})
  expect(providers.find(({ id }) => id === 'openai')).toEqual({
    id: 'openai',
    name: 'OpenAI',
    isConfigured: true,
    circuit: 'CLOSED',
  })
  expect(providers.map(({ id }) => id)).toEqual([
    ...['embedded', 'scenario', 'anthropic', 'openai', 'google', 'cohere', 'together', 'groq', 'mistral', 'ollama'],
    ...['meta-llama', 'nouscoder', 'cody', 'codyq', 'house'],
  ])
  expect(JSON.stringify(providers)).not.toMatch(/a-key-of-a-test|127\.0\.0\.1/)
})

test('nobody who is not signed in is told of either', async () => {
  const nobody = createTestClient(server.url)
  for (const answered of [await nobody.send(ModelsDocument, {}), await nobody.send(ProvidersDocument, {})])
    expect(answered.errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED')
  await nobody.close()
})
