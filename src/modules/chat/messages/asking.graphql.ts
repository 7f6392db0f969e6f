import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { errorType, UserErrorInterface } from '../../../graphql/errors.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { InsufficientCredits, SpendingCapReached, SpendingPaused } from '../../usage/charges/hold.service.ts'
import { inMillionths } from '../../usage/credits/credits.graphql.ts'
import { CostLimitExceeded, ModelNotPriced } from '../generations/budget.service.ts'
import { PromptTooLong } from '../generations/prompt.service.ts'
import { modelId, sessionContext } from '../sessions/chat-session.graphql.ts'
import { ModelNotConfigured, SessionArchived } from '../sessions/chat-session.service.ts'
import {
  AnswerSettingsInput,
  modelOfAnswer,
  question,
  settings,
  settingsDescription,
} from './answer-settings.graphql.ts'
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

builder.objectType(CostLimitExceeded, {
  name: 'CostLimitExceeded',
  description: `This can cost more than \`maxCostMillionths\` allows; ${inMillionths}.`,
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    requiredMillionths: t.expose('required', { type: 'BigInt', description: 'The most that it can cost.' }),
    limitMillionths: t.expose('limit', { type: 'BigInt', description: 'What it may.' }),
  }),
})

errorType(
  ModelNotPriced,
  'Nobody has told this server what the model costs, or what stands in for it: see `Model.isFree`.',
)

const askingErrors = [
  ModelNotConfigured,
  ModelNotPriced,
  CostLimitExceeded,
  InsufficientCredits,
  SpendingPaused,
  SpendingCapReached,
  PromptTooLong,
  SessionArchived,
  GenerationInProgress,
  BranchLimitReached,
  IdempotencyKeyReused,
]

const metadata = sessionContext.nullish().transform((kept) => kept ?? {})

const metadataDescription =
  'Whatever your front ends keep with the question: an object of at most 16 KiB and 10 levels. No model reads it.'

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
    description:
      'Asks a question. The answer is written whoever leaves, and streamed to all who watch the session. The most that it can cost is set aside first, as `estimateCompletion` shows it, and it is charged what it came to.',
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
