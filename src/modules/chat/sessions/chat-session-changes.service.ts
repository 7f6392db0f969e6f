import { encodeTypeId } from '../../../lib/typeid.ts'
import type { JsonObject } from '../../../platform/channels/channel.entity.ts'
import type { Context } from '../../../platform/context.ts'
import { jsonb } from '../../../platform/database/jsonb.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { AccessMoved, EditConflict } from '../../../platform/errors.ts'
import { requireAction, requirePerson, requireViewer } from '../../../platform/gate.ts'
import { tellViewer } from '../../accounts/users/viewer.events.ts'
import { audit } from '../../audit/audit.service.ts'
import { getProject } from '../../projects/project.service.ts'
import { findShutOut } from './chat-participant.reads.ts'
import type { ToolApproval } from './chat-session.entity.ts'
import { chatChannel, sessionUpdated, tellProjectOfSession } from './chat-session.events.ts'
import type { ChatSessionRow } from './chat-session.reads.ts'
import {
  getChatSession,
  type HeldSession,
  lockSession,
  ProjectClosedToParticipant,
  requireModel,
  SessionArchived,
} from './chat-session.service.ts'

/** What to change of a session; undefined leaves a field as it is, null empties it. */
export interface ChatSessionChange {
  readonly id: string
  readonly expectedVersion: number
  readonly title?: string | null | undefined
  readonly modelId?: string | null | undefined
  readonly projectId?: string | null | undefined
  readonly context: JsonObject | undefined
  /** For what is done in the viewer's own name. */
  readonly toolApproval: ToolApproval | undefined
}

/** Which session to put away, or to bring back. */
export interface ArchiveChatSession {
  readonly id: string
  /** Null for any. */
  readonly expectedVersion: number | null
  readonly archived: boolean
}

/**
 * Changes a session. Where it goes to another project, or to none, those go whom the one before was closed to: or leaving
 * it would open to them what was said there.
 * @throws {NotFound | Forbidden | InvalidInput | EditConflict | SessionArchived | ProjectClosedToParticipant}
 */
export async function updateChatSession(ctx: Context, change: ChatSessionChange): Promise<ChatSessionRow> {
  const { id, expectedVersion, title, modelId, projectId, context, toolApproval } = change
  const session = await getChatSession(ctx, id, 'chat_session.update')
  // Also while that is deleted.
  const home = session.home?.projectId ?? null
  const isMove = projectId !== undefined && projectId !== home
  if (isMove && projectId === null) requireAction(ctx, 'chat_session.create')
  if (isMove && projectId !== null) await getProject(ctx, projectId, 'chat_session.create')
  if (modelId !== undefined) requireModel(ctx, modelId)
  const target = encodeTypeId('chat_session', id)
  if (toolApproval === 'ALLOW') requirePerson(ctx, 'chat_session.allow_tools', target)
  await transact(ctx, async (tx) => {
    const leaving = isMove ? await leave(tx, home, session.participantIds) : []
    const held = await lockSession(ctx, tx, id, 'chat_session.update')
    if (held.archivedAt !== null) throw new SessionArchived()
    if (held.version !== expectedVersion) throw new EditConflict(target)
    if (toolApproval !== undefined) await setToolApproval(ctx, tx, id, toolApproval)
    if (isMove) await move(tx, { held, from: home, to: projectId, leaving })
    await tx.unscoped
      .updateTable('chat_session')
      .set((on) => ({
        ...(title !== undefined && { title }),
        ...(modelId !== undefined && { model_id: modelId }),
        ...(isMove && { project_id: projectId }),
        ...(context !== undefined && { context: jsonb(context) }),
        updated_at: tx.now,
        version: on('version', '+', 1),
      }))
      .where('id', '=', id)
      .execute()
    tellSession(ctx, tx, id, { isMove })
    if (isMove) tellProjects(tx, { held, from: home, to: projectId, leaving })
    else tellProjectOfSession(tx, held, 'ChatSessionChanged', held.participantIds)
    audit(ctx, tx, { action: 'chat_session.update', target })
  })
  return getChatSession(ctx, id, 'chat_session.read')
}

