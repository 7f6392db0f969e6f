import { builder } from '../../../graphql/builder.ts'
import { encodeGlobalId, uuidOf } from '../../../graphql/ids.ts'
import {
  ResyncRequiredRef,
  resyncRequired,
  type StreamControl,
  SubscriptionEndedRef,
} from '../../../graphql/stream-control.ts'
import { followSource, unknownEvent } from '../../../graphql/subscription.ts'
import type { Context } from '../../../platform/context.ts'
import { chatChannelEvent } from '../sessions/chat-session.events.ts'
import { getChatSession } from '../sessions/chat-session.service.ts'
import { ChatFeed, type ChatFeedItem } from './chat-feed.reads.ts'
import { MessageType } from './message.graphql.ts'
import { findMessage } from './message.reads.ts'

type Delta = Omit<Extract<ChatFeedItem, { kind: 'delta' }>, 'kind'> & { readonly type: 'MessageDelta' }
type Told<Type> = { readonly type: Type; readonly messageId: string; readonly cursor: string }
type ChatEvent = Told<'MessageCreated'> | Told<'MessageFinished'> | Delta | StreamControl

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

const MessageDeltaRef = builder.objectRef<Delta>('MessageDelta').implement({
  description: 'A stretch of an answer’s text. The text is what you had up to `index`, and then this.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: placeDescription }),
    messageId: t.id({
      description: 'The answer.',
      resolve: (delta) => encodeGlobalId('Message', delta.messageId),
    }),
    index: t.exposeInt('index', {
      description: 'UTF-16 units (the `length` of most languages) of the text that come before this.',
    }),
    text: t.exposeString('text', { description: 'What follows there.' }),
  }),
})

const ChatEventRef = builder.unionType('ChatEvent', {
  description: 'What can happen in a chat session while you watch it.',
  types: [MessageCreatedRef, MessageDeltaRef, MessageFinishedRef, ResyncRequiredRef, SubscriptionEndedRef],
  resolveType: (event) => event.type,
})

// Subscription.chatEvents
builder.subscriptionField('chatEvents', (t) =>
  t.field({
    type: ChatEventRef,
    description:
      'What happens in a chat session, in order: messages, and the text of an answer while it is written. Who comes late gets the text so far at once. Keep the newest cursor; send it as `after` when you reconnect, also in mid-answer.',
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
      await getChatSession(ctx, sessionId, 'chat_session.read')
      return followSource<ChatFeedItem>(ctx, {
        source: new ChatFeed(ctx, sessionId, args.after),
        gate: (fresh) => getChatSession(fresh, sessionId, 'chat_session.read'),
        toEvent: (item) => toEvent(ctx, item),
        admittedFor: (item) => (item.kind === 'delta' ? ADMITTED_MILLIS : 0),
      }) as unknown as AsyncIterable<ChatEvent>
    },
    resolve: (event) => event,
  }),
)

function toEvent(ctx: Context, item: ChatFeedItem): ChatEvent {
  if (item.kind === 'resync') return resyncRequired(item.cursor)
  if (item.kind === 'delta') return { ...item, type: 'MessageDelta' }
  const known = chatChannelEvent(item.event)
  if (known === null) return unknownEvent(ctx, item.event.type, item.cursor)
  return { type: known.type, messageId: known.messageId, cursor: item.cursor }
}
