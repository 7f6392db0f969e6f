import type { LanguageModelV4StreamPart, LanguageModelV4Usage, SharedV4ProviderMetadata } from '@ai-sdk/provider'
import { parseJson } from '../../../lib/json.ts'
import type { TokenUsage } from '../../../lib/token-usage.ts'
import { ModelFailed, type ModelPart, type StepEnd } from '../../../platform/models.ts'
import { type AssistantContent, callPart, type Target } from './sdk-prompt.service.ts'

type Part<Type extends LanguageModelV4StreamPart['type']> = Extract<LanguageModelV4StreamPart, { type: Type }>
type Said = { type: 'text' | 'reasoning'; text: string; providerOptions?: SharedV4ProviderMetadata }

/** Puts one step of an answer together from what an SDK reads of it. */
export interface StepReader {
  /** What one part of the stream comes to. @throws what an SDK calls an error in the middle of it, as it stands there */
  read(part: LanguageModelV4StreamPart): ModelPart[]
  /** Whether the step has ended as it should; a stream that ends before was cut. */
  readonly isFinished: boolean
}

/** Starts reading a step. */
export function createStepReader(target: Target): StepReader {
  const content: (AssistantContent[number] | Said)[] = []
  const open = new Map<string, Said>()
  let isFinished = false
  let hasCalls = false

  const begin = (type: Said['type'], part: Part<'text-start' | 'reasoning-start'>) => {
    const said: Said = { type, text: '' }
    keep(said, part.providerMetadata)
    open.set(`${type} ${part.id}`, said)
    content.push(said)
    return []
  }
  const go = (type: Said['type'], part: Part<'text-delta' | 'reasoning-delta'>): ModelPart[] => {
    const said = open.get(`${type} ${part.id}`)
    if (said !== undefined) {
      said.text += part.delta
      keep(said, part.providerMetadata)
    }
    return part.delta === '' ? [] : [{ type, text: part.delta }]
  }
  const end = (type: Said['type'], part: Part<'text-end' | 'reasoning-end'>) => {
    const said = open.get(`${type} ${part.id}`)
    if (said !== undefined) keep(said, part.providerMetadata)
    return []
  }
  const call = ({ toolCallId, toolName, input: text, providerMetadata }: Part<'tool-call'>): ModelPart[] => {
    const input = parsed(text)
    const part = callPart(toolCallId, toolName, input)
    hasCalls = true
    content.push(providerMetadata === undefined ? part : { ...part, providerOptions: providerMetadata })
    return [{ type: 'call', call: { id: toolCallId, name: toolName, input } }]
  }
  const finish = (part: Part<'finish'>): ModelPart[] => {
    const ended = reasonOf(part, target)
    // Some call it a stop when they wait for the results of calls.
    const reason = ended === 'stop' && hasCalls ? 'tools' : ended
    isFinished = true
    const { providerId, modelId } = target
    // Empty text is no text: some providers refuse to see it again.
    const kept = content.filter((said) => said.type !== 'text' || said.text !== '')
    return [{ type: 'end', reason, usage: usageOf(part.usage), replay: { providerId, modelId, content: kept } }]
  }
  return {
    get isFinished() {
      return isFinished
    },
    read: (part) => {
      switch (part.type) {
        case 'text-start':
          return begin('text', part)
        case 'reasoning-start':
          return begin('reasoning', part)
        case 'text-delta':
          return go('text', part)
        case 'reasoning-delta':
          return go('reasoning', part)
        case 'text-end':
          return end('text', part)
        case 'reasoning-end':
          return end('reasoning', part)
        case 'tool-input-start':
        case 'tool-input-delta':
          // A long input takes minutes to write, and is told of when it is all there.
          return [{ type: 'alive' }]
        case 'tool-call':
          return call(part)
        case 'finish':
          return finish(part)
        case 'error':
          throw part.error
        default:
          return []
      }
    },
  }
}

/** The last that is said of a block counts: signatures come at its end. */
function keep(said: Said, metadata: SharedV4ProviderMetadata | undefined): void {
  if (metadata !== undefined) said.providerOptions = metadata
}

/** Undefined when it is no JSON; nothing at all is what some write for no input. */
function parsed(text: string): unknown {
  return text.trim() === '' ? {} : parseJson(text)
}

/** @throws {ModelFailed} when the step did not end, whatever the SDK makes of it */
function reasonOf(
  { finishReason: { unified, raw }, usage }: Part<'finish'>,
  { providerId }: Target,
): StepEnd['reason'] {
  // Of a stream without its last line the SDK of Ollama says that it ended with calls, if there are any.
  const isCut = providerId === 'ollama' && usage.outputTokens.total === undefined
  if (isCut || unified === 'interrupted' || (unified === 'other' && raw === undefined))
    throw new ModelFailed('MODEL_CUT', 'The stream ended before the answer did')
  if (unified === 'error') throw new ModelFailed('MODEL_FAILED', 'The provider ended the answer with an error')
  switch (unified) {
    case 'length':
      return 'length'
    case 'content-filter':
      return 'filtered'
    case 'tool-calls':
      return 'tools'
    default:
      return 'stop'
  }
}

function usageOf({ inputTokens, outputTokens }: LanguageModelV4Usage): TokenUsage | null {
  if (inputTokens.total === undefined && outputTokens.total === undefined) return null
  return {
    inputTokens: inputTokens.total ?? null,
    cachedInputTokens: inputTokens.cacheRead ?? null,
    outputTokens: outputTokens.total ?? null,
    reasoningTokens: outputTokens.reasoning ?? null,
  }
}
