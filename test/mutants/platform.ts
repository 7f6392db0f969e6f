import { expired, guest, nobody, removed } from './actors.ts'
import { change } from './layers.ts'
import type { Killers, Mutant } from './mutation.ts'

// What every noun stands on: the table of who may do what, who somebody is, and what is open of theirs.

const access = 'src/platform/access.ts'
const gate = 'src/platform/gate.ts'
const standing = 'src/modules/projects/project-access.reads.ts'
const accounts = 'src/modules/accounts'
const sessions = `${accounts}/devices/device-session.reads.ts`
const subscription = 'src/graphql/subscription.ts'

const tests = (file: string, named?: string): { killers: Killers } => ({
  killers: { files: [`test/${file}.test.ts`], ...(named !== undefined && { named }) },
})
const strangers = (actors: string, ...through: readonly string[]): { killers: Killers } => ({
  killers: { actors, through },
})

const table: readonly Mutant[] = [
  {
    name: 'every role includes every action',
    edits: [change(access, 'return roles.indexOf(role) <= roles.indexOf(least)', 'return true')],
    ...strangers(guest, 'Query.project', 'Query.page', 'Query.auditEvents'),
  },
  {
    name: 'everything is granted to every program',
    edits: [
      change(
        access,
        'return grants === null || (grants.has(action) && isGrantable(action))',
        'return grants !== undefined || action !== null',
      ),
    ],
    ...tests('modules/accounts/keys/api-key-access', 'a key acts as its person'),
  },
  {
    name: 'an archived project is written to',
    edits: [
      change(
        access,
        "if (thing?.isArchived === true && rule.kind !== 'read' && rule.inArchive !== true) return false",
        '',
      ),
    ],
    ...tests('modules/projects/project-changes', 'an archived project is read-only'),
  },
  {
    name: 'a private project is open to the organization',
    edits: [
      change(
        access,
        "if (project.visibility === 'PRIVATE' || inOrganization === 'GUEST')",
        "if (inOrganization === 'GUEST')",
      ),
    ],
    ...tests('modules/projects/project-member', 'of a private project only its members'),
  },
  {
    name: 'a guest has a role on every project',
    edits: [
      change(
        access,
        "if (project.visibility === 'PRIVATE' || inOrganization === 'GUEST')",
        "if (project.visibility === 'PRIVATE')",
      ),
    ],
    ...tests('modules/projects/project-member', 'a guest sees the projects they are in'),
    survives: 'of what stands in a project a guest’s role includes chat sessions alone, and those ask who takes part',
  },
  {
    name: 'a private project is in every list',
    edits: [
      change(standing, "home.visibility = 'ORGANIZATION' and ${isKept}", '${isKept}'),
      change(
        access,
        "if (project.visibility === 'PRIVATE' || inOrganization === 'GUEST')",
        "if (inOrganization === 'GUEST')",
      ),
    ],
    ...tests('modules/projects/project-member', 'of a private project only its members'),
  },
  {
    name: 'what is at the top is in every guest’s lists',
    edits: [
      change(
        standing,
        'const atTop = readersOf(db).every(({ role }) => roleIncludes(role, action))',
        'const atTop = db.role !== null',
      ),
      change('src/modules/ocean/pages/page.graphql.ts', "authScopes: (page, ctx) => may(ctx, 'page.read', page),", ''),
    ],
    ...tests('modules/ocean/pages/page', 'a guest reads no page'),
  },
  {
    name: 'administrators of the platform are everybody',
    edits: [change(access, 'return who.isPlatformAdmin && who.grants === null', 'return who.isPlatformAdmin !== null')],
    ...tests('modules/accounts/administration/administration', 'is for administrators of the platform alone'),
  },
  {
    name: 'keys of administrators of the platform administer it',
    edits: [change(access, 'return who.isPlatformAdmin && who.grants === null', 'return who.isPlatformAdmin')],
    ...tests('modules/accounts/administration/platform-admin', 'no key and no agent'),
  },
  {
    name: 'the trail is every member’s',
    edits: [
      change(
        access,
        'if (rule === undefined) return false',
        "if (rule === undefined) return false\n  if (action === 'audit.read') return true",
      ),
    ],
    ...strangers(guest, 'Query.auditEvents', 'Query.node'),
  },
  {
    name: 'gates forbid nothing',
    edits: [change(gate, 'if (!isAllowed(viewer, action, thing)) throw new Forbidden(action, target)', '')],
    ...tests('modules/projects/project', 'a viewer reads projects but makes none'),
  },
  {
    name: 'gates let nobody in particular in',
    edits: [
      change(
        gate,
        "if (ctx.viewer.kind === 'anonymous') throw new Unauthenticated(ctx.viewer.reason ?? undefined)",
        '',
      ),
    ],
    ...strangers(nobody, 'Mutation.createProject', 'Mutation.createOrganization', 'Mutation.movePage'),
  },
  {
    name: 'a person is whoever acts for one',
    edits: [change(gate, "if (viewer.kind !== 'user') throw new Forbidden(action, target)", '')],
    ...tests('modules/accounts/keys/api-key', 'only a person on a device'),
  },
  {
    name: 'what may be done is asked of nobody',
    edits: [
      change(
        gate,
        "return ctx.viewer.kind !== 'anonymous' && isAllowed(ctx.viewer, action, thing)",
        "return ctx.viewer.kind !== 'anonymous'",
      ),
    ],
    ...strangers(guest, 'Query.project', 'Query.page'),
  },
  {
    name: 'what is granted is asked of no list',
    edits: [
      change(
        gate,
        "return ctx.viewer.kind !== 'anonymous' && isGranted(ctx.viewer, action)",
        "return ctx.viewer.kind !== 'anonymous'",
      ),
    ],
    ...tests('modules/accounts/keys/api-key-access', 'lists hold nothing'),
  },
  {
    name: 'the graph shows what is for administrators',
    edits: [
      change(
        'src/graphql/builder.ts',
        "action: (action) => ctx.viewer.kind !== 'anonymous' && isAllowed(ctx.viewer, action),",
        "action: () => ctx.viewer.kind !== 'anonymous',",
      ),
    ],
    ...strangers(guest, 'Query.auditEvents', 'Query.users'),
    survives: 'the reads ask the same of whoever reads',
  },
]

