import { UniqueConstraintViolationException } from '@mikro-orm/postgresql'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Action } from '../../../platform/access.ts'
import { type ActingViewer, authorIdOf, type Context, createContext } from '../../../platform/context.ts'
import type { Reader } from '../../../platform/database/tenant-reads.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { NotFound, UserError } from '../../../platform/errors.ts'
import { pass, requireGrant } from '../../../platform/gate.ts'
import { createManyOnce } from '../../../platform/idempotency.ts'
import { forgetLoaded } from '../../../platform/loaders.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { writeAnswer } from '../generations/answer.service.ts'
import { takeOver } from '../generations/generation.service.ts'
import { chatChannel, messageCreated } from '../sessions/chat-session.events.ts'
import { audienceOf, findChatSession } from '../sessions/chat-session.reads.ts'
import { getChatSession, requireModel, SessionArchived } from '../sessions/chat-session.service.ts'
import { Message, oneAnswerAtATime } from './message.entity.ts'
import { findMessage, type MessageRow } from './message.reads.ts'

const FIRST_FENCE = 1

/** A question to a session's model. */
export interface SendMessage {
  readonly sessionId: string
  readonly content: string
  /** Null for the session's. */
  readonly modelId: string | null
  readonly idempotencyKey: string | null
}

/** A question, and the answer that is being written to it. */
export interface SentMessage {
  readonly question: MessageRow
  readonly answer: MessageRow
}

/** An answer is still being written in the session; one at a time. */
export class GenerationInProgress extends UserError {
  readonly code = 'GENERATION_IN_PROGRESS'
  constructor() {
    super('An answer is still being written here. Wait for it, or stop it.')
  }
}

/** The gate: a message of a session the viewer takes part in. @throws {NotFound | Forbidden} */
export async function getMessage(ctx: Context, id: string, action: Action): Promise<MessageRow> {
  const message = await findMessage(ctx, id)
  const session = message === null ? null : await findChatSession(ctx, message.sessionId)
  const found = message === null || session === null ? null : { ...session, message }
  return pass(ctx, 'message', found, action, encodeTypeId('message', id)).message
}

/**
 * Adds a question to a session and starts the answer, which goes on whoever leaves.
 * @throws {NotFound | Forbidden | InvalidInput | SessionArchived | GenerationInProgress | IdempotencyKeyReused | Unavailable}
 */
export async function sendMessage(ctx: Context, input: SendMessage): Promise<SentMessage> {
  requireGrant(ctx, 'chat_session.read')
  const session = await getChatSession(ctx, input.sessionId, 'message.send')
  const model = requireModel(ctx, input.modelId ?? session.modelId)
  // Before there is an answer to write: a row that nobody works on would stand there until its lease is over.
  const slot = ctx.platform.tasks.reserve()
  try {
    let isNew = false
    const ids = await createManyOnce(ctx, 'sendMessage', input, async (tx, viewer) => {
      isNew = true
      return addMessages(ctx, tx, viewer, { ...input, modelId: model.id })
    })
    const [questionId = '', answerId = ''] = ids
    if (isNew) {
      const audience = await audienceOf(ctx, session)
      const assignment = { messageId: answerId, fence: FIRST_FENCE, sessionId: session.id, model }
      slot.start(answerId, (stopping) => writeAnswer(contextOfAnswer(ctx, audience, stopping), assignment, stopping))
    }
    return {
      question: await getMessage(ctx, questionId, 'chat_session.read'),
      answer: await getMessage(ctx, answerId, 'chat_session.read'),
    }
  } catch (error) {
    throw namedFact(error)
  } finally {
    slot.release()
  }
}

/** Ends an answer with the text so far, whichever node writes it; one that has ended already stays as it is. */
export async function stopGeneration(ctx: Context, messageId: string): Promise<MessageRow> {
  await getMessage(ctx, messageId, 'message.stop')
  const target = encodeTypeId('message', messageId)
  const beside = (tx: Transaction) => audit(ctx, tx, { action: 'message.stop', target })
  const isStopped = await takeOver(ctx.platform, messageId, 'CANCELLED', { beside })
  if (!isStopped) await transact(ctx, async (tx) => beside(tx))
  ctx.platform.tasks.abort(messageId)
  forgetLoaded(ctx)
  return getMessage(ctx, messageId, 'chat_session.read')
}

async function addMessages(
  ctx: Context,
  tx: Transaction,
  viewer: ActingViewer,
  { sessionId, content, modelId }: SendMessage,
): Promise<string[]> {
  const { organizationId } = viewer
  const { leaseMillis } = ctx.platform.settings.generations
  const common = {
    organization: organizationId,
    session: sessionId,
    citations: [],
    failureCode: null,
    createdAt: tx.now,
    updatedAt: tx.now,
  }
  const question = tx.em.create(Message, {
    ...common,
    id: newUuid(tx.now),
    role: 'USER',
    authorId: authorIdOf(viewer),
    content,
    status: 'COMPLETED',
    modelId: null,
    fence: 0,
    leaseUntil: null,
  })
  const answer = tx.em.create(Message, {
    ...common,
    id: newUuid(tx.now),
    role: 'ASSISTANT',
    authorId: null,
    content: '',
    status: 'STREAMING',
    modelId,
    fence: FIRST_FENCE,
    leaseUntil: new Date(tx.now.getTime() + leaseMillis),
  })
  const session = await tx.unscoped
    .updateTable('chat_session')
    .set({ updated_at: tx.now })
    .where('id', '=', sessionId)
    .where('organization_id', '=', organizationId)
    .returning('archived_at')
    .executeTakeFirst()
  const target = encodeTypeId('chat_session', sessionId)
  if (session === undefined) throw new NotFound('chat session', 'message.send', target)
  if (session.archived_at !== null) throw new SessionArchived()
  audit(ctx, tx, { action: 'message.send', target })
  const channel = chatChannel(organizationId, sessionId)
  tx.record(messageCreated(channel, question.id, false))
  tx.record(messageCreated(channel, answer.id, true))
  return [question.id, answer.id]
}

/**
 * The answer is written as who asked, who may be gone by then: it may use what they may read, and so may everybody who will
 * read it.
 */
function contextOfAnswer(
  { platform, viewer, request }: Context,
  audience: readonly Reader[],
  stopping: AbortSignal,
): Context {
  return createContext(platform, { viewer, request, audience, signal: stopping })
}

/** The constraint decides; this gives its violation a name. */
function namedFact(error: unknown): unknown {
  const isTaken =
    error instanceof UniqueConstraintViolationException &&
    (error as { constraint?: string }).constraint === oneAnswerAtATime
  return isTaken ? new GenerationInProgress() : error
}
