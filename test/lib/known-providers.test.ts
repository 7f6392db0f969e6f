import { expect, test } from 'vitest'
import { knownProviders, modelNameOf } from '../../src/lib/known-providers.ts'

test('an id is a provider and a name, which may have slashes of its own', () => {
  expect(modelNameOf('openai/gpt-5')).toEqual({ providerId: 'openai', name: 'gpt-5', isChat: false })
  expect(modelNameOf('openai-chat/gpt-5')).toEqual({ providerId: 'openai', name: 'gpt-5', isChat: true })
  expect(modelNameOf('groq/openai/gpt-oss-120b')).toMatchObject({ providerId: 'groq', name: 'openai/gpt-oss-120b' })
  expect(modelNameOf('ollama/qwen3:8b')).toMatchObject({ name: 'qwen3:8b' })
})

test.each([
  '',
  'openai',
  '/gpt',
  'openai/',
  'Open AI/gpt',
  'openai/gpt 5',
  'openai/gpt?key=x',
  '../a/b',
  'google/../../internal/admin',
  'google/models/..',
  'google/./admin',
  'google//admin',
  'google/admin/',
  'google/..%2f..%2fadmin',
  'google/a%2e',
  'google/a#b',
  'google/a\\b',
  'google/a\tb',
  'google/a\n',
  'a'.repeat(40),
])('%j is no id of a model', (id) => {
  expect(modelNameOf(id)).toBeNull()
})

test('each provider has an id and variables of its own, and an address over https if it has one', () => {
  const unique = (values: readonly string[]) => new Set(values).size === values.length
  expect(unique(knownProviders.map(({ id }) => id))).toBe(true)
  expect(unique(knownProviders.map(({ variables }) => variables))).toBe(true)
  for (const { baseUrl } of knownProviders) expect(baseUrl ?? 'https://none').toMatch(/^https:\/\/.*(?<!\/)$/)
})
