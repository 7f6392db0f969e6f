import { sql } from 'kysely'
import type { Thought } from '../../../lib/answer-tape.ts'
import type { TokenUsage } from '../../../lib/token-usage.ts'
import type { JsonObject } from '../../../platform/channels/channel.entity.ts'
import type { Context } from '../../../platform/context.ts'
import { inKeysetOrder, keyset, type Window } from '../../../platform/database/keyset.ts'
import { defineCountLoader, defineListLoader, defineLoader, load } from '../../../platform/loaders.ts'
import { findChatSession } from '../sessions/chat-session.reads.ts'
import { newestBehind, newestOf, type Run, runsOf } from './branch.reads.ts'
import type { Citation, MessageRole, MessageStatus, Segment } from './message.entity.ts'

/** A message as the graph shows it. */
export interface MessageRow {
  readonly id: string
  readonly sessionId: string
  readonly parentId: string | null
  readonly role: MessageRole
  readonly authorId: string | null
  readonly content: string
  readonly citations: readonly Citation[]
  readonly thoughts: readonly Thought[]
  readonly segments: readonly Segment[]
  readonly usage: TokenUsage | null
  readonly metadata: JsonObject
  readonly status: MessageStatus
  readonly failureCode: string | null
  readonly modelId: string | null
  readonly priceVersion: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = [
  'message.id',
  'message.session_id as sessionId',
  'message.parent_id as parentId',
  'message.role',
  'message.author_id as authorId',
  'message.content',
  'message.citations',
  'message.thoughts',
  'message.segments',
  'message.usage',
  'message.metadata',
  'message.status',
  'message.failure_code as failureCode',
  'message.model_id as modelId',
  'message.price_version as priceVersion',
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

/** Which branch of a session: that of a message, as far as it has come; of the newest one when null. */
interface BranchOptions {
  readonly throughId: string | null
}

const messagesBySession = defineListLoader<MessageRow, BranchOptions>({
  name: 'messagesBySession',
  parentOf: ({ sessionId }) => sessionId,
  read: (db, sessionIds, window, options) => {
    const sessions = db.from('chat_session').where('chat_session.id', 'in', sessionIds)
    const joined = sessions.innerJoinLateral(
      (on) => {
        const inRuns = on.selectFrom(runsIn(options)).innerJoinLateral(
          (run) => {
            const ofRun = run.selectFrom('message').select(columns).where(isInRun)
            return keyset(ofRun, ['message.id'], 'asc', window).as('message')
          },
          (join) => join.onTrue(),
        )
        return inKeysetOrder(inRuns.selectAll('message'), ['message.id'], 'asc', window)
          .limit(window.limit)
          .as('message')
      },
      (join) => join.onTrue(),
    )
    return inKeysetOrder(joined.selectAll('message'), ['message.id'], 'asc', window).execute()
  },
})

const messageCountBySession = defineCountLoader<BranchOptions>({
  name: 'messageCountBySession',
  read: (db, sessionIds, options) =>
    db
      .from('chat_session')
      .innerJoinLateral(runsIn(options), (join) => join.onTrue())
      .innerJoin('message', (join) => join.on(isInRun))
      .where('chat_session.id', 'in', sessionIds)
      .groupBy('chat_session.id')
      .select((on) => ['chat_session.id as parentId', on.fn.countAll<number>().as('count')])
      .execute(),
})

function runsIn({ throughId }: BranchOptions) {
  const session = sql.ref('chat_session.id')
  const leaf = throughId === null ? newestOf(session) : newestBehind(session, throughId)
  return sql<Run>`(${runsOf(leaf)})`.as<'run'>(sql`run`)
}

const isInRun = sql<boolean>`message.session_id = chat_session.id and message.branch_id = run.branch_id and message.id <= run.until`

/** The messages of a branch of a session the viewer has read already, oldest first. */
export async function listMessages(
  ctx: Context,
  sessionId: string,
  throughId: string | null,
  window: Window,
): Promise<MessageRow[]> {
  return (await load(ctx, messagesBySession, { parentId: sessionId, window, options: { throughId } })) ?? []
}

/** How many messages there are in a branch of a session. */
export async function countMessages(ctx: Context, sessionId: string, throughId: string | null): Promise<number> {
  return (await load(ctx, messageCountBySession, { parentId: sessionId, options: { throughId } })) ?? 0
}

/** Where a message stands among others. */
type Place = Pick<MessageRow, 'sessionId' | 'parentId'>

const messagesByPlace = defineLoader<Place, readonly MessageRow[]>({
  name: 'messagesByPlace',
  identity: placeName,
  batch: async (db, places) => {
    const roots = places.flatMap(({ sessionId, parentId }) => (parentId === null ? [sessionId] : []))
    const sessions = places.map(({ sessionId }) => sessionId)
    const parents = places.flatMap(({ parentId }) => parentId ?? [])
    const rows = await db
      .from('message')
      .select(columns)
      .where((on) =>
        on.or([
          on.and([
            on('message.session_id', '=', sql<string>`any(${roots}::uuid[])`),
            on('message.parent_id', 'is', null),
          ]),
          on.and([
            on('message.session_id', '=', sql<string>`any(${sessions}::uuid[])`),
            on('message.parent_id', '=', sql<string>`any(${parents}::uuid[])`),
          ]),
        ]),
      )
      .orderBy('message.id')
      .execute()
    const found = Map.groupBy(rows, placeName)
    return new Map(places.map((place) => [place, found.get(placeName(place)) ?? []] as const))
  },
})

function placeName({ sessionId, parentId }: Place): string {
  return `${sessionId}/${parentId}`
}

/** A message the viewer has read already and its alternatives: what follows the same message, the oldest first. */
export async function listSiblings(ctx: Context, message: MessageRow): Promise<readonly MessageRow[]> {
  return (await load(ctx, messagesByPlace, { sessionId: message.sessionId, parentId: message.parentId })) ?? [message]
}
