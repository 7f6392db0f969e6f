import { guest, owner, strangers } from './actors.ts'
import { change, findProject, noTenant, openType, ownProject } from './layers.ts'
import type { Edit, Mutant } from './mutation.ts'
import { oceanMutants } from './ocean.ts'

// Each noun without its gate and without all that stands under it: to read one, to list them, to write. What would
// still protect it is off as well, so that nothing but the tests can notice.

const accounts = 'src/modules/accounts'
const signedIn = 'authScopes: { authenticated: true },'

const project = 'src/modules/projects/project.reads.ts'
const projectList = change(project, 'selectProjects(ctx.db).where(matches(ctx.db, filter))', 'selectProjects(ctx.db)')
const projectType = openType(
  'src/modules/projects/project.graphql.ts',
  "authScopes: (project, ctx) => may(ctx, 'project.read', project),",
)
const enterProject = change(
  'src/modules/projects/project-member.service.ts',
  "if (viewer.kind !== 'user' || userId !== viewer.userId || !may(ctx, 'project.enter')) return null",
  '',
)
const noMemberDemanded = change(
  'src/modules/projects/project-member.service.ts',
  "if (member === undefined) throw new NotFound('user', 'project.set_member', encodeTypeId('user', userId))",
  '',
)

const projects: readonly Mutant[] = [
  {
    name: 'Project: nothing stands before it',
    edits: [noTenant('project'), findProject, ownProject, projectType],
    ...strangers(owner, 'Query.project', 'Mutation.updateProject', 'Mutation.deleteProject'),
  },
  {
    name: 'Project: found by id in its organization',
    edits: [findProject, projectType],
    ...strangers(guest, 'Query.project', 'Query.node'),
  },
  {
    name: 'Project: found by id in any organization',
    edits: [noTenant('project'), findProject, projectType],
    ...strangers(owner, 'Query.node', 'Query.nodes'),
  },
  {
    name: 'Project: changed by whoever is in its organization',
    edits: [findProject, ownProject],
    ...strangers(guest, 'Mutation.updateProject', 'Mutation.archiveProject'),
  },
  {
    name: 'Project: listed in its organization',
    edits: [projectList, projectType],
    ...strangers(guest, 'Query.projects'),
  },
  {
    name: 'Project: listed in every organization',
    edits: [projectList, ownProject, noTenant('project')],
    ...strangers(owner, 'Query.projects'),
  },
  {
    name: 'Project: a role given by whoever is nobody to it',
    edits: [findProject, ownProject, enterProject],
    ...strangers(guest, 'Mutation.setProjectMember', 'Mutation.removeProjectMember'),
  },
  {
    name: 'Project: its role given to people of other organizations',
    edits: [noMemberDemanded],
    ...strangers(owner, 'Mutation.setProjectMember'),
    // A constraint of the table refuses them then, which is another answer.
    proof: 'INTERNAL_SERVER_ERROR',
  },
  {
    name: 'Project: deleted ones are there',
    edits: [change(project, 'project.deletedAt === null && may(', 'may(')],
    killers: { files: ['test/modules/projects/project-changes.test.ts'], named: 'a deleted project' },
  },
  {
    name: 'ProjectMember: nothing stands before it',
    edits: [
      noTenant('project_member', 'project'),
      change(
        'src/modules/projects/project-member.reads.ts',
        'member !== null && (await findProject(ctx, member.projectId)) !== null ? member : null',
        'member',
      ),
      openType(
        'src/modules/projects/project-member.graphql.ts',
        "authScopes: async (member, ctx) =>\n    (ctx.viewer.kind !== 'anonymous' && ctx.viewer.userId === member.userId) ||\n    (await findProject(ctx, member.projectId)) !== null,",
      ),
    ],
    ...strangers(owner, 'Query.node'),
  },
  {
    name: 'ProjectMember: found by id in its organization',
    edits: [
      change(
        'src/modules/projects/project-member.reads.ts',
        'member !== null && (await findProject(ctx, member.projectId)) !== null ? member : null',
        'member',
      ),
      openType(
        'src/modules/projects/project-member.graphql.ts',
        "authScopes: async (member, ctx) =>\n    (ctx.viewer.kind !== 'anonymous' && ctx.viewer.userId === member.userId) ||\n    (await findProject(ctx, member.projectId)) !== null,",
      ),
    ],
    ...strangers(guest, 'Query.node'),
  },
]

