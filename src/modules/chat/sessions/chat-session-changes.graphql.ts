import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { encodeGlobalId, idOf } from '../../../graphql/ids.ts'
import { optional, unlessLeftOut } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { EditConflict } from '../../../platform/errors.ts'
import { addChatParticipant, type Participation, removeChatParticipant } from './chat-participant.service.ts'
import { toolApprovals } from './chat-session.entity.ts'
import {
  ChatSessionType,
  contextDescription,
  modelDescription,
  modelName,
  sessionContext,
  sessionTitle,
  ToolApprovalRef,
} from './chat-session.graphql.ts'
import { findChatSession } from './chat-session.reads.ts'
import {
  ModelNotConfigured,
  ProjectClosedToParticipant,
  SessionArchived,
  TooManyParticipants,
} from './chat-session.service.ts'
import { archiveChatSession, updateChatSession } from './chat-session-changes.service.ts'
import { deleteChatSession } from './chat-session-end.service.ts'

const UpdateChatSessionInput = builder.inputType('UpdateChatSessionInput', {
  description: 'What to change of a chat session; what is left out stays as it is.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The session.' }),
    expectedVersion: t.int({ required: true, description: 'The `version` you saw.' }),
    title: t.string({ description: 'At most 200 characters. Null takes it away.' }),
    model: t.string({ description: `${modelDescription} Null for the server’s default.` }),
    projectId: t.id({ description: 'The project it is to belong to. Null takes it out of its project.' }),
    context: t.field({ type: 'JSON', description: contextDescription }),
    toolApproval: t.field({
      type: ToolApprovalRef,
      description: 'Whether what tools are to change in your name waits for you. `ALLOW` takes a person, on a device.',
    }),
  }),
})

// Mutation.updateChatSession
builder.mutationField('updateChatSession', (t) =>
  mutation(t, {
    type: ChatSessionType,
    input: UpdateChatSessionInput,
    schema: z
      .object({
        id: idOf('ChatSession'),
        expectedVersion: z.number().int(),
        title: sessionTitle.nullish(),
        model: modelName.nullish(),
        projectId: idOf('Project').nullish(),
        context: unlessLeftOut(sessionContext),
        toolApproval: unlessLeftOut(z.enum(toolApprovals)),
      })
      .transform(({ model, ...change }) => ({ ...change, modelId: model })),
    errors: [ModelNotConfigured, EditConflict, SessionArchived, ProjectClosedToParticipant],
    description:
      'Changes a chat session, for all who take part. In another project all of them have to be able to read that; those who could not read the one it leaves leave the session.',
    resolve: (input, ctx) => updateChatSession(ctx, input),
  }),
)

const ArchiveChatSessionInput = builder.inputType('ArchiveChatSessionInput', {
  description: 'Which chat session to archive, or to bring back.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The session.' }),
    expectedVersion: t.int({ description: 'The `version` you saw; any when left out.' }),
    archived: t.boolean({ defaultValue: true, description: 'False brings it back.' }),
  }),
})

// Mutation.archiveChatSession
builder.mutationField('archiveChatSession', (t) =>
  mutation(t, {
    type: ChatSessionType,
    input: ArchiveChatSessionInput,
    schema: z.object({
      id: idOf('ChatSession'),
      expectedVersion: optional(z.number().int()),
      archived: z.boolean().nullish(),
    }),
    errors: [EditConflict],
    description: 'Makes a chat session read-only for all who take part, or brings it back.',
    resolve: ({ archived, ...input }, ctx) => archiveChatSession(ctx, { ...input, archived: archived ?? true }),
  }),
)

const DeleteChatSessionInput = builder.inputType('DeleteChatSessionInput', {
  description: 'Which chat session to delete.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The session.' }) }),
})

const DeletedChatSession = builder.objectRef<{ readonly id: string }>('DeletedChatSession').implement({
  description: 'A chat session that is gone.',
  fields: (t) => ({
    deletedId: t.id({ description: 'Its id.', resolve: ({ id }) => encodeGlobalId('ChatSession', id) }),
  }),
})

// Mutation.deleteChatSession
builder.mutationField('deleteChatSession', (t) =>
  mutation(t, {
    type: DeletedChatSession,
    input: DeleteChatSessionInput,
    schema: z.object({ id: idOf('ChatSession') }),
    description:
      'Deletes a chat session for good, with all that was said in it. That may who opened it; once they do not take part any more, whoever does.',
    resolve: ({ id }, ctx) => deleteChatSession(ctx, id),
  }),
)

const participation = z.object({ id: idOf('ChatSession'), userId: idOf('User') })

const AddChatParticipantInput = builder.inputType('AddChatParticipantInput', {
  description: 'Who is to take part in which chat session.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The session.' }),
    userId: t.id({ required: true, description: 'A member of the organization who may read the session’s project.' }),
  }),
})

// Mutation.addChatParticipant
builder.mutationField('addChatParticipant', (t) =>
  mutation(t, {
    type: ChatSessionType,
    input: AddChatParticipantInput,
    schema: participation,
    errors: [SessionArchived, TooManyParticipants, ProjectClosedToParticipant],
    description: 'Lets somebody take part in a chat session: they see all that was said there. Twice changes nothing.',
    resolve: (input, ctx) => addChatParticipant(ctx, input),
  }),
)

const RemoveChatParticipantInput = builder.inputType('RemoveChatParticipantInput', {
  description: 'Who is not to take part in which chat session any more.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The session.' }),
    userId: t.id({ required: true, description: 'Who leaves: yourself, or somebody else.' }),
  }),
})

const RemovedChatParticipant = builder.objectRef<Participation>('RemovedChatParticipant').implement({
  description: 'Somebody who takes part in a chat session no longer.',
  fields: (t) => ({
    removedId: t.id({ description: 'Who it is.', resolve: ({ userId }) => encodeGlobalId('User', userId) }),
    session: t.field({
      type: ChatSessionType,
      nullable: true,
      description: 'The session as it is now; null for who left it.',
      resolve: ({ id }, _args, ctx) => findChatSession(ctx, id),
    }),
  }),
})

// Mutation.removeChatParticipant
builder.mutationField('removeChatParticipant', (t) =>
  mutation(t, {
    type: RemovedChatParticipant,
    input: RemoveChatParticipantInput,
    schema: participation,
    description:
      'Takes somebody out of a chat session; what they watch of it ends. Everybody may leave, and with the last one the session is deleted. Others may take out who opened it, or whoever takes part once they do not any more.',
    resolve: (input, ctx) => removeChatParticipant(ctx, input),
  }),
)
