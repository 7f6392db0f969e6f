import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { errorType, UserErrorInterface } from '../../../graphql/errors.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { DEFAULT_TEMPERATURE, type ReasoningEffort, reasoningEfforts } from '../../../platform/models.ts'
import { PromptTooLong } from '../generations/prompt.service.ts'
import { modelDescription, modelId, sessionContext } from '../sessions/chat-session.graphql.ts'
import { ModelNotConfigured, SessionArchived } from '../sessions/chat-session.service.ts'
import { tools } from '../tools/workspace-tools.service.ts'
import { BranchLimitReached } from './branch.service.ts'
import { MessageType } from './message.graphql.ts'
import {
  editMessage,
  GenerationInProgress,
  regenerateMessage,
  type SentMessage,
  sendMessage,
  stopGeneration,
} from './message.service.ts'

/** UTF-16 units of a question. */
const MAX_PROMPT_LENGTH = 32_000

const question = z
  .string()
  .max(MAX_PROMPT_LENGTH)
  .refine((text) => text.trim() !== '', 'is empty')

errorType(GenerationInProgress, 'An answer is still being written in the session: wait for it, or stop it.')
errorType(BranchLimitReached, 'A message has as many alternatives as it may have: go on from one of them.')

builder.objectType(PromptTooLong, {
  name: 'PromptTooLong',
  description: 'The question alone is longer than the model can read, with what goes along and an answer.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    tokens: t.exposeInt('tokens', { description: 'What it comes to, rather too many than too few.' }),
    contextWindow: t.exposeInt('contextWindow', { description: 'Tokens of the prompt and the answer together.' }),
  }),
})

const askingErrors = [
  ModelNotConfigured,
  PromptTooLong,
  SessionArchived,
  GenerationInProgress,
  BranchLimitReached,
  IdempotencyKeyReused,
]

const modelOfAnswer = `${modelDescription} The session’s when left out.`

const metadata = sessionContext.nullish().transform((kept) => kept ?? {})

const metadataDescription =
  'Whatever your front ends keep with the question: an object of at most 16 KiB and 10 levels. No model reads it.'

const MAX_ITERATIONS = 20
const DEFAULT_ITERATIONS = 8

const reasoningDescriptions: Record<ReasoningEffort, string> = {
  NONE: 'It writes at once.',
  LOW: 'A little.',
  MEDIUM: 'For most questions that need it.',
  HIGH: 'As much as it can; slow, and costs most.',
}

const ReasoningEffortRef = builder.enumType('ReasoningEffort', {
  description: 'How much a model thinks before it writes, where it can.',
  values: describedValues(reasoningDescriptions),
})

const AnswerSettingsInput = builder.inputType('AnswerSettings', {
  description: 'How an answer is to be written. What a model cannot do it leaves out.',
  fields: (t) => ({
    temperature: t.float({ description: `From 0, always the same, to 2; ${DEFAULT_TEMPERATURE} when left out.` }),
    maxTokens: t.int({
      description: 'Tokens each step of the answer has at most; the model’s own limit when left out.',
    }),
    reasoning: t.field({
      type: ReasoningEffortRef,
      description: 'How much it thinks first; not at all when left out.',
    }),
    tools: t.stringList({
      description: `The tools it may use, of ${[...tools.keys()].join(', ')}; all when left out, none for an empty list.`,
    }),
    maxIterations: t.int({
      description: `How often the model is asked at most: once, and once more for each time it wants tools used. 1 to ${MAX_ITERATIONS}; ${DEFAULT_ITERATIONS} when left out.`,
    }),
  }),
})

const settings = z
  .object({
    temperature: z.number().min(0).max(2).nullish(),
    maxTokens: optional(z.int().min(1).max(1_000_000)),
    reasoning: z.enum(reasoningEfforts).nullish(),
    tools: optional(z.array(z.string().refine((name) => tools.has(name), 'is not valid')).max(50)),
    maxIterations: z.int().min(1).max(MAX_ITERATIONS).nullish(),
  })
  .nullish()
  .transform((given) => ({
    temperature: given?.temperature ?? DEFAULT_TEMPERATURE,
    maxOutputTokens: given?.maxTokens ?? null,
    reasoning: given?.reasoning ?? 'NONE',
    toolNames: given?.tools ?? null,
    maxIterations: given?.maxIterations ?? DEFAULT_ITERATIONS,
  }))

