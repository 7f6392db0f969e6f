import type { Kysely } from 'kysely'
import { encodeTypeId } from '../../../lib/typeid.ts'
import { type ActingViewer, authorIdOf, type Context } from '../../../platform/context.ts'
import { jsonb } from '../../../platform/database/jsonb.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { Forbidden, InvalidInput, NotFound, UserError } from '../../../platform/errors.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { audit } from '../../audit/audit.service.ts'
import { chatChannel, toolCallFinished, toolCallStarted } from '../sessions/chat-session.events.ts'
import { getChatSession, SessionArchived } from '../sessions/chat-session.service.ts'
import type { ToolCallStatus, ToolSources } from './tool-call.entity.ts'
import { findToolCall, type ToolCallRow } from './tool-call.reads.ts'

/** How long somebody has to approve a call. */
export const APPROVAL_MILLIS = 5 * 60_000

/** The call has been decided about, or has ended: it is decided about once. */
export class ToolCallDecided extends UserError {
  readonly code = 'TOOL_CALL_DECIDED'
  constructor() {
    super('It has been decided about this already, or its answer has ended.')
  }
}

/** Nobody approved the call in time. */
export class ToolCallExpired extends UserError {
  readonly code = 'TOOL_CALL_EXPIRED'
  constructor() {
    super('It is too late: nobody approved this in time.')
  }
}

/** Where a call belongs. */
export interface ToolCallHome {
  readonly organizationId: string
  readonly sessionId: string
  readonly messageId: string
}

/** A call to be noted down. */
export interface NewToolCall extends ToolCallHome {
  readonly id: string
  readonly name: string
  /** Null when it was no JSON, or could not be kept. */
  readonly input: unknown
  readonly digest: string
  readonly tapeLength: number
  readonly status: ToolCallStatus
  readonly expiresAt: Date | null
  /** Who is answered: who alone may approve it. */
  readonly askedById: string
  /** Null for a person and an agent. */
  readonly askedWithKeyId: string | null
}

/** Notes down a call, and tells that there is one; of one that cannot be run also that it has ended. */
export async function addToolCall(tx: Transaction, call: NewToolCall, outcome: unknown = null): Promise<void> {
  const hasEnded = call.status === 'FAILED'
  await tx.unscoped
    .insertInto('tool_call')
    .values({
      id: call.id,
      organization_id: call.organizationId,
      session_id: call.sessionId,
      message_id: call.messageId,
      name: call.name,
      input: call.input === null ? null : jsonb(call.input),
      digest: call.digest,
      tape_length: call.tapeLength,
      status: call.status,
      output: hasEnded ? jsonb(outcome) : null,
      sources: jsonb({ pageIds: [], projectIds: [] }),
      asked_by_id: call.askedById,
      asked_with_key_id: call.askedWithKeyId,
      expires_at: call.expiresAt,
      decided_by_id: null,
      created_at: tx.now,
      ended_at: hasEnded ? tx.now : null,
    })
    .execute()
  const channel = chatChannel(call.organizationId, call.sessionId)
  const called = { messageId: call.messageId, toolCallId: call.id, tapeLength: call.tapeLength }
  tx.record(toolCallStarted(channel, called))
  if (hasEnded) tx.record(toolCallFinished(channel, called))
}

/** What has become of a call; one that is gone with its session was cancelled. */
export async function statusOf(sql: Kysely<Tables>, id: string): Promise<ToolCallStatus> {
  const query = sql.selectFrom('tool_call').select('status').where('id', '=', id)
  return (await query.executeTakeFirst())?.status ?? 'CANCELLED'
}

