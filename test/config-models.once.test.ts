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

/** So that faults of other kinds come alone. */
const pricesForAll = { MODEL_PRICES: '*=1/1/1' }

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
    ...pricesForAll,
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
    ...['gpt', 'house/one', 'house/one=', '=1/1/1', 'house/one=1/1', 'house/one=0/1/1', 'house/one=1000001/1/1'].map(
      (prices): [string, object] => ['MODEL_PRICES', { MODEL_PRICES: prices }],
    ),
  ])('of %s: %j', (variable, environment) => {
    const faults = faultsOf({ ...pricesForAll, ...(environment as Record<string, string>) })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(new RegExp(`^${variable} `))
  })

  test('all at once, with everything else', () => {
    const faults = faultsOf({
      ...pricesForAll,
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

describe('prices', () => {
  test('are read by model, by provider and for all, with empty entries left out', () => {
    const { prices } = loadConfig({ MODEL_PRICES: ' house/one = 1/0.1/2/3 ;; house/*=free; *=5/5/5;' }).models
    expect([...prices.keys()]).toEqual(['house/one', 'house/*', '*'])
    const rates = { input: 1_000_000n, cachedInput: 100_000n, output: 2_000_000n, reasoning: 3_000_000n }
    expect([prices.get('house/one'), prices.get('house/*')]).toMatchObject([{ rates }, 'free'])
    expect(loadConfig({}).models.prices.size).toBe(0)
  })

  test('that are none are told one by one, as they were written, with how to write them', () => {
    const long = `house/${'x'.repeat(200)}=1`
    const faults = faultsOf({ MODEL_PRICES: `house/one=1/1/1;house/two=dear;${long}` })
    expect(faults).toEqual([
      'MODEL_PRICES has "house/two=dear", which is not model=input/cached/output or model=input/cached/output/thinking in credits a million tokens, above 0, or model=free; provider/* and * stand for all others',
      expect.stringMatching(/^MODEL_PRICES has "house\/x{94}", which is not /),
    ])
  })

  test.each([
    ['DEFAULT_MODEL', { DEFAULT_MODEL: 'openai/never-heard-of' }],
    ['MODEL_FALLBACKS', { MODEL_FALLBACKS: 'embedded/extractive > openai/never-heard-of' }],
  ])('are wanted of a %s that nobody chooses', (variable, environment) => {
    const faultsWith = (prices: string) =>
      faultsOf({ OPENAI_API_KEY: 'k', MODEL_PRICES: prices, ...(environment as Record<string, string>) })
    const fault = `${variable} has openai/never-heard-of, whose price is not known here: set it with MODEL_PRICES`
    expect(faultsWith('')).toEqual([fault])
    expect(faultsWith('openai/another=1/1/1')).toEqual([fault])
    for (const prices of ['openai/never-heard-of=1/1/1', 'openai/*=free', '*=1/1/1'])
      expect(faultsWith(prices)).toEqual([])
  })

  test('are not wanted of what runs here', () => {
    expect(faultsOf({ DEFAULT_MODEL: 'embedded/extractive', OLLAMA_URL: 'http://o' })).toEqual([])
    expect(faultsOf({ DEFAULT_MODEL: 'ollama/llama4', OLLAMA_URL: 'http://o' })).toEqual([])
  })
})

test('a log shows no key, whatever is logged of the configuration', () => {
  const keys = { ANTHROPIC_API_KEY: 'key-one', OPENAI_COMPATIBLE: 'house=https://a/v1', HOUSE_API_KEY: 'key-two' }
  const { models } = loadConfig(keys)
  expect(JSON.stringify(redact({ models, keys }))).not.toMatch(/key-one|key-two/)
})
