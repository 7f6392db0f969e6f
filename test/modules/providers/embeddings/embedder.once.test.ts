import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  createEmbedders,
  createProviderEmbedder,
  embedderFacts,
} from '../../../../src/modules/providers/embeddings/embedder.service.ts'
import { systemClock } from '../../../../src/platform/clock.ts'
import { EmbedderFailed } from '../../../../src/platform/embedder.ts'
import { createLog } from '../../../../src/platform/log.ts'
import { wordEmbedder } from '../../../kit/fakes.ts'
import { type ModelServer, providerAt, quick, registryOf, startModelServer } from '../../../kit/model-server.ts'

let server: ModelServer
beforeAll(async () => {
  server = await startModelServer()
})
afterEach(() => server.reset())
afterAll(() => server.close())

const tools = { figures: quick, clock: systemClock, log: createLog({ level: 'silent' }), random: () => 0.5 }
const { signal } = new AbortController()
const near = (a: Float32Array | undefined) => Math.hypot(...(a ?? []))

/** An embedder of a provider that stands on this machine. */
function embedderOf(id: string, modelId: string, path: string) {
  const registry = registryOf([providerAt(id, `${server.url}${path}`)])
  const embedder = createProviderEmbedder(modelId, { registry, tools, patience: quick })
  return { embedder, close: () => Promise.all([embedder.close(), registry.close()]) }
}

/** Answers with vectors of so many numbers, as each protocol has them. */
async function answerVectors(dimensions: number) {
  const vector = Array.from({ length: dimensions }, (_, index) => (index === 0 ? 3 : 4 / Math.sqrt(dimensions - 1)))
  await server.faults.forAnyRequest().thenCallback(async ({ path, body }) => {
    const asked = (await body.getJson()) as { input?: string[]; texts?: string[]; requests?: unknown[] }
    const count = (asked.input ?? asked.texts ?? asked.requests ?? [1]).length
    const vectors = Array.from({ length: count }, () => vector)
    const answers: [RegExp, object][] = [
      [/batchEmbedContents/, { embeddings: vectors.map((values) => ({ values })) }],
      [/embedContent/, { embedding: { values: vector } }],
      [/v2\/embed/, { embeddings: { float: vectors }, meta: { billed_units: { input_tokens: 1 } } }],
      [/api\/embed/, { model: 'm', embeddings: vectors, total_duration: 1, load_duration: 1, prompt_eval_count: 1 }],
      [/./, { data: vectors.map((embedding, index) => ({ embedding, index })), usage: { prompt_tokens: 1 } }],
    ]
    const [, json] = answers.find(([pattern]) => pattern.test(path)) ?? []
    return { statusCode: 200, json: json ?? {} }
  })
}

describe.each([
  ['openai', 'openai/text-embedding-3-small', '/v1', '/v1/embeddings', 1_536],
  ['google', 'google/gemini-embedding-001', '/v1beta', '/v1beta/models/gemini-embedding-001:batchEmbedContents', 3_072],
  ['cohere', 'cohere/embed-multilingual-v3.0', '/v2', '/v2/embed', 1_024],
  ['mistral', 'mistral/mistral-embed', '/v1', '/v1/embeddings', 1_024],
  ['together', 'together/BAAI/bge-base-en-v1.5', '/v1', '/v1/embeddings', 768],
  ['ollama', 'ollama/nomic-embed-text', '/api', '/api/embed', 768],
])('%s', (id, modelId, path, asked, dimensions) => {
  test('embeds, at its address and by its protocol', async () => {
    await answerVectors(dimensions)
    const { embedder, close } = embedderOf(id, modelId, path)
    expect([embedder.id, embedder.dimensions]).toEqual([`${modelId}@${dimensions}`, dimensions])
    const vectors = await embedder.embed(['a text', 'another'], { signal })
    expect(vectors.map(({ length }) => length)).toEqual([dimensions, dimensions])
    expect(near(vectors[0])).toBeCloseTo(1, 4)
    expect(new Set(server.requests.map((request) => request.path))).toEqual(new Set([asked]))
    await close()
  })
})