/** Moves a call on; false when it is in none of the states it was to be in. */
export async function moveToolCall(
  sql: Kysely<Tables>,
  id: string,
  { from, to, digest }: { readonly from: ToolCallStatus; readonly to: ToolCallStatus; readonly digest: string },
): Promise<boolean> {
  const { numUpdatedRows } = await sql
    .updateTable('tool_call')
    .set({ status: to })
    .where('id', '=', id)
    .where('status', '=', from)
    .where('digest', '=', digest)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** How a call ended. */
export interface ToolCallEnd {
  readonly from: ToolCallStatus
  readonly to: Extract<ToolCallStatus, 'COMPLETED' | 'FAILED' | 'REJECTED' | 'EXPIRED'>
  readonly output: unknown
  readonly sources: ToolSources
}

/**
 * Ends a call, and tells it; false when somebody else has, or its answer ended meanwhile. What was done all the same, since
 * it was under way when the answer was stopped, is noted down as done.
 */
export async function endToolCall(
  tx: Transaction,
  { id, messageId, tapeLength, ...home }: ToolCallHome & Pick<NewToolCall, 'id' | 'tapeLength'>,
  { from, to, output, sources }: ToolCallEnd,
): Promise<boolean> {
  const { numUpdatedRows } = await tx.unscoped
    .updateTable('tool_call')
    .set({ status: to, output: jsonb(output), sources: jsonb(sources), ended_at: tx.now })
    .where('id', '=', id)
    .where('status', '=', from)
    .executeTakeFirst()
  if (numUpdatedRows !== 1n) {
    if (to === 'COMPLETED') await noteDone(tx, id, { output, sources })
    return false
  }
  const channel = chatChannel(home.organizationId, home.sessionId)
  tx.record(toolCallFinished(channel, { messageId, toolCallId: id, tapeLength }))
  return true
}

async function noteDone(tx: Transaction, id: string, { output, sources }: Pick<ToolCallEnd, 'output' | 'sources'>) {
  const cancelled = tx.unscoped.updateTable('tool_call').where('id', '=', id).where('status', '=', 'CANCELLED')
  await cancelled.set({ status: 'COMPLETED', output: jsonb(output), sources: jsonb(sources) }).execute()
}

const open = ['AWAITING_APPROVAL', 'APPROVED', 'RUNNING'] as const satisfies readonly ToolCallStatus[]

/** Ends the calls of an answer that ends: nobody waits for them any more. */
export async function cancelToolCalls(tx: Transaction, messageId: string): Promise<void> {
  const rows = await tx.unscoped
    .updateTable('tool_call')
    .set({ status: 'CANCELLED', ended_at: tx.now })
    .where('message_id', '=', messageId)
    .where('status', 'in', open)
    .returning([
      'id as toolCallId',
      'tape_length as tapeLength',
      'organization_id as organizationId',
      'session_id as sessionId',
    ])
    .execute()
  for (const { organizationId, sessionId, ...called } of rows)
    tx.record(toolCallFinished(chatChannel(organizationId, sessionId), { messageId, ...called }))
}

/** What somebody decides about a call, of which they saw this digest. */
export interface Decision {
  readonly id: string
  readonly digest: string
  readonly verdict: 'APPROVED' | 'REJECTED'
}

/** The channel on which whoever waits for a decision is told to look. */
export function decisionChannel(toolCallId: string): string {
  return `tool-call/${toolCallId}`
}

/**
 * Decides, once, about a call that waits for it: that is for whoever is answered.
 * @throws {NotFound | Forbidden | InvalidInput | SessionArchived | ToolCallDecided | ToolCallExpired}
 */
export async function decideToolCall(ctx: Context, { id, digest, verdict }: Decision): Promise<ToolCallRow> {
  const action = verdict === 'APPROVED' ? 'tool_call.approve' : 'tool_call.reject'
  const target = encodeTypeId('tool_call', id)
  const call = await findToolCall(ctx, id)
  if (call === null) throw new NotFound('tool call', action, target)
  const session = await getChatSession(ctx, call.sessionId, action)
  if (verdict === 'APPROVED' && session.archivedAt !== null) throw new SessionArchived()
  const viewer = requireViewer(ctx)
  if (!isAskers(call, viewer)) throw new Forbidden(action, target)
  if (call.digest !== digest)
    throw new InvalidInput([{ path: ['digest'], message: 'is not that of this call: look at it again' }])
  await transact(ctx, async (tx) => {
    const { numUpdatedRows } = await tx.unscoped
      .updateTable('tool_call')
      .set({ status: verdict, decided_by_id: authorIdOf(viewer) })
      .where('id', '=', id)
      .where('status', '=', 'AWAITING_APPROVAL')
      .where('digest', '=', digest)
      .where('expires_at', '>', tx.now)
      .executeTakeFirst()
    if (numUpdatedRows !== 1n) throw await reasonAgainst(tx, id)
    audit(ctx, tx, { action, target })
  })
  ctx.platform.nudges.publish([{ channel: decisionChannel(id), seq: 1 }])
  return (await findToolCall(ctx, id)) ?? call
}

/**
 * Whether a call is somebody's to decide about: whoever is answered, by the same key if by one. What their key asks a person
 * decides as well, and no key what its person asked: it would be done with all that they may.
 */
function isAskers({ askedById, askedWithKeyId }: ToolCallRow, viewer: ActingViewer): boolean {
  if (askedById !== authorIdOf(viewer)) return false
  return viewer.kind !== 'api_key' || viewer.apiKeyId === askedWithKeyId
}

async function reasonAgainst(tx: Transaction, id: string): Promise<UserError> {
  const row = await tx.unscoped.selectFrom('tool_call').select('status').where('id', '=', id).executeTakeFirst()
  const isLate = row?.status === 'AWAITING_APPROVAL' || row?.status === 'EXPIRED'
  return isLate ? new ToolCallExpired() : new ToolCallDecided()
}
