import type { Context } from './context.ts'

/** One thing that was said before, as a model reads it. */
export interface ModelMessage {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

/** What a model is asked: the conversation, oldest first, ending with the question. */
export interface ModelRequest {
  readonly messages: readonly ModelMessage[]
}

/** What a model writes, in order: text, and which of the sources it read a quotation is from. */
export type ModelPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'citation'; readonly source: Readonly<Record<string, string>>; readonly quote: string }

/** Something that answers, wherever it runs. */
export interface Model {
  /** Provider and name: `embedded/extractive`. */
  readonly id: string
  readonly name: string
  /**
   * Streams one answer on behalf of the context's viewer, who may have read what it reads. Ends when the answer does;
   * throws when it cannot go on, and soon after `signal` aborts. The text is the concatenation of its text parts.
   */
  stream(ctx: Context, request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>
}

/** The models a server offers. */
export interface Models {
  /** What answers when nobody chose. */
  readonly defaultId: string
  find(id: string): Model | null
}

/** Makes one list of models and of families, whose members are named by what they do: `scenario/cut-12`. */
export function createModels(
  [first, ...others]: readonly [Model, ...Model[]],
  families: readonly ((id: string) => Model | null)[] = [],
): Models {
  const named = new Map([first, ...others].map((model) => [model.id, model]))
  return {
    defaultId: first.id,
    find: (id) => named.get(id) ?? families.map((family) => family(id)).find((model) => model !== null) ?? null,
  }
}
