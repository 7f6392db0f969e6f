import { createAnthropic } from '@ai-sdk/anthropic'
import { createCohere } from '@ai-sdk/cohere'
import { createGoogle } from '@ai-sdk/google'
import { createGroq } from '@ai-sdk/groq'
import { createMistral } from '@ai-sdk/mistral'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { EmbeddingModelV4, LanguageModelV4, SharedV4ProviderOptions } from '@ai-sdk/provider'
import { createTogetherAI } from '@ai-sdk/togetherai'
import { createOllama } from 'ollama-ai-provider-v2'
import type { ModelRequest } from '../../../platform/models.ts'
import type { ProviderConfig } from '../../../platform/providers.ts'
import { endingAtDone } from './done-line.service.ts'
import { checkingLines } from './ollama-lines.service.ts'

/** A provider as its SDK speaks to it. */
export interface ProviderSdk {
  /** `isChat`: by chat completions, where responses are usual. */
  languageModel(name: string, isChat: boolean): LanguageModelV4
  /** Null: it makes no vectors. */
  embeddingModel(name: string): EmbeddingModelV4 | null
  /** The warmest that it takes, of 0 to 2. */
  readonly maxTemperature: number
  /** Whether it knows how to tell a model that thinks by itself to think not, or as little as it can. */
  readonly quietens: boolean
  /** What only this protocol knows: what is not to be kept there, whether thoughts are shown, how much is read at all. */
  options(request: ModelRequest, room: Room): SharedV4ProviderOptions | Promise<SharedV4ProviderOptions>
  /** The same for vectors: of a question, or of what is searched. */
  embeddingOptions(isQuestion: boolean): SharedV4ProviderOptions
}

/** How much of a model's window a request takes. */
export interface Room {
  /** Counted when it is asked for; rather too many. */
  promptTokens(): Promise<number>
  /** Null where nobody here knows. */
  readonly contextWindow: number | null
}

const none = () => ({})
/** As their manuals have it; a warmer request would be refused. */
const COHERE_WARMEST = 1
const MISTRAL_WARMEST = 1.5
const ANTHROPIC_WARMEST = 1
const WARMEST = 2
/** Tokens: of an answer that nobody limits, and of the windows that are asked for. */
const OLLAMA_ANSWER = 4_096
const OLLAMA_SMALLEST = 4_096
const OLLAMA_LARGEST = 131_072

/**
 * Opens the SDK of a provider. Key and address are given: what an SDK reads of the environment by itself is not asked.
 * @throws when the provider is not configured
 */
export function openSdk(provider: ProviderConfig, fetch: typeof globalThis.fetch): ProviderSdk {
  const { apiKey: key, baseUrl: baseURL, isConfigured } = provider
  if (!isConfigured || baseURL === null) throw new Error(`${provider.id} is not configured`)
  const apiKey = key ?? ''
  switch (provider.protocol) {
    case 'anthropic':
      return {
        ...plain(createAnthropic({ apiKey, baseURL, fetch }), { makesVectors: false }),
        maxTemperature: ANTHROPIC_WARMEST,
      }
    case 'openai':
      return openaiSdk(createOpenAI({ apiKey, baseURL, fetch: endingAtDone(fetch) }))
    case 'google':
      return googleSdk(createGoogle({ apiKey, baseURL, fetch }))
    case 'cohere':
      return {
        ...plain(createCohere({ apiKey, baseURL, fetch })),
        maxTemperature: COHERE_WARMEST,
        embeddingOptions: (isQuestion) => ({ cohere: { inputType: isQuestion ? 'search_query' : 'search_document' } }),
      }
    case 'togetherai':
      return { ...plain(createTogetherAI({ apiKey, baseURL, fetch: endingAtDone(fetch) })), quietens: false }
    case 'groq':
      return {
        ...plain(createGroq({ apiKey, baseURL, fetch: endingAtDone(fetch) }), { makesVectors: false }),
        options: ({ reasoning }) => (reasoning === 'NONE' ? {} : { groq: { reasoningFormat: 'parsed' } }),
      }
    case 'mistral':
      return {
        ...plain(createMistral({ apiKey, baseURL, fetch: endingAtDone(fetch) })),
        maxTemperature: MISTRAL_WARMEST,
      }
    case 'ollama':
      return ollamaSdk(
        createOllama({ baseURL, fetch: checkingLines(fetch), ...(key === null ? {} : { headers: bearer(key) }) }),
      )
    case 'openai-compatible':
      return compatibleSdk(
        createOpenAICompatible({
          name: provider.id,
          baseURL,
          fetch: endingAtDone(fetch),
          includeUsage: true,
          ...(key === null ? {} : { apiKey: key }),
        }),
      )
  }
}

interface Models {
  languageModel(name: string): LanguageModelV4
  embeddingModel(name: string): EmbeddingModelV4
}

function plain(sdk: Models, { makesVectors = true } = {}): ProviderSdk {
  return {
    languageModel: (name) => sdk.languageModel(name),
    embeddingModel: (name) => (makesVectors ? sdk.embeddingModel(name) : null),
    maxTemperature: WARMEST,
    quietens: true,
    options: none,
    embeddingOptions: none,
  }
}

/** Those who speak as OpenAI does have no setting in common by which a model thinks not, and refuse what they do not know. */
function compatibleSdk(sdk: ReturnType<typeof createOpenAICompatible>): ProviderSdk {
  return { ...plain(sdk), quietens: false }
}

/** Ollama reads what is set in `options` alone. */
function ollamaSdk(sdk: ReturnType<typeof createOllama>): ProviderSdk {
  return {
    ...plain(sdk),
    options: async ({ temperature, maxOutputTokens }, { promptTokens, contextWindow }) => {
      const num_ctx = windowFor((await promptTokens()) + (maxOutputTokens ?? OLLAMA_ANSWER), contextWindow)
      const limit = maxOutputTokens === null ? {} : { num_predict: maxOutputTokens }
      return { ollama: { options: { temperature, num_ctx, ...limit } } }
    },
  }
}

/**
 * Without one it reads the last few thousand tokens alone, and the whole window of a model is too much for a laptop. Each
 * other size loads the model anew: powers of two are few.
 */
function windowFor(tokens: number, contextWindow: number | null): number {
  const size = Math.max(OLLAMA_SMALLEST, 2 ** Math.ceil(Math.log2(tokens)))
  return Math.min(size, contextWindow ?? OLLAMA_LARGEST)
}

function openaiSdk(sdk: ReturnType<typeof createOpenAI>): ProviderSdk {
  return {
    languageModel: (name, isChat) => (isChat ? sdk.chat(name) : sdk.responses(name)),
    embeddingModel: (name) => sdk.embeddingModel(name),
    maxTemperature: WARMEST,
    quietens: true,
    // Conversations are kept here, and nowhere else. Whoever wants no thoughts is shown none of those that cannot be left out.
    options: ({ reasoning }) => ({
      openai: { store: false, ...(reasoning === 'NONE' ? { reasoningSummary: null } : {}) },
    }),
    embeddingOptions: none,
  }
}

function googleSdk(sdk: ReturnType<typeof createGoogle>): ProviderSdk {
  return {
    ...plain(sdk),
    options: ({ reasoning }) => (reasoning === 'NONE' ? {} : { google: { thinkingConfig: { includeThoughts: true } } }),
    embeddingOptions: (isQuestion) => ({ google: { taskType: isQuestion ? 'RETRIEVAL_QUERY' : 'RETRIEVAL_DOCUMENT' } }),
  }
}

function bearer(key: string) {
  return { Authorization: `Bearer ${key}` }
}
