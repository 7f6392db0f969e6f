import { describe, expect, test } from 'vitest'
import { ConfigInvalid, loadConfig } from '../src/config.ts'
import { redact } from '../src/lib/redact.ts'

const providersOf = (environment: Record<string, string>) =>
  new Map(loadConfig(environment).models.providers.map((provider) => [provider.id, provider]))

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    loadConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.faults
    throw error
  }
}

describe('a provider is configured', () => {
  test('by a key, or by an address where it needs none', () => {
    expect([...providersOf({}).values()].filter((provider) => provider.isConfigured)).toEqual([])
    expect(providersOf({ ANTHROPIC_API_KEY: 'k' }).get('anthropic')).toEqual({
      id: 'anthropic',
      name: 'Anthropic',
      protocol: 'anthropic',
      apiKey: 'k',
      baseUrl: 'https://api.anthropic.com/v1',
      isConfigured: true,
    })
    expect(providersOf({ CODY_API_KEY: 'k' }).get('cody')).toMatchObject({ isConfigured: false })
    expect(providersOf({ CODY_BASE_URL: 'https://cody.example.org/v1/' }).get('cody')).toMatchObject({
      apiKey: null,
      baseUrl: 'https://cody.example.org/v1',
      isConfigured: true,
    })
  })

  test('at an address of one’s own, with a key or behind a proxy that has it', () => {
    const own = providersOf({ OPENAI_BASE_URL: 'https://proxy.example.org/v1' }).get('openai')
    expect(own).toMatchObject({ baseUrl: 'https://proxy.example.org/v1', apiKey: null, isConfigured: true })
  })

  test('Ollama by its address as it prints it itself', () => {
    const address = (url: string) => providersOf({ OLLAMA_URL: url }).get('ollama')?.baseUrl
    expect(['http://127.0.0.1:11434', 'http://127.0.0.1:11434/', 'http://o/api'].map(address)).toEqual([
      'http://127.0.0.1:11434/api',
      'http://127.0.0.1:11434/api',
      'http://o/api',
    ])
  })

  test('any other that speaks as OpenAI does, by one variable, with a key in one of its own', () => {
    const providers = providersOf({
      OPENAI_COMPATIBLE: 'my-house=https://a.example.org/v1; other=http://127.0.0.1:8000/v1',
      MY_HOUSE_API_KEY: 'k',
    })
    expect(providers.get('my-house')).toMatchObject({ protocol: 'openai-compatible', apiKey: 'k', isConfigured: true })
    expect(providers.get('other')).toMatchObject({ baseUrl: 'http://127.0.0.1:8000/v1', apiKey: null })
  })
})

test('groups, the default and the embedder are read', () => {
  const config = loadConfig({
    ANTHROPIC_API_KEY: 'k',
    OPENAI_API_KEY: 'k',
    MODEL_FALLBACKS: 'anthropic/a > openai/b>embedded/extractive, openai/c > anthropic/d',
    DEFAULT_MODEL: 'anthropic/a',
    EMBEDDINGS: 'openai/text-embedding-3-small',
    MODEL_FIRST_PART_MILLIS: '1000',
    MODEL_BACK_OFF_MILLIS: '0',
  })
  expect(config.models.fallbacks).toEqual([
    ['anthropic/a', 'openai/b', 'embedded/extractive'],
    ['openai/c', 'anthropic/d'],
  ])
  expect([config.models.defaultId, config.embeddings]).toEqual(['anthropic/a', 'openai/text-embedding-3-small'])
  expect(config.settings.models).toMatchObject({ firstPartMillis: 1_000, baseMillis: 0, retries: 3 })
})

describe('what is wrong is told', () => {
  test.each([
    ['ANTHROPIC_API_KEY', { ANTHROPIC_API_KEY: 'two words' }],
    ['OPENAI_BASE_URL', { OPENAI_BASE_URL: 'ftp://a' }],
    ['OPENAI_BASE_URL', { OPENAI_BASE_URL: 'https://user:password@a/v1' }],
    ['OLLAMA_URL', { OLLAMA_URL: 'localhost:11434' }],
    ['OPENAI_COMPATIBLE', { OPENAI_COMPATIBLE: 'https://a/v1' }],
    ['OPENAI_COMPATIBLE', { OPENAI_COMPATIBLE: 'My House=https://a/v1' }],
    ['OPENAI_COMPATIBLE', { OPENAI_COMPATIBLE: 'openai=https://a/v1' }],
    ['OPENAI_COMPATIBLE', { OPENAI_COMPATIBLE: 'scenario=https://a/v1' }],
    ['OPENAI_COMPATIBLE', { OPENAI_COMPATIBLE: 'a=https://a/v1;a=https://b/v1' }],
    ['MY_HOUSE_API_KEY', { OPENAI_COMPATIBLE: 'my-house=https://a/v1', MY_HOUSE_API_KEY: 'two words' }],
    ['MODEL_FALLBACKS', { OPENAI_API_KEY: 'k', MODEL_FALLBACKS: 'openai/a' }],
    ['MODEL_FALLBACKS', { OPENAI_API_KEY: 'k', MODEL_FALLBACKS: 'openai/a > nobody/b' }],
    ['MODEL_FALLBACKS', { OPENAI_API_KEY: 'k', MODEL_FALLBACKS: 'openai/a > gpt' }],
    ['MODEL_FALLBACKS', { OPENAI_API_KEY: 'k', MODEL_FALLBACKS: 'openai/a > groq/b' }],
    ['DEFAULT_MODEL', { DEFAULT_MODEL: 'openai/gpt-5' }],
    ['DEFAULT_MODEL', { DEFAULT_MODEL: 'nonsense' }],
    ['EMBEDDINGS', { EMBEDDINGS: 'on' }],
    ['EMBEDDINGS', { EMBEDDINGS: 'openai/text-embedding-3-small' }],
    ['EMBEDDINGS', { OPENAI_API_KEY: 'k', EMBEDDINGS: 'openai/unknown' }],
  ])('of %s: %j', (variable, environment) => {
    const faults = faultsOf(environment as Record<string, string>)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(new RegExp(`^${variable} `))
  })

  test('all at once, with everything else', () => {
    const faults = faultsOf({
      PORT: 'x',
      DEFAULT_MODEL: 'x',
      OPENAI_COMPATIBLE: 'x',
      MODEL_FALLBACKS: 'nobody/a > nobody/b',
    })
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual([
      'PORT',
      'OPENAI_COMPATIBLE',
      'MODEL_FALLBACKS',
      'MODEL_FALLBACKS',
      'DEFAULT_MODEL',
    ])
  })
})

test('a log shows no key, whatever is logged of the configuration', () => {
  const keys = { ANTHROPIC_API_KEY: 'key-one', OPENAI_COMPATIBLE: 'house=https://a/v1', HOUSE_API_KEY: 'key-two' }
  const { models } = loadConfig(keys)
  expect(JSON.stringify(redact({ models, keys }))).not.toMatch(/key-one|key-two/)
})
