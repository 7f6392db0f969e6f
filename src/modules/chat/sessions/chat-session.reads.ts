import { sql } from 'kysely'
import { beforeAnyLog, encodeCursor } from '../../../lib/cursor.ts'
import type { Standing } from '../../../platform/access.ts'
import type { JsonObject } from '../../../platform/channels/channel.entity.ts'
import type { Context } from '../../../platform/context.ts'
import { keyset, type Window } from '../../../platform/database/keyset.ts'
import type { Reader, TenantReads } from '../../../platform/database/tenant-reads.ts'
import { isGrantedTo, may } from '../../../platform/gate.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'
import {
  isOpenAnywhere,
  type ProjectFacts,
  projectRole as roleIn,
  standingIn,
} from '../../projects/project-access.reads.ts'
import type { ToolApproval } from './chat-session.entity.ts'
import { chatChannel } from './chat-session.events.ts'

/** A chat session as the graph shows it. Who takes no part in it, or cannot read its project, has no role on it. */
export interface ChatSessionRow extends Standing {
  readonly id: string
  readonly projectId: string | null
  readonly title: string | null
  readonly modelId: string | null
  readonly context: JsonObject
  readonly createdById: string
  readonly participantIds: readonly string[]
  /** The viewer's own rule. */
  readonly toolApproval: ToolApproval
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly archivedAt: Date | null
  /** Where the session's live events stood when this row was read. */
  readonly eventsCursor: string
}

/** What can become of a session. */
export const chatSessionStatuses = ['ACTIVE', 'ARCHIVED'] as const
export type ChatSessionStatus = (typeof chatSessionStatuses)[number]

/** Which sessions a list is of; an id that names nothing matches nothing. */
export interface ChatSessionFilter {
  readonly projectId: string | null
  readonly participantId: string | null
  readonly status: ChatSessionStatus | null
}

