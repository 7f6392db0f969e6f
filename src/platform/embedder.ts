/** Makes vectors of texts: what means the same is near each other. */
export interface Embedder {
  /** Provider and name, with what would change the vectors: at most 64 characters. */
  readonly id: string
  readonly dimensions: number
  /** Whether it makes sense of such a text; `language` is a BCP 47 tag where known. */
  reads(text: string, language: string | null): boolean
  /** Vectors of unit length, one a text, in order. `isUrgent`: somebody waits; goes before what does not. @throws {EmbedderBusy} when too much waits; the signal's reason when it aborts */
  embed(
    texts: readonly string[],
    options: { readonly signal: AbortSignal; readonly isUrgent?: boolean },
  ): Promise<readonly Float32Array[]>
  close(): Promise<void>
}
