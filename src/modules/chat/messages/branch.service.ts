import { sql } from 'kysely'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Action } from '../../../platform/access.ts'
import { type ActingViewer, authorIdOf } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { NotFound, UserError } from '../../../platform/errors.ts'
import type { Model } from '../../../platform/models.ts'
import { millisOf, newUuid } from '../../../platform/uuid.ts'
import type { Budget } from '../generations/budget.service.ts'
import { firstReading } from '../generations/meter.service.ts'
import { chatChannel, messageCreated } from '../sessions/chat-session.events.ts'
import { SessionArchived } from '../sessions/chat-session.service.ts'
import { newestOf } from './branch.reads.ts'
import { Message } from './message.entity.ts'

/** Of the writers of an answer the first. */
export const FIRST_FENCE = 1
/** Alternatives to one message. */
const MAX_SIBLINGS = 100

/** There are as many alternatives to a message as there may be. */
export class BranchLimitReached extends UserError {
  readonly code = 'BRANCH_LIMIT_REACHED'
  constructor() {
    super(`There are ${MAX_SIBLINGS} versions of this already.`)
  }
}

/** In which session something is written, and who asks which model. */
export interface Writing {
  readonly sessionId: string
  readonly viewer: ActingViewer
  readonly model: Model
  readonly leaseMillis: number
  /** Null where the answer costs nothing. */
  readonly budget: Budget | null
}

/** A message that was added. */
export type Added = Pick<Message, 'id' | 'parentId'>

/**
 * Holds a session while something is added to it: of two who add to one place the second sees what the first did.
 * @throws {NotFound} when it is gone @throws {SessionArchived}
 */
export async function holdSession(tx: Transaction, organizationId: string, id: string, action: Action): Promise<void> {
  const session = await tx.unscoped
    .updateTable('chat_session')
    .set({ updated_at: tx.now })
    .where('id', '=', id)
    .where('organization_id', '=', organizationId)
    .returning('archived_at')
    .executeTakeFirst()
  if (session === undefined) throw new NotFound('chat session', action, encodeTypeId('chat_session', id))
  if (session.archived_at !== null) throw new SessionArchived()
}

/** The newest message of the session; null when there is none. */
export async function newestIn(tx: Transaction, { sessionId }: Pick<Writing, 'sessionId'>): Promise<string | null> {
  const { rows } = await newestOf(sql`${sessionId}::uuid`).execute(tx.unscoped)
  return rows[0]?.id ?? null
}

/** Adds a question behind a message, or behind none. @throws {BranchLimitReached} */
export async function addQuestion(
  tx: Transaction,
  writing: Writing,
  { content, metadata, parentId }: Pick<Message, 'content' | 'metadata'> & { readonly parentId: string | null },
): Promise<Added> {
  return addMessage(tx, writing, parentId, {
    role: 'USER',
    authorId: authorIdOf(writing.viewer),
    content,
    metadata,
    status: 'COMPLETED',
    modelId: null,
    priceVersion: null,
    reading: null,
    fence: 0,
    leaseUntil: null,
  })
}

/** Adds an answer that is to be written behind a question. @throws {BranchLimitReached} */
export async function addAnswer(tx: Transaction, writing: Writing, parentId: string): Promise<Added> {
  return addMessage(tx, writing, parentId, {
    role: 'ASSISTANT',
    authorId: null,
    content: '',
    metadata: {},
    status: 'STREAMING',
    modelId: writing.model.id,
    priceVersion: writing.budget?.version ?? null,
    reading: writing.budget === null ? null : firstReading(writing.budget, writing.model.id),
    fence: FIRST_FENCE,
    leaseUntil: new Date(tx.now.getTime() + writing.leaseMillis),
  })
}

type Said = Pick<
  Message,
  | 'role'
  | 'authorId'
  | 'content'
  | 'metadata'
  | 'status'
  | 'modelId'
  | 'priceVersion'
  | 'reading'
  | 'fence'
  | 'leaseUntil'
>

async function addMessage(
  tx: Transaction,
  { sessionId, viewer }: Writing,
  parentId: string | null,
  said: Said,
): Promise<Added> {
  const { organizationId } = viewer
  const newestId = await newestIn(tx, { sessionId })
  const id = newUuid(newestId === null ? tx.now : timeBehind(newestId, tx.now))
  const message = tx.em.create(Message, {
    ...said,
    id,
    organization: organizationId,
    session: sessionId,
    parentId,
    branchId: (await branchBehind(tx, sessionId, parentId)) ?? id,
    citations: [],
    thoughts: [],
    segments: [],
    usage: null,
    failureCode: null,
    createdAt: tx.now,
    updatedAt: tx.now,
  })
  // The next one looks for what is behind it.
  await tx.em.flush()
  tx.record(messageCreated(chatChannel(organizationId, sessionId), id, said.role === 'ASSISTANT'))
  return message
}

/** A time for the id of what comes after a message: ids rise in a session, also where the clock is behind that of another node. */
function timeBehind(id: string, now: Date): Date {
  return new Date(Math.max(now.getTime(), millisOf(id) + 1))
}

/** The run that goes on with what follows a message; null when that begins a run of its own. @throws {BranchLimitReached} */
async function branchBehind(tx: Transaction, sessionId: string, parentId: string | null): Promise<string | null> {
  const others = await tx.unscoped
    .selectFrom('message')
    .where('session_id', '=', sessionId)
    .where('parent_id', parentId === null ? 'is' : '=', parentId)
    .select('id')
    .limit(MAX_SIBLINGS)
    .execute()
  if (others.length >= MAX_SIBLINGS) throw new BranchLimitReached()
  if (parentId === null || others.length > 0) return null
  const query = tx.unscoped.selectFrom('message').where('id', '=', parentId).where('session_id', '=', sessionId)
  return (await query.select('branch_id').executeTakeFirst())?.branch_id ?? null
}
