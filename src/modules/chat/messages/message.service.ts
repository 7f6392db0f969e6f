import { UniqueConstraintViolationException } from '@mikro-orm/postgresql'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Action } from '../../../platform/access.ts'
import type { JsonObject } from '../../../platform/channels/channel.entity.ts'
import { authorIdOf, type Context, createContext } from '../../../platform/context.ts'
import type { Reader } from '../../../platform/database/tenant-reads.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { InvalidInput, Unavailable, UserError } from '../../../platform/errors.ts'
import { pass, requireGrant, requireViewer } from '../../../platform/gate.ts'
import { createManyOnce, findMade } from '../../../platform/idempotency.ts'
import { forgetLoaded } from '../../../platform/loaders.ts'
import { audit } from '../../audit/audit.service.ts'
import { holdCharge } from '../../usage/charges/hold.service.ts'
import { type AnswerSettings, toolsFor, writeAnswer } from '../generations/answer.service.ts'
import { planBudget } from '../generations/budget.service.ts'
import { takeOver } from '../generations/generation.service.ts'
import { mustFit, type Prompt, type PromptPlan, promptBehind, readPrompt } from '../generations/prompt.service.ts'
import { audienceOf, type ChatSessionRow, findChatSession } from '../sessions/chat-session.reads.ts'
import { getChatSession, requireModel } from '../sessions/chat-session.service.ts'
import {
  type Added,
  addAnswer,
  addQuestion,
  FIRST_FENCE,
  holdSession,
  newestIn,
  type Writing,
} from './branch.service.ts'
import { oneAnswerAtATime } from './message.entity.ts'
import { findMessage, type MessageRow } from './message.reads.ts'

const actionOf = {
  sendMessage: 'message.send',
  editMessage: 'message.edit',
  regenerateMessage: 'message.regenerate',
} as const

interface Asked {
  /** Null for the session's. */
  readonly modelId: string | null
  readonly settings: AnswerSettings
  readonly idempotencyKey: string | null
}

/** What is asked, and what front ends keep with it. */
interface Worded {
  readonly content: string
  readonly metadata: JsonObject
}

/** A question to a session's model. */
export interface SendMessage extends Asked, Worded {
  readonly sessionId: string
  /** The answer it goes on from; null for the newest message. */
  readonly parentId: string | null
}

/** A question to be asked otherwise. */
export interface EditMessage extends Asked, Worded {
  readonly id: string
}

/** An answer to be given anew. */
export interface RegenerateMessage extends Asked {
  readonly id: string
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
 * @throws {NotFound | Forbidden | InvalidInput | ModelNotConfigured | ModelNotPriced | CostLimitExceeded | PromptTooLong |
 *   SessionArchived | InsufficientCredits | SpendingPaused | SpendingCapReached | GenerationInProgress | BranchLimitReached |
 *   IdempotencyKeyReused | Unavailable}
 */
export async function sendMessage(ctx: Context, input: SendMessage): Promise<SentMessage> {
  requireGrant(ctx, 'chat_session.read')
  const session = await getChatSession(ctx, input.sessionId, 'message.send')
  const parent = input.parentId === null ? null : await findMessage(ctx, input.parentId)
  if (input.parentId !== null && (parent?.sessionId !== session.id || parent.role !== 'ASSISTANT'))
    throw new InvalidInput([{ path: ['parentId'], message: 'is no answer of this session' }])
  const branch = input.parentId === null ? { sessionId: session.id } : { messageId: input.parentId }
  const prompt = (plan: PromptPlan) => promptBehind(ctx, branch, input.content, plan)
  const beginning = { field: 'sendMessage', question: input.content, prompt, input } as const
  return begin(ctx, session, beginning, async (tx, writing) => {
    const question = await addQuestion(tx, writing, {
      ...input,
      parentId: input.parentId ?? (await newestIn(tx, writing)),
    })
    return { question, answer: await addAnswer(tx, writing, question.id) }
  })
}

/** Asks a question otherwise, as an alternative to it, and starts an answer. @throws as `sendMessage` */
export async function editMessage(ctx: Context, input: EditMessage): Promise<SentMessage> {
  requireGrant(ctx, 'chat_session.read')
  const message = await getMessage(ctx, input.id, 'message.edit')
  if (message.role !== 'USER') throw new InvalidInput([{ path: ['id'], message: 'is no question' }])
  const session = await getChatSession(ctx, message.sessionId, 'message.edit')
  const branch = message.parentId === null ? null : { messageId: message.parentId }
  const prompt = (plan: PromptPlan) => promptBehind(ctx, branch, input.content, plan)
  const beginning = { field: 'editMessage', question: input.content, prompt, input } as const
  return begin(ctx, session, beginning, async (tx, writing) => {
    const question = await addQuestion(tx, writing, { ...input, parentId: message.parentId })
    return { question, answer: await addAnswer(tx, writing, question.id) }
  })
}

/** Starts another answer to the question of one, as an alternative to it. @throws as `sendMessage` */
export async function regenerateMessage(ctx: Context, input: RegenerateMessage): Promise<SentMessage> {
  requireGrant(ctx, 'chat_session.read')
  const message = await getMessage(ctx, input.id, 'message.regenerate')
  const { parentId } = message
  if (message.role !== 'ASSISTANT' || parentId === null)
    throw new InvalidInput([{ path: ['id'], message: 'is no answer' }])
  const session = await getChatSession(ctx, message.sessionId, 'message.regenerate')
  const question = await findMessage(ctx, parentId)
  const prompt = (plan: PromptPlan) => readPrompt(ctx, parentId, plan)
  const beginning = { field: 'regenerateMessage', question: question?.content ?? '', prompt, input } as const
  return begin(ctx, session, beginning, async (tx, writing) => {
    const asked = { id: parentId, parentId: question?.parentId ?? null }
    return { question: asked, answer: await addAnswer(tx, writing, parentId) }
  })
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

type Add = (tx: Transaction, writing: Writing) => Promise<{ question: Added; answer: Added }>

interface Beginning {
  readonly field: keyof typeof actionOf
  readonly question: string
  /** What the model is asked. */
  readonly prompt: (plan: PromptPlan) => Promise<Prompt>
  readonly input: Asked
}

/** What was said where a question goes has changed since it was planned. */
class PromptMoved extends Error {}

/** How often something else may be said there before whoever asks is sent away. */
const MAX_TRIES = 5

/** Adds what `add` does, once, and starts the answer to what is asked by then. */
async function begin(ctx: Context, session: ChatSessionRow, beginning: Beginning, add: Add): Promise<SentMessage> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await tryToBegin(ctx, session, beginning, add)
    } catch (error) {
      if (!(error instanceof PromptMoved)) throw namedFact(error)
      if (tries === MAX_TRIES) throw new Unavailable()
    }
  }
}

