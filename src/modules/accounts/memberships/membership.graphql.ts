import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../../graphql/connection.ts'
import { errorType } from '../../../graphql/errors.ts'
import { encodeGlobalId, idOf } from '../../../graphql/ids.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { roles } from '../../../platform/access.ts'
import { may } from '../../../platform/gate.ts'
import { load } from '../../../platform/loaders.ts'
import { OrganizationType } from '../organizations/organization.graphql.ts'
import { organizationById } from '../organizations/organization.reads.ts'
import { ActorInterface } from '../users/user.graphql.ts'
import { authorOf } from '../users/user.reads.ts'
import { OrganizationRoleRef, ViewerType } from '../users/viewer.graphql.ts'
import {
  countMembers,
  countOwnMemberships,
  findMembership,
  listMembers,
  listOwnMemberships,
  type MembershipRow,
} from './membership.reads.ts'
import { leaveOrganization, removeMember, updateMemberRole } from './membership.service.ts'
import { LastOwner, RoleAboveOwn } from './role-rules.service.ts'

errorType(RoleAboveOwn, 'Nobody grants a role above their own, or changes anything about who has one.')
errorType(LastOwner, 'There is no other owner: the last one stays one, and stays.')

/** Somebody's place in an organization. */
export const MembershipType = builder.node(builder.objectRef<MembershipRow>('Membership'), {
  description: 'Somebody’s place in an organization.',
  authScopes: { authenticated: true },
  id: { description: 'Opaque, typed and sortable: `membership_01jd…`.', resolve: (membership) => membership.id },
  loadOne: (id, ctx) => findMembership(ctx, id),
  fields: (t) => ({
    member: t.field({
      type: ActorInterface,
      description: 'Whose.',
      resolve: (membership, _args, ctx) => authorOf(ctx, membership.userId),
    }),
    role: t.field({
      type: OrganizationRoleRef,
      description: 'What they may do there.',
      resolve: (membership) => membership.role,
    }),
    joinedAt: t.expose('joinedAt', { type: 'DateTime', description: 'When they came.' }),
    organization: t.field({
      type: OrganizationType,
      nullable: true,
      description: 'Where. Of another organization than the active one its people are not told; null when it is gone.',
      resolve: (membership, _args, ctx) => load(ctx, organizationById, membership.organizationId),
    }),
  }),
})

const MembershipEdge = builder.edgeObject({
  type: MembershipType,
  name: 'MembershipEdge',
  description: 'A membership and its place in the list.',
})
const MembershipConnection = builder.connectionObject(
  { type: MembershipType, name: 'MembershipConnection', description: 'A page of a list of memberships.' },
  MembershipEdge,
)

// Organization.members
builder.objectField(OrganizationType, 'members', (t) =>
  t.connection(
    {
      type: MembershipType,
      nullable: true,
      description:
        'Who is in it, those first who joined first; a guest sees themselves and who they share a project with. Null for another organization than the active one.',
      resolve: ({ id }, args, ctx) =>
        id !== ctx.db.organizationId || !may(ctx, 'membership.read')
          ? null
          : keysetConnection({
              args,
              keySchema: idKey,
              rows: (window) => listMembers(ctx, window),
              keyOf: (membership) => [membership.id],
              count: () => countMembers(ctx),
            }),
    },
    MembershipConnection,
    MembershipEdge,
  ),
)

// Viewer.memberships
builder.objectField(ViewerType, 'memberships', (t) =>
  t.connection(
    {
      type: MembershipType,
      description: 'The organizations you are in, to switch between them; the one you joined first comes first.',
      resolve: (_viewer, args, ctx) =>
        keysetConnection({
          args,
          keySchema: idKey,
          rows: (window) => listOwnMemberships(ctx, window),
          keyOf: (membership) => [membership.id],
          count: () => countOwnMemberships(ctx),
        }),
    },
    MembershipConnection,
    MembershipEdge,
  ),
)

const UpdateMemberRoleInput = builder.inputType('UpdateMemberRoleInput', {
  description: 'Who gets which role.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The membership.' }),
    role: t.field({ type: OrganizationRoleRef, required: true, description: 'The new role: yours at most.' }),
  }),
})

// Mutation.updateMemberRole
builder.mutationField('updateMemberRole', (t) =>
  mutation(t, {
    type: MembershipType,
    input: UpdateMemberRoleInput,
    schema: z.object({ id: idOf('Membership'), role: z.enum(roles) }),
    errors: [RoleAboveOwn, LastOwner],
    description:
      'Gives a member another role: for their next request at once, for what they have open within two seconds. Offers they could no longer make are withdrawn.',
    resolve: (input, ctx) => updateMemberRole(ctx, input.id, input.role),
  }),
)

const EndedMembership = builder.objectRef<{ readonly id: string }>('EndedMembership').implement({
  description: 'A membership that is over.',
  fields: (t) => ({
    deletedId: t.id({ description: 'Its id.', resolve: ({ id }) => encodeGlobalId('Membership', id) }),
  }),
})

const RemoveMemberInput = builder.inputType('RemoveMemberInput', {
  description: 'Whom to take out of the organization.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The membership.' }) }),
})

// Mutation.removeMember
builder.mutationField('removeMember', (t) =>
  mutation(t, {
    type: EndedMembership,
    input: RemoveMemberInput,
    schema: z.object({ id: idOf('Membership') }),
    errors: [RoleAboveOwn, LastOwner],
    description:
      'Takes a member out, with their places in projects and the offers they made. What they wrote stays; what they have open ends within two seconds.',
    resolve: async (input, ctx) => ({ id: await removeMember(ctx, input.id) }),
  }),
)

const LeaveOrganizationInput = builder.inputType('LeaveOrganizationInput', {
  description: 'Which organization to leave.',
  fields: (t) => ({ id: t.id({ required: true, description: 'One of your own memberships.' }) }),
})

// Mutation.leaveOrganization
builder.mutationField('leaveOrganization', (t) =>
  mutation(t, {
    type: EndedMembership,
    input: LeaveOrganizationInput,
    schema: z.object({ id: idOf('Membership') }),
    errors: [LastOwner],
    description:
      'Ends a membership of yours. If it was in the active organization, refresh your tokens to act in another one.',
    resolve: async (input, ctx) => ({ id: await leaveOrganization(ctx, input.id) }),
  }),
)
