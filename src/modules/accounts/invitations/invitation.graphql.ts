import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../../graphql/connection.ts'
import { errorType } from '../../../graphql/errors.ts'
import { idOf } from '../../../graphql/ids.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { emailAddress } from '../../../lib/account-fields.ts'
import { roles } from '../../../platform/access.ts'
import { may } from '../../../platform/gate.ts'
import { MembershipType } from '../memberships/membership.graphql.ts'
import { RoleAboveOwn } from '../memberships/role-rules.service.ts'
import { OrganizationType } from '../organizations/organization.graphql.ts'
import { tokenText } from '../tokens/auth-payload.graphql.ts'
import { ActorInterface } from '../users/user.graphql.ts'
import { authorOf } from '../users/user.reads.ts'
import { OrganizationRoleRef } from '../users/viewer.graphql.ts'
import { acceptInvitation, InvitationForAnotherAddress, InvitationNotOpen } from './acceptance.service.ts'
import {
  countInvitations,
  findInvitation,
  findOffer,
  type InvitationOffer,
  type InvitationRow,
  listInvitations,
} from './invitation.reads.ts'
import { AlreadyMember, inviteMember, revokeInvitation } from './invitation.service.ts'

errorType(AlreadyMember, 'The address is one of somebody who is in the organization already.')
errorType(
  InvitationNotOpen,
  'The link was used, withdrawn or replaced, has expired, or never was one: which of them is not told.',
)
errorType(InvitationForAnotherAddress, 'The offer was made to another address than that of your account.')

/** A place that was offered. */
export const InvitationType = builder.node(builder.objectRef<InvitationRow>('Invitation'), {
  description: 'A place in the organization that was offered to an address, as its administrators see it.',
  authScopes: { action: 'invitation.read' },
  id: { description: 'Opaque, typed and sortable: `invitation_01jd…`.', resolve: (invitation) => invitation.id },
  loadOne: (id, ctx) => findInvitation(ctx, id),
  fields: (t) => ({
    email: t.expose('email', { type: 'EmailAddress', description: 'Whom it was mailed to.' }),
    role: t.field({ type: OrganizationRoleRef, description: 'As what.', resolve: (invitation) => invitation.role }),
    invitedBy: t.field({
      type: ActorInterface,
      description: 'By whom.',
      resolve: (invitation, _args, ctx) => authorOf(ctx, invitation.invitedById),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when its link works.' }),
    acceptedAt: t.expose('acceptedAt', { type: 'DateTime', nullable: true, description: 'When it was taken up.' }),
    revokedAt: t.expose('revokedAt', { type: 'DateTime', nullable: true, description: 'When it was withdrawn.' }),
  }),
})

// Organization.invitations
builder.objectField(OrganizationType, 'invitations', (t) =>
  t.connection(
    {
      type: InvitationType,
      nullable: true,
      description:
        'The invitations that are open, newest first. Null for whoever may not invite, and for another organization than the active one.',
      resolve: ({ id }, args, ctx) =>
        id !== ctx.db.organizationId || !may(ctx, 'invitation.read')
          ? null
          : keysetConnection({
              args,
              keySchema: idKey,
              rows: (window) => listInvitations(ctx, window),
              keyOf: (invitation) => [invitation.id],
              count: () => countInvitations(ctx),
            }),
    },
    { name: 'InvitationConnection', description: 'A page of a list of invitations.' },
    { name: 'InvitationEdge', description: 'An invitation and its place in the list.' },
  ),
)

const InvitationOfferRef = builder.objectRef<InvitationOffer>('InvitationOffer').implement({
  description: 'What the holder of a mailed link is told before they sign in.',
  fields: (t) => ({
    organizationName: t.exposeString('organizationName', { description: 'Where.' }),
    role: t.field({ type: OrganizationRoleRef, description: 'As what.', resolve: (offer) => offer.role }),
    inviterName: t.exposeString('inviterName', { description: 'By whom.' }),
    email: t.expose('email', { type: 'EmailAddress', description: 'For the account of which address.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when.' }),
  }),
})

// Query.invitation
builder.queryField('invitation', (t) =>
  t.field({
    type: InvitationOfferRef,
    nullable: true,
    description: 'What an invitation’s link offers, for the page it leads to; null for one that is not open.',
    args: {
      token: t.arg.string({ required: true, description: 'What stands behind `#token=` in the link of the mail.' }),
    },
    resolve: (_root, { token }, ctx) => (tokenText.safeParse(token).success ? findOffer(ctx, token) : null),
  }),
)

const InviteMemberInput = builder.inputType('InviteMemberInput', {
  description: 'Whom to invite, as what.',
  fields: (t) => ({
    email: t.field({ type: 'EmailAddress', required: true, description: 'The address to mail.' }),
    role: t.field({ type: OrganizationRoleRef, required: true, description: 'The role to offer: yours at most.' }),
  }),
})

// Mutation.inviteMember
builder.mutationField('inviteMember', (t) =>
  mutation(t, {
    type: InvitationType,
    input: InviteMemberInput,
    schema: z.object({ email: emailAddress, role: z.enum(roles) }),
    errors: [RoleAboveOwn, AlreadyMember],
    description:
      'Mails a link that makes whoever has the address a member, for seven days and once. An open invitation of that address is replaced. The answer is the same whether or not there is such an account.',
    resolve: (input, ctx) => inviteMember(ctx, input),
  }),
)

const RevokeInvitationInput = builder.inputType('RevokeInvitationInput', {
  description: 'Which invitation to withdraw.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The invitation.' }) }),
})

// Mutation.revokeInvitation
builder.mutationField('revokeInvitation', (t) =>
  mutation(t, {
    type: InvitationType,
    input: RevokeInvitationInput,
    schema: z.object({ id: idOf('Invitation') }),
    description: 'Withdraws an invitation: its link is dead at once. One that is not open any more stays as it is.',
    resolve: (input, ctx) => revokeInvitation(ctx, input.id),
  }),
)

const AcceptInvitationInput = builder.inputType('AcceptInvitationInput', {
  description: 'Consent to an invitation.',
  fields: (t) => ({
    token: t.string({ required: true, description: 'What stands behind `#token=` in the link of the mail.' }),
  }),
})

// Mutation.acceptInvitation
builder.mutationField('acceptInvitation', (t) =>
  mutation(t, {
    type: MembershipType,
    input: AcceptInvitationInput,
    schema: z.object({ token: tokenText }),
    errors: [InvitationNotOpen, InvitationForAnotherAddress, AlreadyMember],
    description:
      'Makes you a member by a mailed link, which works once and for the account of its address alone; it also proves that address. You go on acting where you are: `switchOrganization` goes there.',
    resolve: (input, ctx) => acceptInvitation(ctx, input.token),
  }),
)