describe('an embedder of a provider', () => {
  const openai = () => embedderOf('openai', 'openai/text-embedding-3-small', '/v1')

  test('embeds many texts in batches, one after the other', async () => {
    await answerVectors(1_536)
    const { embedder, close } = openai()
    const texts = Array.from({ length: 70 }, (_, index) => `text ${index}`)
    expect(await embedder.embed(texts, { signal })).toHaveLength(70)
    const bodies = await Promise.all(server.requests.map(({ body }) => body.getJson()))
    expect(bodies.map((body) => (body as { input: string[] }).input.length)).toEqual([32, 32, 6])
    await close()
  })

  test('tells Cohere and Google what is a question and what is searched', async () => {
    await answerVectors(1_024)
    const { embedder, close } = embedderOf('cohere', 'cohere/embed-english-v3.0', '/v2')
    await embedder.embed(['a page'], { signal })
    await embedder.embed(['a question'], { signal, urgentFor: 'alice' })
    const bodies = await Promise.all(server.requests.map(({ body }) => body.getJson()))
    expect(bodies.map((body) => (body as { input_type: string }).input_type)).toEqual([
      'search_document',
      'search_query',
    ])
    await close()
  })

  test('asks again what may pass, and else names the provider and nothing else', async () => {
    const { embedder, close } = openai()
    await server.faults.forAnyRequest().thenReply(500, '{"error":{"message":"a secret"}}')
    const failure: unknown = await embedder.embed(['a'], { signal }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(EmbedderFailed)
    expect(failure).toMatchObject({ code: 'SERVICE_UNAVAILABLE', service: 'openai' })
    expect(String(failure)).not.toContain('secret')
    expect(server.requests).toHaveLength(4)
    await close()
  })

  test('remembers a question, takes only so much of a text, and none that is empty', async () => {
    await answerVectors(1_536)
    const { embedder, close } = openai()
    await embedder.embed(['again'], { signal, urgentFor: 'alice' })
    await embedder.embed(['again'], { signal, urgentFor: 'alice' })
    expect(server.requests).toHaveLength(1)
    await embedder.embed(['x'.repeat(20_000)], { signal })
    const bodies = await Promise.all(server.requests.map(({ body }) => body.getText()))
    expect([bodies[1]?.includes('x'.repeat(8_000)), bodies[1]?.includes('x'.repeat(8_001))]).toEqual([true, false])
    expect([embedder.reads(' ', null), embedder.reads('海', 'zh')]).toEqual([false, true])
    await expect(embedder.embed([' '], { signal })).rejects.toThrow('none that the embedder reads')
    await close()
  })

  test('that is closed asks nothing more, and ends what is under way', async () => {
    await server.faults.forAnyRequest().thenTimeout()
    const { embedder, close } = openai()
    const asked = embedder.embed(['a'], { signal })
    asked.catch(() => undefined)
    await expect.poll(() => server.requests.length).toBe(1)
    await close()
    await expect(asked).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
  })
})

describe('embedders are found by the id of their model', () => {
  const found = (search = wordEmbedder(), local = wordEmbedder()) => {
    const registry = registryOf([providerAt('openai', `${server.url}/v1`), providerAt('groq', `${server.url}/v1`)])
    const embedders = createEmbedders({ registry, tools, patience: quick, search, local: () => local })
    return { embedders, close: () => Promise.all([embedders.close(), registry.close()]) }
  }

  test('that of search, the one that runs here, and those of configured providers', async () => {
    const [search, local] = [wordEmbedder(), wordEmbedder()]
    const { embedders, close } = found(search, local)
    expect(embedders.find('fake/words')).toBe(search)
    expect(embedders.find('embedded/use-lite-en')).toBe(local)
    expect(embedders.find('openai/text-embedding-3-large')).toMatchObject({ dimensions: 3_072 })
    expect(embedders.find('openai/text-embedding-3-large')).toBe(embedders.find('openai/text-embedding-3-large'))
    expect(embedders.find('openai/some-other')).not.toBeNull()
    for (const none of ['mistral/mistral-embed', 'groq/anything', 'nobody/x', '', 'openai'])
      expect(embedders.find(none)).toBeNull()
    await close()
  })
})

test('one of the many that anybody may name is closed when others take its place, and not while somebody waits for it', async () => {
  const registry = registryOf([providerAt('openai', `${server.url}/v1`)])
  const source = { registry, tools, patience: quick, search: null, local: () => null }
  const embedders = createEmbedders(source)
  const nameOthers = () => {
    for (let count = 0; count < 16; count++) embedders.find(`openai/other-${count}`)
  }
  const [busy, idle] = [embedders.find('openai/busy'), embedders.find('openai/idle')]
  const answer = Promise.withResolvers<void>()
  await server.faults.forAnyRequest().thenCallback(async () => {
    await answer.promise
    return { statusCode: 200, json: { data: [{ embedding: [3, 4], index: 0 }], usage: { prompt_tokens: 1 } } }
  })
  const asked = busy?.embed(['a'], { signal })
  await expect.poll(() => server.requests.length).toBe(1)
  nameOthers()
  answer.resolve()
  expect(near((await asked)?.[0])).toBeCloseTo(1)
  for (const closed of [idle, busy])
    await expect(closed?.embed(['b'], { signal })).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
  expect(server.requests).toHaveLength(1)
  await Promise.all([embedders.close(), registry.close()])
})

test('what is configured is known without opening it', () => {
  expect(embedderFacts('off')).toBeNull()
  expect(embedderFacts('embedded')).toMatchObject({ dimensions: 512 })
  expect(embedderFacts('openai/text-embedding-3-small')).toEqual({
    id: 'openai/text-embedding-3-small@1536',
    dimensions: 1_536,
  })
  expect(() => embedderFacts('openai/unknown')).toThrow('not known')
})
