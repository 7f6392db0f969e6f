import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../../graphql/connection.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { idOf, uuidOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { singleLine } from '../../../lib/single-line.ts'
import { may } from '../../../platform/gate.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import type { Model } from '../../../platform/models.ts'
import { ActorInterface } from '../../accounts/users/user.graphql.ts'
import { authorOf } from '../../accounts/users/user.reads.ts'
import { ProjectType } from '../../projects/project.graphql.ts'
import { findProject } from '../../projects/project.reads.ts'
import {
  type ChatSessionFilter,
  type ChatSessionRow,
  countChatSessions,
  findChatSession,
  listChatSessions,
} from './chat-session.reads.ts'
import { createChatSession } from './chat-session.service.ts'

/** A model that answers. */
export const ModelType = builder.objectRef<Pick<Model, 'id' | 'name'>>('Model').implement({
  description: 'Something that answers: `embedded/extractive` quotes your pages and needs no key.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Provider and name, as `model` takes it: `embedded/extractive`.' }),
    name: t.exposeString('name', { description: 'For people.' }),
  }),
})

/** The rule of every `model`. */
export const modelId = optional(z.string().min(1).max(128))

/** The description of every `model`. */
export const modelDescription = 'Which model answers: `embedded/extractive`.'

/** A chat session. */
export const ChatSessionType = builder.node(builder.objectRef<ChatSessionRow>('ChatSession'), {
  description: 'A conversation with a model. Only who takes part in it sees it.',
  authScopes: (session, ctx) => may(ctx, 'chat_session.read', session),
  id: { description: 'Opaque, typed and sortable: `chat_session_01jd…`.', resolve: (session) => session.id },
  loadOne: (id, ctx) => findChatSession(ctx, id),
  fields: (t) => ({
    title: t.exposeString('title', { nullable: true, description: 'At most 200 characters; null when it has none.' }),
    project: t.field({
      type: ProjectType,
      nullable: true,
      description: 'The project it belongs to, if you can read that.',
      resolve: (session, _args, ctx) => (session.projectId === null ? null : findProject(ctx, session.projectId)),
    }),
    model: t.field({
      type: ModelType,
      nullable: true,
      description: 'What answers here unless a message asks for another; null when that is gone.',
      resolve: (session, _args, { platform: { models } }) => models.find(session.modelId ?? models.defaultId),
    }),
    participants: t.field({
      type: [ActorInterface],
      description: 'Who sees it, in the order they joined.',
      resolve: (session, _args, ctx) => Promise.all(session.participantIds.map((id) => authorOf(ctx, id))),
    }),
    createdBy: t.field({
      type: ActorInterface,
      description: 'Who opened it.',
      resolve: (session, _args, ctx) => authorOf(ctx, session.createdById),
    }),
    version: t.exposeInt('version', { description: 'Goes up with every change; updates name the one they saw.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was opened.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When somebody last said something.' }),
    eventsCursor: t.expose('eventsCursor', {
      type: 'Cursor',
      description: 'Where the session’s live events stood: `chatEvents(after:)` goes on from here without a gap.',
    }),
  }),
})

// Query.chatSession
builder.queryField('chatSession', (t) =>
  t.field({
    type: ChatSessionType,
    nullable: true,
    description: 'A chat session by id, or null when it does not exist or you take no part in it.',
    authScopes: { authenticated: true },
    args: { id: t.arg.id({ required: true, description: 'The session’s id.' }) },
    resolve: (_root, { id }, ctx) => findChatSession(ctx, uuidOf('ChatSession', id)),
  }),
)

const ChatSessionFilterInput = builder.inputType('ChatSessionFilter', {
  description: 'Narrows a list of chat sessions.',
  fields: (t) => ({ projectId: t.id({ description: 'Only sessions of this project.' }) }),
})

// Query.chatSessions
builder.queryField('chatSessions', (t) =>
  t.connection(
    {
      type: ChatSessionType,
      description: 'The chat sessions you take part in, newest first.',
      authScopes: { authenticated: true },
      args: { filter: t.arg({ type: ChatSessionFilterInput, description: 'Which of them; all when left out.' }) },
      resolve: (_root, args, ctx) => {
        const projectId = args.filter?.projectId ?? null
        const filter: ChatSessionFilter = { projectId: projectId === null ? null : uuidOf('Project', projectId) }
        return keysetConnection({
          args,
          keySchema: idKey,
          rows: (window) => listChatSessions(ctx, filter, window),
          keyOf: (session) => [session.id],
          count: () => countChatSessions(ctx, filter),
        })
      },
    },
    { name: 'ChatSessionConnection', description: 'A page of a list of chat sessions.' },
    { name: 'ChatSessionEdge', description: 'A chat session and its place in the list.' },
  ),
)

const CreateChatSessionInput = builder.inputType('CreateChatSessionInput', {
  description: 'A new chat session.',
  fields: (t) => ({
    title: t.string({ description: 'At most 200 characters.' }),
    projectId: t.id({ description: 'The project it belongs to.' }),
    model: t.string({ description: `${modelDescription} The server’s default when left out.` }),
    participantIds: t.idList({ description: 'Who takes part besides you: members of the organization, 50 at most.' }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.createChatSession
builder.mutationField('createChatSession', (t) =>
  mutation(t, {
    type: ChatSessionType,
    input: CreateChatSessionInput,
    schema: z
      .object({
        title: optional(singleLine({ max: 200 })),
        projectId: optional(idOf('Project')),
        model: modelId,
        participantIds: optional(z.array(idOf('User')).max(50)),
        idempotencyKey,
      })
      .transform(({ model, participantIds, ...input }) => ({
        ...input,
        modelId: model,
        participantIds: participantIds ?? [],
      })),
    errors: [IdempotencyKeyReused],
    description: 'Opens a chat session, seen by you and whom you name.',
    resolve: (input, ctx) => createChatSession(ctx, input),
  }),
)
