import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { knownProviders } from '../../../../src/lib/known-providers.ts'
import { modelRequest } from '../../../../src/platform/models.ts'
import type { ProviderConfig } from '../../../../src/platform/providers.ts'
import {
  answerWith,
  askModel,
  type ModelServer,
  providerAt,
  registryOf,
  startModelServer,
} from '../../../kit/model-server.ts'

let server: ModelServer
beforeAll(async () => {
  server = await startModelServer()
})
afterEach(() => server.reset())
afterAll(() => server.close())

const tools = [{ name: 'depth', description: 'How deep', inputSchema: { type: 'object', properties: {} } }]
const request = modelRequest({
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'How deep?' },
  ],
  tools,
  temperature: 0.4,
  maxOutputTokens: 99,
})

const providerOf = (id: string) => id.replace(/\/.*/, '').replace('-chat', '')

/** Asks a model, and tells what its provider was sent. */
async function sent(id: string, provider: ProviderConfig, asked: Parameters<typeof modelRequest>[0] = request) {
  answerWith(server, { content: 'Very.' })
  const registry = registryOf([provider], { retries: 0 })
  const model = registry.findModel(id)
  if (model === null) throw new Error(`There is no ${id}`)
  const { text } = await askModel(model, modelRequest(asked))
  await registry.close()
  const [first] = server.requests
  return { text, path: first?.path, headers: first?.headers ?? {}, body: (await first?.body.getJson()) as object }
}

describe.each([
  ['together', 'together/meta-llama/Llama-3.3-70B-Instruct-Turbo', 'meta-llama/Llama-3.3-70B-Instruct-Turbo'],
  ['groq', 'groq/llama-3.3-70b-versatile', 'llama-3.3-70b-versatile'],
  ['mistral', 'mistral/mistral-small-latest', 'mistral-small-latest'],
  ['meta-llama', 'meta-llama/Llama-3.3-70B-Instruct', 'Llama-3.3-70B-Instruct'],
  ['nouscoder', 'nouscoder/NousCoder-14B', 'NousCoder-14B'],
  ['cody', 'cody/anthropic::2024-10-22::claude-sonnet', 'anthropic::2024-10-22::claude-sonnet'],
  ['codyq', 'codyq/any-model', 'any-model'],
])('%s', (id, modelId, name) => {
  test('is asked at its address, with its key, for chat completions', async () => {
    const { text, path, headers, body } = await sent(modelId, providerAt(id, `${server.url}/v1`))
    expect(text).toBe('Very.')
    expect(path).toBe('/v1/chat/completions')
    expect(headers.authorization).toBe('Bearer a-key-of-a-test')
    expect(headers['content-type']).toBe('application/json')
    expect(body).toMatchObject({
      model: name,
      stream: true,
      temperature: 0.4,
      max_tokens: 99,
      messages: [{ role: 'system' }, { role: 'user' }],
      tools: [{ type: 'function', function: { name: 'depth', description: 'How deep' } }],
    })
  })
})

test('a provider without a key is sent none', async () => {
  const { headers } = await sent('codyq/any-model', providerAt('codyq', `${server.url}/v1`, null))
  expect(headers).not.toHaveProperty('authorization')
})

test('usage is asked for where it does not come by itself', async () => {
  const { body } = await sent('nouscoder/NousCoder-14B', providerAt('nouscoder', `${server.url}/v1`))
  expect(body).toMatchObject({ stream_options: { include_usage: true } })
})

describe('what a protocol has of its own', () => {
  test('Anthropic: its version and its key; with thinking no temperature', async () => {
    const provider = providerAt('anthropic', `${server.url}/v1`)
    const { headers, body } = await sent('anthropic/claude-haiku-4-5', provider)
    expect(headers).toMatchObject({ 'x-api-key': 'a-key-of-a-test', 'anthropic-version': '2023-06-01' })
    expect(headers).not.toHaveProperty('authorization')
    expect(body).toMatchObject({ temperature: 0.4, max_tokens: 99 })
    await server.reset()
    const thinking = await sent('anthropic/claude-sonnet-4-6', provider, { ...request, reasoning: 'HIGH' })
    expect(thinking.body).toMatchObject({ thinking: { type: 'adaptive' } })
    expect(thinking.body).not.toHaveProperty('temperature')
    await server.reset()
    const warm = await sent('anthropic/claude-haiku-4-5', provider, { ...request, temperature: 2 })
    expect(warm.body).toMatchObject({ temperature: 1 })
  })

  test('OpenAI: nothing is kept there, and its thinkers take no temperature', async () => {
    const provider = providerAt('openai', `${server.url}/v1`)
    const plain = await sent('openai/gpt-4.1', provider)
    expect(plain.headers.authorization).toBe('Bearer a-key-of-a-test')
    expect(plain.body).toMatchObject({ store: false, temperature: 0.4, max_output_tokens: 99 })
    await server.reset()
    const thinker = await sent('openai/gpt-5', provider, { ...request, reasoning: 'LOW' })
    expect(thinker.body).toMatchObject({
      store: false,
      include: ['reasoning.encrypted_content'],
      reasoning: { effort: 'low' },
    })
    expect(thinker.body).not.toHaveProperty('temperature')
    await server.reset()
    const chat = await sent('openai-chat/gpt-5', provider)
    expect([chat.path, chat.body]).toEqual(['/v1/chat/completions', expect.objectContaining({ store: false })])
    expect(chat.body).not.toHaveProperty('temperature')
  })

  test('Gemini: its key in a header, not in the address; thoughts are shown only where they are asked for', async () => {
    const provider = providerAt('google', `${server.url}/v1beta`)
    const plain = await sent('google/gemini-2.5-flash', provider)
    expect(plain.headers).toMatchObject({ 'x-goog-api-key': 'a-key-of-a-test' })
    expect(plain.path).not.toContain('a-key-of-a-test')
    expect(JSON.stringify(plain.body)).not.toContain('includeThoughts')
    await server.reset()
    const thinking = await sent('google/gemini-2.5-flash', provider, { ...request, reasoning: 'LOW' })
    expect(thinking.body).toMatchObject({ generationConfig: { thinkingConfig: { includeThoughts: true } } })
  })

  test('Ollama: a key, where a proxy wants one', async () => {
    const { headers } = await sent('ollama/llama3.3', providerAt('ollama', `${server.url}/api`))
    expect(headers.authorization).toBe('Bearer a-key-of-a-test')
  })

  test('Ollama: temperature, length and window, where it reads them', async () => {
    const provider = providerAt('ollama', `${server.url}/api`)
    const optionsOf = async (id: string, asked: Parameters<typeof modelRequest>[0]) => {
      const { body } = await sent(id, provider, asked)
      await server.reset()
      return 'options' in body ? body.options : null
    }
    const long = (words: number) => [{ role: 'user', content: 'word '.repeat(words) } as const]
    expect(await optionsOf('ollama/llama3.3', request)).toEqual({ temperature: 0.4, num_predict: 99, num_ctx: 4_096 })
    const { messages } = request
    expect(await optionsOf('ollama/llama3.3', { messages })).toEqual({ temperature: 0.7, num_ctx: 8_192 })
    expect(await optionsOf('ollama/llama3.3', { messages: long(20_000) })).toMatchObject({ num_ctx: 32_768 })
    expect(await optionsOf('ollama/qwen3', { messages: long(30_000) })).toMatchObject({ num_ctx: 40_960 })
    expect(await optionsOf('ollama/unknown', { messages, maxOutputTokens: 400_000 })).toMatchObject({
      num_ctx: 131_072,
    })
  })
})

