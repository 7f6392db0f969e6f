import { guest, owner } from './actors.ts'
import { gateCalls } from './calls.ts'
import { change, everybodyAdministers } from './layers.ts'
import type { Edit, Killers, Mutant } from './mutation.ts'

/** Who notices that a gate is not asked in one place. */
export interface Place extends Pick<Mutant, 'survives' | 'proof'> {
  readonly killers: Killers
  /** The layers under it, off as well. */
  readonly also?: readonly Edit[]
}

const accounts = 'test/modules/accounts'
const tests = (file: string, named?: string): Killers => ({
  files: [`test/modules/${file}.test.ts`],
  ...(named !== undefined && { named }),
})
const strangers = (actors: string, ...through: readonly string[]): Place => ({ killers: { actors, through } })

/** No key and no agent does it for its person. */
const byPrograms: Place = { killers: { files: [`${accounts}/keys/people-alone.test.ts`] } }
const keysByPrograms: Place = { killers: tests('accounts/keys/api-key', 'only a person on a device') }
/** Nor does a program make what it may not read. */
const unread: Place = { killers: tests('accounts/keys/api-key-access', 'makes nothing that it could not be shown') }
const agentsByPrograms: Place = { killers: tests('accounts/agents/agent', 'only people make') }
const administration = (field: string): Place => ({ ...strangers(owner, field), also: [everybodyAdministers] })
const aboveOwn = tests('accounts/memberships/role-rules', 'is neither granted, nor offered')
const lastOwner = tests('accounts/memberships/role-rules', 'stays one, and stays')

const auditEventsLive = tests('accounts/audit-trail/audit-event', 'what happens is told live')
const auditGraph = 'src/modules/accounts/audit-trail/audit-event.graphql.ts'
const auditReads = 'src/modules/audit/audit-event.reads.ts'
const noList = withoutGate('const query = filtered(ofOrganization(ctx.db), filter).select(columns)')
const noCount = withoutGate('const query = filtered(ofOrganization(ctx.db), filter).select((on)')
const noCursor = change(auditReads, "requireAction(ctx, 'audit.read').organizationId", "(ctx.db.organizationId ?? '')")

function withoutGate(next: string): Edit {
  return change(auditReads, `requireAction(ctx, 'audit.read')\n  ${next}`, next)
}

/** One read of the trail; the field, the type and the other reads ask the same. */
function trail(...also: readonly Edit[]): Place {
  const field = change(auditGraph, "authScopes: { action: 'audit.read' },\n      args: { filter", 'args: { filter')
  const type = change(auditGraph, "  authScopes: { action: 'audit.read' },\n  id:", '  id:')
  return { ...strangers(guest, 'Query.auditEvents'), also: [field, type, ...also] }
}

