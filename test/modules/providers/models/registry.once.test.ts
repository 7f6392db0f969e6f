import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isOutage } from '../../../../src/modules/providers/protocols/fault.service.ts'
import { createCircuits } from '../../../../src/platform/circuit.ts'
import type { Context } from '../../../../src/platform/context.ts'
import { createLog } from '../../../../src/platform/log.ts'
import { findScenario } from '../../../../src/platform/model-scenarios.ts'
import { ModelFailed, modelRequest } from '../../../../src/platform/models.ts'
import { standingClock } from '../../../kit/fakes.ts'
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

async function asked(
  id: string,
  options: Parameters<typeof registryOf>[1] = {},
  providers = both(),
  request = aQuestion,
) {
  const registry = registryOf(providers, options)
  const model = registry.findModel(id)
  if (model === null) throw new Error(`There is no ${id}`)
  const outcome = await askModel(model, request)
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

  test('one whose window is too small for what was said is not asked', async () => {
    answerWith(server, { content: 'from the last' })
    await server.faults.forPost('/v1/messages').thenReply(529, '{}')
    const long = modelRequest({ messages: [{ role: 'user', content: 'word '.repeat(130_000) }] })
    const options = { fallbacks: [[a, 'openai/gpt-4o', b]], retries: 0 }
    expect((await asked(a, options, both(), long)).text).toBe('from the last')
    expect(paths()).toEqual(['/v1/messages', '/v1/responses'])
    expect(await server.requests[1]?.body.getJson()).toMatchObject({ model: 'gpt-4.1' })
    const alone = { fallbacks: [[a, 'openai/gpt-4o']], retries: 0 }
    expect((await asked(a, alone, both(), long)).failure?.code).toBe('MODEL_OVERLOADED')
  })

  test('a model that runs here may be the last of a group', async () => {
    await server.faults.forAnyRequest().thenReply(503, '{}')
    const registry = registryOf(both(), { fallbacks: [[a, 'scenario/words-3']], retries: 0 })
    const ctx = { platform: { models: { find: findScenario } } } as unknown as Context
    const model = registry.findModel(a)
    const parts = await Array.fromAsync(model?.stream(ctx, aQuestion, new AbortController().signal) ?? [])
    expect(parts.map(({ type }) => type)).toEqual(['attempt', 'text', 'text', 'text', 'end'])
    await registry.close()
  })
})

describe('a circuit', () => {
  /** Circuits whose clock stands, of which these have opened. */
  async function circuitsOf(...open: readonly string[]) {
    const clock = standingClock()
    const circuits = createCircuits({ clock, log: createLog({ level: 'silent' }) })
    for (const id of open) {
      const circuit = circuits.of(`model/${id}`, 'model', { isFailure: isOutage })
      const fail = () => circuit.execute(() => Promise.reject(new ModelFailed('MODEL_UNREACHABLE', 'away')))
      while (circuit.state === 'CLOSED') await fail().catch(() => undefined)
    }
    return { circuits, clock, stateOf: (id: string) => circuits.of(`model/${id}`, 'model').state }
  }

  test('that is open asks nothing of its provider: the next answers at once', async () => {
    answerWith(server, { content: 'from b' })
    const { circuits } = await circuitsOf('anthropic')
    const { text, attempts } = await asked(a, { fallbacks: [[a, b]], circuits })
    expect([text, attempts, paths()]).toEqual(['from b', 1, ['/v1/responses']])
    expect((await asked(a, { circuits })).failure).toMatchObject({ code: 'MODEL_CIRCUIT_OPEN', retryAfterSeconds: 10 })
  })

  test('counts each attempt that says that the provider is away, and no other', async () => {
    const { circuits, stateOf } = await circuitsOf()
    await server.faults.forAnyRequest().times(4).thenReply(500, '{}')
    await asked(a, { circuits })
    await server.faults.forAnyRequest().once().thenReply(401, '{}')
    await asked(a, { circuits })
    await server.faults.forAnyRequest().once().thenReply(429, '{}', { 'retry-after': '99' })
    await asked(a, { circuits })
    expect(stateOf('anthropic')).toBe('CLOSED')
    await server.faults.forAnyRequest().once().thenReply(500, '{}')
    expect((await asked(a, { circuits })).failure?.code).toBe('MODEL_CIRCUIT_OPEN')
    expect(stateOf('anthropic')).toBe('OPEN')
  })

  test('lets one call through after ten seconds, and closes when that is answered', async () => {
    const { circuits, clock, stateOf } = await circuitsOf('anthropic')
    answerWith(server, { content: 'well again' })
    clock.advance({ seconds: 9 })
    expect((await asked(a, { circuits })).failure?.code).toBe('MODEL_CIRCUIT_OPEN')
    clock.advance({ seconds: 1 })
    expect(stateOf('anthropic')).toBe('HALF_OPEN')
    expect((await asked(a, { circuits })).text).toBe('well again')
    expect(stateOf('anthropic')).toBe('CLOSED')
  })

  test('is shown with its provider', async () => {
    const { circuits } = await circuitsOf('openai')
    const registry = registryOf(both(), { circuits })
    expect(registry.find('openai')).toEqual({ id: 'openai', name: 'OpenAI', isConfigured: true, circuit: 'OPEN' })
    expect(registry.find('anthropic')?.circuit).toBe('CLOSED')
    expect(registry.find('nobody')).toBeNull()
    await registry.close()
  })
})
