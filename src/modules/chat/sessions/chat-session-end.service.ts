import { tapeOf } from '../../../lib/answer-tape.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Context, Platform } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { Forbidden } from '../../../platform/errors.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { audit } from '../../audit/audit.service.ts'
import { settleCharge } from '../../usage/charges/settlement.service.ts'
import { spentBy } from '../generations/meter.service.ts'
import { chatChannel, sessionDeleted, tellProjectOfSession } from './chat-session.events.ts'
import { getChatSession, type HeldSession, lockSession } from './chat-session.service.ts'

/** An answer that was being written in a session when that was deleted, and the fence of its writer. */
interface Orphan {
  readonly id: string
  readonly fence: number
}

/**
 * Deletes a session for good, with all that was said in it; what is being written there ends. That may its creator, or
 * whoever takes part once the creator does not. @throws {NotFound | Forbidden}
 */
export async function deleteChatSession(ctx: Context, id: string): Promise<{ readonly id: string }> {
  await getChatSession(ctx, id, 'chat_session.delete')
  const orphans = await transact(ctx, async (tx) => {
    const held = await lockSession(ctx, tx, id, 'chat_session.delete')
    await demandSay(ctx, tx, held, 'chat_session.delete')
    return eraseSession(ctx, tx, held)
  })
  await endWriters(ctx.platform, orphans)
  return { id }
}

/**
 * Demands that a session is the viewer's to decide about: its creator's, or of the agent that created it the owner's, while they
 * take part. @throws {Forbidden}
 */
export async function demandSay(
  ctx: Context,
  tx: Transaction,
  { id, createdById, participantIds }: HeldSession,
  action: string,
): Promise<void> {
  const agent = await tx.db
    .from('agent')
    .where('agent.id', '=', createdById)
    .select('agent.owner_id')
    .executeTakeFirst()
  const creatorId = agent?.owner_id ?? createdById
  const isDecidedByOther = creatorId !== requireViewer(ctx).userId && participantIds.includes(creatorId)
  if (isDecidedByOther) throw new Forbidden(action, encodeTypeId('chat_session', id))
}

/** Deletes what a session consists of, under the lock of its row, and answers whose writers are to be ended after that. */
export async function eraseSession(ctx: Context, tx: Transaction, held: HeldSession): Promise<readonly Orphan[]> {
  const { id } = held
  const messages = tx.unscoped.deleteFrom('message').where('session_id', '=', id)
  const ended = messages.where('status', '=', 'STREAMING')
  const orphans = await ended.returning(['id', 'fence', 'content', 'thoughts', 'usage', 'reading']).execute()
  await messages.execute()
  const { organizationId } = requireViewer(ctx)
  // All that was shown of it: what nobody will read any more was paid for all the same.
  for (const { id: messageId, fence, content, thoughts, usage, reading } of orphans) {
    const saved = tapeOf({ text: content, thoughts })
    const streamed = await ctx.platform.liveTexts.seal(messageId, fence + 1, saved.length)
    const spent = await spentBy(saved + streamed, reading, usage)
    tx.last(() => settleCharge(tx, ctx.platform, { messageId, organizationId }, spent))
  }
  await tx.unscoped.deleteFrom('tool_call').where('session_id', '=', id).execute()
  await tx.unscoped.deleteFrom('chat_participant').where('session_id', '=', id).execute()
  await tx.unscoped.deleteFrom('chat_session').where('id', '=', id).execute()
  tellProjectOfSession(tx, held, 'ChatSessionRemoved', held.participantIds)
  tx.record(sessionDeleted(chatChannel(organizationId, id)))
  audit(ctx, tx, { action: 'chat_session.delete', target: encodeTypeId('chat_session', id) })
  return orphans
}

/** Stops those who still write: on this node at once, on another when its next word or checkpoint is refused. */
export async function endWriters(platform: Platform, orphans: readonly Orphan[]): Promise<void> {
  for (const { id, fence } of orphans) {
    platform.tasks.abort(id)
    await platform.liveTexts.end(id, fence + 1)
  }
}
