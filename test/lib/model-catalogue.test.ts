import { expect, test } from 'vitest'
import { millionthsOf } from '../../src/lib/credits.ts'
import { knownProviders, modelNameOf } from '../../src/lib/known-providers.ts'
import {
  CATALOGUE_VERSION,
  catalogued,
  dimensionsOf,
  embeddingCatalogue,
  modelCatalogue,
} from '../../src/lib/model-catalogue.ts'

test('every model is of a provider that is known, once, and its figures make sense', () => {
  const ids = modelCatalogue.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { id, contextWindow, maxOutputTokens, pricing } of modelCatalogue) {
    expect(knownProviders.map((provider) => provider.id)).toContain(modelNameOf(id)?.providerId)
    if (contextWindow !== null) expect(contextWindow).toBeGreaterThanOrEqual(maxOutputTokens ?? 0)
    for (const price of Object.values(pricing ?? {})) expect(millionthsOf(price ?? '1')).toBeGreaterThan(0n)
    // What was read before costs no more than what is new.
    if (pricing !== null) expect(Number(pricing.cachedInput ?? 0)).toBeLessThanOrEqual(Number(pricing.input))
  }
  expect(CATALOGUE_VERSION).toMatch(/^\d{4}-\d\d-\d\d$/)
})

test('each provider with a public address has models here', () => {
  const withModels = new Set(modelCatalogue.map(({ id }) => modelNameOf(id)?.providerId))
  for (const { id, baseUrl } of knownProviders) if (baseUrl !== null) expect([...withModels]).toContain(id)
})

test('a model of Ollama is known by its name without the tag, and no other is', () => {
  expect(catalogued('ollama/qwen3:8b')?.id).toBe('ollama/qwen3')
  expect(catalogued('openai/gpt-5:latest')).toBeNull()
  expect(catalogued('ollama/nobody')).toBeNull()
})

test('vectors of a known model have dimensions, and an id short enough to be kept with each', () => {
  for (const { id, dimensions } of embeddingCatalogue) {
    expect(dimensionsOf(id)).toBe(dimensions)
    expect(`${id}@${dimensions}`.length).toBeLessThanOrEqual(64)
  }
  expect(dimensionsOf('openai/nothing')).toBeNull()
})
