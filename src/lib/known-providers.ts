/** How a provider is spoken to. */
export type ProviderProtocol =
  | 'anthropic'
  | 'openai'
  | 'google'
  | 'cohere'
  | 'togetherai'
  | 'groq'
  | 'mistral'
  | 'ollama'
  | 'openai-compatible'

/** A provider this server knows by name. */
export interface KnownProvider {
  /** What comes before the slash in the id of a model. */
  readonly id: string
  /** For people. */
  readonly name: string
  readonly protocol: ProviderProtocol
  /** What its variables begin with: `ANTHROPIC_API_KEY`, `ANTHROPIC_BASE_URL`. */
  readonly variables: string
  /** Null where none is public: a provider of one's own. */
  readonly baseUrl: string | null
  /** Whether it answers without a key, at an address of one's own. */
  readonly needsKey: boolean
}

type Facts = readonly [name: string, protocol: ProviderProtocol, variables: string, baseUrl: string | null]

function provider(id: string, [name, protocol, variables, baseUrl]: Facts, needsKey = true): KnownProvider {
  return { id, name, protocol, variables, baseUrl, needsKey }
}

/** The providers, with the public addresses that their manuals name. */
export const knownProviders: readonly KnownProvider[] = [
  provider('anthropic', ['Anthropic', 'anthropic', 'ANTHROPIC', 'https://api.anthropic.com/v1']),
  provider('openai', ['OpenAI', 'openai', 'OPENAI', 'https://api.openai.com/v1']),
  provider('google', ['Google Gemini', 'google', 'GOOGLE', 'https://generativelanguage.googleapis.com/v1beta']),
  provider('cohere', ['Cohere', 'cohere', 'COHERE', 'https://api.cohere.com/v2']),
  provider('together', ['Together AI', 'togetherai', 'TOGETHER', 'https://api.together.xyz/v1']),
  provider('groq', ['Groq', 'groq', 'GROQ', 'https://api.groq.com/openai/v1']),
  provider('mistral', ['Mistral', 'mistral', 'MISTRAL', 'https://api.mistral.ai/v1']),
  provider('ollama', ['Ollama', 'ollama', 'OLLAMA', null], false),
  provider('meta-llama', ['Meta Llama', 'openai-compatible', 'META_LLAMA', 'https://api.llama.com/compat/v1']),
  provider('nouscoder', ['NousCoder', 'openai-compatible', 'NOUSCODER', 'https://inference-api.nousresearch.com/v1']),
  provider('cody', ['Cody', 'openai-compatible', 'CODY', null], false),
  provider('codyq', ['CodyQ', 'openai-compatible', 'CODYQ', null], false),
]

/** Before the slash in place of `openai`: the same provider, spoken to by chat completions instead of responses. */
export const OPENAI_CHAT = 'openai-chat'

/** What a model's id names: `openai-chat/gpt-4.1` is a model of `openai`. Null when it is no id of a model. */
export interface ModelName {
  readonly providerId: string
  readonly name: string
  /** Chat completions, where responses are usual. */
  readonly isChat: boolean
}

/** Takes an id apart; names may have slashes of their own, but nothing that leads to another path of the provider. */
export function modelNameOf(id: string): ModelName | null {
  const [, prefix, name] = /^([a-z0-9][a-z0-9-]{0,31})\/([\w.:@/+-]{1,96})$/.exec(id) ?? []
  if (prefix === undefined || name === undefined) return null
  // A name may become a part of the address that the key goes to.
  if (name.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')) return null
  return prefix === OPENAI_CHAT
    ? { providerId: 'openai', name, isChat: true }
    : { providerId: prefix, name, isChat: false }
}
