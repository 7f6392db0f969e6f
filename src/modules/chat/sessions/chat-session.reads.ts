import { sql } from 'kysely'
import { beforeAnyLog, encodeCursor } from '../../../lib/cursor.ts'
import type { Context } from '../../../platform/context.ts'
import { keyset, type Window } from '../../../platform/database/keyset.ts'
import type { TenantReads } from '../../../platform/database/tenant-reads.ts'
import { may, requireUser } from '../../../platform/gate.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'
import { chatChannel } from './chat-session.events.ts'

/** A chat session as the graph shows it. */
export interface ChatSessionRow {
  readonly id: string
  readonly projectId: string | null
  readonly title: string | null
  readonly modelId: string | null
  readonly createdById: string
  readonly participantIds: readonly string[]
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
  /** Where the session's live events stood when this row was read. */
  readonly eventsCursor: string
}

/** Which sessions a list is of; an id that names nothing matches nothing. */
export interface ChatSessionFilter {
  readonly projectId: string | null
}

const chatSessionById = defineLoader<string, ChatSessionRow>({
  name: 'chatSessionById',
  batch: async (db, ids) => {
    const rows = await selectSessions(db).where('chat_session.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, withCursor(row)]))
  },
})

/** Finds a session the viewer takes part in, or null: another's is not there. */
export async function findChatSession(ctx: Context, id: string): Promise<ChatSessionRow | null> {
  if (!may(ctx, 'chat_session.read')) return null
  const session = await load(ctx, chatSessionById, id)
  return session?.participantIds.includes(requireUser(ctx).userId) === true ? session : null
}

/** Sessions the viewer takes part in, newest first. */
export async function listChatSessions(
  ctx: Context,
  filter: ChatSessionFilter,
  window: Window,
): Promise<ChatSessionRow[]> {
  if (!may(ctx, 'chat_session.read')) return []
  const query = selectSessions(ctx.db).where(isAmong(requireUser(ctx).userId, filter))
  const rows = await keyset(query, ['chat_session.id'], 'desc', window).execute()
  return rows.map(withCursor)
}

/** How many `listChatSessions` has in all. */
export async function countChatSessions(ctx: Context, filter: ChatSessionFilter): Promise<number> {
  if (!may(ctx, 'chat_session.read')) return 0
  const query = ctx.db.from('chat_session').where(isAmong(requireUser(ctx).userId, filter))
  const row = await query.select((on) => on.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  return row.count
}

function isAmong(userId: string, { projectId }: ChatSessionFilter) {
  const takesPart = sql`exists (
    select from chat_participant where session_id = chat_session.id and user_id = ${userId}
  )`
  return projectId === null
    ? sql<boolean>`${takesPart}`
    : sql<boolean>`${takesPart} and chat_session.project_id = ${projectId}`
}

// The head is read in the same statement: whatever the reader loads of the session after it cannot miss an event before it.
function selectSessions(db: TenantReads) {
  return db
    .from('chat_session')
    .leftJoin('channel_head', (join) =>
      // Without an organization `from` finds no session to join.
      join.on(
        'channel_head.channel',
        '=',
        sql<string>`${chatChannel(db.organizationId ?? '', '')}::text || chat_session.id`,
      ),
    )
    .select([
      'chat_session.id',
      'chat_session.organization_id as organizationId',
      'chat_session.project_id as projectId',
      'chat_session.title',
      'chat_session.model_id as modelId',
      'chat_session.created_by_id as createdById',
      'chat_session.version',
      'chat_session.created_at as createdAt',
      'chat_session.updated_at as updatedAt',
      sql<string[]>`array(
        select user_id::text from chat_participant where session_id = chat_session.id order by joined_at, user_id
      )`.as('participantIds'),
      'channel_head.epoch',
      'channel_head.seq',
    ])
}

interface JoinedRow extends Omit<ChatSessionRow, 'eventsCursor'> {
  readonly organizationId: string
  readonly epoch: string | null
  readonly seq: number | null
}

function withCursor({ organizationId, epoch, seq, ...session }: JoinedRow): ChatSessionRow {
  const position = epoch === null ? beforeAnyLog : { epoch, seq: seq ?? 0 }
  return { ...session, eventsCursor: encodeCursor(chatChannel(organizationId, session.id), position) }
}
