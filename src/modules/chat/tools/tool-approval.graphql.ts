import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { errorType } from '../../../graphql/errors.ts'
import { idOf } from '../../../graphql/ids.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { NotFound } from '../../../platform/errors.ts'
import { MessageType } from '../messages/message.graphql.ts'
import { findMessage } from '../messages/message.reads.ts'
import { getMessage } from '../messages/message.service.ts'
import { SessionArchived } from '../sessions/chat-session.service.ts'
import { ToolCallType } from './tool-call.graphql.ts'
import { decideToolCall, ToolCallDecided, ToolCallExpired } from './tool-call.service.ts'

errorType(ToolCallDecided, 'It was decided about already, or its answer has ended: nothing changes any more.')
errorType(ToolCallExpired, 'It was approved too late, and is not done.')

// ToolCall.message
builder.objectField(ToolCallType, 'message', (t) =>
  t.field({
    type: MessageType,
    description: 'The answer.',
    resolve: async (call, _args, ctx) => {
      const message = await findMessage(ctx, call.messageId)
      if (message === null) throw new NotFound('message')
      return message
    },
  }),
)

const decisionFields = {
  id: idOf('ToolCall'),
  digest: z.string().regex(/^[0-9a-f]{64}$/, 'is not valid'),
}

const ApproveToolCallInput = builder.inputType('ApproveToolCallInput', {
  description: 'A call of a tool that may be done.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The call.' }),
    digest: t.string({ required: true, description: 'Its `digest`, as you saw it: nothing else is approved.' }),
  }),
})

// Mutation.approveToolCall
builder.mutationField('approveToolCall', (t) =>
  mutation(t, {
    type: MessageType,
    input: ApproveToolCallInput,
    schema: z.object(decisionFields),
    errors: [SessionArchived, ToolCallDecided, ToolCallExpired],
    description:
      'Lets a call be done, once, with exactly the input it shows. That is for whoever is answered, within five minutes; the answer then goes on.',
    resolve: async (input, ctx) => {
      const call = await decideToolCall(ctx, { ...input, verdict: 'APPROVED' })
      return getMessage(ctx, call.messageId, 'chat_session.read')
    },
  }),
)

const RejectToolCallInput = builder.inputType('RejectToolCallInput', {
  description: 'A call of a tool that is not to be done.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The call.' }),
    digest: t.string({ required: true, description: 'Its `digest`, as you saw it.' }),
  }),
})

// Mutation.rejectToolCall
builder.mutationField('rejectToolCall', (t) =>
  mutation(t, {
    type: MessageType,
    input: RejectToolCallInput,
    schema: z.object(decisionFields),
    errors: [ToolCallDecided, ToolCallExpired],
    description: 'Keeps a call from being done; the model is told, and the answer goes on.',
    resolve: async (input, ctx) => {
      const call = await decideToolCall(ctx, { ...input, verdict: 'REJECTED' })
      return getMessage(ctx, call.messageId, 'chat_session.read')
    },
  }),
)
