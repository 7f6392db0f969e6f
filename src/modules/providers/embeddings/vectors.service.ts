import type { EmbeddingModelV4 } from '@ai-sdk/provider'
import type { Clock } from '../../../platform/clock.ts'
import { ModelFailed } from '../../../platform/models.ts'
import { createTimeLimit } from '../../../platform/time-limit.ts'
import { type AttemptTools, attempts } from '../models/attempts.service.ts'
import { throughCircuit } from '../models/circuits.service.ts'
import type { OpenProvider } from '../models/registry.service.ts'
import { modelFailure } from '../protocols/fault.service.ts'

/** How long a provider may take for a batch. */
export interface VectorPatience {
  readonly firstPartMillis: number
}

/** A model of a provider, and when nobody wants its vectors any more. */
export interface VectorSource {
  readonly provider: OpenProvider
  readonly model: EmbeddingModelV4
  readonly modelId: string
  /** Of its vectors; 0 where that is not known. */
  readonly dimensions: number
  readonly closing: AbortSignal
}

/** Vectors of unit length, one a text, of texts that are asked about or searched. @throws {ModelFailed} */
export type Vectors = (texts: readonly string[], isQuestion: boolean) => Promise<readonly Float32Array[]>

/** Makes vectors by a provider, a few attempts each, through its circuit. */
export function createVectors(
  source: VectorSource,
  { tools, patience }: { readonly tools: AttemptTools; readonly patience: VectorPatience },
): Vectors {
  const { provider, modelId, closing } = source
  return async (texts, isQuestion) => {
    const made = attempts(
      () =>
        throughCircuit(provider.circuit, closing, (begun) =>
          embedOnce(source, { texts, isQuestion, patience, clock: tools.clock, begun }),
        ),
      { id: modelId, providerId: provider.config.id, signal: closing },
      tools,
    )
    for await (const vectors of made) return vectors
    throw new Error('Nothing was embedded')
  }
}

interface Batch {
  readonly texts: readonly string[]
  readonly isQuestion: boolean
  readonly patience: VectorPatience
  readonly clock: Clock
  /** Told when the vectors are there: whoever has them reads no further. */
  readonly begun: () => void
}

async function* embedOnce(
  { provider, model, dimensions, closing }: VectorSource,
  { texts, isQuestion, patience, clock, begun }: Batch,
): AsyncGenerator<readonly Float32Array[]> {
  const { id } = provider.config
  const limit = createTimeLimit(closing)
  limit.set(patience.firstPartMillis)
  try {
    const { embeddings } = await limit.within(
      model.doEmbed({
        values: [...texts],
        abortSignal: limit.signal,
        providerOptions: provider.sdk.embeddingOptions(isQuestion),
      }),
    )
    const vectors = checked(embeddings, texts.length, dimensions, id)
    begun()
    yield vectors
  } catch (error) {
    closing.throwIfAborted()
    const cause = limit.isOver ? new ModelFailed('MODEL_TIMED_OUT', `${id} took too long to embed`) : error
    throw modelFailure(cause, { providerId: id, hasBegun: false, now: clock.now() })
  } finally {
    limit.end()
  }
}

function checked(embeddings: readonly number[][], count: number, dimensions: number, id: string): Float32Array[] {
  const isVector = (vector: readonly number[]) =>
    vector.length > 0 && (dimensions === 0 || vector.length === dimensions) && Number.isFinite(Math.hypot(...vector))
  if (embeddings.length !== count || !embeddings.every(isVector))
    throw new ModelFailed('MODEL_SAID_NONSENSE', `${id} answered other vectors than were asked for`)
  return embeddings.map(unit)
}

function unit(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector) || 1
  return Float32Array.from(vector, (part) => part / length)
}
