import type { Config } from './config.ts'
import { createPriceList } from './lib/price-list.ts'
import { extractiveModel } from './modules/chat/assistant/extractive.service.ts'
import {
  createEmbedders,
  createProviderEmbedder,
  embedderFacts,
} from './modules/providers/embeddings/embedder.service.ts'
import { createRegistry } from './modules/providers/models/registry.service.ts'
import type { Circuits } from './platform/circuit.ts'
import type { Clock } from './platform/clock.ts'
import type { Platform } from './platform/context.ts'
import type { Embedder } from './platform/embedder.ts'
import { createEmbeddedEmbedder } from './platform/embedder-embedded.ts'
import { createHttpClient } from './platform/http-client.ts'
import type { Log } from './platform/log.ts'
import { findScenario } from './platform/model-scenarios.ts'
import { createModels } from './platform/models.ts'
import type { Settings } from './platform/settings.ts'

/** What models and vectors are made with. */
export interface ModelHouseOptions {
  readonly config: Config
  readonly settings: Settings
  readonly clock: Clock
  readonly log: Log
  readonly circuits: Circuits
  /** In place of the configured one; null is off. */
  readonly embedder: Embedder | null | undefined
}

/** Everything that writes or embeds, here or elsewhere; what it opens is closed with `opened`. */
export function openModelHouse(
  { config, settings, clock, log, circuits, embedder }: ModelHouseOptions,
  opened: AsyncDisposableStack,
): Pick<Platform, 'models' | 'prices' | 'providers' | 'embedders' | 'embedder'> {
  const http = createHttpClient()
  opened.defer(() => http.close())
  const tools = { figures: settings.models, patience: settings.models, clock, log, random: Math.random }
  const local = [
    { id: 'embedded', name: 'This server' },
    ...(config.scenarioModels ? [{ id: 'scenario', name: 'Scenarios for tests' }] : []),
  ]
  const registry = createRegistry({ ...tools, config: config.models, fetch: http.fetch, circuits, local })
  const source = { registry, tools, patience: settings.models }
  const configured = () => {
    if (embedderFacts(config.embeddings) === null) return null
    if (config.embeddings === 'embedded') return createEmbeddedEmbedder({ log })
    return createProviderEmbedder(config.embeddings, source)
  }
  const search = embedder === undefined ? configured() : embedder
  opened.defer(async () => search?.close())
  const isOff = config.embeddings === 'off'
  const embedders = createEmbedders({
    ...source,
    search,
    local: () => (isOff ? null : createEmbeddedEmbedder({ log })),
  })
  opened.defer(() => embedders.close())
  const families = [...(config.scenarioModels ? [findScenario] : []), registry.findModel]
  const models = createModels(
    [extractiveModel, ...registry.models],
    families,
    config.models.defaultId ?? extractiveModel.id,
  )
  return { models, prices: createPriceList(config.models.prices), providers: registry, embedders, embedder: search }
}