const sessionsTold = 'src/modules/chat/sessions/chat-session-project-events.graphql.ts'
const sessionsToldTest = 'test/modules/chat/sessions/chat-session-project-events.test.ts'
const session = 'src/modules/chat/sessions/chat-session.reads.ts'
const findSession = change(
  session,
  "session !== null && may(ctx, 'chat_session.read', session) ? session : null",
  'session',
)
const everybodyTakesPart = change(
  session,
  '...standing, viewerRole: isIn ? viewerRole : null',
  "isArchived: false, viewerRole: 'OWNER'",
)
const sessionType = openType(
  'src/modules/chat/sessions/chat-session.graphql.ts',
  "authScopes: (session, ctx) => may(ctx, 'chat_session.read', session),",
)
const sessionList = change(session, 'selectSessions(ctx.db).where(isAmong(ctx.db, filter))', 'selectSessions(ctx.db)')
const message = 'src/modules/chat/messages/message.reads.ts'
const findMessage = change(
  message,
  'message !== null && (await findChatSession(ctx, message.sessionId)) !== null ? message : null',
  'message',
)
const messageType = openType(
  'src/modules/chat/messages/message.graphql.ts',
  'authScopes: async (message, ctx) => (await findMessage(ctx, message.id)) !== null,',
)
const toolCall = 'src/modules/chat/tools/tool-call.service.ts'
const toolRun = 'src/modules/chat/tools/tool-run.service.ts'
const toolCallTests = ['test/modules/chat/tools/tool-call.test.ts']
const findToolCall = change(
  'src/modules/chat/tools/tool-call.reads.ts',
  'call !== null && (await findChatSession(ctx, call.sessionId)) !== null ? call : null',
  'call',
)
const toolCallType = openType(
  'src/modules/chat/tools/tool-call.graphql.ts',
  'authScopes: async (call, ctx) => (await findToolCall(ctx, call.id)) !== null,',
)
const chatEvents = 'src/modules/chat/messages/chat-events.graphql.ts'
const noChatGate = change(
  chatEvents,
  'gate: (fresh) => follows(fresh, sessionId),',
  'gate: async () => ({ projectId: null }),',
)