const entering: readonly Mutant[] = [
  {
    name: 'a session that was ended goes on',
    edits: [
      change(
        sessions,
        "    .where('device_session.revoked_at', 'is', null)\n    .where('device_session.expires_at', '>', now)\n",
        "    .where('device_session.expires_at', '>', now)\n",
      ),
    ],
    ...tests('modules/accounts/devices/authentication', 'the very next request'),
  },
  {
    name: 'a suspended person is let in',
    edits: [change(sessions, "    .where('user.suspended_at', 'is', null)\n", '')],
    ...tests('modules/accounts/administration/suspension', 'a suspended account is let in'),
    // What should end goes on.
    proof: 'No frame',
  },
  {
    name: 'a removed member is let in',
    edits: [change(sessions, 'return row?.role ?? null', "return row?.role ?? 'OWNER'")],
    ...strangers(removed, 'Query.project', 'Query.projects'),
  },
  {
    name: 'a deleted organization is acted in',
    edits: [
      change(
        sessions,
        "      .where('organization.deleted_at', 'is', null)\n      .executeTakeFirst()\n    return row?.role",
        '      .executeTakeFirst()\n    return row?.role',
      ),
    ],
    ...tests('modules/accounts/organizations/deletion', 'puts everybody out at once'),
    // What should end goes on.
    proof: 'did not come within',
  },
  {
    name: 'an expired access token is let in',
    edits: [
      change(
        `${accounts}/tokens/access-token.service.ts`,
        'audience: [...audience], currentDate: clock.now() }',
        'audience: [...audience], currentDate: clock && new Date(0) }',
      ),
    ],
    ...strangers(expired, 'Query.viewer', 'Query.project'),
  },
  {
    name: 'what is open outlives its access token',
    edits: [
      change(
        `${accounts}/devices/authentication.service.ts`,
        'if (now.getTime() > until.getTime() + platform.settings.accessTokens.graceSeconds * 1_000)',
        'if (now.getTime() < 0)',
      ),
    ],
    ...tests('transport/access-expiry.once', 'an operation later than|a stream goes on while'),
    // What should end goes on.
    proof: 'did not come within',
  },
  {
    name: 'a revoked key is let in',
    edits: [
      change(
        `${accounts}/keys/api-key-access.service.ts`,
        "if (access.revokedAt !== null) return { viewer: refused('This API key was revoked.'), known }",
        '',
      ),
    ],
    ...tests('modules/accounts/keys/api-key', 'a revoked key ends'),
  },
  {
    name: 'a key of a closed account is let in',
    edits: [
      change(
        `${accounts}/keys/api-key-access.service.ts`,
        "if (access.isClosed) return { viewer: refused('The account behind this API key is closed.'), known }",
        '',
      ),
    ],
    ...tests('modules/accounts/keys/api-key-access', 'its person is suspended'),
  },
  {
    name: 'an expired key, or a secret that was replaced, is let in',
    edits: [
      change(
        `${accounts}/keys/api-key-access.service.ts`,
        'if (isOver(end, now, looked)) {',
        'if (isOver(end, new Date(0), looked)) {',
      ),
    ],
    ...tests('modules/accounts/keys/api-key', 'a key ends when it says|a rotated key has two'),
  },
  {
    name: 'a key of a removed member is let in',
    edits: [
      change(
        `${accounts}/keys/api-key-access.service.ts`,
        'const role = await roleUnder(platform, access, access.version)',
        "const role = (await roleUnder(platform, access, access.version)) ?? 'OWNER'",
      ),
    ],
    ...tests('modules/accounts/keys/api-key-access', 'what a key has open ends'),
  },
  {
    name: 'a disabled agent is let in',
    edits: [
      change(
        `${accounts}/agents/agent-access.service.ts`,
        "if (access.disabledAt !== null) return { viewer: refused('This agent is disabled.'), known }",
        '',
      ),
    ],
    ...tests('modules/accounts/agents/agent-access', 'what an agent has open ends'),
  },
  {
    name: 'an agent of a closed account is let in',
    edits: [
      change(
        `${accounts}/agents/agent-access.service.ts`,
        "if (access.isClosed) return { viewer: refused('The account behind this agent is closed.'), known }",
        '',
      ),
    ],
    ...tests('modules/accounts/agents/agent-access', 'its owner is suspended'),
  },
  {
    name: 'an expired token of an agent is let in',
    edits: [
      change(
        `${accounts}/agents/agent-access.service.ts`,
        'if (isOver(access.expiresAt, platform.clock.now(), looked)) {',
        'if (isOver(access.expiresAt, new Date(0), looked)) {',
      ),
    ],
    ...tests('modules/accounts/agents/agent-access', 'a token lasts 15 minutes'),
  },
  {
    name: 'an agent of a removed owner is let in',
    edits: [
      change(
        `${accounts}/agents/agent-access.service.ts`,
        'const role = await roleUnder(platform, owner, accessVersion)',
        "const role = (await roleUnder(platform, owner, accessVersion)) ?? 'OWNER'",
      ),
    ],
    ...tests('modules/accounts/agents/agent-access', 'what an agent has open ends'),
  },
  {
    name: 'an agent is trusted whatever its level',
    edits: [
      change(
        `${accounts}/agents/agent-access.service.ts`,
        'const kinds = trust === null ? [] : kindsOfTrust[trust]',
        'const kinds = trust === null ? [] : kindsOfTrust.WRITE',
      ),
    ],
    ...tests('modules/accounts/agents/agent-access', 'an agent may do what its permissions'),
  },
  {
    name: 'an agent is trusted whatever the organization says',
    edits: [
      change(
        `${accounts}/agents/agent-access.service.ts`,
        'grantsOf(access.permissions, lesserTrust(access.trustLevel, access.trustLimit))',
        'grantsOf(access.permissions, lesserTrust(access.trustLevel, access.trustLevel))',
      ),
    ],
    ...tests('modules/accounts/agents/agent-access', 'an agent may do what its permissions'),
  },
  {
    name: 'an agent manages',
    edits: [
      change(
        `${accounts}/agents/agent.policy.ts`,
        "WRITE: ['read', 'suggest', 'write'],",
        "WRITE: ['read', 'suggest', 'write', 'manage'],",
      ),
    ],
    ...tests('modules/accounts/agents/agent-access', 'no trust lets an agent manage'),
  },
  {
    name: 'a session that was ended meanwhile finishes what waited',
    edits: [
      change(
        `${accounts}/devices/device-session.service.ts`,
        'if (!living.some(({ id }) => id === session.deviceSessionId)) throw new Unauthenticated()',
        '',
      ),
    ],
    ...tests('modules/accounts/administration/platform-admin', 'an administrator who was signed out'),
  },
  {
    name: 'an administrator who was signed out meanwhile finishes what waited',
    edits: [change(`${accounts}/administration/platform-admin.service.ts`, '  await demandLiving(tx, viewer)\n', '')],
    ...tests('modules/accounts/administration/platform-admin', 'an administrator who was signed out'),
  },
]