/**
 * Makes a session read-only, or brings it back. One that is as it should be already stays as it is.
 * @throws {NotFound | Forbidden | EditConflict}
 */
export async function archiveChatSession(ctx: Context, input: ArchiveChatSession): Promise<ChatSessionRow> {
  const { id, expectedVersion, archived } = input
  await getChatSession(ctx, id, 'chat_session.archive')
  const target = encodeTypeId('chat_session', id)
  await transact(ctx, async (tx) => {
    const held = await lockSession(ctx, tx, id, 'chat_session.archive')
    if (expectedVersion !== null && held.version !== expectedVersion) throw new EditConflict(target)
    audit(ctx, tx, { action: 'chat_session.archive', target })
    if ((held.archivedAt !== null) === archived) return
    await tx.unscoped
      .updateTable('chat_session')
      .set((on) => ({ archived_at: archived ? tx.now : null, updated_at: tx.now, version: on('version', '+', 1) }))
      .where('id', '=', id)
      .execute()
    tellSession(ctx, tx, id, { isMove: false })
    tellProjectOfSession(tx, held, 'ChatSessionChanged', held.participantIds)
  })
  return getChatSession(ctx, id, 'chat_session.read')
}

async function setToolApproval(ctx: Context, tx: Transaction, id: string, toolApproval: ToolApproval): Promise<void> {
  const own = tx.unscoped.updateTable('chat_participant').set({ tool_approval: toolApproval })
  await own.where('session_id', '=', id).where('user_id', '=', requireViewer(ctx).userId).execute()
}

/** Tells all who watch a session that it changed, and whether that may have shut somebody out. */
export function tellSession(ctx: Context, tx: Transaction, id: string, told: { readonly isMove: boolean }): void {
  tx.record(sessionUpdated(chatChannel(requireViewer(ctx).organizationId, id), told))
}

/** Takes hold of those whom the project that a session leaves is closed to, before its own row is locked. */
async function leave(tx: Transaction, projectId: string | null, people: readonly string[]): Promise<readonly string[]> {
  if (projectId === null) return []
  const leaving = await findShutOut(tx.unscoped, projectId, people)
  for (const userId of leaving) await tellViewer(tx, userId, { type: 'ViewerUpdated' })
  return leaving
}

interface Move {
  readonly held: HeldSession
  readonly from: string | null
  readonly to: string | null
  readonly leaving: readonly string[]
}

async function move(tx: Transaction, { held, from, to, leaving }: Move): Promise<void> {
  const { id, participantIds } = held
  // Somebody moved it, or it was shared or left, since the gate.
  const isAsSeen = from === held.projectId
  const shutOut = from === null ? [] : await findShutOut(tx.unscoped, from, participantIds)
  if (!isAsSeen || shutOut.join() !== leaving.join()) throw new AccessMoved()
  const staying = stayingOf({ held, leaving })
  if (to !== null && (await findShutOut(tx.unscoped, to, staying)).length > 0) throw new ProjectClosedToParticipant()
  if (leaving.length === 0) return
  await tx.unscoped
    .deleteFrom('chat_participant')
    .where('session_id', '=', id)
    .where('user_id', 'in', leaving)
    .execute()
}

function stayingOf({ held, leaving }: Pick<Move, 'held' | 'leaving'>): string[] {
  return held.participantIds.filter((userId) => !leaving.includes(userId))
}

/** To those who leave it is gone as well, wherever they watch from. */
function tellProjects(tx: Transaction, { held, from, to, leaving }: Move): void {
  tellProjectOfSession(tx, { id: held.id, projectId: from }, 'ChatSessionRemoved', held.participantIds)
  tellProjectOfSession(tx, { id: held.id, projectId: to }, 'ChatSessionAdded', stayingOf({ held, leaving }))
}
