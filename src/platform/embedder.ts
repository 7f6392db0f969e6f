import { LRUCache } from 'lru-cache'
import { Unavailable } from './errors.ts'

/** Makes vectors of texts: what means the same is near each other. */
export interface Embedder {
  /** Provider and name, with what would change the vectors: at most 64 characters. */
  readonly id: string
  readonly dimensions: number
  /** Whether it makes sense of such a text; `language` is a BCP 47 tag where known. */
  reads(text: string, language: string | null): boolean
  /**
   * Vectors of unit length, one a text, in order; they are shared, and not to be changed. Each text is one that it `reads`
   * where its language is not known: any other is the caller's fault, and nothing is embedded. What is
   * urgent goes before what is not, and waits 10 s at most.
   * @throws {EmbedderBusy} when too much waits, also of the same person @throws {EmbedderFailed} @throws {Unavailable} once it is closed; the
   * signal's reason when it aborts
   */
  embed(texts: readonly string[], options: EmbedOptions): Promise<readonly Float32Array[]>
  /** Ends what is under way; may be called twice. */
  close(): Promise<void>
}

/** How long somebody wants vectors, and how badly. */
export interface EmbedOptions {
  readonly signal: AbortSignal
  /** Somebody waits for them: who, whatever names them. */
  readonly urgentFor?: string
}

/** More waits than is worth waiting for. */
export class EmbedderBusy extends Unavailable {
  override readonly name = 'EmbedderBusy'
}

/** It broke down or said nothing for too long, over these texts as far as is known; other texts may go well. */
export class EmbedderFailed extends Unavailable {
  override readonly name = 'EmbedderFailed'
}

/** Texts of which the vectors are remembered: with 512 dimensions a megabyte of them. */
const REMEMBERED = 500

/** The same, with a memory for what was urgent: whoever pages through what they searched for sends one text again and again. */
export function rememberUrgent(embedder: Embedder): Embedder {
  const memory = new LRUCache<string, Float32Array>({ max: REMEMBERED })
  const embed = async (texts: readonly string[], options: EmbedOptions) => {
    options.signal.throwIfAborted()
    const known = new Map(texts.map((text) => [text, memory.get(text)]))
    const unknown = [...known].flatMap(([text, vector]) => (vector === undefined ? [text] : []))
    const made = unknown.length === 0 ? [] : await embedder.embed(unknown, options)
    for (const [index, text] of unknown.entries()) {
      known.set(text, made[index])
      memory.set(text, made[index])
    }
    return texts.flatMap((text) => known.get(text) ?? [])
  }
  return {
    id: embedder.id,
    dimensions: embedder.dimensions,
    reads: (text, language) => embedder.reads(text, language),
    close: () => embedder.close(),
    embed: (texts, options) =>
      options.urgentFor === undefined ? embedder.embed(texts, options) : embed(texts, options),
  }
}
