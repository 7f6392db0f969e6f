import { guest, owner, strangers } from './actors.ts'
import { change, findProject, noTenant, openType, ownProject } from './layers.ts'
import type { Mutant } from './mutation.ts'

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
const toolActing = 'src/modules/chat/tools/tool-acting.service.ts'
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

/** What stands before chat sessions, what is said in them, and what tools do there. */
export const chatMutants: readonly Mutant[] = [
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
    edits: [change(toolCall, 'if (!isAskers(call, viewer)) throw new Forbidden(action, target)', '')],
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
    name: 'ToolCall: approved by a key of who asked',
    edits: [
      change(
        toolCall,
        "viewer.kind !== 'api_key' || viewer.apiKeyId === askedWithKeyId",
        'askedWithKeyId !== viewer.kind',
      ),
    ],
    killers: { files: toolCallTests, named: 'a key decides about what was asked with it' },
  },
  {
    name: 'ToolCall: done in an archived session',
    edits: [change(toolActing, 'tool.changes && acting.isArchived', 'tool.changes && acting === undefined')],
    killers: { files: toolCallTests, named: 'in an archived session' },
  },
  {
    name: 'ToolCall: done once its answer is stopped',
    edits: [
      change(toolActing, 'tool.changes && !(await isStill())', 'tool === undefined'),
      change(toolActing, '  where.signal.throwIfAborted()\n', ''),
    ],
    killers: { files: ['test/modules/chat/tools/tool-acting.test.ts'], named: 'once the answer is stopped' },
  },
  {
    name: 'ToolCall: what was read told to who was let in',
    edits: [
      change(
        'src/modules/chat/generations/answer.service.ts',
        'if (!(await mayGoOn(ctx, run))) throw new AudienceGrown()',
        '',
      ),
    ],
    killers: { files: ['test/modules/chat/tools/tool-run.test.ts'], named: 'let in while something waits' },
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
    edits: [change(toolActing, 'const viewer = await platform.currentViewer(asker)', 'const viewer = asker')],
    killers: { files: ['test/modules/chat/tools/tool-run.test.ts'], named: 'acts as who asked is by then' },
    proof: 'to match object',
  },
  {
    name: 'ToolCall: read by who asks alone',
    edits: [
      change(
        toolActing,
        'createContext(platform, { viewer, request, audience, signal })',
        'createContext(platform, { viewer, request, signal })',
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
