/** What is known of a model. */
export interface CatalogueEntry {
  /** Provider and name: `anthropic/claude-opus-5-5`. */
  readonly id: string
  /** For people. */
  readonly name: string
  /** Tokens of the prompt and the answer together; null where nobody here knows. */
  readonly contextWindow: number | null
  /** Tokens of one answer; null where nobody here knows. */
  readonly maxOutputTokens: number | null
  readonly capabilities: readonly ('TOOLS' | 'REASONING')[]
  /** What it thinks is not among the tokens that a request allows it to write, as far as its own limit. */
  readonly thinksOnTop: boolean
  /** Null where nobody here knows. */
  readonly pricing: Pricing | null
}

/** US dollars for a million tokens of each kind, as decimal text. */
export interface Pricing {
  readonly input: string
  /** Null where nothing is cached, or it costs as much. */
  readonly cachedInput: string | null
  readonly output: string
  /** Null where it costs as much as other output. */
  readonly reasoning: string | null
}

/** The day on which the figures were gathered: prices change, and the bill of the provider is the one that counts. */
export const CATALOGUE_VERSION = '2026-11-26'

const THINKS = ['TOOLS', 'REASONING'] as const
const TOOLS = ['TOOLS'] as const
const K = 1_000

type Window = readonly [contextWindow: number, maxOutputTokens: number]
type Price = readonly [input: string, cachedInput: string | null, output: string, reasoning?: string]

function model(
  id: string,
  name: string,
  window: Window | null,
  capabilities: CatalogueEntry['capabilities'],
  price: Price | null = null,
): CatalogueEntry {
  const [contextWindow, maxOutputTokens] = window ?? [null, null]
  const [input = '', cachedInput = null, output = '', reasoning = null] = price ?? []
  const pricing = price === null ? null : { input, cachedInput, output, reasoning }
  return { id, name, contextWindow, maxOutputTokens, capabilities, thinksOnTop: THINK_ON_TOP.includes(id), pricing }
}

/** Of those that are offered: they are given a budget for thinking beside what they may write. */
const THINK_ON_TOP: readonly string[] = ['anthropic/claude-haiku-4-5', 'cohere/command-a-reasoning-08-2025']

/**
 * The models that are offered by name; any other of a configured provider answers as well, without window and price. The
 * figures of Anthropic are those of its manual, the others are from price lists as quoted elsewhere: none was checked against
 * a bill: set your own with MODEL_PRICES where they differ. Where a price depends on the length of the prompt the dearest
 * stands here, so that never less is set aside than is charged.
 */
