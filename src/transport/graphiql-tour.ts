import { demoQuestions } from '../demo-pages.ts'

/**
 * GraphiQL's tabs in the order of a first visit: the documents of `schema/operations/` by name, each with variables to
 * start from. What ends in `…` is to be pasted from an earlier answer. The laws see that every document is here.
 */
export const tour: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  // Sign in: to the demo workspace, whose password the start prints, or as somebody new.
  login: { input: { identifier: 'demo@ocean-graph.localhost', password: '…' } },
  register: { input: { email: 'you@example.org', password: 'Correct-Horse-1', displayName: 'You' } },
  viewer: {},
  // Look around.
  projects: { first: 10 },
  pages: { first: 10 },
  page: { id: 'page_…', first: 50 },
  // Write a page.
  createProject: { input: { name: 'A plan' } },
  updateProject: { input: { id: 'project_…', expectedVersion: 1, visibility: 'PRIVATE' } },
  setProjectMember: { input: { projectId: 'project_…', userId: 'user_…', role: 'EDITOR' } },
  createPage: { input: { title: 'Notes' } },
  createBlocks: { input: { pageId: 'page_…', blocks: [{ text: 'Hello' }, { type: 'QUOTE', text: 'world' }] } },
  // Link it, and sort it in.
  createLink: { input: { sourceBlockId: 'block_…', url: 'https://example.org' } },
  deleteLink: { input: { id: 'link_…' } },
  createTag: { input: { name: 'Ideas', color: '#1d4ed8' } },
  tagPage: { input: { pageId: 'page_…', tagId: 'tag_…' } },
  tags: { first: 10 },
  updateTag: { input: { id: 'tag_…', expectedVersion: 1, name: 'Good ideas' } },
  untagPage: { input: { pageId: 'page_…', tagId: 'tag_…' } },
  deleteTag: { input: { id: 'tag_…' } },
  moveBlock: { input: { id: 'block_…', parentId: 'block_…' } },
  convertBlock: { input: { id: 'block_…', type: 'TO_DO', content: { checked: true } } },
  updateBlock: { input: { id: 'block_…', text: 'Hello there' } },
  splitBlock: { input: { id: 'block_…', index: 5 } },
  mergeBlocks: { input: { id: 'block_…', intoId: 'block_…' } },
  deleteBlock: { input: { id: 'block_…' } },
  // Watch it being written.
  pageEvents: { pageId: 'page_…' },
  // Ask.
  createChatSession: { input: { title: 'Questions' } },
  chatEvents: { sessionId: 'chat_session_…' },
  sendMessage: { input: { sessionId: 'chat_session_…', content: demoQuestions[0] } },
  stopGeneration: { input: { messageId: 'message_…' } },
  chatSession: { id: 'chat_session_…', last: 10 },
  chatSessions: { first: 10 },
  // Work with others.
  createOrganization: { input: { name: 'A team' } },
  switchOrganization: { input: { organizationId: 'organization_…' } },
  organization: { first: 10 },
  updateOrganization: { input: { id: 'organization_…', name: 'Our team', expectedVersion: 1 } },
  inviteMember: { input: { email: 'them@example.org', role: 'EDITOR' } },
  revokeInvitation: { input: { id: 'invitation_…' } },
  invitation: { token: '…' },
  acceptInvitation: { input: { token: '…' } },
  updateMemberRole: { input: { id: 'membership_…', role: 'ADMIN' } },
  removeMember: { input: { id: 'membership_…' } },
  leaveOrganization: { input: { id: 'membership_…' } },
  deleteOrganization: { input: { id: 'organization_…' } },
  restoreOrganization: { input: { id: 'organization_…' } },
  // Look after the account.
  viewerEvents: {},
  updateProfile: { input: { displayName: 'You', preferences: { theme: 'dark' } } },
  changePassword: { input: { currentPassword: '…', newPassword: '…' } },
  revokeDeviceSession: { input: { id: 'device_session_…' } },
  revokeOtherDeviceSessions: { input: {} },
  // Let programs in: a key acts as you, an agent in its own name.
  createApiKey: { input: { name: 'A script', permissions: ['page.read', 'page.create'] } },
  rotateApiKey: { input: { id: 'api_key_…' } },
  revokeApiKey: { input: { id: 'api_key_…' } },
  createAgent: {
    input: { displayName: 'A helper', kind: 'CUSTOM', trustLevel: 'WRITE', permissions: ['page.read', 'page.create'] },
  },
  issueAgentToken: { input: { agentId: 'agent_…' } },
  updateAgent: { input: { id: 'agent_…', expectedVersion: 1, trustLevel: 'READ_ONLY' } },
  disableAgent: { input: { id: 'agent_…' } },
  requestPasswordReset: { input: { email: 'you@example.org' } },
  resetPassword: { input: { token: '…', newPassword: '…' } },
  resendVerification: { input: { email: 'you@example.org' } },
  verifyEmail: { input: { token: '…', password: '…' } },
  // See who did what: owners and administrators.
  auditEvents: { first: 20 },
  auditEventRecorded: {},
  // Manage people, once you are an administrator of the platform: npm run admin:grant -- EMAIL.
  users: { first: 20, filter: { text: 'you' } },
  createUser: { input: { email: 'ada@example.org', displayName: 'Ada' } },
  updateUser: { input: { id: 'user_…', displayName: 'Ada Lovelace' } },
  suspendUser: { input: { id: 'user_…', reason: 'Left the company' } },
  reinstateUser: { input: { id: 'user_…' } },
  deleteUser: { input: { id: 'user_…' } },
  // The rest, by name.
  archiveProject: { input: { id: 'project_…' } },
  block: { id: 'block_…' },
  deleteAccount: { input: { password: '…' } },
  deleteProject: { input: { id: 'project_…' } },
  logout: { input: {} },
  movePage: { input: { id: 'page_…', projectId: 'project_…' } },
  node: { id: 'page_…' },
  nodes: { ids: ['page_…', 'project_…'] },
  project: { id: 'project_…' },
  removeProjectMember: { input: { projectId: 'project_…', userId: 'user_…' } },
  restoreProject: { input: { id: 'project_…' } },
  setOrganizationTier: { input: { id: 'organization_…', tier: 'PRO' } },
  refreshTokens: { input: { refreshToken: '…' } },
}
