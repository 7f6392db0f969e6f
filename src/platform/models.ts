import type { TokenUsage } from '../lib/token-usage.ts'
import type { Context } from './context.ts'

/** What a model wants done before it goes on. */
export interface ToolCall {
  /** The model's own name for it, within one answer. */
  readonly id: string
  readonly name: string
  /** As the model wrote it: to be parsed by the tool's own rule before anything is done. Undefined when it was no JSON. */
  readonly input: unknown
}

/** What became of a call, as the model reads it. */
export interface ToolResult {
  readonly callId: string
  readonly name: string
  /** JSON. */
  readonly output: unknown
  readonly isError: boolean
}

/** One thing that was said before, as a model reads it. */
export type ModelMessage =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | {
      readonly role: 'assistant'
      readonly content: string
      readonly calls?: readonly ToolCall[]
      /** As `StepEnd.replay` gave it: what its provider wants to see again of a step of the same answer. */
      readonly replay?: Replay | null
    }
  | { readonly role: 'tool'; readonly results: readonly ToolResult[] }

/** A step of an answer as its provider wants to see it again; to any other provider it says nothing. */
export interface Replay {
  readonly providerId: string
  readonly modelId: string
  readonly content: unknown
}

/** A tool as it is described to a model. */
export interface ToolDescription {
  readonly name: string
  readonly description: string
  /** JSON Schema of an object. */
  readonly inputSchema: Readonly<Record<string, unknown>>
}

/** How much a model may think before it writes, where it can. */
export const reasoningEfforts = ['NONE', 'LOW', 'MEDIUM', 'HIGH'] as const
export type ReasoningEffort = (typeof reasoningEfforts)[number]

/** What a model is asked: the conversation, oldest first, ending with the question or with results of tools. */
export interface ModelRequest {
  readonly messages: readonly ModelMessage[]
  /** None where it may use none; a model that can use none is given none. */
  readonly tools: readonly ToolDescription[]
  /** 0 to 2; a model that takes none goes by its own. */
  readonly temperature: number
  /** Null: as many as the model writes. */
  readonly maxOutputTokens: number | null
  readonly reasoning: ReasoningEffort
}

/** A request with what is usual where it says nothing. */
export function modelRequest(request: Pick<ModelRequest, 'messages'> & Partial<ModelRequest>): ModelRequest {
  return { tools: [], temperature: DEFAULT_TEMPERATURE, maxOutputTokens: null, reasoning: 'NONE', ...request }
}

/** Between always the same and anything at all. */
export const DEFAULT_TEMPERATURE = 0.7

/** The end of a step: of an answer, or of what the model says before it wants tools used. */
export interface StepEnd {
  readonly type: 'end'
  readonly reason: 'stop' | 'length' | 'filtered' | 'tools'
  readonly usage: TokenUsage | null
  readonly replay: Replay | null
}

/**
 * What a model writes, in order. `attempt` comes before anything a provider writes, again for each further attempt, and says
 * who writes what follows; a model that runs here has none.
 */
export type ModelPart =
  | { readonly type: 'attempt'; readonly providerId: string; readonly modelId: string }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string }
  | { readonly type: 'call'; readonly call: ToolCall }
  /** Something came that is nothing yet: it resets the limit of silence. */
  | { readonly type: 'alive' }
  | { readonly type: 'citation'; readonly source: Readonly<Record<string, string>>; readonly quote: string }
  | StepEnd

/** Why a model did not go on: for programs, at most 32 characters. */
export const modelFailureCodes = [
  'MODEL_FAILED',
  'MODEL_TIMED_OUT',
  'MODEL_CUT',
  'MODEL_OVERLOADED',
  'MODEL_RATE_LIMITED',
  'MODEL_UNREACHABLE',
  'MODEL_KEY_REFUSED',
  'MODEL_REFUSED_REQUEST',
  'MODEL_SAID_NONSENSE',
  'MODEL_CIRCUIT_OPEN',
  'MODEL_NOT_CONFIGURED',
  'PROMPT_TOO_LONG',
] as const
export type ModelFailureCode = (typeof modelFailureCodes)[number]

/** A model did not go on. The message is for the log: it holds no secret and nothing that a provider said. */
export class ModelFailed extends Error {
  override readonly name = 'ModelFailed'
  readonly code: ModelFailureCode
  /** What the provider asked for; null when it did not. */
  readonly retryAfterSeconds: number | null
  constructor(
    code: ModelFailureCode,
    message: string,
    options: ErrorOptions & { retryAfterSeconds?: number | null } = {},
  ) {
    super(message, options)
    this.code = code
    this.retryAfterSeconds = options.retryAfterSeconds ?? null
  }
}

/** What a model can do beside writing text. */
export const modelCapabilities = ['TOOLS', 'REASONING'] as const
export type ModelCapability = (typeof modelCapabilities)[number]

/** Something that answers, wherever it runs. */
export interface Model {
  /** Provider and name: `embedded/extractive`. */
  readonly id: string
  readonly name: string
  readonly providerId: string
  /** Tokens of the prompt and the answer together; null where there is no limit but ours, or nobody knows. */
  readonly contextWindow: number | null
  readonly capabilities: readonly ModelCapability[]
  /** Tokens of one answer; null where there is no limit but ours, or nobody knows. */
  readonly maxOutputTokens: number | null
  /** It thinks beside what it may write, so that `maxOutputTokens` of a request does not bound what it is paid for. */
  readonly thinksOnTop: boolean
  /** What answers in its place when it does not begin. */
  readonly fallbackIds: readonly string[]
  /** False while its provider has no key or address. */
  readonly isConfigured: boolean
  /**
   * Streams one step of an answer on behalf of the context's viewer, who may have read what it reads. Ends when the step
   * does; throws when it cannot go on, and soon after `signal` aborts. The text is the concatenation of its text parts.
   * @throws {ModelFailed} from a provider
   */
  stream(ctx: Context, request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>
}

/** The models a server offers. */
export interface Models {
  /** What answers when nobody chose. */
  readonly defaultId: string
  find(id: string): Model | null
  /** Those that have a name of their own; members of families are found, not listed. */
  list(): readonly Model[]
}

/**
 * Makes one list of models and of families, whose members are named by what they do: `scenario/cut-12`. The first is the
 * default, unless another is named.
 */
export function createModels(
  [first, ...others]: readonly [Model, ...Model[]],
  families: readonly ((id: string) => Model | null)[] = [],
  defaultId: string = first.id,
): Models {
  const named = new Map([first, ...others].map((model) => [model.id, model]))
  return {
    defaultId,
    find: (id) => named.get(id) ?? families.map((family) => family(id)).find((model) => model !== null) ?? null,
    list: () => [...named.values()],
  }
}
