import { LRUCache } from 'lru-cache'
import { modelNameOf } from '../../../lib/known-providers.ts'
import { dimensionsOf } from '../../../lib/model-catalogue.ts'
import { type Embedder, EmbedderFailed, rememberUrgent } from '../../../platform/embedder.ts'
import { embeddedFacts } from '../../../platform/embedder-embedded.ts'
import { createEmbedQueue } from '../../../platform/embedder-queue.ts'
import { Unavailable } from '../../../platform/errors.ts'
import { ModelFailed } from '../../../platform/models.ts'
import type { Embedders } from '../../../platform/providers.ts'
import type { AttemptTools } from '../models/attempts.service.ts'
import type { Registry } from '../models/registry.service.ts'
import { createVectors, type VectorPatience } from './vectors.service.ts'

/** Texts of one call: what every provider takes. */
const BATCH = 32
/** UTF-16 units; providers refuse what is longer than some 8,000 tokens. */
const MAX_LENGTH = 8_000
/** Models whose dimensions nobody here knows are kept for a while only: anybody may name any. */
const MAX_UNKNOWN = 16

/** What embedders of providers are made of. */
export interface EmbeddersOptions {
  readonly registry: Pick<Registry, 'open'>
  readonly tools: AttemptTools
  readonly patience: VectorPatience
  /** The one that search goes by; null when it goes by words alone. */
  readonly search: Embedder | null
  /** The one that runs here, made when it is wanted; null when there is to be none. */
  readonly local: () => Embedder | null
}

/** A provider did not embed; which one goes along to the caller, why to the log. */
export class ProviderEmbedderFailed extends EmbedderFailed {
  override readonly service: string
  constructor(service: string, cause: unknown) {
    super('The provider of the model does not answer just now. Try again later.')
    this.service = service
    this.cause = cause
  }
}

/** What the configured embedder is, without opening it: `embedded`, `off`, or the id of a provider's model. */
export function embedderFacts(embeddings: string): Pick<Embedder, 'id' | 'dimensions'> | null {
  if (embeddings === 'off') return null
  return embeddings === 'embedded' ? embeddedFacts : factsOf(embeddings)
}

/** @throws for a model whose dimensions are not known, which the configuration refuses */
function factsOf(modelId: string) {
  const dimensions = dimensionsOf(modelId)
  if (dimensions === null) throw new Error(`The dimensions of ${modelId} are not known`)
  return { id: `${modelId}@${dimensions}`, dimensions }
}

type Source = Pick<EmbeddersOptions, 'registry' | 'tools' | 'patience'>

/** The embedder of a provider's model, for search. @throws for a model that nobody here has */
export function createProviderEmbedder(modelId: string, source: Source): Embedder {
  const embedder = open(modelId, factsOf(modelId), source)
  if (embedder === null) throw new Error(`Nobody here has ${modelId}`)
  return rememberUrgent(embedder)
}

/** Finds what makes vectors; `close` closes all that was made for it, but not `search`. */
export function createEmbedders(options: EmbeddersOptions): Embedders & { close(): Promise<void> } {
  const { search } = options
  const known = new Map<string, Embedder>()
  const unknown = new LRUCache<string, Lasting>({ max: MAX_UNKNOWN, dispose: ({ retire }) => retire() })
  const keep = (id: string, embedder: Embedder) => {
    if (dimensionsOf(id) !== null || id === nameOf(embeddedFacts.id)) {
      known.set(id, embedder)
      return embedder
    }
    const kept = lasting(embedder)
    unknown.set(id, kept)
    return kept.embedder
  }
  return {
    find: (id) => {
      if (search !== null && nameOf(search.id) === id) return search
      const made = known.get(id) ?? unknown.get(id)?.embedder
      if (made !== undefined) return made
      const dimensions = dimensionsOf(id) ?? 0
      const opened = id === nameOf(embeddedFacts.id) ? options.local() : open(id, { id, dimensions }, options)
      return opened === null ? null : keep(id, opened)
    },
    close: async () => {
      const kept = [...unknown.values()].map(({ embedder }) => embedder)
      await Promise.all([...known.values(), ...kept].map((embedder) => embedder.close()))
    },
  }
}

interface Lasting {
  readonly embedder: Embedder
  /** Closes it as soon as nobody waits for it: whoever names other models must not end what somebody else asked for. */
  retire(): void
}

function lasting(embedder: Embedder): Lasting {
  let waiting = 0
  let isRetired = false
  const closeWhenIdle = () => {
    if (isRetired && waiting === 0) void embedder.close()
  }
  const embed: Embedder['embed'] = async (texts, options) => {
    waiting++
    try {
      return await embedder.embed(texts, options)
    } finally {
      waiting--
      closeWhenIdle()
    }
  }
  return {
    embedder: { ...embedder, embed },
    retire: () => {
      isRetired = true
      closeWhenIdle()
    },
  }
}

/** Without what would change the vectors. */
function nameOf(embedderId: string): string {
  return embedderId.replace(/@[^@]*$/, '')
}

function open(modelId: string, facts: Pick<Embedder, 'id' | 'dimensions'>, source: Source): Embedder | null {
  const name = modelNameOf(modelId)
  const provider = name === null ? null : source.registry.open(name.providerId)
  const model = provider?.sdk.embeddingModel(name?.name ?? '') ?? null
  if (provider === null || model === null) return null
  const { id: service } = provider.config
  const closing = new AbortController()
  const vectors = createVectors({ provider, model, modelId, ...facts, closing: closing.signal }, source)
  const queue = createEmbedQueue(async (texts, isUrgent) => {
    try {
      return await vectors(texts, isUrgent)
    } catch (error) {
      if (error instanceof ModelFailed) throw new ProviderEmbedderFailed(service, error)
      throw error
    }
  }, BATCH)
  return {
    ...facts,
    reads: (text) => text.trim() !== '',
    embed: async (texts, embedding) => {
      if (texts.some((text) => text.trim() === '')) throw new Error('A text is none that the embedder reads')
      return queue.embed(
        texts.map((text) => text.slice(0, MAX_LENGTH).toWellFormed()),
        embedding,
      )
    },
    close: async () => {
      queue.close()
      closing.abort(new Unavailable())
    },
  }
}