const chatSessionById = defineLoader<string, ChatSessionRow>({
  name: 'chatSessionById',
  batch: async (db, ids) => {
    const rows = await selectSessions(db).where('chat_session.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, shown(db, row)]))
  },
})

/** Finds a session the viewer takes part in, or null: another's is not there. */
export async function findChatSession(ctx: Context, id: string): Promise<ChatSessionRow | null> {
  const session = await load(ctx, chatSessionById, id)
  return session !== null && may(ctx, 'chat_session.read', session) ? session : null
}

/** Who takes part in a session beside the viewer, as readers of what is said in it. */
export async function audienceOf({ db }: Context, { participantIds }: ChatSessionRow): Promise<Reader[]> {
  const others = participantIds.filter((id) => id !== db.userId)
  if (others.length === 0) return []
  const rows = await db
    .from('membership')
    .select(['membership.user_id as userId', 'membership.role'])
    .where('membership.user_id', 'in', others)
    .execute()
  return rows.map((row) => ({ ...row, organizationId: db.organizationId }))
}

/** Sessions the viewer takes part in, newest first. */
export async function listChatSessions(
  ctx: Context,
  filter: ChatSessionFilter,
  window: Window,
): Promise<ChatSessionRow[]> {
  if (!isGrantedTo(ctx, 'chat_session.read')) return []
  const query = selectSessions(ctx.db).where(isAmong(ctx.db, filter))
  const rows = await keyset(query, ['chat_session.id'], 'desc', window).execute()
  return rows.map((row) => shown(ctx.db, row))
}

/** How many `listChatSessions` has in all. */
export async function countChatSessions(ctx: Context, filter: ChatSessionFilter): Promise<number> {
  if (!isGrantedTo(ctx, 'chat_session.read')) return 0
  const query = sessionsWithProject(ctx.db).where(isAmong(ctx.db, filter))
  const row = await query.select((on) => on.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  return row.count
}

/** Whether there is no such session in the organization, whoever takes part in it: never an answer to somebody who asks. */
export async function isSessionGone({ db }: Context, id: string): Promise<boolean> {
  const query = db.from('chat_session').where('chat_session.id', '=', id)
  return (await query.select('chat_session.id').executeTakeFirst()) === undefined
}

/** The sessions the reader takes part in, for queries over what is said in them. */
export function readableSessions(db: TenantReads) {
  return db.from('chat_session').where(isOpenToReader(db))
}

/** Whether the reader takes part in a session. */
export function takesPart(db: TenantReads) {
  return sql<boolean>`exists (
    select from chat_participant where session_id = chat_session.id and user_id = ${db.userId}
  )`
}

/** By the project even while that is deleted: its end must not open a session to who was not in it. */
function isOpenToReader(db: TenantReads) {
  return sql<boolean>`${takesPart(db)} and ${isOpenAnywhere(db, 'chat_session.read', 'chat_session.project_id', { alsoDeleted: true })}`
}

/** Whether a session is of this status; any is for null. */
export function isOfStatus(status: ChatSessionStatus | null) {
  return status === null
    ? sql<boolean>`true`
    : sql<boolean>`(chat_session.archived_at is not null) = ${status === 'ARCHIVED'}`
}

function isAmong(db: TenantReads, { projectId, participantId, status }: ChatSessionFilter) {
  const inProject = projectId === null ? sql`true` : sql`project.id = ${projectId} and project.deleted_at is null`
  const withThem =
    participantId === null
      ? sql`true`
      : sql`exists (select from chat_participant where session_id = chat_session.id and user_id = ${participantId})`
  return sql<boolean>`${isOpenToReader(db)} and ${inProject} and ${isOfStatus(status)} and ${withThem}`
}

function sessionsWithProject(db: TenantReads) {
  return db.from('chat_session').leftJoin('project', 'project.id', 'chat_session.project_id')
}

// The head is read in the same statement: whatever the reader loads of the session after it cannot miss an event before it.
function selectSessions(db: TenantReads) {
  return sessionsWithProject(db)
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
      // A session goes on without a project that was deleted.
      sql<string | null>`case when project.deleted_at is null then project.id end`.as('projectId'),
      'chat_session.title',
      'chat_session.model_id as modelId',
      'chat_session.context',
      'chat_session.created_by_id as createdById',
      'chat_session.version',
      'chat_session.created_at as createdAt',
      'chat_session.updated_at as updatedAt',
      'chat_session.archived_at as ownArchivedAt',
      sql<string[]>`array(
        select user_id::text from chat_participant where session_id = chat_session.id order by joined_at, user_id
      )`.as('participantIds'),
      sql<ToolApproval>`coalesce((
        select tool_approval from chat_participant where session_id = chat_session.id and user_id = ${db.userId}
      ), 'ASK')`.as('toolApproval'),
      'project.id as homeId',
      'project.access_epoch as homeEpoch',
      'project.visibility',
      'project.archived_at as archivedAt',
      roleIn(db, 'project.id').as('projectRole'),
      'channel_head.epoch',
      'channel_head.seq',
    ])
}

interface JoinedRow extends Omit<ChatSessionRow, 'eventsCursor' | 'archivedAt' | keyof Standing>, ProjectFacts {
  readonly ownArchivedAt: Date | null
  readonly organizationId: string
  readonly epoch: string | null
  readonly seq: number | null
}

function shown(db: TenantReads, row: JoinedRow): ChatSessionRow {
  const { organizationId, epoch, seq, homeId, homeEpoch, visibility, archivedAt, projectRole, ...own } = row
  const { ownArchivedAt, ...session } = own
  const position = epoch === null ? beforeAnyLog : { epoch, seq: seq ?? 0 }
  const eventsCursor = encodeCursor(chatChannel(organizationId, session.id), position)
  const { viewerRole, ...standing } = standingIn(db, { homeId, homeEpoch, visibility, archivedAt, projectRole })
  const isIn = db.userId !== null && session.participantIds.includes(db.userId)
  return { ...session, archivedAt: ownArchivedAt, eventsCursor, ...standing, viewerRole: isIn ? viewerRole : null }
}
