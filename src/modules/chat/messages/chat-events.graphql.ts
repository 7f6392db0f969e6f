import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { encodeGlobalId, uuidOf } from '../../../graphql/ids.ts'
import {
  ResyncRequiredRef,
  resyncRequired,
  type StreamControl,
  SubscriptionEndedRef,
  unknownEvent,
} from '../../../graphql/stream-control.ts'
import { followSource } from '../../../graphql/subscription.ts'
import type { StretchKind } from '../../../lib/answer-tape.ts'
import type { Context } from '../../../platform/context.ts'
import { chatChannelEvent } from '../sessions/chat-session.events.ts'
import { ChatSessionType } from '../sessions/chat-session.graphql.ts'
import { findChatSession, isSessionGone } from '../sessions/chat-session.reads.ts'
import { getChatSession } from '../sessions/chat-session.service.ts'
import { ToolCallType } from '../tools/tool-call.graphql.ts'
import { findToolCall } from '../tools/tool-call.reads.ts'
import { ChatFeed, type ChatFeedItem } from './chat-feed.reads.ts'
import { MessageType } from './message.graphql.ts'
import { findMessage } from './message.reads.ts'

type Delta = Omit<Extract<ChatFeedItem, { kind: 'delta' }>, 'kind'> & { readonly type: 'MessageDelta' }
type Told<Type> = { readonly type: Type; readonly messageId: string; readonly cursor: string }
type Updated = { readonly type: 'SessionUpdated'; readonly sessionId: string; readonly cursor: string }
type Called<Type> = Told<Type> & { readonly toolCallId: string }
type ChatEvent =
  | Told<'MessageCreated'>
  | Told<'MessageFinished'>
  | Called<'ToolCallStarted'>
  | Called<'ToolCallFinished'>
  | Delta
  | Updated
  | StreamControl

/** Text comes many times a second: a right that was taken away is noticed within this time, as between nodes. */
const ADMITTED_MILLIS = 1_000

const placeDescription = 'The place of this event; go on from it with `after`.'

const MessageCreatedRef = builder.objectRef<Told<'MessageCreated'>>('MessageCreated').implement({
  description: 'A message was added to the session; the text of an answer follows in deltas.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: placeDescription }),
    message: t.field({
      type: MessageType,
      nullable: true,
      description: 'The message as it is now; null when it is gone again.',
      resolve: (event, _args, ctx) => findMessage(ctx, event.messageId),
    }),
  }),
})

const MessageFinishedRef = builder.objectRef<Told<'MessageFinished'>>('MessageFinished').implement({
  description: 'An answer will not change any more; all of its text was told before. Exactly one for each.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: placeDescription }),
    message: t.field({
      type: MessageType,
      nullable: true,
      description: 'The answer as it stays; null when it is gone again.',
      resolve: (event, _args, ctx) => findMessage(ctx, event.messageId),
    }),
  }),
})

const deltaKindDescriptions: Record<StretchKind, string> = {
  TEXT: 'Of the answer itself.',
  REASONING: 'Of what the model thinks on the way to it.',
}

const DeltaKindEnum = builder.enumType('DeltaKind', {
  description: 'What a stretch of an answer is.',
  values: describedValues(deltaKindDescriptions),
})

const MessageDeltaRef = builder.objectRef<Delta>('MessageDelta').implement({
  description: 'A stretch of an answer. Of each kind, the text is what you had of it up to `index`, and then this.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: placeDescription }),
    messageId: t.id({
      description: 'The answer.',
      resolve: (delta) => encodeGlobalId('Message', delta.messageId),
    }),
    kind: t.field({ type: DeltaKindEnum, description: 'What it is.', resolve: ({ stretch }) => stretch.kind }),
    index: t.int({
      description: 'UTF-16 units (the `length` of most languages) of the same kind that come before this.',
      resolve: ({ stretch }) => stretch.index,
    }),
    text: t.string({ description: 'What follows there.', resolve: ({ stretch }) => stretch.text }),
  }),
})

const messageIdOfCall = 'The answer during which it was wanted.'

const ToolCallStartedRef = builder.objectRef<Called<'ToolCallStarted'>>('ToolCallStarted').implement({
  description:
    'A model wants something done. All that it wrote before was told before; what waits for an approval is `AWAITING_APPROVAL`.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: placeDescription }),
    messageId: t.id({
      description: messageIdOfCall,
      resolve: ({ messageId }) => encodeGlobalId('Message', messageId),
    }),
    toolCall: t.field({
      type: ToolCallType,
      nullable: true,
      description: 'The call as it is now; null when it is gone again.',
      resolve: ({ toolCallId }, _args, ctx) => findToolCall(ctx, toolCallId),
    }),
  }),
})

