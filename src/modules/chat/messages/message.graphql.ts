import { builder } from '../../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../../graphql/connection.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { uuidOf } from '../../../graphql/ids.ts'
import { NotFound } from '../../../platform/errors.ts'
import { modelFailureCodes } from '../../../platform/models.ts'
import { ActorInterface } from '../../accounts/users/user.graphql.ts'
import { authorOf } from '../../accounts/users/user.reads.ts'
import { ModelType } from '../../providers/models/model.graphql.ts'
import { findCharge } from '../../usage/charges/charge.reads.ts'
import { inMillionths } from '../../usage/credits/credits.graphql.ts'
import { ChatSessionType } from '../sessions/chat-session.graphql.ts'
import { findChatSession } from '../sessions/chat-session.reads.ts'
import type { MessageRole, MessageStatus } from './message.entity.ts'
import { countMessages, findMessage, listMessages, listSiblings, type MessageRow } from './message.reads.ts'
import { MessagePartRef, MessageSegmentRef, partsOf, segmentsOf, TokenUsageRef } from './message-parts.graphql.ts'

const roleDescriptions: Record<MessageRole, string> = {
  USER: 'A person.',
  ASSISTANT: 'A model.',
}

const MessageRoleEnum = builder.enumType('MessageRole', {
  description: 'Who speaks.',
  values: describedValues(roleDescriptions),
})

const statusDescriptions: Record<MessageStatus, string> = {
  STREAMING: 'Being written; follow it with `chatEvents`.',
  COMPLETED: 'All there.',
  FAILED: 'The model could not go on; `failureCode` says why. The text so far stays.',
  CANCELLED: 'Somebody stopped it. The text so far stays.',
  INTERRUPTED:
    'The server that wrote it went away, or its model broke off. The text so far stays; ask again for another answer.',
}

const MessageStatusEnum = builder.enumType('MessageStatus', {
  description: 'What became of a message.',
  values: describedValues(statusDescriptions),
})

/** A message. */
const MessageRef = builder.objectRef<MessageRow>('Message')

export const MessageType = builder.node(MessageRef, {
  description: 'One thing said in a chat session.',
  authScopes: async (message, ctx) => (await findMessage(ctx, message.id)) !== null,
  id: { description: 'Opaque, typed and sortable: `message_01jd…`.', resolve: (message) => message.id },
  loadOne: (id, ctx) => findMessage(ctx, id),
  fields: (t) => ({
    session: t.field({
      type: ChatSessionType,
      description: 'Where it was said.',
      resolve: async (message, _args, ctx) => {
        const session = await findChatSession(ctx, message.sessionId)
        if (session === null) throw new NotFound('chat session')
        return session
      },
    }),
    parent: t.field({
      type: MessageRef,
      nullable: true,
      description: 'What it follows: an answer its question, a question the answer before it; null for the first one.',
      resolve: (message, _args, ctx) => (message.parentId === null ? null : findMessage(ctx, message.parentId)),
    }),
    siblings: t.field({
      type: [MessageRef],
      description:
        'It and its alternatives, made by `editMessage` and `regenerateMessage`: what follows the same message, the oldest first. Each is in a branch of its own, read by `messages(through:)`.',
      resolve: async (message, _args, ctx) => [...(await listSiblings(ctx, message))],
    }),
    role: t.field({ type: MessageRoleEnum, description: 'Who speaks.', resolve: (message) => message.role }),
    author: t.field({
      type: ActorInterface,
      nullable: true,
      description: 'The person or agent who said it; null for a model.',
      resolve: (message, _args, ctx) => (message.authorId === null ? null : authorOf(ctx, message.authorId)),
    }),
    content: t.exposeString('content', {
      description: 'Its whole text; of an answer that is being written the text so far, up to a second old.',
    }),
    parts: t.field({
      type: [MessagePartRef],
      description:
        'What it is made of, in order: text, what the model thought, what it wanted done and what came of that; then what its text quotes.',
      resolve: (message, _args, ctx) => partsOf(ctx, message),
    }),
    segments: t.field({
      type: [MessageSegmentRef],
      description: 'Which model wrote which stretch of its text, in order; none for a person.',
      resolve: (message) => segmentsOf(message),
    }),
    usage: t.field({
      type: TokenUsageRef,
      nullable: true,
      description: 'The tokens of an answer; null where nobody counted.',
      resolve: (message) => message.usage,
    }),
    costMillionths: t.field({
      type: 'BigInt',
      nullable: true,
      description: `What the answer was charged, ${inMillionths}; null for a person, while it is being written, and where nobody was charged.`,
      resolve: async (message, _args, ctx) => {
        const charge = message.role === 'ASSISTANT' ? await findCharge(ctx, message.id) : null
        return charge?.status === 'SETTLED' ? charge.cost : null
      },
    }),
    priceVersion: t.exposeString('priceVersion', {
      nullable: true,
      description:
        'The list of prices that it is charged by, as `ModelPricing.version` names it; null where it costs nothing.',
    }),
    metadata: t.expose('metadata', { type: 'JSON', description: 'What front ends keep with it; empty at first.' }),
    status: t.field({
      type: MessageStatusEnum,
      description: 'What became of it.',
      resolve: (message) => message.status,
    }),
    failureCode: t.exposeString('failureCode', {
      nullable: true,
      description: `Why it failed, broke off or is cut short: ${[...modelFailureCodes, 'MODEL_DECLINED', 'ANSWER_TOO_LONG', 'AUDIENCE_GROWN', 'BUDGET_SPENT', 'TOO_MANY_ITERATIONS', 'MAX_TOKENS_REACHED'].map((code) => `\`${code}\``).join(', ')}; null unless it did.`,
    }),
    model: t.field({
      type: ModelType,
      nullable: true,
      description: 'What wrote it; null for a person, and when that model is gone.',
      resolve: (message, _args, { platform }) => platform.models.find(message.modelId ?? ''),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was said, or begun.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When its text last changed.' }),
  }),
})

// ChatSession.messages
builder.objectField(ChatSessionType, 'messages', (t) =>
  t.connection(
    {
      type: MessageType,
      description: 'What was said in a branch, oldest first; `last` reads from the end.',
      args: {
        through: t.arg.id({
          description:
            'A message of the session: its branch is read, as far as it has come. That of the newest message when left out, which may be another one by the next page: give it when you go on.',
        }),
      },
      resolve: (session, args, ctx) => {
        const throughId = args.through == null ? null : uuidOf('Message', args.through)
        return keysetConnection({
          args,
          keySchema: idKey,
          rows: (window) => listMessages(ctx, session.id, throughId, window),
          keyOf: (message) => [message.id],
          count: () => countMessages(ctx, session.id, throughId),
        })
      },
    },
    { name: 'MessageConnection', description: 'A page of a list of messages.' },
    { name: 'MessageEdge', description: 'A message and its place in the list.' },
  ),
)
