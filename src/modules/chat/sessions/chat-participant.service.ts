import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { AccessMoved, NotFound } from '../../../platform/errors.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { lockUser } from '../../accounts/devices/device-session.service.ts'
import { findUser } from '../../accounts/users/user.reads.ts'
import { tellViewer } from '../../accounts/users/viewer.events.ts'
import { audit } from '../../audit/audit.service.ts'
import { findShutOut } from './chat-participant.reads.ts'
import { tellProjectOfSession } from './chat-session.events.ts'
import type { ChatSessionRow } from './chat-session.reads.ts'
import {
  getChatSession,
  lockSession,
  MAX_PARTICIPANTS,
  ProjectClosedToParticipant,
  SessionArchived,
  TooManyParticipants,
} from './chat-session.service.ts'
import { tellSession } from './chat-session-changes.service.ts'
import { demandSay, endWriters, eraseSession } from './chat-session-end.service.ts'

/** Who is to take part in which session, or no longer. */
export interface Participation {
  readonly id: string
  readonly userId: string
}

/**
 * Lets a member of the organization take part in a session. Whoever does already changes nothing.
 * @throws {NotFound | Forbidden | SessionArchived | TooManyParticipants | ProjectClosedToParticipant}
 */
export async function addChatParticipant(ctx: Context, { id, userId }: Participation): Promise<ChatSessionRow> {
  await getChatSession(ctx, id, 'chat_session.add_participant')
  if ((await findUser(ctx, userId)) === null) throw noUser(userId)
  await transact(ctx, async (tx) => {
    // Or they could stop being a member meanwhile.
    await lockUser(tx, userId)
    await demandMember(tx, userId)
    const held = await lockSession(ctx, tx, id, 'chat_session.add_participant')
    audit(ctx, tx, { action: 'chat_session.add_participant', target: encodeTypeId('chat_session', id) })
    if (held.participantIds.includes(userId)) return
    if (held.archivedAt !== null) throw new SessionArchived()
    if (held.participantIds.length >= MAX_PARTICIPANTS) throw new TooManyParticipants()
    const isClosed = held.projectId !== null && (await findShutOut(tx.unscoped, held.projectId, [userId])).length > 0
    if (isClosed) throw new ProjectClosedToParticipant()
    const { organizationId } = requireViewer(ctx)
    await tx.unscoped
      .insertInto('chat_participant')
      .values({ session_id: id, user_id: userId, organization_id: organizationId, joined_at: tx.now })
      .execute()
    tellSession(ctx, tx, id, { isMove: false })
    tellProjectOfSession(tx, held, 'ChatSessionAdded', [userId])
    tellProjectOfSession(tx, held, 'ChatSessionChanged', held.participantIds)
  })
  return getChatSession(ctx, id, 'chat_session.read')
}

/**
 * Takes somebody out of a session; everybody may leave, and the last one deletes it. What they have open of it ends, what
 * is being written there goes on. @throws {NotFound | Forbidden}
 */
export async function removeChatParticipant(ctx: Context, { id, userId }: Participation): Promise<Participation> {
  const action = 'chat_session.remove_participant'
  const session = await getChatSession(ctx, id, action)
  // Before anything is done to the row of somebody who may be a stranger.
  if (!session.participantIds.includes(userId)) throw noParticipant(userId)
  if (session.participantIds.length === 1) await getChatSession(ctx, id, 'chat_session.delete')
  const orphans = await transact(ctx, async (tx) => {
    // The person's row before the session's, as wherever both are changed.
    await tellViewer(tx, userId, { type: 'ViewerUpdated' })
    const held = await lockSession(ctx, tx, id, action)
    if (!held.participantIds.includes(userId)) throw noParticipant(userId)
    // Of several only one was left meanwhile: that one is asked for more.
    if (held.participantIds.length === 1 && session.participantIds.length > 1) throw new AccessMoved()
    if (userId !== requireViewer(ctx).userId) await demandSay(ctx, tx, held, action)
    audit(ctx, tx, { action, target: encodeTypeId('chat_session', id) })
    if (held.participantIds.length === 1) return eraseSession(ctx, tx, held)
    await tx.unscoped
      .deleteFrom('chat_participant')
      .where('session_id', '=', id)
      .where('user_id', '=', userId)
      .execute()
    tellSession(ctx, tx, id, { isMove: true })
    tellProjectOfSession(tx, held, 'ChatSessionRemoved', [userId])
    const staying = held.participantIds.filter((one) => one !== userId)
    tellProjectOfSession(tx, held, 'ChatSessionChanged', staying)
    return []
  })
  await endWriters(ctx.platform, orphans)
  return { id, userId }
}

/** Under the lock of their row, so that they stay one. @throws {NotFound} when they are no member of the organization */
async function demandMember(tx: Transaction, userId: string): Promise<void> {
  const member = await tx.db
    .from('membership')
    .select('membership.id')
    .where('membership.user_id', '=', userId)
    .executeTakeFirst()
  if (member === undefined) throw noUser(userId)
}

function noParticipant(id: string): NotFound {
  return new NotFound('chat participant', 'chat_session.remove_participant', encodeTypeId('user', id))
}

function noUser(id: string): NotFound {
  return new NotFound('user', 'chat_session.add_participant', encodeTypeId('user', id))
}
