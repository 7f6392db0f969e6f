import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { errorType } from '../../../graphql/errors.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { modelDescription, modelId } from '../sessions/chat-session.graphql.ts'
import { SessionArchived } from '../sessions/chat-session.service.ts'
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

const modelOfAnswer = `${modelDescription} The session’s when left out.`

const SendMessageInput = builder.inputType('SendMessageInput', {
  description: 'A question.',
  fields: (t) => ({
    sessionId: t.id({ required: true, description: 'The chat session.' }),
    content: t.string({ required: true, description: 'The question, at most 32,000 characters.' }),
    parentId: t.id({ description: 'The answer it goes on from; the newest message of the session when left out.' }),
    model: t.string({ description: modelOfAnswer }),
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
        idempotencyKey,
      })
      .transform(({ model, ...input }) => ({ ...input, modelId: model })),
    errors: [SessionArchived, GenerationInProgress, BranchLimitReached, IdempotencyKeyReused],
    description: 'Asks a question. The answer is written whoever leaves, and streamed to all who watch the session.',
    resolve: (input, ctx) => sendMessage(ctx, input),
  }),
)

const EditMessageInput = builder.inputType('EditMessageInput', {
  description: 'A question, asked otherwise.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The question.' }),
    content: t.string({ required: true, description: 'How it is asked now, at most 32,000 characters.' }),
    model: t.string({ description: modelOfAnswer }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.editMessage
builder.mutationField('editMessage', (t) =>
  mutation(t, {
    type: SentMessageRef,
    input: EditMessageInput,
    schema: z
      .object({ id: idOf('Message'), content: question, model: modelId, idempotencyKey })
      .transform(({ model, ...input }) => ({ ...input, modelId: model })),
    errors: [SessionArchived, GenerationInProgress, BranchLimitReached, IdempotencyKeyReused],
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
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.regenerateMessage
builder.mutationField('regenerateMessage', (t) =>
  mutation(t, {
    type: SentMessageRef,
    input: RegenerateMessageInput,
    schema: z
      .object({ id: idOf('Message'), model: modelId, idempotencyKey })
      .transform(({ model, ...input }) => ({ ...input, modelId: model })),
    errors: [SessionArchived, GenerationInProgress, BranchLimitReached, IdempotencyKeyReused],
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