const settingsDescription = 'How the answer is to be written.'

const SendMessageInput = builder.inputType('SendMessageInput', {
  description: 'A question.',
  fields: (t) => ({
    sessionId: t.id({ required: true, description: 'The chat session.' }),
    content: t.string({ required: true, description: 'The question, at most 32,000 characters.' }),
    metadata: t.field({ type: 'JSON', description: metadataDescription }),
    parentId: t.id({ description: 'The answer it goes on from; the newest message of the session when left out.' }),
    model: t.string({ description: modelOfAnswer }),
    settings: t.field({ type: AnswerSettingsInput, description: settingsDescription }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

const SentMessageRef = builder.objectRef<SentMessage>('SentMessage').implement({
  description: 'What was asked, and the answer that is being written.',
  fields: (t) => ({
    question: t.field({ type: MessageType, description: 'The question.', resolve: (sent) => sent.question }),
    answer: t.field({
      type: MessageType,
      description: 'The answer: `STREAMING`, and told by `chatEvents` as it grows.',
      resolve: (sent) => sent.answer,
    }),
  }),
})

// Mutation.sendMessage
builder.mutationField('sendMessage', (t) =>
  mutation(t, {
    type: SentMessageRef,
    input: SendMessageInput,
    schema: z
      .object({
        sessionId: idOf('ChatSession'),
        content: question,
        parentId: optional(idOf('Message')),
        model: modelId,
        settings,
        metadata,
        idempotencyKey,
      })
      .transform(({ model, ...input }) => ({ ...input, modelId: model })),
    errors: askingErrors,
    description: 'Asks a question. The answer is written whoever leaves, and streamed to all who watch the session.',
    resolve: (input, ctx) => sendMessage(ctx, input),
  }),
)

const EditMessageInput = builder.inputType('EditMessageInput', {
  description: 'A question, asked otherwise.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The question.' }),
    content: t.string({ required: true, description: 'How it is asked now, at most 32,000 characters.' }),
    metadata: t.field({ type: 'JSON', description: metadataDescription }),
    model: t.string({ description: modelOfAnswer }),
    settings: t.field({ type: AnswerSettingsInput, description: settingsDescription }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.editMessage
builder.mutationField('editMessage', (t) =>
  mutation(t, {
    type: SentMessageRef,
    input: EditMessageInput,
    schema: z
      .object({ id: idOf('Message'), content: question, model: modelId, settings, metadata, idempotencyKey })
      .transform(({ model, ...input }) => ({ ...input, modelId: model })),
    errors: askingErrors,
    description:
      'Asks a question otherwise: the new one is an alternative beside the old one, which stays with all that followed it, and it is answered.',
    resolve: (input, ctx) => editMessage(ctx, input),
  }),
)

const RegenerateMessageInput = builder.inputType('RegenerateMessageInput', {
  description: 'An answer, to be given anew.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The answer.' }),
    model: t.string({ description: modelOfAnswer }),
    settings: t.field({ type: AnswerSettingsInput, description: settingsDescription }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.regenerateMessage
builder.mutationField('regenerateMessage', (t) =>
  mutation(t, {
    type: SentMessageRef,
    input: RegenerateMessageInput,
    schema: z
      .object({ id: idOf('Message'), model: modelId, settings, idempotencyKey })
      .transform(({ model, ...input }) => ({ ...input, modelId: model })),
    errors: askingErrors,
    description: 'Answers a question anew: the new answer is an alternative beside the old one, which stays.',
    resolve: (input, ctx) => regenerateMessage(ctx, input),
  }),
)

const StopGenerationInput = builder.inputType('StopGenerationInput', {
  description: 'An answer to stop.',
  fields: (t) => ({ messageId: t.id({ required: true, description: 'The answer.' }) }),
})

// Mutation.stopGeneration
builder.mutationField('stopGeneration', (t) =>
  mutation(t, {
    type: MessageType,
    input: StopGenerationInput,
    schema: z.object({ messageId: idOf('Message') }),
    description: 'Stops an answer, from any device; the text so far stays. One that has ended is answered as it is.',
    resolve: (input, ctx) => stopGeneration(ctx, input.messageId),
  }),
)
