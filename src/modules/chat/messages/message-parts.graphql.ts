import { builder } from '../../../graphql/builder.ts'
import { nextStretch, type StretchKind, tapeOf, tapeStart } from '../../../lib/answer-tape.ts'
import type { TokenUsage } from '../../../lib/token-usage.ts'
import type { Context } from '../../../platform/context.ts'
import { BlockNode } from '../../ocean/blocks/block.graphql.ts'
import { findBlock } from '../../ocean/blocks/block.reads.ts'
import { PageType } from '../../ocean/pages/page.graphql.ts'
import { findPage } from '../../ocean/pages/page.reads.ts'
import { ModelType } from '../../providers/models/model.graphql.ts'
import { ToolCallType } from '../tools/tool-call.graphql.ts'
import { listToolCalls, type ToolCallRow } from '../tools/tool-call.reads.ts'
import type { Citation, Segment } from './message.entity.ts'
import type { MessageRow } from './message.reads.ts'

interface Stretch<Kind extends StretchKind> {
  readonly kind: Kind
  readonly text: string
}
interface Called<Kind> {
  readonly kind: Kind
  readonly call: ToolCallRow
}
type Quoted = { readonly kind: 'CITATION' } & Citation
type Part = Stretch<'TEXT'> | Stretch<'REASONING'> | Called<'CALL'> | Called<'RESULT'> | Quoted

const TextPartRef = builder.objectRef<Stretch<'TEXT'>>('TextPart').implement({
  description: 'Text of a message.',
  fields: (t) => ({ text: t.exposeString('text', { description: 'The text.' }) }),
})

const ReasoningPartRef = builder.objectRef<Stretch<'REASONING'>>('ReasoningPart').implement({
  description: 'What a model thought before it went on.',
  fields: (t) => ({ text: t.exposeString('text', { description: 'What it thought, as its provider shows it.' }) }),
})

const ToolCallPartRef = builder.objectRef<Called<'CALL'>>('ToolCallPart').implement({
  description: 'What a model wanted done at this place.',
  fields: (t) => ({
    toolCall: t.field({ type: ToolCallType, description: 'The call.', resolve: ({ call }) => call }),
  }),
})

const ToolResultPartRef = builder.objectRef<Called<'RESULT'>>('ToolResultPart').implement({
  description: 'What came of it, as the model was told.',
  fields: (t) => ({
    toolCall: t.field({ type: ToolCallType, description: 'The call, with its `output`.', resolve: ({ call }) => call }),
  }),
})

const CitationPartRef = builder.objectRef<Quoted>('CitationPart').implement({
  description: 'Where something in the text is quoted from.',
  fields: (t) => ({
    quote: t.string({
      nullable: true,
      description: 'The words that are quoted, as they stood there; null when the page is gone or not yours to see.',
      resolve: async (citation, _args, ctx) =>
        (await findPage(ctx, citation.pageId)) === null ? null : citation.quote,
    }),
    page: t.field({
      type: PageType,
      nullable: true,
      description: 'The page; null when it is gone or not yours to see.',
      resolve: (citation, _args, ctx) => findPage(ctx, citation.pageId),
    }),
    block: t.field({
      type: BlockNode,
      nullable: true,
      description: 'The block of it; null when it is gone or not yours to see.',
      resolve: (citation, _args, ctx) => findBlock(ctx, citation.blockId),
    }),
  }),
})

const typeNames = {
  TEXT: 'TextPart',
  REASONING: 'ReasoningPart',
  CALL: 'ToolCallPart',
  RESULT: 'ToolResultPart',
  CITATION: 'CitationPart',
} as const

/** A part of a message. */
export const MessagePartRef = builder.unionType('MessagePart', {
  description: 'What a message is made of.',
  types: [TextPartRef, ReasoningPartRef, ToolCallPartRef, ToolResultPartRef, CitationPartRef],
  resolveType: (part) => typeNames[part.kind],
})

/** The parts of a message, in order; one without anything has one empty text. */
export async function partsOf(ctx: Context, message: MessageRow): Promise<Part[]> {
  // What people write is no tape: any character of it is theirs.
  if (message.role === 'USER') return [{ kind: 'TEXT', text: message.content }]
  const calls = await listToolCalls(ctx, message.id)
  const tape = tapeOf({ text: message.content, thoughts: message.thoughts })
  const parts: Part[] = []
  let place = tapeStart
  const tellUpTo = (end: number) => {
    const known = tape.slice(0, end)
    for (let next = nextStretch(known, place); next !== null; next = nextStretch(known, place)) {
      const { kind, text } = next.stretch
      parts.push({ kind, text } as Part)
      place = next.place
    }
  }
  for (const call of calls) {
    tellUpTo(call.tapeLength)
    parts.push({ kind: 'CALL', call })
    if (call.endedAt !== null) parts.push({ kind: 'RESULT', call })
  }
  tellUpTo(tape.length)
  if (parts.length === 0) parts.push({ kind: 'TEXT', text: '' })
  return [...parts, ...message.citations.map((citation) => ({ kind: 'CITATION' as const, ...citation }))]
}

/** A stretch of a message's text by one model. */
interface ShownSegment extends Segment {
  readonly length: number
}

/** A stretch of a message's text by one model. */
export const MessageSegmentRef = builder.objectRef<ShownSegment>('MessageSegment').implement({
  description: 'A stretch of an answer’s text that one model wrote.',
  fields: (t) => ({
    index: t.exposeInt('at', { description: 'UTF-16 units of the text that come before it.' }),
    length: t.exposeInt('length', { description: 'UTF-16 units of it.' }),
    providerId: t.exposeString('providerId', { description: 'Whose model: `anthropic`.' }),
    modelId: t.exposeString('modelId', { description: 'Which model, as `Model.id` names it, also when that is gone.' }),
    model: t.field({
      type: ModelType,
      nullable: true,
      description: 'The model; null when it is gone.',
      resolve: ({ modelId }, _args, { platform }) => platform.models.find(modelId),
    }),
  }),
})

/** The segments of a message, each as far as the next one. */
export function segmentsOf({ content, segments }: MessageRow): ShownSegment[] {
  const shown = segments.map((segment, index) => {
    const end = segments[index + 1]?.at ?? content.length
    return { ...segment, length: end - segment.at }
  })
  // Who was asked last may have written nothing.
  return shown.filter(({ length }) => length > 0)
}

/** What an answer was charged for. */
export const TokenUsageRef = builder.objectRef<TokenUsage>('TokenUsage').implement({
  description: 'Tokens of an answer, as its provider counts them; null where nobody counted.',
  fields: (t) => ({
    inputTokens: t.exposeInt('inputTokens', {
      nullable: true,
      description: 'Of what the model was sent, in all steps together; cached ones among them.',
    }),
    cachedInputTokens: t.exposeInt('cachedInputTokens', {
      nullable: true,
      description: 'Of these, those that its provider had cached.',
    }),
    outputTokens: t.exposeInt('outputTokens', {
      nullable: true,
      description: 'Of what it wrote; those of thinking among them.',
    }),
    reasoningTokens: t.exposeInt('reasoningTokens', { nullable: true, description: 'Of these, those of thinking.' }),
    isEstimated: t.boolean({
      description: 'Counted here, at least in part: an answer that is stopped or cut has no count of its provider.',
      resolve: ({ isEstimated }) => isEstimated === true,
    }),
  }),
})
