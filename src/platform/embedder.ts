export interface Embedder {
  readonly id: string
  readonly dimensions: number
  reads(text: string, language: string | null): boolean
  embed(
    texts: readonly string[],
    options: { readonly signal: AbortSignal; readonly isUrgent?: boolean },
  ): Promise<readonly Float32Array[]>
  close(): Promise<void>
}
