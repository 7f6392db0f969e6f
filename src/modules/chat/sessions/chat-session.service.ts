import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Action } from '../../../platform/access.ts'
import { authorIdOf, type Context } from '../../../platform/context.ts'
import { InvalidInput, NotFound } from '../../../platform/errors.ts'
import { pass, requireAction, requireGrant, requireViewer } from '../../../platform/gate.ts'
import { createOnce } from '../../../platform/idempotency.ts'
import type { Model } from '../../../platform/models.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { findUser } from '../../accounts/users/user.reads.ts'
import { audit } from '../../audit/audit.service.ts'
import { getProject } from '../../projects/project.service.ts'
import { ChatParticipant, ChatSession } from './chat-session.entity.ts'
import { type ChatSessionRow, findChatSession } from './chat-session.reads.ts'

/** A new chat session. */
export interface CreateChatSession {
  readonly title: string | null
  readonly projectId: string | null
  readonly modelId: string | null
  /** Who takes part besides the viewer. */
  readonly participantIds: readonly string[]
  readonly idempotencyKey: string | null
}

/** The gate: a session the viewer takes part in and may do this with. @throws {NotFound | Forbidden} */
export async function getChatSession(ctx: Context, id: string, action: Action): Promise<ChatSessionRow> {
  return pass(ctx, 'chat session', await findChatSession(ctx, id), action, encodeTypeId('chat_session', id))
}

/** Opens a session. @throws {NotFound | Forbidden | InvalidInput | IdempotencyKeyReused} */
export async function createChatSession(ctx: Context, input: CreateChatSession): Promise<ChatSessionRow> {
  const { userId } = requireViewer(ctx)
  requireGrant(ctx, 'chat_session.read')
  if (input.projectId === null) requireAction(ctx, 'chat_session.create')
  else await getProject(ctx, input.projectId, 'chat_session.create')
  requireModel(ctx, input.modelId)
  const people = new Set([userId, ...input.participantIds])
  // Whoever acts is let in as one already, also through a program that may look nobody up.
  await requireMembers(
    ctx,
    [...people].filter((id) => id !== userId),
  )
  const id = await createOnce(ctx, 'createChatSession', input, (tx, viewer) => {
    const session = tx.em.create(ChatSession, {
      id: newUuid(tx.now),
      organization: viewer.organizationId,
      project: input.projectId,
      title: input.title,
      modelId: input.modelId,
      createdById: authorIdOf(viewer),
      version: 1,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    for (const user of people) {
      const organization = viewer.organizationId
      tx.em.create(ChatParticipant, { session: session.id, user, organization, joinedAt: tx.now })
    }
    audit(ctx, tx, { action: 'chat_session.create', target: encodeTypeId('chat_session', session.id) })
    return session.id
  })
  return getChatSession(ctx, id, 'chat_session.read')
}

/** The model of this id, or the server's default for null. @throws {InvalidInput} when there is none */
export function requireModel({ platform }: Context, modelId: string | null): Model {
  const model = platform.models.find(modelId ?? platform.models.defaultId)
  if (model === null) throw new InvalidInput([{ path: ['model'], message: 'is no model of this server' }])
  return model
}

async function requireMembers(ctx: Context, ids: readonly string[]): Promise<void> {
  const found = await Promise.all(ids.map((id) => findUser(ctx, id)))
  const missing = ids.find((_id, index) => found[index] === null)
  if (missing !== undefined) throw new NotFound('user', 'chat_session.create', encodeTypeId('user', missing))
}
