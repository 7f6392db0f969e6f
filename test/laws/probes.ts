import type { Person } from '../kit/people.ts'
import { nouns, type Probe, theirKey } from './probe.ts'
import { blockProbes } from './probes-blocks.ts'
import { creditProbes } from './probes-credits.ts'
import { linkProbes } from './probes-links.ts'

const anyNoun = nouns
const text = 'a text'
const aRefreshToken = ({ tokens }: Person) => [{ input: { token: tokens.refreshToken } }]
const agent = { displayName: 'An agent', kind: 'CUSTOM', trustLevel: 'WRITE', permissions: ['page.read'] }

const unless = (own: string, id: string) => (id === own ? null : id)
/** Of two neighbours only one can be named. */
const neighbour = (afterId: string | null, beforeId: string | null) => (afterId === null ? { beforeId } : { afterId })

/** A new root field gets a line here; a new place for an id is named in it. */
export const probes: Readonly<Record<string, Probe>> = {
  'Query.node': {
    ids: { 'Query.node(id:)': anyNoun },
    variables: (id) => ({ id: id('Query.node(id:)') }),
  },
  'Query.nodes': {
    ids: { 'Query.nodes(ids:)': anyNoun },
    variables: (id, own) => ({ ids: [own.Page, id('Query.nodes(ids:)'), own.Block] }),
    alone: () => [{ ids: [] }],
  },
  'Query.viewer': { ids: {}, alone: () => [{}], anonymous: 'null' },
  'Query.auditEvents': {
    ids: { 'AuditEventFilter.actorId': ['User'], 'AuditEventFilter.targetId': ['Page'] },
    variables: (id) => ({
      filter: { actorId: id('AuditEventFilter.actorId'), targetId: id('AuditEventFilter.targetId') },
    }),
    alone: () => [{ first: 100 }, { last: 100 }, { filter: { action: 'project.create' } }],
    repeatsTargets: true,
  },
  'Query.organization': {
    ids: { 'Query.organization(id:)': ['Organization'] },
    variables: (id) => ({ id: id('Query.organization(id:)') }),
    alone: () => [{}],
  },
  // A refresh token is no token of a mailed link.
  'Query.invitation': {
    ids: {},
    alone: ({ tokens }) => [{ token: tokens.refreshToken }],
    anonymous: 'null',
    comesToNothing: true,
  },
  'Query.project': {
    ids: { 'Query.project(id:)': ['Project'] },
    variables: (id) => ({ id: id('Query.project(id:)') }),
  },
  'Query.projects': { ids: {}, alone: () => [{ first: 100 }, { last: 100 }, { filter: { name: 'canary' } }] },
  'Query.page': {
    ids: { 'Query.page(id:)': ['Page'] },
    variables: (id) => ({ id: id('Query.page(id:)') }),
  },
  'Query.pages': {
    ids: {
      'PageFilter.projectId': ['Project'],
      'PageFilter.parentId': ['Page'],
      'PageFilter.createdById': ['User', 'Agent'],
      'PageFilter.tagId': ['Tag'],
    },
    variables: (id) => ({
      filter: {
        projectId: id('PageFilter.projectId'),
        parentId: id('PageFilter.parentId'),
        createdById: id('PageFilter.createdById'),
        tagId: id('PageFilter.tagId'),
      },
    }),
    alone: () => [{ first: 100 }, { last: 100 }, { filter: { projectId: null, title: 'canary' }, orderBy: 'TITLE' }],
  },
  'Query.search': {
    ids: {
      'SearchFilter.projectId': ['Project'],
      'SearchFilter.tagId': ['Tag'],
      'SearchFilter.createdById': ['User', 'Agent'],
    },
    variables: (id, _own, word) => ({
      query: `mine ${word}`,
      first: 100,
      filter: {
        projectId: id('SearchFilter.projectId'),
        tagId: id('SearchFilter.tagId'),
        createdById: id('SearchFilter.createdById'),
      },
    }),
    alone: () => [{ query: 'canary', first: 100 }, { query: 'canary', mode: 'LEXICAL', last: 100 }, { query: '' }],
    isSearch: true,
  },
  'Query.block': {
    ids: { 'Query.block(id:)': ['Block'] },
    variables: (id) => ({ id: id('Query.block(id:)') }),
  },
  'Mutation.register': {
    ids: {},
    alone: ({ email, password }) => [{ input: { email, password, displayName: 'Somebody' } }],
    anonymous: 'a fact',
  },
  'Mutation.login': {
    ids: {},
    alone: ({ email }) => [{ input: { identifier: email, password: 'Wrong-Horse-1' } }],
    anonymous: 'a fact',
    tells: 'session.login',
  },
  'Mutation.refreshTokens': {
    ids: {},
    // An access token is no refresh token, whoever's it is.
    alone: ({ tokens }) => [{ input: { refreshToken: tokens.accessToken } }],
    anonymous: 'a fact',
  },
  'Mutation.logout': {
    ids: {},
    alone: ({ tokens }) => [{ input: { refreshToken: tokens.accessToken } }],
    anonymous: 'a fact',
  },
  'Mutation.verifyEmail': { ids: {}, alone: aRefreshToken, anonymous: 'a fact' },
  'Mutation.resetPassword': {
    ids: {},
    alone: ({ tokens }) => [{ input: { token: tokens.refreshToken, newPassword: 'Stolen-Horse-1' } }],
    anonymous: 'a fact',
  },
  // What comes of these two goes to the victim by mail, and to nobody else.
  'Mutation.resendVerification': { ids: {}, alone: ({ email }) => [{ input: { email } }], anonymous: 'accepted' },
  'Mutation.requestPasswordReset': { ids: {}, alone: ({ email }) => [{ input: { email } }], anonymous: 'accepted' },
  'Mutation.changePassword': {
    ids: {},
    alone: ({ password }) => [{ input: { currentPassword: `${password}?`, newPassword: 'Stolen-Horse-1' } }],
    isRefused: true,
  },
  'Mutation.updateProfile': { ids: {}, alone: () => [{ input: { preferences: { theme: 'dark' } } }] },
  'Mutation.deleteAccount': {
    ids: {},
    alone: ({ password }) => [{ input: { password: `${password}?` } }],
    isRefused: true,
  },
  'Mutation.revokeDeviceSession': {
    ids: { 'RevokeDeviceSessionInput.id': ['DeviceSession'] },
    variables: (id) => ({ input: { id: id('RevokeDeviceSessionInput.id') } }),
  },
  'Mutation.revokeOtherDeviceSessions': { ids: {}, alone: () => [{ input: {} }] },
  'Subscription.auditEventRecorded': { ids: {}, alone: () => [{}], repeatsTargets: true },
  'Query.users': { ids: {}, alone: () => [{ first: 100 }, { filter: { text: 'canary' } }], isForbidden: true },
  'Mutation.createUser': {
    ids: {},
    alone: ({ email }) => [{ input: { email, displayName: 'Somebody' } }],
    isForbidden: true,
  },
  'Mutation.updateUser': {
    ids: { 'UpdateUserInput.id': ['User'] },
    variables: (id) => ({ input: { id: id('UpdateUserInput.id'), displayName: 'Renamed', isPlatformAdmin: true } }),
    isForbidden: true,
  },
  'Mutation.suspendUser': {
    ids: { 'SuspendUserInput.id': ['User'] },
    variables: (id) => ({ input: { id: id('SuspendUserInput.id') } }),
    isForbidden: true,
  },
  'Mutation.reinstateUser': {
    ids: { 'ReinstateUserInput.id': ['User'] },
    variables: (id) => ({ input: { id: id('ReinstateUserInput.id') } }),
    isForbidden: true,
  },
  'Mutation.deleteUser': {
    ids: { 'DeleteUserInput.id': ['User'] },
    variables: (id) => ({ input: { id: id('DeleteUserInput.id') } }),
    isForbidden: true,
  },
  'Subscription.viewerEvents': { ids: {}, alone: () => [{}] },
  'Mutation.createOrganization': { ids: {}, alone: () => [{ input: { name: 'A team' } }] },
  'Mutation.updateOrganization': {
    ids: { 'UpdateOrganizationInput.id': ['Organization'] },
    variables: (id) => ({ input: { id: id('UpdateOrganizationInput.id'), name: 'Taken', expectedVersion: 0 } }),
    isRefused: true,
  },
  'Mutation.deleteOrganization': {
    ids: { 'DeleteOrganizationInput.id': ['Organization'] },
    variables: (id) => ({ input: { id: id('DeleteOrganizationInput.id'), expectedVersion: 0 } }),
    isRefused: true,
  },
  'Mutation.restoreOrganization': {
    ids: { 'RestoreOrganizationInput.id': ['Organization'] },
    variables: (id) => ({ input: { id: id('RestoreOrganizationInput.id') } }),
    comesToNothing: true,
  },
  'Mutation.setOrganizationTier': {
    ids: { 'SetOrganizationTierInput.id': ['Organization'] },
    variables: (id) => ({ input: { id: id('SetOrganizationTierInput.id'), tier: 'PRO' } }),
    comesToNothing: true,
  },
  'Mutation.switchOrganization': {
    ids: { 'SwitchOrganizationInput.organizationId': ['Organization'] },
    variables: (id) => ({ input: { organizationId: id('SwitchOrganizationInput.organizationId') } }),
  },
  'Mutation.updateMemberRole': {
    ids: { 'UpdateMemberRoleInput.id': ['Membership'] },
    variables: (id) => ({ input: { id: id('UpdateMemberRoleInput.id'), role: 'OWNER' } }),
  },
  // Their own person is the last owner.
  'Mutation.removeMember': {
    ids: { 'RemoveMemberInput.id': ['Membership'] },
    variables: (id) => ({ input: { id: id('RemoveMemberInput.id') } }),
    isRefused: true,
  },
  'Mutation.leaveOrganization': {
    ids: { 'LeaveOrganizationInput.id': ['Membership'] },
    variables: (id) => ({ input: { id: id('LeaveOrganizationInput.id') } }),
    isRefused: true,
  },
  'Mutation.inviteMember': { ids: {}, alone: () => [{ input: { email: 'somebody@example.org', role: 'EDITOR' } }] },
  'Mutation.revokeInvitation': {
    ids: { 'RevokeInvitationInput.id': ['Invitation'] },
    variables: (id) => ({ input: { id: id('RevokeInvitationInput.id') } }),
  },
  'Mutation.acceptInvitation': {
    ids: {},
    alone: aRefreshToken,
    isRefused: true,
  },
  'Mutation.createApiKey': { ids: {}, alone: () => [{ input: { name: 'A key', permissions: ['user.read'] } }] },
  'Mutation.rotateApiKey': {
    ids: { 'RotateApiKeyInput.id': ['ApiKey'] },
    variables: (id) => ({ input: { id: id('RotateApiKeyInput.id') } }),
    // By then their own was revoked.
    isRefused: true,
  },
  'Mutation.revokeApiKey': {
    ids: { 'RevokeApiKeyInput.id': ['ApiKey'] },
    variables: (id) => ({ input: { id: id('RevokeApiKeyInput.id') } }),
  },
  'Mutation.createAgent': { ids: {}, alone: () => [{ input: { ...agent, idempotencyKey: theirKey } }] },
  'Mutation.updateAgent': {
    ids: { 'UpdateAgentInput.id': ['Agent'] },
    variables: (id) => ({ input: { id: id('UpdateAgentInput.id'), expectedVersion: 1, displayName: 'Mine now' } }),
    // A second time the version is another.
    isRefused: true,
  },
  'Mutation.issueAgentToken': {
    ids: { 'IssueAgentTokenInput.agentId': ['Agent'] },
    variables: (id) => ({ input: { agentId: id('IssueAgentTokenInput.agentId') } }),
    // By then their own was disabled.
    isRefused: true,
  },
  'Mutation.disableAgent': {
    ids: { 'DisableAgentInput.id': ['Agent'] },
    variables: (id) => ({ input: { id: id('DisableAgentInput.id') } }),
  },
  'Mutation.createProject': { ids: {}, alone: () => [{ input: { name: 'A plan', idempotencyKey: theirKey } }] },
  'Mutation.updateProject': {
    ids: { 'UpdateProjectInput.id': ['Project'] },
    variables: (id) => ({ input: { id: id('UpdateProjectInput.id'), expectedVersion: 1, name: text } }),
    spends: true,
  },
  'Mutation.archiveProject': {
    spends: true,
    ids: { 'ArchiveProjectInput.id': ['Project'] },
    variables: (id) => ({ input: { id: id('ArchiveProjectInput.id') } }),
  },
  'Mutation.restoreProject': {
    spends: true,
    ids: { 'RestoreProjectInput.id': ['Project'] },
    variables: (id) => ({ input: { id: id('RestoreProjectInput.id') } }),
  },
  'Mutation.deleteProject': {
    spends: true,
    ids: { 'DeleteProjectInput.id': ['Project'] },
    variables: (id) => ({ input: { id: id('DeleteProjectInput.id') } }),
  },
  'Mutation.setProjectMember': {
    spends: true,
    ids: { 'SetProjectMemberInput.projectId': ['Project'], 'SetProjectMemberInput.userId': ['User'] },
    variables: (id) => ({
      input: {
        projectId: id('SetProjectMemberInput.projectId'),
        userId: id('SetProjectMemberInput.userId'),
        role: 'OWNER',
      },
    }),
  },
  'Mutation.removeProjectMember': {
    spends: true,
    ids: { 'RemoveProjectMemberInput.projectId': ['Project'], 'RemoveProjectMemberInput.userId': ['User'] },
    variables: (id) => ({
      input: { projectId: id('RemoveProjectMemberInput.projectId'), userId: id('RemoveProjectMemberInput.userId') },
    }),
  },
  // Where the caller's own page is the one that moves, it is named in no other place.
  'Mutation.movePage': {
    ids: {
      'MovePageInput.id': ['Page'],
      'MovePageInput.projectId': ['Project'],
      'MovePageInput.parentId': ['Page'],
      'MovePageInput.afterId': ['Page'],
      'MovePageInput.beforeId': ['Page'],
    },
    facts: ['MovePageInput.afterId', 'MovePageInput.beforeId'],
    variables: (id, own) => ({
      input: {
        id: id('MovePageInput.id'),
        projectId: id('MovePageInput.projectId'),
        parentId: unless(own.Page, id('MovePageInput.parentId')),
        ...neighbour(unless(own.Page, id('MovePageInput.afterId')), unless(own.Page, id('MovePageInput.beforeId'))),
      },
    }),
  },
  'Mutation.createPage': {
    ids: {
      'CreatePageInput.projectId': ['Project'],
      'CreatePageInput.parentId': ['Page'],
      'CreatePageInput.afterId': ['Page'],
      'CreatePageInput.beforeId': ['Page'],
    },
    facts: ['CreatePageInput.afterId', 'CreatePageInput.beforeId'],
    variables: (id, own) => ({
      input: {
        title: 'A page',
        projectId: id('CreatePageInput.projectId'),
        parentId: id('CreatePageInput.parentId'),
        ...neighbour(unless(own.Page, id('CreatePageInput.afterId')), unless(own.Page, id('CreatePageInput.beforeId'))),
      },
    }),
    alone: () => [{ input: { title: 'A page', idempotencyKey: theirKey } }],
  },
  'Mutation.updatePage': {
    spends: true,
    ids: { 'UpdatePageInput.id': ['Page'] },
    variables: (id) => ({ input: { id: id('UpdatePageInput.id'), expectedVersion: 1, title: text } }),
  },
  'Mutation.archivePage': {
    spends: true,
    ids: { 'ArchivePageInput.id': ['Page'] },
    variables: (id) => ({ input: { id: id('ArchivePageInput.id') } }),
  },
  'Mutation.restorePage': {
    spends: true,
    ids: { 'RestorePageInput.id': ['Page'] },
    variables: (id) => ({ input: { id: id('RestorePageInput.id') } }),
  },
  'Mutation.deletePage': {
    spends: true,
    ids: { 'DeletePageInput.id': ['Page'] },
    variables: (id) => ({ input: { id: id('DeletePageInput.id') } }),
  },
  'Mutation.duplicatePage': {
    ids: { 'DuplicatePageInput.id': ['Page'] },
    variables: (id) => ({ input: { id: id('DuplicatePageInput.id') } }),
  },
  'Subscription.projectEvents': {
    ids: { 'Subscription.projectEvents(projectId:)': ['Project'] },
    variables: (id) => ({ projectId: id('Subscription.projectEvents(projectId:)') }),
  },
  ...blockProbes,
  ...linkProbes,
  ...creditProbes,
  'Query.models': { ids: {}, alone: () => [{}] },
  'Query.providers': { ids: {}, alone: () => [{}] },
  'Query.countTokens': { ids: {}, alone: () => [{ input: { model: 'openai/gpt-5', text } }] },
  'Query.embed': { ids: {}, alone: () => [{ input: { model: 'fake/words', texts: [text] } }] },
  'Query.chatSession': {
    ids: { 'Query.chatSession(id:)': ['ChatSession'] },
    variables: (id) => ({ id: id('Query.chatSession(id:)') }),
  },
  'Query.chatSessions': {
    ids: { 'ChatSessionFilter.projectId': ['Project'], 'ChatSessionFilter.participantId': ['User'] },
    variables: (id) => ({
      filter: {
        projectId: id('ChatSessionFilter.projectId'),
        participantId: id('ChatSessionFilter.participantId'),
      },
    }),
    alone: () => [{ first: 100 }, { last: 100 }, { filter: { projectId: null, status: 'ARCHIVED' } }],
  },
  'Mutation.createChatSession': {
    ids: { 'CreateChatSessionInput.projectId': ['Project'], 'CreateChatSessionInput.participantIds': ['User'] },
    variables: (id) => ({
      input: {
        title: 'A chat',
        projectId: id('CreateChatSessionInput.projectId'),
        participantIds: [id('CreateChatSessionInput.participantIds')],
      },
    }),
    alone: () => [{ input: { title: 'A chat', idempotencyKey: theirKey } }],
  },
  'Mutation.updateChatSession': {
    ids: { 'UpdateChatSessionInput.id': ['ChatSession'], 'UpdateChatSessionInput.projectId': ['Project'] },
    variables: (id) => ({
      input: {
        id: id('UpdateChatSessionInput.id'),
        projectId: id('UpdateChatSessionInput.projectId'),
        expectedVersion: 1,
        title: text,
      },
    }),
    spends: true,
  },
  'Mutation.archiveChatSession': {
    ids: { 'ArchiveChatSessionInput.id': ['ChatSession'] },
    variables: (id) => ({ input: { id: id('ArchiveChatSessionInput.id') } }),
    spends: true,
  },
  'Mutation.deleteChatSession': {
    ids: { 'DeleteChatSessionInput.id': ['ChatSession'] },
    variables: (id) => ({ input: { id: id('DeleteChatSessionInput.id') } }),
    spends: true,
  },
  'Mutation.addChatParticipant': {
    ids: { 'AddChatParticipantInput.id': ['ChatSession'], 'AddChatParticipantInput.userId': ['User'] },
    variables: (id) => ({
      input: { id: id('AddChatParticipantInput.id'), userId: id('AddChatParticipantInput.userId') },
    }),
  },
  'Mutation.removeChatParticipant': {
    ids: { 'RemoveChatParticipantInput.id': ['ChatSession'], 'RemoveChatParticipantInput.userId': ['User'] },
    variables: (id) => ({
      input: { id: id('RemoveChatParticipantInput.id'), userId: id('RemoveChatParticipantInput.userId') },
    }),
    spends: true,
  },
  'Mutation.sendMessage': {
    ids: { 'SendMessageInput.sessionId': ['ChatSession'], 'SendMessageInput.parentId': ['Message'] },
    variables: (id) => ({
      input: {
        sessionId: id('SendMessageInput.sessionId'),
        content: text,
        parentId: id('SendMessageInput.parentId'),
        model: 'scenario/words-0',
      },
    }),
    facts: ['SendMessageInput.parentId'],
  },
  'Mutation.editMessage': {
    ids: { 'EditMessageInput.id': ['Message'] },
    // What there is of anybody is an answer, which is not asked otherwise.
    variables: (id) => ({ input: { id: id('EditMessageInput.id'), content: text, model: 'scenario/words-0' } }),
    isRefused: true,
  },
  'Mutation.regenerateMessage': {
    ids: { 'RegenerateMessageInput.id': ['Message'] },
    variables: (id) => ({ input: { id: id('RegenerateMessageInput.id'), model: 'scenario/words-0' } }),
  },
  'Mutation.stopGeneration': {
    ids: { 'StopGenerationInput.messageId': ['Message'] },
    variables: (id) => ({ input: { messageId: id('StopGenerationInput.messageId') } }),
  },
  'Mutation.approveToolCall': {
    ids: { 'ApproveToolCallInput.id': ['ToolCall'] },
    // What there is of anybody has ended, and has another digest.
    variables: (id) => ({ input: { id: id('ApproveToolCallInput.id'), digest: '0'.repeat(64) } }),
    isRefused: true,
  },
  'Mutation.rejectToolCall': {
    ids: { 'RejectToolCallInput.id': ['ToolCall'] },
    variables: (id) => ({ input: { id: id('RejectToolCallInput.id'), digest: '0'.repeat(64) } }),
    isRefused: true,
  },
  'Subscription.chatEvents': {
    ids: { 'Subscription.chatEvents(sessionId:)': ['ChatSession'] },
    variables: (id) => ({ sessionId: id('Subscription.chatEvents(sessionId:)') }),
  },
  'Subscription.pageEvents': {
    ids: { 'Subscription.pageEvents(pageId:)': ['Page'] },
    variables: (id) => ({ pageId: id('Subscription.pageEvents(pageId:)') }),
  },
}
