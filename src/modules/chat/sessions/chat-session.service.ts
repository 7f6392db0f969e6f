import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Action } from '../../../platform/access.ts'
import type { JsonObject } from '../../../platform/channels/channel.entity.ts'
import { authorIdOf, type Context } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { InvalidInput, NotFound, UserError } from '../../../platform/errors.ts'
import { pass, requireAction, requireGrant, requireViewer } from '../../../platform/gate.ts'
import { createOnce } from '../../../platform/idempotency.ts'
import type { Model } from '../../../platform/models.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { findUser } from '../../accounts/users/user.reads.ts'
import { audit } from '../../audit/audit.service.ts'
import { getProject } from '../../projects/project.service.ts'
import { findShutOut } from './chat-participant.reads.ts'
import { ChatParticipant, ChatSession } from './chat-session.entity.ts'
import { tellProjectOfSession } from './chat-session.events.ts'
import { type ChatSessionRow, findChatSession } from './chat-session.reads.ts'

/** How many people take part in a session at most. */
export const MAX_PARTICIPANTS = 50

/** The session is archived: it can be read, and nothing more is said in it or changed of it. */
export class SessionArchived extends UserError {
  readonly code = 'SESSION_ARCHIVED'
  constructor() {
    super('The session is archived. Bring it back first.')
  }
}

/** A session has as many people as it can hold. */
export class TooManyParticipants extends UserError {
  readonly code = 'TOO_MANY_PARTICIPANTS'
  constructor() {
    super(`At most ${MAX_PARTICIPANTS} people take part in a session.`)
  }
}

/** Somebody who takes part, or is to, cannot read the project of the session. */
export class ProjectClosedToParticipant extends UserError {
  readonly code = 'PROJECT_CLOSED_TO_PARTICIPANT'
  constructor() {
    super('Not everybody who takes part may read the project. Give them a role in it first.')
  }
}

/** A new chat session. */
export interface CreateChatSession {
  readonly title: string | null
  readonly projectId: string | null
  readonly modelId: string | null
  readonly context: JsonObject
  /** Who takes part besides the viewer. */
  readonly participantIds: readonly string[]
  readonly idempotencyKey: string | null
}

/** The gate: a session the viewer takes part in and may do this with. @throws {NotFound | Forbidden} */
export async function getChatSession(ctx: Context, id: string, action: Action): Promise<ChatSessionRow> {
  return pass(ctx, 'chat session', await findChatSession(ctx, id), action, encodeTypeId('chat_session', id))
}

/**
 * Opens a session.
 * @throws {NotFound | Forbidden | InvalidInput | TooManyParticipants | ProjectClosedToParticipant | IdempotencyKeyReused}
 */
export async function createChatSession(ctx: Context, input: CreateChatSession): Promise<ChatSessionRow> {
  const { userId } = requireViewer(ctx)
  requireGrant(ctx, 'chat_session.read')
  if (input.projectId === null) requireAction(ctx, 'chat_session.create')
  else await getProject(ctx, input.projectId, 'chat_session.create')
  requireModel(ctx, input.modelId)
  const people = new Set([userId, ...input.participantIds])
  if (people.size > MAX_PARTICIPANTS) throw new TooManyParticipants()
  // Whoever acts is let in as one already, also through a program that may look nobody up.
  await requireMembers(
    ctx,
    [...people].filter((id) => id !== userId),
  )
  const id = await createOnce(ctx, 'createChatSession', input, async (tx, viewer) => {
    const isClosed =
      input.projectId !== null && (await findShutOut(tx.unscoped, input.projectId, [...people])).length > 0
    if (isClosed) throw new ProjectClosedToParticipant()
    const session = tx.em.create(ChatSession, {
      id: newUuid(tx.now),
      organization: viewer.organizationId,
      project: input.projectId,
      title: input.title,
      modelId: input.modelId,
      context: input.context,
      createdById: authorIdOf(viewer),
      version: 1,
      createdAt: tx.now,
      updatedAt: tx.now,
      archivedAt: null,
    })
    for (const user of people) {
      const organization = viewer.organizationId
      tx.em.create(ChatParticipant, { session: session.id, user, organization, joinedAt: tx.now, toolApproval: 'ASK' })
    }
    tellProjectOfSession(tx, { id: session.id, projectId: input.projectId }, 'ChatSessionAdded', [...people])
    audit(ctx, tx, { action: 'chat_session.create', target: encodeTypeId('chat_session', session.id) })
    return session.id
  })
  return getChatSession(ctx, id, 'chat_session.read')
}

/** A session as it stands under the lock of its row. */
export interface HeldSession {
  readonly id: string
  readonly projectId: string | null
  readonly createdById: string
  readonly version: number
  readonly archivedAt: Date | null
  readonly participantIds: readonly string[]
}

/**
 * Holds a session against every other change of it and of who takes part; people's rows are locked before it.
 * @throws {NotFound} when it is gone, or the viewer takes no part in it any more
 */
export async function lockSession(ctx: Context, tx: Transaction, id: string, action: Action): Promise<HeldSession> {
  const { userId } = requireViewer(ctx)
  const session = await tx.db
    .from('chat_session')
    .select([
      'chat_session.id',
      'chat_session.project_id as projectId',
      'chat_session.created_by_id as createdById',
      'chat_session.version',
      'chat_session.archived_at as archivedAt',
    ])
    .where('chat_session.id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  // A statement of its own: what is read beside the lock may be from before it was waited for.
  const rows = await tx.db
    .from('chat_participant')
    .select('chat_participant.user_id as userId')
    .where('chat_participant.session_id', '=', id)
    .execute()
  const participantIds = rows.map((row) => row.userId)
  if (session === undefined || !participantIds.includes(userId)) {
    throw new NotFound('chat session', action, encodeTypeId('chat_session', id))
  }
  return { ...session, participantIds }
}

/** The provider of a model has no key or no address on this server. */
export class ModelNotConfigured extends UserError {
  readonly code = 'MODEL_NOT_CONFIGURED'
  constructor() {
    super('Nobody has set this server up for that model. Choose another one.')
  }
}

/**
 * The model of this id, or the server's default for null, once it can answer.
 * @throws {InvalidInput} when there is none @throws {ModelNotConfigured}
 */
export function requireModel({ platform }: Context, modelId: string | null): Model {
  const model = platform.models.find(modelId ?? platform.models.defaultId)
  if (model === null) throw new InvalidInput([{ path: ['model'], message: 'is no model of this server' }])
  if (!model.isConfigured) throw new ModelNotConfigured()
  return model
}

async function requireMembers(ctx: Context, ids: readonly string[]): Promise<void> {
  const found = await Promise.all(ids.map((id) => findUser(ctx, id)))
  const missing = ids.find((_id, index) => found[index] === null)
  if (missing !== undefined) throw new NotFound('user', 'chat_session.create', encodeTypeId('user', missing))
}