const chat: readonly Mutant[] = [
  {
    name: 'ChatSession: nothing stands before it',
    edits: [noTenant('chat_session', 'message'), findSession, everybodyTakesPart, sessionType],
    ...strangers(owner, 'Query.chatSession', 'Mutation.sendMessage'),
  },
  {
    name: 'ChatSession: found by id in its organization',
    edits: [findSession, sessionType],
    ...strangers(guest, 'Query.chatSession'),
  },
  {
    name: 'ChatSession: found by id in any organization',
    edits: [noTenant('chat_session'), findSession, sessionType],
    ...strangers(owner, 'Query.node'),
  },
  {
    name: 'ChatSession: open to whoever takes no part',
    edits: [change(session, 'isIn ? viewerRole : null', 'viewerRole')],
    killers: { files: ['test/modules/chat/sessions/chat-session.test.ts'], named: 'only who takes part' },
  },
  {
    name: 'ChatSession: spoken in by whoever is in its organization',
    edits: [findSession, everybodyTakesPart],
    ...strangers(guest, 'Mutation.sendMessage'),
  },
  {
    name: 'ChatSession: listed in its organization',
    edits: [sessionList, sessionType],
    ...strangers(guest, 'Query.chatSessions'),
  },
  {
    name: 'ChatSession: listed to whoever takes no part',
    edits: [
      change(
        session,
        'select from chat_participant where session_id = chat_session.id and user_id = ${db.userId}',
        'select 1',
      ),
      change(session, 'isIn ? viewerRole : null', 'viewerRole'),
    ],
    killers: { files: ['test/modules/chat/sessions/chat-session.test.ts'], named: 'only who takes part' },
  },
  {
    name: 'ChatSession: told of to all who watch its project',
    edits: [change(sessionsTold, 'userIds.includes(ctx.viewer.userId)', 'userIds.length > 0')],
    killers: { files: [sessionsToldTest], named: 'and to nobody else' },
  },
  {
    name: 'ChatSession: told of to whatever program',
    edits: [change(sessionsTold, "isNamed && isGrantedTo(ctx, 'chat_session.read')", 'isNamed')],
    killers: { files: [sessionsToldTest], named: 'a program that may not read' },
  },
  {
    name: 'ChatSession: where it went is told to who was left behind',
    edits: [
      change(
        'src/modules/chat/sessions/chat-session-changes.service.ts',
        "'ChatSessionAdded', stayingOf({ held, leaving })",
        "'ChatSessionAdded', held.participantIds",
      ),
    ],
    killers: { files: [sessionsToldTest], named: 'left behind' },
  },
  {
    name: 'ChatSession: made in whatever project',
    edits: [findProject, ownProject],
    ...strangers(guest, 'Mutation.createChatSession'),
  },
  {
    name: 'ChatSession: whoever is named takes part',
    edits: [
      change(
        'src/modules/chat/sessions/chat-session.service.ts',
        "if (missing !== undefined) throw new NotFound('user', 'chat_session.create', encodeTypeId('user', missing))",
        '',
      ),
    ],
    ...strangers(owner, 'Mutation.createChatSession'),
    // A constraint of the table refuses them then, which is another answer.
    proof: 'INTERNAL_SERVER_ERROR',
  },
  {
    name: 'ChatSession: followed by whoever names it',
    edits: [
      change(chatEvents, 'const found = await follows(ctx, sessionId)', 'const found = { projectId: null }'),
      noChatGate,
    ],
    ...strangers(`${guest}|${owner}`, 'Subscription.chatEvents'),
    // The stream that should be refused goes on.
    proof: 'No end after',
  },
  {
    name: 'ChatSession: followed after its project was closed',
    edits: [noChatGate],
    killers: { files: ['test/modules/projects/project-member.test.ts'], named: 'a chat in a private project' },
  },
  {
    name: 'Message: nothing stands before it',
    edits: [noTenant('message', 'chat_session'), findMessage, findSession, everybodyTakesPart, messageType],
    ...strangers(owner, 'Query.node', 'Mutation.stopGeneration'),
  },
  {
    name: 'Message: found by id in its organization',
    edits: [findMessage, messageType],
    ...strangers(guest, 'Query.node'),
  },
  {
    name: 'Message: stopped by whoever is in its organization',
    edits: [findMessage, findSession, everybodyTakesPart],
    ...strangers(guest, 'Mutation.stopGeneration'),
  },
  {
    name: 'ToolCall: nothing stands before it',
    edits: [noTenant('tool_call'), findToolCall, toolCallType],
    ...strangers(owner, 'Query.node'),
  },
  {
    name: 'ToolCall: found by id in its organization',
    edits: [findToolCall, toolCallType],
    ...strangers(guest, 'Query.node'),
  },
  {
    name: 'ToolCall: approved by whoever takes part',
    edits: [change(toolCall, 'if (call.askedById !== authorIdOf(viewer)) throw new Forbidden(action, target)', '')],
    killers: { files: toolCallTests, named: 'waits until who asked approves it' },
  },
  {
    name: 'ToolCall: decided about again',
    edits: [
      change(
        toolCall,
        "      .where('status', '=', 'AWAITING_APPROVAL')\n      .where('digest'",
        "      .where('digest'",
      ),
    ],
    killers: { files: toolCallTests, named: 'waits until who asked approves it' },
  },
  {
    name: 'ToolCall: approved too late',
    edits: [change(toolCall, "      .where('expires_at', '>', tx.now)\n", '')],
    killers: { files: toolCallTests, named: 'after five minutes' },
  },
  {
    name: 'ToolCall: approved unseen',
    edits: [
      change(toolCall, 'if (call.digest !== digest)', 'if (false)'),
      change(toolCall, "      .where('digest', '=', digest)\n      .where('expires_at'", "      .where('expires_at'"),
    ],
    killers: { files: toolCallTests, named: 'exactly what was shown' },
  },
  {
    name: 'ToolCall: nobody is asked',
    edits: [change(toolRun, "return row?.approval !== 'ALLOW'", 'return row === undefined')],
    killers: { files: toolCallTests, named: 'waits until who asked approves it' },
    // Nothing ever waits.
    proof: 'expected undefined to be defined',
  },
  {
    name: 'ToolCall: done as who asked was',
    edits: [change(toolRun, 'const viewer = await platform.currentViewer(ctx.viewer)', 'const { viewer } = ctx')],
    killers: { files: ['test/modules/chat/tools/tool-run.test.ts'], named: 'acts as who asked is by then' },
    proof: 'to match object',
  },
  {
    name: 'ToolCall: read by who asks alone',
    edits: [
      change(
        toolRun,
        'const acting = createContext(platform, { viewer, request, audience, signal',
        'const acting = createContext(platform, { viewer, request, signal',
      ),
    ],
    killers: { files: ['test/modules/chat/tools/workspace-tools.test.ts'], named: 'as all who read along' },
  },
  {
    name: 'ToolCall: its outcome shown to whoever takes part',
    edits: [
      change(
        'src/modules/chat/tools/tool-call.graphql.ts',
        '(await mayReadOutcome(ctx, call)) ? call.output : null',
        'call.output',
      ),
    ],
    killers: { files: toolCallTests, named: 'hidden from who may not read' },
  },
]

