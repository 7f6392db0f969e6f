import { guest, owner, strangers } from './actors.ts'
import { change, noTenant, openType } from './layers.ts'
import type { Edit, Mutant } from './mutation.ts'

const accounts = 'src/modules/accounts'
const signedIn = 'authScopes: { authenticated: true },'
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

/** What stands before people, memberships, invitations and organizations. */
export const organizationMutants: readonly Mutant[] = [
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