const ToolCallFinishedRef = builder.objectRef<Called<'ToolCallFinished'>>('ToolCallFinished').implement({
  description: 'A call has ended, whatever became of it. Exactly one for each that was started.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: placeDescription }),
    messageId: t.id({
      description: messageIdOfCall,
      resolve: ({ messageId }) => encodeGlobalId('Message', messageId),
    }),
    toolCall: t.field({
      type: ToolCallType,
      nullable: true,
      description: 'The call as it stays; null when it is gone again.',
      resolve: ({ toolCallId }, _args, ctx) => findToolCall(ctx, toolCallId),
    }),
  }),
})

const SessionUpdatedRef = builder.objectRef<Updated>('SessionUpdated').implement({
  description:
    'The session itself changed: what it is called, who takes part, or that it was archived or brought back.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: placeDescription }),
    session: t.field({
      type: ChatSessionType,
      nullable: true,
      description: 'The session as it is now; null when it is gone again.',
      resolve: ({ sessionId }, _args, ctx) => findChatSession(ctx, sessionId),
    }),
  }),
})

const ChatEventRef = builder.unionType('ChatEvent', {
  description: 'What can happen in a chat session while you watch it.',
  types: [
    MessageCreatedRef,
    MessageDeltaRef,
    ToolCallStartedRef,
    ToolCallFinishedRef,
    MessageFinishedRef,
    SessionUpdatedRef,
    ResyncRequiredRef,
    SubscriptionEndedRef,
  ],
  resolveType: (event) => event.type,
})

// Subscription.chatEvents
builder.subscriptionField('chatEvents', (t) =>
  t.field({
    type: ChatEventRef,
    description:
      'What happens in a chat session, in order: messages, the text of an answer while it is written, and changes of the session itself. Who comes late gets the text so far at once. Keep the newest cursor; send it as `after` when you reconnect, also in mid-answer.',
    authScopes: { authenticated: true },
    args: {
      sessionId: t.arg.id({ required: true, description: 'The chat session to watch.' }),
      after: t.arg({
        type: 'Cursor',
        description: 'Go on after this event, or after `ChatSession.eventsCursor`; from now on when left out.',
      }),
    },
    subscribe: async (_root, args, ctx) => {
      const sessionId = uuidOf('ChatSession', args.sessionId)
      const found = await follows(ctx, sessionId)
      return followSource<ChatFeedItem>(ctx, {
        source: new ChatFeed(ctx, sessionId, args.after),
        gate: (fresh) => follows(fresh, sessionId),
        found,
        isGone: (fresh) => isSessionGone(fresh, sessionId),
        toEvent: (item) => toEvent(ctx, sessionId, item),
        isMove: (item) => movesSession(item),
        admittedFor: (item) => (item.kind === 'delta' ? ADMITTED_MILLIS : 0),
      }) as unknown as AsyncIterable<ChatEvent>
    },
    resolve: (event) => event,
  }),
)

/** A session that was in a project which is deleted goes by the epoch of that as well. */
async function follows(ctx: Context, id: string) {
  const { home } = await getChatSession(ctx, id, 'chat_session.read')
  return { projectId: home?.projectId ?? null, home }
}

function movesSession(item: ChatFeedItem): boolean {
  if (item.kind !== 'event') return item.kind === 'resync'
  const known = chatChannelEvent(item.event)
  return known?.type === 'SessionUpdated' && known.isMove
}

/** Null of the session's end, which `SubscriptionEnded` tells. */
function toEvent(ctx: Context, sessionId: string, item: ChatFeedItem): ChatEvent | null {
  if (item.kind === 'resync') return resyncRequired(item.cursor)
  if (item.kind === 'delta') return { ...item, type: 'MessageDelta' }
  const known = chatChannelEvent(item.event)
  if (known === null) return unknownEvent(ctx, item.event.type, item.cursor)
  if (known.type === 'SessionDeleted') return null
  if (known.type === 'SessionUpdated') return { type: known.type, sessionId, cursor: item.cursor }
  const { messageId } = known
  if (known.type === 'ToolCallStarted' || known.type === 'ToolCallFinished')
    return { type: known.type, messageId, toolCallId: known.toolCallId, cursor: item.cursor }
  return { type: known.type, messageId, cursor: item.cursor }
}