/** Every call of a gate in the modules, by its key: see `gateCalls`. A new one gets a line here. */
export const places: Readonly<Record<string, Place>> = {
  'administration.service/createUser/requireAdministrator': administration('Mutation.createUser'),
  'administration.service/updateUser/requireAdministrator': administration('Mutation.updateUser'),
  'administration.service/deleteUser/requireAdministrator': administration('Mutation.deleteUser'),
  'suspension.service/suspendUser/requireAdministrator': strangers(owner, 'Mutation.suspendUser'),
  'suspension.service/setSuspension/requireAdministrator': administration('Mutation.reinstateUser'),
  'platform-admin.service/requireAdministrator/requirePerson': {
    killers: tests('accounts/administration/platform-admin', 'no key and no agent'),
    survives: 'isAllowed gives what is for administrators of the platform to nobody with grants',
  },
  'platform-admin.service/requireAdministrator/requireAction': administration('Mutation.updateUser'),

  'embedding.service/embed/requireAction': {
    killers: tests('providers/embeddings/embedding', 'is refused to a key without the grant'),
  },

  'agent.service/createAgent/requirePerson': {
    ...agentsByPrograms,
    survives: 'isAllowed, asked behind it, gives what only people do to nobody with grants',
  },
  'agent.service/createAgent/requireAction': { killers: tests('accounts/agents/agent', 'a guest makes no agent') },
  'agent.service/createAgent/demandHeld': { killers: tests('accounts/agents/agent', 'is given what its owner has') },
  'agent.service/createAgent/demandTrust': { killers: tests('accounts/agents/agent', 'is given what its owner has') },
  'agent.service/updateAgent/demandHeld': { killers: tests('accounts/agents/agent', 'is changed by its owner') },
  'agent.service/updateAgent/demandTrust': { killers: tests('accounts/agents/agent', 'is changed by its owner') },
  'agent.service/issueAgentToken/requirePerson': agentsByPrograms,
  'agent.service/managed/requirePerson': {
    ...agentsByPrograms,
    survives: 'isAllowed, asked behind it, gives what only people do to nobody with grants',
  },
  'agent.service/managed/pass': { killers: tests('accounts/agents/agent', 'is changed by its owner') },

  'audit-event.graphql/auditEventRecorded/requireAction': {
    killers: auditEventsLive,
    also: [
      change(
        auditGraph,
        "    authScopes: { action: 'audit.read' },\n    args: {\n      after:",
        '    args: {\n      after:',
      ),
    ],
  },
  // The stream goes on with events that cannot be read.
  'audit-event.graphql/auditEventRecorded/requireAction#2': { killers: auditEventsLive, proof: 'The event failed' },
  'audit-event.reads/listAuditEvents/requireAction': trail(noCount, noCursor),
  'audit-event.reads/countAuditEvents/requireAction': trail(noList, noCursor),
  'audit-event.reads/auditEventsCursor/requireAction': trail(noList, noCount),

  'device-session.service/revokeDeviceSession/requirePerson': byPrograms,
  'device-session.service/revokeOtherDeviceSessions/requirePerson': byPrograms,
  'refresh.service/logout/requirePerson': byPrograms,
  'switch.service/switchOrganization/requirePerson': byPrograms,
  'acceptance.service/acceptInvitation/requirePerson': byPrograms,
  'membership.service/leaveOrganization/requirePerson': byPrograms,
  'deletion.service/deleteOrganization/requirePerson': {
    ...byPrograms,
    survives: 'isAllowed, asked behind it, gives what only people do to nobody with grants',
  },
  'deletion.service/restoreOrganization/requirePerson': byPrograms,
  'organization.service/createOnce/requirePerson': byPrograms,
  'password.service/changePassword/requirePerson': byPrograms,
  'account.service/updateProfile/requirePerson': byPrograms,
  'account.service/deleteAccount/requirePerson': byPrograms,
  'viewer-feed.reads/ViewerFeed/requirePerson': byPrograms,
  'viewer-events.graphql/viewerEvents/requirePerson': {
    ...byPrograms,
    survives: 'who follows came in as a person, and what a viewer is never changes from a person to a program',
  },
  'api-key.service/createApiKey/requirePerson': keysByPrograms,
  'api-key.service/rotateApiKey/requirePerson': keysByPrograms,
  'api-key.service/revokeApiKey/requirePerson': keysByPrograms,
  'api-key.service/createApiKey/demandHeld': {
    killers: tests('accounts/keys/api-key', 'is given what its person has'),
  },

  'invitation.service/inviteMember/requireAction': {
    killers: tests('accounts/invitations/invitation', 'offered by administrators alone'),
    also: [
      change(
        'src/modules/accounts/invitations/invitation.service.ts',
        'if (own === undefined || !roleIncludes(own.role, deed.action)) throw new Forbidden(deed.action)',
        "if (own === undefined) throw new Forbidden('')",
      ),
    ],
  },
  'invitation.service/inviteMember/demandNotAbove': {
    killers: aboveOwn,
    also: [
      change(
        'src/modules/accounts/invitations/invitation.service.ts',
        '  demandNotAbove(own.role, [role], deed)\n',
        '',
      ),
    ],
  },
  'invitation.service/inviteMember/demandNotAbove#2': {
    killers: aboveOwn,
    also: [
      change('src/modules/accounts/invitations/invitation.service.ts', '  demandNotAbove(ownRole, [role], deed)\n', ''),
    ],
  },
  'invitation.service/revokeInvitation/requireAction': {
    ...strangers(guest, 'Mutation.revokeInvitation'),
    also: [
      change(
        'src/modules/accounts/invitations/invitation.reads.ts',
        "may(ctx, 'invitation.read') ? load(ctx, invitationById, id) : null",
        'load(ctx, invitationById, id)',
      ),
    ],
  },

  'membership.service/getMembership/requireAction': {
    killers: tests('accounts/memberships/membership', 'is given by administrators alone'),
    also: [
      change(
        'src/modules/accounts/memberships/membership.service.ts',
        'if (ownRole === null || !roleIncludes(ownRole, deed.action)) throw new Forbidden(deed.action, deed.target)',
        "if (ownRole === null) throw new Forbidden('', null)",
      ),
    ],
  },
  'membership.service/updateMemberRole/demandNotAbove': { killers: aboveOwn },
  'membership.service/removeMember/demandNotAbove': { killers: aboveOwn },
  'membership.service/updateMemberRole/demandAnotherOwner': { killers: lastOwner },
  'membership.service/removeMember/demandAnotherOwner': { killers: lastOwner },
  'membership.service/leaveOrganization/demandAnotherOwner': { killers: lastOwner },

  'deletion.service/deleteOrganization/demandOwner': {
    killers: tests('accounts/organizations/deletion', 'is for owners who act in it'),
    also: [
      change(
        'src/modules/accounts/organizations/deletion.service.ts',
        "await getOrganization(ctx, id, 'organization.delete')",
        '',
      ),
    ],
  },
  'deletion.service/restoreOrganization/demandOwner': {
    killers: tests('accounts/organizations/deletion', 'is for those who owned it'),
  },
  'organization.service/getOrganization/pass': {
    killers: tests('accounts/organizations/organization', 'is changed by administrators alone'),
  },
  'organization.service/setOrganizationTier/requireAction': strangers(owner, 'Mutation.setOrganizationTier'),

  'credits.service/grantCredits/requireAction': {
    killers: tests('usage/credits/credits', 'are given by administrators'),
  },
  'credits.service/updateSpendingRules/requireAction': {
    killers: tests('usage/credits/spending-rules', 'are made by administrators'),
  },
  'hold.service/spendable/demandWithinCaps': { killers: tests('usage/credits/spending-rules') },
  'usage.service/readUsage/requireAction': {
    killers: tests('usage/reports/usage', 'is for administrators'),
  },
  'usage.service/readUsage/requireAction#2': {
    killers: tests('usage/reports/usage', 'is for administrators'),
  },

  'message.service/getMessage/pass': { killers: tests('chat/generations/generation', 'a key that may only read') },
  'chat-session.service/getChatSession/pass': { killers: tests('projects/project-changes', 'an archived project') },
  'message.service/sendMessage/requireGrant': unread,
  'message.service/editMessage/requireGrant': unread,
  'message.service/regenerateMessage/requireGrant': unread,
  'chat-session.service/createChatSession/requireGrant': unread,
  'page.service/createPage/requireGrant': unread,
  'block.service/createBlocks/requireGrant': unread,
  'project.service/createProject/requireGrant': unread,
  'chat-session.service/createChatSession/requireAction': strangers(guest, 'Mutation.createChatSession'),
  'page-with-blocks.service/createPageWithBlocks/requireGrant': {
    killers: tests('chat/tools/workspace-tools', 'together, or not at all'),
    survives:
      'nothing is made without page.create, and nobody is given that without page.read who could not be shown it',
  },
  'page-with-blocks.service/createPageWithBlocks/requireGrant#2': {
    killers: tests('chat/tools/workspace-tools', 'together, or not at all'),
  },
  'chat-session-changes.service/updateChatSession/requirePerson': {
    killers: tests('chat/tools/tool-call', 'no program allows tools'),
  },
  'chat-session-changes.service/updateChatSession/requireAction': {
    killers: tests('chat/sessions/chat-session-changes', 'a session goes to a project in which'),
  },
  'chat-session-end.service/deleteChatSession/demandSay': {
    killers: tests('chat/sessions/chat-participant', 'who opened a session takes others out'),
  },
  'chat-participant.service/removeChatParticipant/demandSay': {
    killers: tests('chat/sessions/chat-participant', 'who opened a session takes others out'),
  },
  'chat-participant.service/addChatParticipant/demandMember': {
    ...strangers(owner, 'Mutation.addChatParticipant'),
    // Who is no member is not found before that either, unless they go meanwhile.
    also: [
      change(
        'src/modules/chat/sessions/chat-participant.service.ts',
        'if ((await findUser(ctx, userId)) === null) throw noUser(userId)',
        '',
      ),
    ],
  },
  'link.service/getLink/pass': { killers: tests('ocean/links/link', 'a stranger finds no link') },
  'link.service/createLink/demandTarget': strangers(owner, 'Mutation.createLink'),
  'tag.service/getTag/pass': { killers: tests('ocean/tags/tag', 'a viewer reads all tags and changes none') },
  'tag.service/createTag/requireAction': {
    killers: tests('ocean/tags/tag', 'a viewer reads all tags and changes none'),
  },
  'tag.service/createTag/requireGrant': { killers: tests('ocean/tags/tag', 'a key that reads pages') },
  'block.service/getBlock/pass': { killers: tests('ocean/blocks/structure', 'who may not write on both pages') },
  'page.service/getPage/pass': { killers: tests('ocean/pages/page-moves', 'who may not write on both sides') },
  'page.service/getPageHome/requireAction': {
    killers: tests('ocean/pages/page', 'a viewer reads but makes nothing'),
  },
  'project.service/getProject/pass': { killers: tests('projects/project-changes', 'an editor changes what a project') },
  'project.service/createProject/requireAction': {
    killers: tests('projects/project', 'a viewer reads projects but makes none'),
  },
  'project-member.service/setProjectMember/demandMember': {
    ...strangers(owner, 'Mutation.setProjectMember'),
    // A constraint of the table refuses them then, which is another answer.
    proof: 'INTERNAL_SERVER_ERROR',
  },
  'project-member.service/setProjectMember/demandReach': {
    killers: tests('projects/project-member', 'nobody gives, changes or takes'),
  },
  'project-member.service/removeProjectMember/demandReach': {
    killers: tests('projects/project-member', 'nobody gives, changes or takes'),
  },
  'project-member.service/demandReach/demandNotAbove': {
    killers: tests('projects/project-member', 'nobody gives, changes or takes'),
  },
}

/** One mutant for each call of a gate: it is not asked there. */
export const gateMutants: readonly Mutant[] = gateCalls().flatMap(({ key, edit }) => {
  const place = places[key]
  if (place === undefined) return []
  const { also = [], ...rest } = place
  return [{ ...rest, name: key, edits: [edit, ...also] }]
})