describe('a model that thinks by itself is told not to, or as little as it can', () => {
  test.each([
    ['anthropic/claude-opus-5', '/v1', { thinking: { type: 'disabled' } }],
    ['openai/gpt-5', '/v1', { reasoning: { effort: 'minimal' } }],
    ['openai/gpt-5.2', '/v1', { reasoning: { effort: 'none' } }],
    ['openai-chat/gpt-5.2', '/v1', { reasoning_effort: 'none' }],
    ['google/gemini-2.5-flash', '/v1beta', { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } }],
    ['google/gemini-2.5-pro', '/v1beta', { generationConfig: { thinkingConfig: { thinkingBudget: 128 } } }],
    ['cohere/command-a-reasoning-08-2025', '/v2', { thinking: { type: 'disabled' } }],
    ['groq/openai/gpt-oss-120b', '/v1', { reasoning_effort: 'low' }],
    ['mistral/magistral-medium-latest', '/v1', { reasoning_effort: 'none' }],
    ['ollama/qwen3', '/api', { think: false }],
  ])('%s', async (id, path, told) => {
    const { body } = await sent(id, providerAt(providerOf(id), `${server.url}${path}`))
    expect(body).toMatchObject(told)
    expect(JSON.stringify(body)).not.toMatch(/summary|includeThoughts/)
  })

  test.each([
    ['openai/gpt-4.1', '/v1'],
    ['cohere/command-a-03-2025', '/v2'],
    ['cohere/command-of-tomorrow', '/v2'],
    ['groq/llama-3.3-70b-versatile', '/v1'],
    ['mistral/mistral-small-latest', '/v1'],
    ['nouscoder/NousCoder-15B', '/v1'],
    ['together/deepseek-ai/DeepSeek-R2', '/v1'],
  ])('%s is told nothing, since it does not or nobody knows', async (id, path) => {
    const { body } = await sent(id, providerAt(providerOf(id), `${server.url}${path}`))
    expect(JSON.stringify(body)).not.toMatch(/reasoning_effort|"effort"|thinking/)
  })
})

test.each([
  ['anthropic/claude-haiku-4-5', 'anthropic', '/v1', 1],
  ['cohere/command-a-03-2025', 'cohere', '/v2', 1],
  ['mistral/mistral-small-latest', 'mistral', '/v1', 1.5],
  ['groq/llama-3.3-70b-versatile', 'groq', '/v1', 2],
])('%s is asked for nothing warmer than its provider takes', async (id, provider, path, temperature) => {
  const { body } = await sent(id, providerAt(provider, `${server.url}${path}`), { ...request, temperature: 2 })
  expect(body).toMatchObject({ temperature })
})

test('the public addresses are those of the providers’ manuals', () => {
  const addresses = Object.fromEntries(knownProviders.map(({ id, baseUrl }) => [id, baseUrl]))
  expect(addresses).toEqual({
    anthropic: 'https://api.anthropic.com/v1',
    openai: 'https://api.openai.com/v1',
    google: 'https://generativelanguage.googleapis.com/v1beta',
    cohere: 'https://api.cohere.com/v2',
    together: 'https://api.together.xyz/v1',
    groq: 'https://api.groq.com/openai/v1',
    mistral: 'https://api.mistral.ai/v1',
    ollama: null,
    'meta-llama': 'https://api.llama.com/compat/v1',
    nouscoder: 'https://inference-api.nousresearch.com/v1',
    cody: null,
    codyq: null,
  })
})
