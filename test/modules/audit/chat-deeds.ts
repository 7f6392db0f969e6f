import {
  AddChatParticipantDocument,
  ApproveToolCallDocument,
  ArchiveChatSessionDocument,
  CreateChatSessionDocument,
  DeleteChatSessionDocument,
  EditMessageDocument,
  RegenerateMessageDocument,
  RejectToolCallDocument,
  RemoveChatParticipantDocument,
  SendMessageDocument,
  StopGenerationDocument,
  UpdateChatSessionDocument,
} from '../../gql/graphql.ts'
import { askAndWait } from '../../kit/chat.ts'
import { type Person, signUpInto, uuidIn } from '../../kit/people.ts'
import { ask, openChat } from '../../kit/test.ts'
import { have, untilAsked } from '../chat/tools/stage.ts'
import { as, type Deed, type Scene } from './deeds.ts'

/** Somebody else of the organization, for as long as something is done with them. */
async function withMember<Done>({ server, alice }: Scene, act: (member: Person) => Promise<Done>): Promise<Done> {
  const member = await signUpInto(server, alice, 'Member', 'VIEWER')
  try {
    return await act(member)
  } finally {
    // Or she would own an organization with others in it, and could not go.
    const memberships = server.app.platform.database.unscoped.deleteFrom('membership')
    await memberships.where('user_id', '=', uuidIn(member.userId)).execute()
    await member.close()
  }
}

/** What a model wants done, and waits for: nothing comes of it, since there is no such project. */
async function asked({ alice }: Scene) {
  const { id } = await openChat(alice)
  const input = { title: 'Audited', projectId: 'project_01h00000000000000000000000' }
  await have(alice, id, [[{ name: 'createPage', input }]])
  return untilAsked(alice, id)
}

/** What is done in chats: each mutation, and what the trail says of it. */
export const chatDeeds: Record<string, Deed> = {
  createChatSession: {
    action: 'chat_session.create',
    target: /^chat_session_/,
    run: (scene) => as(scene, { document: CreateChatSessionDocument, variables: { input: { title: 'Audited' } } }),
  },
  sendMessage: {
    action: 'message.send',
    target: /^chat_session_/,
    run: async (scene) => {
      const { id: sessionId } = await openChat(scene.alice)
      const input = { sessionId, content: 'Audited?', model: 'scenario/words-1' }
      return as(scene, { document: SendMessageDocument, variables: { input } })
    },
  },
  editMessage: {
    action: 'message.edit',
    target: /^chat_session_/,
    run: async (scene) => {
      const { question: id } = await askAndWait(scene.alice, { sessionId: (await openChat(scene.alice)).id })
      const input = { id, content: 'Audited?', model: 'scenario/words-1' }
      return as(scene, { document: EditMessageDocument, variables: { input } })
    },
  },
  regenerateMessage: {
    action: 'message.regenerate',
    target: /^chat_session_/,
    run: async (scene) => {
      const { answer: id } = await askAndWait(scene.alice, { sessionId: (await openChat(scene.alice)).id })
      return as(scene, { document: RegenerateMessageDocument, variables: { input: { id, model: 'scenario/words-1' } } })
    },
  },
  approveToolCall: {
    action: 'tool_call.approve',
    target: /^tool_call_/,
    run: async (scene) => {
      const { id, digest } = await asked(scene)
      return as(scene, { document: ApproveToolCallDocument, variables: { input: { id, digest } } })
    },
  },
  rejectToolCall: {
    action: 'tool_call.reject',
    target: /^tool_call_/,
    run: async (scene) => {
      const { id, digest } = await asked(scene)
      return as(scene, { document: RejectToolCallDocument, variables: { input: { id, digest } } })
    },
  },
  stopGeneration: {
    action: 'message.stop',
    target: /^message_/,
    run: async (scene) => {
      const messageId = await ask(scene.alice, await openChat(scene.alice), 'scenario/stall-1')
      return as(scene, { document: StopGenerationDocument, variables: { input: { messageId } } })
    },
  },
  updateChatSession: {
    action: 'chat_session.update',
    target: /^chat_session_/,
    run: async (scene) => {
      const { id } = await openChat(scene.alice)
      const input = { id, expectedVersion: 1, title: 'Audited' }
      return as(scene, { document: UpdateChatSessionDocument, variables: { input } })
    },
  },
  archiveChatSession: {
    action: 'chat_session.archive',
    target: /^chat_session_/,
    run: async (scene) => {
      const { id } = await openChat(scene.alice)
      return as(scene, { document: ArchiveChatSessionDocument, variables: { input: { id } } })
    },
  },
  deleteChatSession: {
    action: 'chat_session.delete',
    target: /^chat_session_/,
    run: async (scene) => {
      const { id } = await openChat(scene.alice)
      return as(scene, { document: DeleteChatSessionDocument, variables: { input: { id } } })
    },
  },
  addChatParticipant: {
    action: 'chat_session.add_participant',
    target: /^chat_session_/,
    run: (scene) =>
      withMember(scene, async ({ userId }) => {
        const { id } = await openChat(scene.alice)
        return as(scene, { document: AddChatParticipantDocument, variables: { input: { id, userId } } })
      }),
  },
  removeChatParticipant: {
    action: 'chat_session.remove_participant',
    target: /^chat_session_/,
    run: (scene) =>
      withMember(scene, async ({ userId }) => {
        const { id } = await openChat(scene.alice, { participantIds: [userId] })
        return as(scene, { document: RemoveChatParticipantDocument, variables: { input: { id, userId } } })
      }),
  },
}
