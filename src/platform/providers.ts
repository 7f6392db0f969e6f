import type { ProviderProtocol } from '../lib/known-providers.ts'
import type { Price } from '../lib/price-list.ts'
import type { Embedder } from './embedder.ts'

/** A provider as it is configured: how it is reached, and by which secret. */
export interface ProviderConfig {
  /** What comes before the slash in the id of a model. */
  readonly id: string
  /** For people. */
  readonly name: string
  readonly protocol: ProviderProtocol
  readonly apiKey: string | null
  /** Without a slash at its end; null where there is none yet. */
  readonly baseUrl: string | null
  /** False while the key or the address is missing that it needs. */
  readonly isConfigured: boolean
}

/** What the environment says of models. */
export interface ModelsConfig {
  readonly providers: readonly ProviderConfig[]
  /** Groups of ids, each tried in turn from the one that was asked for. */
  readonly fallbacks: readonly (readonly string[])[]
  /** Null: the embedded assistant. */
  readonly defaultId: string | null
  /** What somebody here set, before the catalogue: see `createPriceList`. */
  readonly prices: ReadonlyMap<string, Price | 'free'>
}

/** A provider as callers see it. */
export interface Provider {
  readonly id: string
  /** For people. */
  readonly name: string
  readonly isConfigured: boolean
  /** Whether calls go through to it just now; that of what runs here is always closed. */
  readonly circuit: 'CLOSED' | 'OPEN' | 'HALF_OPEN'
}

/** The providers a server knows, configured or not. */
export interface Providers {
  list(): readonly Provider[]
  find(id: string): Provider | null
}

/** What makes vectors, by the id of its model. */
export interface Embedders {
  /** Null for a model that nobody here has; `embedded/use-lite-en`, or one of a configured provider. */
  find(modelId: string): Embedder | null
}