const noLookBeside = change(subscription, 'changed: () => void this.#look(),', '')
const streams: readonly Mutant[] = [
  {
    name: 'what is gone is told to whoever followed it, whatever they may by now',
    edits: [change(subscription, 'if (isSame) this.#admitted', "if (isSame || step === 'end') this.#admitted")],
    ...tests('modules/ocean/pages/page-archive', 'whose access changed meanwhile'),
  },
  {
    name: 'what is open is not looked at again before an event',
    edits: [
      change(
        subscription,
        "const isSame = step !== 'move' && this.#admitted?.epochs === epochs",
        'const isSame = epochs !== null && this.#admitted !== undefined && step !== null',
      ),
    ],
    ...tests('modules/ocean/pages/page-moves', 'a page moved into a private project'),
  },
  {
    name: 'what is open is not looked at again while nothing happens',
    edits: [noLookBeside],
    ...tests('modules/accounts/keys/api-key-access', 'what programs have open in a project'),
    // What should end goes on.
    proof: 'No frame',
  },
  {
    name: 'what is open goes on as who it was opened by',
    edits: [
      change(
        subscription,
        'const viewer = await platform.currentViewer(this.#ctx.viewer, asked)',
        'const viewer = this.#ctx.viewer',
      ),
      change(subscription, 'ended: (nobody) => this.#lose(reasonOf(nobody)),', 'ended: () => undefined,'),
    ],
    ...tests('transport/websocket-access.once', 'a member who is removed'),
  },
  {
    name: 'what happens to a page is told without its organization',
    edits: [
      change(
        'src/modules/ocean/pages/page.events.ts',
        'return `${organizationId}/page/${pageId}`',
        "return `${organizationId && ''}/page/${pageId}`",
      ),
    ],
    ...tests('modules/ocean/pages/page', 'kept and numbered under the name of its organization'),
  },
  {
    name: 'cursors of a chat are good for any channel',
    edits: [
      change(
        'src/modules/chat/sessions/chat-session.events.ts',
        'return `${organizationId}/chat/${sessionId}`',
        'return `${organizationId}/chat`',
      ),
    ],
    ...tests('modules/chat/messages/chat-events', 'a cursor that is garbage'),
  },
  {
    name: 'the trail of every organization is told to all',
    edits: [
      change(
        'src/modules/audit/audit-event.events.ts',
        'return `${organizationId}/audit`',
        "return `${organizationId && ''}/audit`",
      ),
    ],
    ...tests('modules/accounts/audit-trail/audit-event'),
    // What is told cannot be read.
    proof: 'The event failed',
  },
  {
    name: 'a project that is closed is told to nobody',
    edits: [
      change(
        'src/modules/projects/project.events.ts',
        ".set((on) => ({ access_epoch: on('access_epoch', '+', 1) }))",
        ".set((on) => ({ access_epoch: on('access_epoch', '+', 0) }))",
      ),
    ],
    ...tests('modules/accounts/keys/api-key-access', 'what programs have open in a project'),
    // What should end goes on.
    proof: 'No frame',
  },
  {
    name: 'a change of a person’s access is not seen in what is cached',
    edits: [
      change(
        `${accounts}/users/viewer.events.ts`,
        ".set((on) => ({ access_epoch: on('access_epoch', '+', 1) }))",
        ".set((on) => ({ access_epoch: on('access_epoch', '+', 0) }))",
      ),
    ],
    ...tests('modules/accounts/memberships/membership', 'that is lowered counts'),
    // What should end goes on.
    proof: 'did not come within',
  },
]

/** Of the table, of entering, and of what is open. */
export const platformMutants: readonly Mutant[] = [...table, ...entering, ...streams]