const users = `${accounts}/users/user.reads.ts`
const findUser = change(users, "may(ctx, 'user.read') ? load(ctx, memberById, id) : null", 'load(ctx, accountById, id)')
const everybodySeen = change(
  users,
  "if (reader.role !== 'GUEST') return sql<boolean>`${reader.role !== null}`",
  'if (reader !== null) return sql<boolean>`true`',
)
const membership = `${accounts}/memberships/membership.reads.ts`
const findMembership = change(
  membership,
  'const isOwn = sql<boolean>`membership.user_id = ${db.userId ?? NIL}`',
  'const isOwn = sql<boolean>`true`',
)
const invitation = `${accounts}/invitations/invitation.reads.ts`
const findInvitation = change(
  invitation,
  "may(ctx, 'invitation.read') ? load(ctx, invitationById, id) : null",
  'load(ctx, invitationById, id)',
)
const invitationType = openType(
  `${accounts}/invitations/invitation.graphql.ts`,
  "authScopes: { action: 'invitation.read' },",
)
const organization = `${accounts}/organizations/organization.reads.ts`
const organizationOfOthers: readonly Edit[] = [
  change(organization, 'if (id !== ctx.db.organizationId) return null', ''),
  change(organization, ".where('membership.user_id', '=', db.userId)", ''),
]