export const modelCatalogue: readonly CatalogueEntry[] = [
  model('anthropic/claude-fable-5-1', 'Claude Fable 5.1', [K * K, 128 * K], THINKS, ['10', '0.25', '50']),
  model('anthropic/claude-opus-5-5', 'Claude Opus 5.5', [K * K, 128 * K], THINKS, ['4', '0.2', '20']),
  model('anthropic/claude-opus-5', 'Claude Opus 5', [K * K, 128 * K], THINKS, ['5', '0.5', '25']),
  model('anthropic/claude-sonnet-5-5', 'Claude Sonnet 5.5', [K * K, 128 * K], THINKS, ['2', '0.1', '10']),
  model('anthropic/claude-sonnet-4-6', 'Claude Sonnet 4.6', [K * K, 128 * K], THINKS, ['3', '0.3', '15']),
  model('anthropic/claude-haiku-5-5', 'Claude Haiku 5.5', [K * K, 128 * K], THINKS, ['0.5', '0.05', '2.5']),
  model('anthropic/claude-haiku-4-5', 'Claude Haiku 4.5', [200 * K, 64 * K], THINKS, ['1', '0.1', '5']),

  model('openai/gpt-6.1-sol', 'GPT-6.1 Sol', null, THINKS, ['2', '0.1', '10']),
  model('openai/gpt-6-sol', 'GPT-6 Sol', null, THINKS, ['2', '0.2', '10']),
  model('openai/gpt-5.4', 'GPT-5.4', null, THINKS, ['2.5', '0.25', '15']),
  model('openai/gpt-5.4-mini', 'GPT-5.4 mini', null, THINKS, ['0.75', '0.075', '4.5']),
  model('openai/gpt-5.2', 'GPT-5.2', [400 * K, 128 * K], THINKS, ['1.75', '0.175', '14']),
  model('openai/gpt-5', 'GPT-5', [400 * K, 128 * K], THINKS, ['1.25', '0.125', '10']),
  model('openai/gpt-5-mini', 'GPT-5 mini', [400 * K, 128 * K], THINKS, ['0.25', '0.025', '2']),
  model('openai/gpt-5-nano', 'GPT-5 nano', [400 * K, 128 * K], THINKS, ['0.05', '0.005', '0.4']),
  model('openai/gpt-4.1', 'GPT-4.1', [1_047_576, 32_768], TOOLS, ['2', '0.5', '8']),
  model('openai/gpt-4.1-mini', 'GPT-4.1 mini', [1_047_576, 32_768], TOOLS, ['0.4', '0.1', '1.6']),
  model('openai/gpt-4o', 'GPT-4o', [128 * K, 16_384], TOOLS, ['2.5', '1.25', '10']),
  model('openai/gpt-4o-mini', 'GPT-4o mini', [128 * K, 16_384], TOOLS, ['0.15', '0.075', '0.6']),

  model('google/gemini-3.8-flash', 'Gemini 3.8 Flash', null, THINKS),
  model('google/gemini-3.1-pro-preview', 'Gemini 3.1 Pro', [1_048_576, 65_536], THINKS, ['4', '0.4', '18']),
  model('google/gemini-2.5-pro', 'Gemini 2.5 Pro', [1_048_576, 65_536], THINKS, ['2.5', '0.25', '15']),
  model('google/gemini-2.5-flash', 'Gemini 2.5 Flash', [1_048_576, 65_536], THINKS, ['0.3', '0.03', '2.5']),
  model('google/gemini-2.5-flash-lite', 'Gemini 2.5 Flash-Lite', [1_048_576, 65_536], THINKS, ['0.1', '0.01', '0.4']),

  model('cohere/command-a-03-2025', 'Command A', [256 * K, 8 * K], TOOLS, ['2.5', null, '10']),
  model('cohere/command-a-reasoning-08-2025', 'Command A Reasoning', [256 * K, 32 * K], THINKS, ['2.5', null, '10']),
  model('cohere/command-r7b-12-2024', 'Command R7B', [128 * K, 4 * K], TOOLS, ['0.0375', null, '0.15']),

  model('together/meta-llama/Llama-3.3-70B-Instruct-Turbo', 'Llama 3.3 70B', [131_072, 8_192], TOOLS, [
    '0.88',
    null,
    '0.88',
  ]),
  model('together/deepseek-ai/DeepSeek-V3', 'DeepSeek V3', [131_072, 8_192], TOOLS, ['1.25', null, '1.25']),

  model('groq/openai/gpt-oss-120b', 'GPT-OSS 120B', [131_072, 65_536], THINKS, ['0.15', '0.075', '0.6']),
  model('groq/openai/gpt-oss-20b', 'GPT-OSS 20B', [131_072, 65_536], THINKS, ['0.075', '0.0375', '0.3']),
  model('groq/llama-3.3-70b-versatile', 'Llama 3.3 70B', [131_072, 32_768], TOOLS, ['0.59', null, '0.79']),

  model('mistral/mistral-large-latest', 'Mistral Large', [256 * K, 128 * K], TOOLS, ['0.5', null, '1.5']),
  model('mistral/mistral-medium-latest', 'Mistral Medium', [128 * K, 128 * K], TOOLS, ['0.4', null, '2']),
  model('mistral/mistral-small-latest', 'Mistral Small', [128 * K, 128 * K], TOOLS, ['0.1', null, '0.3']),
  model('mistral/magistral-medium-latest', 'Magistral Medium', [128 * K, 40 * K], THINKS, ['2', null, '5']),

  model('ollama/llama3.3', 'Llama 3.3', [131_072, 131_072], TOOLS),
  model('ollama/qwen3', 'Qwen 3', [40_960, 40_960], THINKS),
  model('ollama/gpt-oss', 'GPT-OSS', [131_072, 131_072], THINKS),
  model('ollama/mistral-nemo', 'Mistral Nemo', [131_072, 131_072], TOOLS),
  model('ollama/deepseek-r1', 'DeepSeek R1', [131_072, 131_072], ['REASONING']),
  model('ollama/gemma3', 'Gemma 3', [131_072, 131_072], []),

  model('meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8', 'Llama 4 Maverick', [128 * K, 4 * K], TOOLS),
  model('meta-llama/Llama-3.3-70B-Instruct', 'Llama 3.3 70B', [128 * K, 4 * K], TOOLS),
  model('nouscoder/NousCoder-14B', 'NousCoder 14B', [81_920, 32_768], TOOLS),
]

/** What is known of the model of this id; of one of Ollama by its name without the tag: `ollama/qwen3:8b`. */
export function catalogued(id: string): CatalogueEntry | null {
  const plain = id.startsWith('ollama/') ? id.replace(/:[^:/]*$/, '') : id
  return modelCatalogue.find((entry) => entry.id === id || entry.id === plain) ?? null
}

/** A model that makes vectors. */
export interface EmbeddingEntry {
  readonly id: string
  readonly dimensions: number
}

/** The embedding models whose dimensions are known; those of search must be among them, and other vectors are refused. */
export const embeddingCatalogue: readonly EmbeddingEntry[] = [
  { id: 'openai/text-embedding-3-small', dimensions: 1_536 },
  { id: 'openai/text-embedding-3-large', dimensions: 3_072 },
  { id: 'google/gemini-embedding-001', dimensions: 3_072 },
  { id: 'cohere/embed-english-v3.0', dimensions: 1_024 },
  { id: 'cohere/embed-multilingual-v3.0', dimensions: 1_024 },
  { id: 'cohere/embed-english-light-v3.0', dimensions: 384 },
  { id: 'cohere/embed-multilingual-light-v3.0', dimensions: 384 },
  { id: 'together/BAAI/bge-base-en-v1.5', dimensions: 768 },
  { id: 'together/BAAI/bge-large-en-v1.5', dimensions: 1_024 },
  { id: 'mistral/mistral-embed', dimensions: 1_024 },
  { id: 'ollama/nomic-embed-text', dimensions: 768 },
  { id: 'ollama/mxbai-embed-large', dimensions: 1_024 },
  { id: 'ollama/all-minilm', dimensions: 384 },
  { id: 'ollama/bge-m3', dimensions: 1_024 },
]

/** How many dimensions the vectors of a model have; null where that is not known. */
export function dimensionsOf(id: string): number | null {
  return embeddingCatalogue.find((entry) => entry.id === id)?.dimensions ?? null
}
