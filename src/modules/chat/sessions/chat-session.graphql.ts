import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../../graphql/connection.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { errorType } from '../../../graphql/errors.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { idOf, uuidOf } from '../../../graphql/ids.ts'
import { keptObject, optional } from '../../../graphql/input.ts'
import { mutation, parseFilter } from '../../../graphql/mutation.ts'
import { jsonDepth } from '../../../lib/json-depth.ts'
import { singleLine } from '../../../lib/single-line.ts'
import { may } from '../../../platform/gate.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { ActorInterface } from '../../accounts/users/user.graphql.ts'
import { authorOf } from '../../accounts/users/user.reads.ts'
import { ProjectType } from '../../projects/project.graphql.ts'
import { findProject } from '../../projects/project.reads.ts'
import { ModelType } from '../../providers/models/model.graphql.ts'
import type { ToolApproval } from './chat-session.entity.ts'
import {
  type ChatSessionRow,
  type ChatSessionStatus,
  chatSessionStatuses,
  countChatSessions,
  findChatSession,
  listChatSessions,
} from './chat-session.reads.ts'
import {
  createChatSession,
  MAX_PARTICIPANTS,
  ModelNotConfigured,
  ProjectClosedToParticipant,
  SessionArchived,
  TooManyParticipants,
} from './chat-session.service.ts'
import { countChatSessionsOf, listChatSessionsOf } from './chat-session-list.reads.ts'

/** The rule of every `model`. */
export const modelName = z.string().min(1).max(128)

/** The same where it may be left out. */
export const modelId = optional(modelName)

/** The description of every `model`. */
export const modelDescription = 'Which model answers: `embedded/extractive`.'

/** The rule of every `title`. */
export const sessionTitle = singleLine({ max: 200 })

const MAX_CONTEXT_DEPTH = 10

/** The rule of every `context`, and of whatever else front ends keep in a chat. */
export const sessionContext = keptObject.refine(
  (context) => jsonDepth(context) <= MAX_CONTEXT_DEPTH,
  `at most ${MAX_CONTEXT_DEPTH} levels`,
)

/** The description of every `context`. */
export const contextDescription =
  'Whatever your front ends keep with the session, replaced as a whole: an object of at most 16 KiB and 10 levels.'

errorType(ModelNotConfigured, 'The provider of the model has no key on this server: choose another one.')
errorType(SessionArchived, 'The session is archived, and so read-only: bring it back first.')
errorType(ProjectClosedToParticipant, 'Somebody who takes part, or is to, may not read the project of the session.')
errorType(TooManyParticipants, `At most ${MAX_PARTICIPANTS} people take part in a session.`)

const statusDescriptions: Record<ChatSessionStatus, string> = {
  ACTIVE: 'It goes on.',
  ARCHIVED: 'It can be read, and nothing more is said in it until it is brought back.',
}

const statusArgument = 'Only those that are so; both when left out.'

const ChatSessionStatusRef = builder.enumType('ChatSessionStatus', {
  description: 'Whether a session goes on.',
  values: describedValues(statusDescriptions),
})

const toolApprovalDescriptions: Record<ToolApproval, string> = {
  ASK: 'It waits until you approve it with `approveToolCall`, five minutes at most.',
  ALLOW: 'It is done at once.',
}

/** Whether a tool that changes something asks first. */
export const ToolApprovalRef = builder.enumType('ToolApproval', {
  description: 'What happens when a model wants a tool to change something in your name.',
  values: describedValues(toolApprovalDescriptions),
})

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
    status: t.field({
      type: ChatSessionStatusRef,
      description: 'Whether it goes on.',
      resolve: (session) => (session.archivedAt === null ? 'ACTIVE' : 'ARCHIVED'),
    }),
    toolApproval: t.expose('toolApproval', {
      type: ToolApprovalRef,
      description:
        'What happens here when a model wants a tool to change something in your name; everybody has their own.',
    }),
    context: t.expose('context', { type: 'JSON', description: 'What your front ends keep with it; empty at first.' }),
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
    version: t.exposeInt('version', {
      description: 'Goes up with every change but of who takes part; updates name the one they saw.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was opened.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When somebody last said something or changed it.',
    }),
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
  fields: (t) => ({
    projectId: t.id({ description: 'Only sessions of this project.' }),
    participantId: t.id({ description: 'Only sessions in which this person takes part as well.' }),
    status: t.field({ type: ChatSessionStatusRef, description: statusArgument }),
  }),
})
const chatSessionFilter = z.object({
  projectId: optional(idOf('Project')),
  participantId: optional(idOf('User')),
  status: optional(z.enum(chatSessionStatuses)),
})

/** A list of chat sessions. */
const ChatSessionConnection = builder.connectionObject(
  { type: ChatSessionType, name: 'ChatSessionConnection', description: 'A page of a list of chat sessions.' },
  { name: 'ChatSessionEdge', description: 'A chat session and its place in the list.' },
)

// Query.chatSessions
builder.queryField('chatSessions', (t) =>
  t.connection(
    {
      type: ChatSessionType,
      description: 'The chat sessions you take part in, newest first.',
      authScopes: { authenticated: true },
      args: { filter: t.arg({ type: ChatSessionFilterInput, description: 'Which of them; all when left out.' }) },
      resolve: (_root, args, ctx) => {
        const filter = parseFilter(chatSessionFilter, args.filter ?? {})
        return keysetConnection({
          args,
          keySchema: idKey,
          rows: (window) => listChatSessions(ctx, filter, window),
          keyOf: (session) => [session.id],
          count: () => countChatSessions(ctx, filter),
        })
      },
    },
    ChatSessionConnection,
  ),
)

// Project.chatSessions
builder.objectField(ProjectType, 'chatSessions', (t) =>
  t.connection(
    {
      type: ChatSessionType,
      description: 'The chat sessions of the project in which you take part, newest first.',
      args: { status: t.arg({ type: ChatSessionStatusRef, description: statusArgument }) },
      resolve: (project, args, ctx) => {
        const status = args.status ?? null
        return keysetConnection({
          args,
          keySchema: idKey,
          rows: (window) => listChatSessionsOf(ctx, project, status, window),
          keyOf: (session) => [session.id],
          count: () => countChatSessionsOf(ctx, project, status),
        })
      },
    },
    ChatSessionConnection,
  ),
)

const CreateChatSessionInput = builder.inputType('CreateChatSessionInput', {
  description: 'A new chat session.',
  fields: (t) => ({
    title: t.string({ description: 'At most 200 characters.' }),
    projectId: t.id({ description: 'The project it belongs to.' }),
    model: t.string({ description: `${modelDescription} The server’s default when left out.` }),
    participantIds: t.idList({
      description: `Who takes part besides you: members of the organization, ${MAX_PARTICIPANTS} at most with you.`,
    }),
    context: t.field({ type: 'JSON', description: contextDescription }),
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
        title: optional(sessionTitle),
        projectId: optional(idOf('Project')),
        model: modelId,
        participantIds: optional(z.array(idOf('User')).max(50)),
        context: sessionContext.nullish().transform((context) => context ?? {}),
        idempotencyKey,
      })
      .transform(({ model, participantIds, ...input }) => ({
        ...input,
        modelId: model,
        participantIds: participantIds ?? [],
      })),
    errors: [ModelNotConfigured, TooManyParticipants, ProjectClosedToParticipant, IdempotencyKeyReused],
    description: 'Opens a chat session, seen by you and whom you name.',
    resolve: (input, ctx) => createChatSession(ctx, input),
  }),
)