const organizations: readonly Mutant[] = [
  { name: 'User: found by whatever id', edits: [findUser], ...strangers(`${owner}|${guest}`, 'Query.node') },
  {
    name: 'User: seen by every guest',
    edits: [everybodySeen],
    ...strangers(guest, 'Query.node', 'Query.organization'),
  },
  {
    name: 'User: listed to everybody',
    edits: [
      change(`${accounts}/administration/administration.graphql.ts`, "authScopes: { action: 'user.list' },", signedIn),
      change(`${accounts}/administration/administration.reads.ts`, "if (!may(ctx, 'user.list')) return []", ''),
    ],
    ...strangers(owner, 'Query.users'),
  },
  {
    name: 'User: their address shown to everybody',
    edits: [
      change(
        users,
        "seesAccount(ctx, id) || (isMember === true && may(ctx, 'user.read_email'))",
        'ctx !== null && id !== null && isMember !== null',
      ),
    ],
    killers: { files: ['test/modules/accounts/users/user.test.ts'], named: 'an address, and when' },
  },
  {
    name: 'User: how their account stands shown to everybody',
    edits: [change(users, "isSelf(ctx, id) || may(ctx, 'user.list')", 'ctx !== null && id !== null')],
    killers: { files: ['test/modules/accounts/users/user.test.ts'], named: 'an address, and when' },
  },
  {
    name: 'Organization: nothing stands before it',
    edits: organizationOfOthers,
    ...strangers(owner, 'Query.organization', 'Query.node'),
  },
  {
    name: 'Organization: found though it is not the active one',
    edits: [change(organization, 'if (id !== ctx.db.organizationId) return null', '')],
    killers: {
      files: [
        'test/modules/accounts/organizations/organization.test.ts',
        'test/modules/accounts/memberships/membership.test.ts',
      ],
      named: 'is found without an id|is not told of another',
    },
  },
  {
    name: 'Organization: changed by whoever names it',
    edits: [
      ...organizationOfOthers,
      change(
        `${accounts}/organizations/organization.service.ts`,
        "await getOrganization(ctx, id, 'organization.update')\n",
        '\n',
      ),
    ],
    ...strangers(owner, 'Mutation.updateOrganization'),
  },
  {
    name: 'Organization: deleted by whoever names it',
    edits: [
      change(
        `${accounts}/organizations/deletion.service.ts`,
        "await getOrganization(ctx, id, 'organization.delete')",
        '',
      ),
      change(
        `${accounts}/organizations/deletion.service.ts`,
        'if (row === undefined || !isFit || !isAllowed(viewer, action, { viewerRole: row.role, isArchived: false }))',
        'if (isFit && row === undefined && !isAllowed(viewer, action))',
      ),
    ],
    ...strangers(owner, 'Mutation.deleteOrganization'),
  },
  {
    name: 'Organization: deleted by whoever is a member',
    edits: [
      change(
        `${accounts}/organizations/deletion.service.ts`,
        "await getOrganization(ctx, id, 'organization.delete')",
        '',
      ),
      change(
        `${accounts}/organizations/deletion.service.ts`,
        '!isAllowed(viewer, action, { viewerRole: row.role, isArchived: false })',
        '!isAllowed(viewer, action, { viewerRole: "OWNER", isArchived: false })',
      ),
    ],
    killers: { files: ['test/modules/accounts/organizations/deletion.test.ts'], named: 'is for owners who act in it' },
  },
  {
    name: 'Organization: switched to by whoever names it',
    edits: [
      change(
        `${accounts}/devices/switch.service.ts`,
        'if (!(await isLivingMember(tx, userId, organizationId)))',
        'if (!organizationId)',
      ),
    ],
    ...strangers(owner, 'Mutation.switchOrganization'),
    // A constraint refuses ids of nothing then, which is another answer.
    proof: 'INTERNAL_SERVER_ERROR',
  },
  { name: 'Membership: found by whatever id', edits: [findMembership], ...strangers(owner, 'Query.node') },
  {
    name: 'Membership: changed and ended by whoever names it',
    edits: [
      findMembership,
      change(
        `${accounts}/memberships/membership.service.ts`,
        'if (row === null || row.organizationId !== organizationId)',
        'if (row === null)',
      ),
      change(
        `${accounts}/memberships/membership.service.ts`,
        'if (ownRole === null || !roleIncludes(ownRole, deed.action)) throw new Forbidden(deed.action, deed.target)\n  return { theirs, ownRole,',
        "return { theirs, ownRole: ownRole ?? 'OWNER',",
      ),
    ],
    ...strangers(owner, 'Mutation.updateMemberRole', 'Mutation.removeMember'),
  },
  {
    name: 'Membership: left by whoever names it',
    edits: [
      findMembership,
      change(`${accounts}/memberships/membership.service.ts`, 'if (own?.userId !== userId) throw', 'if (!own) throw'),
    ],
    ...strangers(owner, 'Mutation.leaveOrganization'),
  },
  {
    name: 'Membership: listed to every guest',
    edits: [
      change(membership, "db.from('membership').where(isSeenBy(db, 'membership.user_id'))", "db.from('membership')"),
    ],
    ...strangers(guest, 'Query.organization', 'Query.viewer'),
  },
  {
    name: 'Membership: listed in every organization',
    edits: [noTenant('membership')],
    ...strangers(owner, 'Query.organization', 'Query.viewer', 'Query.node'),
  },
  {
    name: 'Invitation: nothing stands before it',
    edits: [noTenant('invitation'), findInvitation, invitationType],
    ...strangers(owner, 'Query.node'),
  },
  {
    name: 'Invitation: found by id in its organization',
    edits: [findInvitation, invitationType],
    ...strangers(guest, 'Query.node'),
  },
  {
    name: 'Invitation: listed in every organization',
    edits: [noTenant('invitation')],
    ...strangers(owner, 'Query.organization', 'Query.viewer'),
  },
  {
    name: 'Invitation: listed to every member',
    edits: [
      change(
        `${accounts}/invitations/invitation.graphql.ts`,
        "id !== ctx.db.organizationId || !may(ctx, 'invitation.read')",
        'id !== ctx.db.organizationId || !may',
      ),
      invitationType,
    ],
    ...strangers(guest, 'Query.organization', 'Query.viewer'),
  },
  {
    name: 'Invitation: revoked by whoever names it',
    edits: [
      noTenant('invitation'),
      findInvitation,
      change(
        `${accounts}/invitations/invitation.service.ts`,
        "      .where('id', '=', id)\n      .where('organization_id', '=', organizationId)\n",
        "      .where('id', '=', id)\n",
      ),
    ],
    ...strangers(owner, 'Mutation.revokeInvitation'),
  },
  {
    name: 'Invitation: taken up by another address',
    edits: [
      change(
        `${accounts}/invitations/acceptance.service.ts`,
        'if (invitation.emailKey !== emailKey) throw new InvitationForAnotherAddress(target)',
        '',
      ),
    ],
    killers: { files: ['test/modules/accounts/invitations/acceptance.test.ts'], named: 'account of its address alone' },
  },
  {
    name: 'AuditEvent: nothing stands before it',
    edits: [
      change(
        'src/modules/audit/audit-event.reads.ts',
        "events.where('audit_event.organization_id', '=', db.organizationId)",
        'events',
      ),
    ],
    ...strangers(owner, 'Query.auditEvents', 'Query.node'),
  },
  {
    name: 'AuditEvent: found and listed by every member',
    edits: [
      change(
        'src/modules/audit/audit-event.policy.ts',
        "'audit.read': { least: 'ADMIN', kind: 'read' }",
        "'audit.read': { least: 'GUEST', kind: 'read' }",
      ),
    ],
    ...strangers(guest, 'Query.auditEvents', 'Query.node'),
  },
  {
    name: 'AuditEvent: those of another organization followed',
    edits: [
      change('src/modules/audit/audit-event.events.ts', '${organizationId}/audit', 'audit'),
      change(
        'src/modules/audit/audit-event.reads.ts',
        "events.where('audit_event.organization_id', '=', db.organizationId)",
        'events',
      ),
    ],
    killers: {
      files: ['test/modules/accounts/audit-trail/audit-event.test.ts'],
      named: 'nobody sees the trail of another organization',
    },
  },
]

