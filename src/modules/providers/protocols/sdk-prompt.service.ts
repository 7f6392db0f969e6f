import type {
  JSONValue,
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider'
import type { ModelCapability, ModelMessage, ModelRequest, Replay, ToolResult } from '../../../platform/models.ts'

/** What a model said, as its provider wants to see it again. */
export type AssistantContent = Extract<LanguageModelV4Message, { role: 'assistant' }>['content']

/** Whom a request goes to, and what is known of it. */
export interface Target {
  readonly providerId: string
  readonly modelId: string
  readonly capabilities: readonly ModelCapability[]
  /** It thinks by itself, and its SDK knows how to tell it not to. */
  readonly thinksUnasked: boolean
}

/** A request as all SDKs take it. What the model cannot do is not asked of it. */
export function callOptions(request: ModelRequest, target: Target): LanguageModelV4CallOptions {
  const { tools, temperature, maxOutputTokens, reasoning } = request
  const canUseTools = target.capabilities.includes('TOOLS')
  const isTold = target.capabilities.includes('REASONING') && (reasoning !== 'NONE' || target.thinksUnasked)
  return {
    prompt: promptOf(request.messages, target),
    temperature,
    ...(maxOutputTokens === null ? {} : { maxOutputTokens }),
    ...(isTold ? { reasoning: effortOf[reasoning] } : {}),
    ...(canUseTools && tools.length > 0 ? { tools: tools.map(functionOf), toolChoice: { type: 'auto' } } : {}),
  }
}

const effortOf = { NONE: 'none', LOW: 'low', MEDIUM: 'medium', HIGH: 'high' } as const

function functionOf({ name, description, inputSchema }: ModelRequest['tools'][number]) {
  return { type: 'function', name, description, inputSchema: { ...inputSchema } } as const
}

/** Several providers take what the system says at the beginning alone. */
function promptOf(messages: readonly ModelMessage[], target: Target): LanguageModelV4Prompt {
  const system = messages.flatMap((message) => (message.role === 'system' ? [message.content] : []))
  const others = messages.flatMap((message) => messageOf(message, target))
  return [...(system.length === 0 ? [] : [{ role: 'system', content: system.join('\n\n') } as const]), ...others]
}

function messageOf(message: ModelMessage, target: Target): LanguageModelV4Message[] {
  switch (message.role) {
    case 'system':
      return []
    case 'user':
      return [{ role: 'user', content: [{ type: 'text', text: message.content }] }]
    case 'assistant': {
      const content = replayed(message.replay ?? null, target) ?? rebuilt(message)
      return content.length === 0 ? [] : [{ role: 'assistant', content }]
    }
    case 'tool':
      return [{ role: 'tool', content: message.results.map(resultOf) }]
  }
}

/** Signatures and ids mean nothing to anybody but the model that made them. */
function replayed(replay: Replay | null, { providerId, modelId }: Target): AssistantContent | null {
  if (replay === null || replay.providerId !== providerId || replay.modelId !== modelId) return null
  return Array.isArray(replay.content) ? (replay.content as AssistantContent) : null
}

function rebuilt({ content, calls = [] }: Extract<ModelMessage, { role: 'assistant' }>): AssistantContent {
  return [
    ...(content === '' ? [] : [{ type: 'text', text: content } as const]),
    ...calls.map(({ id, name, input }) => callPart(id, name, input)),
  ]
}

/** A call as a provider reads it; where the model wrote no JSON it is shown an empty object, which all of them take. */
export function callPart(id: string, name: string, input: unknown) {
  return { type: 'tool-call', toolCallId: id, toolName: name, input: input ?? {} } as const
}

function resultOf({ callId, name, output, isError }: ToolResult): LanguageModelV4ToolResultPart {
  const value = (output ?? null) as JSONValue
  const told =
    typeof value === 'string'
      ? ({ type: isError ? 'error-text' : 'text', value } as const)
      : ({ type: isError ? 'error-json' : 'json', value } as const)
  return { type: 'tool-result', toolCallId: callId, toolName: name, output: told }
}