async function tryToBegin(
  ctx: Context,
  session: ChatSessionRow,
  { field, question, prompt, input }: Beginning,
  add: Add,
): Promise<SentMessage> {
  const { settings } = input
  const once = { ...input, settings: { ...settings, maxCost: settings.maxCost?.toString() ?? null } }
  const made = await findMade(ctx, field, once)
  if (made !== null) return sentMessage(ctx, made)
  const model = requireModel(ctx, input.modelId ?? session.modelId)
  const tools = toolsFor({ model, settings }).map(({ description }) => description)
  const plan = { model, tools, maxOutputTokens: settings.maxOutputTokens }
  await mustFit(plan, question)
  const { parentId, isWhole, messages } = await prompt(plan)
  const budget = await planBudget(ctx, { model, settings, tools, messages })
  const { leaseMillis } = ctx.platform.settings.generations
  // Before there is an answer to write: a row that nobody works on would stand there until its lease is over.
  const slot = ctx.platform.tasks.reserve(requireViewer(ctx).userId)
  try {
    let isNew = false
    const ids = await createManyOnce(ctx, field, once, async (tx, viewer) => {
      await holdSession(tx, viewer.organizationId, session.id, actionOf[field])
      const asked = await add(tx, { sessionId: session.id, viewer, model, budget, leaseMillis })
      if (asked.question.parentId !== parentId || !isWhole) throw new PromptMoved()
      audit(ctx, tx, { action: actionOf[field], target: encodeTypeId('chat_session', session.id) })
      const asker = { actorId: authorIdOf(viewer), isAgent: viewer.kind === 'agent' }
      const place = {
        organizationId: viewer.organizationId,
        sessionId: session.id,
        projectId: session.projectId,
      }
      const charge = { messageId: asked.answer.id, ...place, ...asker, modelId: model.id, budget }
      tx.last(() => holdCharge(tx, ctx.platform, charge))
      isNew = true
      return [asked.question.id, asked.answer.id]
    })
    if (isNew) {
      // Whoever has been let in meanwhile reads the answer as well.
      forgetLoaded(ctx)
      const audience = await audienceOf(ctx, (await findChatSession(ctx, session.id)) ?? session)
      const [, answerId = ''] = ids
      const generation = { messageId: answerId, fence: FIRST_FENCE }
      const assignment = { ...generation, sessionId: session.id, model, settings, budget, messages }
      slot.start(answerId, (stopping) => writeAnswer(contextOfAnswer(ctx, audience, stopping), assignment, stopping))
    }
    return sentMessage(ctx, ids)
  } finally {
    slot.release()
  }
}

async function sentMessage(ctx: Context, [questionId = '', answerId = '']: readonly string[]): Promise<SentMessage> {
  return {
    question: await getMessage(ctx, questionId, 'chat_session.read'),
    answer: await getMessage(ctx, answerId, 'chat_session.read'),
  }
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