const device = `${accounts}/devices/device-session.reads.ts`
const findDevice = change(
  device,
  ".select(columns).where('device_session.user_id', '=', viewer.userId)",
  '.select(columns)',
)
const key = `${accounts}/keys/api-key.reads.ts`
const everybodysKeys = change(
  key,
  "return db.from('api_key').where('api_key.user_id', '=', viewer.kind === 'user' ? viewer.userId : NIL)",
  "return db.from('api_key').where('api_key.user_id', viewer.kind === 'user' ? '<>' : '=', NIL)",
)
const anyKey = change(
  `${accounts}/keys/api-key.service.ts`,
  "    .where('id', '=', id)\n    .where('user_id', '=', viewer.userId)\n    .where('organization_id', '=', viewer.organizationId)\n",
  "    .where('id', '=', id)\n",
)
const agents = `${accounts}/agents/agent.reads.ts`
const findAgent = change(agents, "agent !== null && may(ctx, 'agent.read', agent) ? agent : null", 'agent')
const ownAgent = change(
  agents,
  'viewerRole: row.ownerId === userId ? ownersRole(role) : role',
  "viewerRole: userId === '' ? ownersRole(role) : 'OWNER'",
)

const programs: readonly Mutant[] = [
  { name: 'DeviceSession: found by whatever id', edits: [findDevice], ...strangers(owner, 'Query.node') },
  {
    name: 'DeviceSession: ended by whoever names it',
    edits: [
      findDevice,
      change(
        `${accounts}/devices/device-session.service.ts`,
        ".where('user_id', '=', userId)\n  return (await sessions",
        '\n  return (await sessions',
      ),
      change(`${accounts}/devices/device-session.service.ts`, 'if (isLiving) await endSessions', 'await endSessions'),
    ],
    ...strangers(`${owner}|${guest}`, 'Mutation.revokeDeviceSession'),
  },
  {
    name: 'DeviceSession: everybody’s listed',
    edits: [
      change(
        device,
        ".where('device_session.user_id', '=', userId)\n",
        ".where('device_session.user_id', '<>', userId === NIL ? NIL : NIL)\n",
      ),
    ],
    ...strangers(`${owner}|${guest}`, 'Query.viewer'),
  },
  {
    name: 'ApiKey: nothing stands before it',
    edits: [noTenant('api_key'), everybodysKeys],
    ...strangers(owner, 'Query.node', 'Query.viewer'),
  },
  {
    name: 'ApiKey: found and listed in its organization',
    edits: [everybodysKeys],
    ...strangers(guest, 'Query.node', 'Query.viewer'),
  },
  {
    name: 'ApiKey: revoked and rotated by whoever names it',
    edits: [noTenant('api_key'), everybodysKeys, anyKey],
    ...strangers(owner, 'Mutation.revokeApiKey', 'Mutation.rotateApiKey'),
  },
  {
    name: 'Agent: nothing stands before it',
    edits: [noTenant('agent'), findAgent, ownAgent],
    ...strangers(owner, 'Query.node', 'Mutation.disableAgent'),
  },
  { name: 'Agent: found by id in its organization', edits: [findAgent], ...strangers(guest, 'Query.node') },
  {
    name: 'Agent: found by id in any organization',
    edits: [noTenant('agent'), findAgent],
    ...strangers(owner, 'Query.node'),
  },
  {
    name: 'Agent: changed by whoever is in its organization',
    edits: [findAgent, ownAgent],
    ...strangers(guest, 'Mutation.updateAgent', 'Mutation.disableAgent'),
  },
  {
    name: 'Agent: acted with by whoever names it',
    edits: [
      noTenant('agent'),
      findAgent,
      ownAgent,
      change(
        `${accounts}/agents/agent.service.ts`,
        "if (found.ownerId !== userId) throw new Forbidden('agent.issue_token', target)",
        '',
      ),
    ],
    ...strangers(owner, 'Mutation.issueAgentToken'),
  },
  {
    name: 'Agent: acted with by its administrators',
    edits: [
      change(
        `${accounts}/agents/agent.service.ts`,
        "if (found.ownerId !== userId) throw new Forbidden('agent.issue_token', target)",
        '',
      ),
    ],
    killers: { files: ['test/modules/accounts/agents/agent.test.ts'], named: 'only its owner gets a token' },
  },
  {
    name: 'Agent: listed to everybody',
    edits: [change(agents, "if (!may(ctx, 'agent.read')) return []", '')],
    ...strangers(guest, 'Query.organization', 'Query.viewer'),
  },
]

/** Of every noun. */
export const nounMutants: readonly Mutant[] = [...projects, ...oceanMutants, ...chat, ...organizations, ...programs]
