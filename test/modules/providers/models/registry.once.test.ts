import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ProviderCircuits } from '../../../../src/modules/providers/models/circuits.service.ts'
import type { Context } from '../../../../src/platform/context.ts'
import { createLog } from '../../../../src/platform/log.ts'
import { findScenario } from '../../../../src/platform/model-scenarios.ts'
import { ModelFailed } from '../../../../src/platform/models.ts'
import {
  answerWith,
  aQuestion,
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

const both = () => [providerAt('anthropic', `${server.url}/v1`), providerAt('openai', `${server.url}/v1`)]
const a = 'anthropic/claude-haiku-4-5'
const b = 'openai/gpt-4.1'
const paths = () => server.requests.map(({ path }) => path)

async function asked(id: string, options: Parameters<typeof registryOf>[1] = {}, providers = both()) {
  const registry = registryOf(providers, options)
  const model = registry.findModel(id)
  if (model === null) throw new Error(`There is no ${id}`)
  const outcome = await askModel(model)
  await registry.close()
  return outcome
}

describe('when a model is down', () => {
  test('the next of its group answers, before anything has come, and it is told who does', async () => {
    answerWith(server, { content: 'from b' })
    await server.faults.forPost('/v1/messages').thenReply(529, '{}')
    const { text, parts, end } = await asked(a, { fallbacks: [[a, b]] })
    expect(text).toBe('from b')
    const attempts = parts.flatMap((part) => (part.type === 'attempt' ? [part.modelId] : []))
    expect(attempts).toEqual([a, a, a, a, b])
    expect(end?.replay).toMatchObject({ providerId: 'openai', modelId: b })
  })

  test('nobody goes on for one who had begun', async () => {
    answerWith(server, { content: 'word '.repeat(80) }, { truncateAfterChunks: 8, latency: 5 })
    const direct = both().map((provider) => ({ ...provider, baseUrl: `${server.upstream}/v1` }))
    const { failure, parts } = await asked(a, { fallbacks: [[a, b]] }, direct)
    expect(failure?.code).toBe('MODEL_CUT')
    expect(parts.filter((part) => part.type === 'attempt')).toHaveLength(1)
  })

  test('a group is gone through from the one that was asked, and not round', async () => {
    await server.faults.forAnyRequest().thenReply(529, '{}')
    const { failure } = await asked(b, { fallbacks: [[a, b]], retries: 0 })
    expect([failure?.code, paths()]).toEqual(['MODEL_OVERLOADED', ['/v1/responses']])
  })

  test('one whose pause is too long is left at once for the next', async () => {
    answerWith(server, { content: 'from b' })
    await server.faults.forPost('/v1/messages').thenReply(429, '{}', { 'retry-after': '3600' })
    expect((await asked(a, { fallbacks: [[a, b]] })).text).toBe('from b')
    expect(paths()).toEqual(['/v1/messages', '/v1/responses'])
  })

  test('one that refuses the key, or the model, is left as well', async () => {
    answerWith(server, { content: 'from b' })
    await server.faults.forPost('/v1/messages').thenReply(401, '{}')
    expect((await asked(a, { fallbacks: [[a, b]] })).text).toBe('from b')
  })

  test('the failure of the last is told when all are down', async () => {
    await server.faults.forPost('/v1/messages').thenReply(401, '{}')
    await server.faults.forPost('/v1/responses').thenReply(503, '{}')
    expect((await asked(a, { fallbacks: [[a, b]], retries: 0 })).failure?.code).toBe('MODEL_OVERLOADED')
  })

  test('a model that runs here may be the last of a group', async () => {
    await server.faults.forAnyRequest().thenReply(503, '{}')
    const registry = registryOf(both(), { fallbacks: [[a, 'scenario/words-3']], retries: 0 })
    const ctx = { platform: { models: { find: findScenario } } } as unknown as Context
    const model = registry.findModel(a)
    const parts = await Array.fromAsync(model?.stream(ctx, aQuestion, new AbortController().signal) ?? [])
    expect(parts.map(({ type }) => type)).toEqual(['attempt', 'text', 'text', 'text'])
    await registry.close()
  })
})

describe('a circuit', () => {
  const circuitsOf = (open: readonly string[], seen: unknown[] = []): ProviderCircuits => ({
    of: (name, _kind, { isFailure }) => ({
      state: open.includes(name) ? 'OPEN' : 'CLOSED',
      execute: async (work) => {
        if (open.includes(name)) throw Object.assign(new Error('open'), { name: 'CircuitOpen', retryAfterSeconds: 9 })
        try {
          return await work()
        } catch (error) {
          seen.push([name, error instanceof ModelFailed ? error.code : String(error), isFailure(error)])
          throw error
        }
      },
    }),
  })

  test('that is open asks nothing of its provider: the next answers at once', async () => {
    answerWith(server, { content: 'from b' })
    const options = { fallbacks: [[a, b]], circuits: circuitsOf(['model/anthropic']) }
    const { text, attempts } = await asked(a, options)
    expect([text, attempts, paths()]).toEqual(['from b', 1, ['/v1/responses']])
    expect((await asked(a, { circuits: circuitsOf(['model/anthropic']) })).failure).toMatchObject({
      code: 'MODEL_CIRCUIT_OPEN',
      retryAfterSeconds: 9,
    })
  })

  test('is told of each attempt, and which of them say that the provider is away', async () => {
    const seen: unknown[] = []
    const circuits = circuitsOf([], seen)
    await server.faults.forAnyRequest().times(4).thenReply(500, '{}')
    await asked(a, { circuits })
    await server.faults.forAnyRequest().once().thenReply(401, '{}')
    await asked(a, { circuits })
    await server.faults.forAnyRequest().once().thenReply(429, '{}', { 'retry-after': '99' })
    await asked(a, { circuits })
    const failed = ['model/anthropic', 'MODEL_FAILED', true]
    const others = [
      ['model/anthropic', 'MODEL_KEY_REFUSED', false],
      ['model/anthropic', 'MODEL_RATE_LIMITED', false],
    ]
    expect(seen).toEqual([failed, failed, failed, failed, ...others])
  })

  test('is shown with its provider', async () => {
    const registry = registryOf(both(), { circuits: circuitsOf(['model/openai']) })
    expect(registry.find('openai')).toEqual({ id: 'openai', name: 'OpenAI', isConfigured: true, circuit: 'OPEN' })
    expect(registry.find('anthropic')?.circuit).toBe('CLOSED')
    expect(registry.find('nobody')).toBeNull()
    await registry.close()
  })
})

describe('a model is found', () => {
  const without = () => both().map((provider) => ({ ...provider, apiKey: null, isConfigured: false }))

  test('with what the catalogue knows of it, and without where it knows nothing', async () => {
    const registry = registryOf(both())
    expect(registry.findModel(b)).toMatchObject({
      name: 'GPT-4.1',
      providerId: 'openai',
      contextWindow: 1_047_576,
      capabilities: ['TOOLS'],
      pricing: { inputPerMillion: '2', cachedInputPerMillion: '0.5', outputPerMillion: '8' },
      isConfigured: true,
    })
    const other = registry.findModel('openai/gpt-99')
    expect(other).toMatchObject({ name: 'gpt-99', contextWindow: null, pricing: null, isConfigured: true })
    expect(registry.findModel('openai-chat/gpt-4.1')).toMatchObject({ providerId: 'openai', name: 'GPT-4.1' })
    for (const id of ['nobody/gpt-5', 'gpt-5', '', 'openai/a b']) expect(registry.findModel(id)).toBeNull()
    await registry.close()
  })

  test('also of a provider without a key, if it has a name; asked, it says that it is not configured', async () => {
    const registry = registryOf(without())
    expect(registry.findModel(a)).toMatchObject({ isConfigured: false })
    expect(registry.findModel('openai/gpt-99')).toBeNull()
    expect(registry.models.every((model) => !model.isConfigured)).toBe(true)
    expect(registry.models.map(({ id }) => id)).toContain(a)
    await registry.close()
    expect((await asked(a, {}, without())).failure?.code).toBe('MODEL_NOT_CONFIGURED')
    expect(server.requests).toEqual([])
  })
})

test('what failed is logged by its family, without a word of the provider’s', async () => {
  const lines: string[] = []
  const log = createLog({ level: 'warn', destination: { write: (line: string) => void lines.push(line) } })
  await server.faults.forAnyRequest().thenReply(500, '{"error":{"message":"the prompt was: a secret"}}')
  await asked(a, { log, retries: 1 })
  expect(lines).toHaveLength(2)
  expect(lines[0]).toContain('"code":"MODEL_FAILED"')
  expect(lines.join()).not.toMatch(/secret|127\.0\.0\.1|a-key-of-a-test/)
})
