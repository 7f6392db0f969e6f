import type { Context } from '../../../platform/context.ts'
import { inKeysetOrder, keyset, type Window } from '../../../platform/database/keyset.ts'
import { defineListLoader, defineLoader, load } from '../../../platform/loaders.ts'
import { findChatSession } from '../sessions/chat-session.reads.ts'
import type { Citation, MessageRole, MessageStatus } from './message.entity.ts'

/** A message as the graph shows it. */
export interface MessageRow {
  readonly id: string
  readonly sessionId: string
  readonly role: MessageRole
  readonly authorId: string | null
  readonly content: string
  readonly citations: readonly Citation[]
  readonly status: MessageStatus
  readonly failureCode: string | null
  readonly modelId: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = [
  'message.id',
  'message.session_id as sessionId',
  'message.role',
  'message.author_id as authorId',
  'message.content',
  'message.citations',
  'message.status',
  'message.failure_code as failureCode',
  'message.model_id as modelId',
  'message.created_at as createdAt',
  'message.updated_at as updatedAt',
] as const

const messageById = defineLoader<string, MessageRow>({
  name: 'messageById',
  batch: async (db, ids) => {
    const rows = await db.from('message').select(columns).where('message.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

/** Finds a message of a session the viewer takes part in, or null. */
export async function findMessage(ctx: Context, id: string): Promise<MessageRow | null> {
  const message = await load(ctx, messageById, id)
  return message !== null && (await findChatSession(ctx, message.sessionId)) !== null ? message : null
}

const messagesBySession = defineListLoader<MessageRow>({
  name: 'messagesBySession',
  parentOf: ({ sessionId }) => sessionId,
  read: (db, sessionIds, window) => {
    const sessions = db.from('chat_session').where('chat_session.id', 'in', sessionIds)
    const joined = sessions.innerJoinLateral(
      (on) => {
        const ofSession = on
          .selectFrom('message')
          .select(columns)
          .whereRef('message.session_id', '=', 'chat_session.id')
        return keyset(ofSession, ['message.id'], 'asc', window).as('message')
      },
      (join) => join.onTrue(),
    )
    return inKeysetOrder(joined.selectAll('message'), ['message.id'], 'asc', window).execute()
  },
})

const messageCountBySession = defineLoader<string, number>({
  name: 'messageCountBySession',
  batch: async (db, sessionIds) => {
    const query = db.from('message').where('message.session_id', 'in', sessionIds).groupBy('message.session_id')
    const rows = await query
      .select((on) => ['message.session_id as sessionId', on.fn.countAll<number>().as('count')])
      .execute()
    return new Map(rows.map(({ sessionId, count }) => [sessionId, count]))
  },
})

/** The messages of a session the viewer has read already, oldest first. */
export async function listMessages(ctx: Context, sessionId: string, window: Window): Promise<MessageRow[]> {
  return (await load(ctx, messagesBySession, { parentId: sessionId, window })) ?? []
}

/** How many messages a session has. */
export async function countMessages(ctx: Context, sessionId: string): Promise<number> {
  return (await load(ctx, messageCountBySession, sessionId)) ?? 0
}
