import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { errorType } from '../../../graphql/errors.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { encodeGlobalId, idOf, uuidOf } from '../../../graphql/ids.ts'
import { keptObject, optional, unlessLeftOut } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { singleLine } from '../../../lib/single-line.ts'
import type { Action } from '../../../platform/access.ts'
import type { Context } from '../../../platform/context.ts'
import { EditConflict } from '../../../platform/errors.ts'
import { allowedActions, may, requireViewer } from '../../../platform/gate.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { agentTrustLevels } from '../agents/agent.policy.ts'
import { AgentTrustLevelRef } from '../agents/agent-trust.graphql.ts'
import { type DeletedOrganization, deleteOrganization, restoreOrganization } from './deletion.service.ts'
import { type Tier, tiers } from './organization.entity.ts'
import { findOrganization, type OrganizationRow } from './organization.reads.ts'
import {
  createOrganization,
  isSlug,
  SlugTaken,
  setOrganizationTier,
  TooManyOrganizations,
  updateOrganization,
} from './organization.service.ts'

errorType(SlugTaken, 'Another organization has this slug.')
errorType(TooManyOrganizations, 'You own 100 organizations, with those that were deleted and can be restored.')

const tierDescriptions: Record<Tier, string> = {
  FREE: 'Nothing.',
  PRO: 'What a team needs.',
  ENTERPRISE: 'Whatever was agreed on.',
}

/** The tiers. */
export const TierRef = builder.enumType('Tier', {
  description: 'What an organization has paid for.',
  values: describedValues(tierDescriptions),
})

// A key or an agent is told where it acts; the rest is for those that were given `organization.read`.
const orNull = 'null too to a key or an agent without `organization.read`'
function seen<Value>(ctx: Context, organization: OrganizationRow, value: Value): Value | null {
  return may(ctx, 'organization.read', organization) ? value : null
}

/** A tenant. */
export const OrganizationType = builder.node(builder.objectRef<OrganizationRow>('Organization'), {
  description: 'A workspace: the wall around projects, pages and people. Everyone has a personal one.',
  authScopes: { authenticated: true },
  id: { description: 'Opaque, typed and sortable: `organization_01jd…`.', resolve: (organization) => organization.id },
  loadOne: (id, ctx) => findOrganization(ctx, id),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name to show.' }),
    slug: t.exposeString('slug', { description: 'Unique among all organizations, for addresses.' }),
    tier: t.field({
      type: TierRef,
      nullable: true,
      description: `What it has paid for; administrators of the platform say so; ${orNull}.`,
      resolve: (organization, _args, ctx) => seen(ctx, organization, organization.tier),
    }),
    settings: t.field({
      type: 'JSON',
      nullable: true,
      description: `What your front ends keep for it; an object, empty at first; ${orNull}.`,
      resolve: (organization, _args, ctx) => seen(ctx, organization, organization.settings),
    }),
    agentTrustLimit: t.field({
      type: AgentTrustLevelRef,
      nullable: true,
      description: `The most that agents are trusted with here, whatever their own level; null lets none act; ${orNull}.`,
      resolve: (organization, _args, ctx) => seen(ctx, organization, organization.agentTrustLimit),
    }),
    version: t.int({
      nullable: true,
      description: `Goes up with every change; updates name the one they saw; ${orNull}.`,
      resolve: (organization, _args, ctx) => seen(ctx, organization, organization.version),
    }),
    createdAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: `When it was founded; ${orNull}.`,
      resolve: (organization, _args, ctx) => seen(ctx, organization, organization.createdAt),
    }),
    viewerCan: t.field({
      type: ['Permission'],
      description: 'What you may do with it and its people, once you act in it.',
      resolve: (organization, _args, ctx) =>
        allowedActions(ctx, organization, 'organization', 'membership', 'invitation').filter(isOfOne),
    }),
  }),
})

/** Not what is done without an organization, or to become a member of another. */
function isOfOne(action: Action): boolean {
  return action !== 'organization.create' && action !== 'invitation.accept'
}

// Query.organization
builder.queryField('organization', (t) =>
  t.field({
    type: OrganizationType,
    nullable: true,
    description:
      'The organization your access token is for. By another id null, also by one of yours: switch to it, or see `Viewer.memberships`.',
    authScopes: { authenticated: true },
    args: { id: t.arg.id({ description: 'Its id; the active one when left out.' }) },
    resolve: (_root, { id }, ctx) =>
      findOrganization(ctx, id == null ? requireViewer(ctx).organizationId : uuidOf('Organization', id)),
  }),
)

const name = singleLine({ min: 1, max: 80 })
const slug = z.string().refine(isSlug, '3 to 48 lower-case letters, digits and single hyphens between them')
const nameDescription = 'The name to show: 1 to 80 characters.'
const slugDescription = '3 to 48 lower-case letters, digits and single hyphens between them; unique.'

const CreateOrganizationInput = builder.inputType('CreateOrganizationInput', {
  description: 'A new organization.',
  fields: (t) => ({
    name: t.string({ required: true, description: nameDescription }),
    slug: t.string({ description: `${slugDescription} Made of the name when left out.` }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.createOrganization
builder.mutationField('createOrganization', (t) =>
  mutation(t, {
    type: OrganizationType,
    input: CreateOrganizationInput,
    schema: z.object({ name, slug: optional(slug), idempotencyKey }),
    errors: [SlugTaken, TooManyOrganizations, IdempotencyKeyReused],
    description:
      'Founds an organization that you own. You go on acting where you are: `switchOrganization` goes there.',
    resolve: (input, ctx) => createOrganization(ctx, input),
  }),
)

const UpdateOrganizationInput = builder.inputType('UpdateOrganizationInput', {
  description: 'What to change of the active organization; what is left out stays as it is.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The active organization.' }),
    name: t.string({ description: nameDescription }),
    slug: t.string({ description: slugDescription }),
    settings: t.field({
      type: 'JSON',
      description: 'Whatever your front ends keep for it, replaced as a whole: an object of at most 16 KiB.',
    }),
    agentTrustLimit: t.field({
      type: AgentTrustLevelRef,
      description: 'The most that agents are trusted with; null lets none act.',
    }),
    expectedVersion: t.int({ required: true, description: 'The `version` that you saw.' }),
  }),
})

// Mutation.updateOrganization
builder.mutationField('updateOrganization', (t) =>
  mutation(t, {
    type: OrganizationType,
    input: UpdateOrganizationInput,
    schema: z.object({
      id: idOf('Organization'),
      name: unlessLeftOut(name),
      slug: unlessLeftOut(slug),
      settings: unlessLeftOut(keptObject),
      agentTrustLimit: z.enum(agentTrustLevels).nullish(),
      expectedVersion: z.int(),
    }),
    errors: [EditConflict, SlugTaken],
    description: 'Changes the active organization. Its members see it at once.',
    resolve: (input, ctx) => updateOrganization(ctx, input),
  }),
)

const DeletedOrganizationRef = builder.objectRef<DeletedOrganization>('DeletedOrganization').implement({
  description: 'An organization that was deleted.',
  fields: (t) => ({
    deletedId: t.id({ description: 'Its id.', resolve: ({ id }) => encodeGlobalId('Organization', id) }),
    restorableUntil: t.expose('restorableUntil', {
      type: 'DateTime',
      description: 'Until when an owner can have it back with `restoreOrganization`.',
    }),
  }),
})

const DeleteOrganizationInput = builder.inputType('DeleteOrganizationInput', {
  description: 'Which organization to delete.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The active organization.' }),
    expectedVersion: t.int({ description: 'The `version` that you saw, to delete no other one.' }),
  }),
})

// Mutation.deleteOrganization
builder.mutationField('deleteOrganization', (t) =>
  mutation(t, {
    type: DeletedOrganizationRef,
    input: DeleteOrganizationInput,
    schema: z.object({ id: idOf('Organization'), expectedVersion: optional(z.int()) }),
    errors: [EditConflict],
    description:
      'Deletes the active organization: everybody is out at once, and what they have open ends. Refresh your tokens to act in another one. It can be restored for 30 days.',
    resolve: (input, ctx) => deleteOrganization(ctx, input),
  }),
)

const RestoreOrganizationInput = builder.inputType('RestoreOrganizationInput', {
  description: 'Which organization to restore.',
  fields: (t) => ({ id: t.id({ required: true, description: 'One that you owned when it was deleted.' }) }),
})

// Mutation.restoreOrganization
builder.mutationField('restoreOrganization', (t) =>
  mutation(t, {
    type: OrganizationType,
    input: RestoreOrganizationInput,
    schema: z.object({ id: idOf('Organization') }),
    description: 'Takes a deletion back within its 30 days, as it was: with its members and all it holds.',
    resolve: (input, ctx) => restoreOrganization(ctx, input.id),
  }),
)

interface OrganizationTier {
  readonly id: string
  readonly tier: Tier
}

const OrganizationTierRef = builder.objectRef<OrganizationTier>('OrganizationTier').implement({
  description: 'What an organization has paid for, and nothing else of it.',
  fields: (t) => ({
    organizationId: t.id({ description: 'Which.', resolve: ({ id }) => encodeGlobalId('Organization', id) }),
    tier: t.field({ type: TierRef, description: 'What it has paid for.', resolve: ({ tier }) => tier }),
  }),
})

const SetOrganizationTierInput = builder.inputType('SetOrganizationTierInput', {
  description: 'What an organization has paid for.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Any organization.' }),
    tier: t.field({ type: TierRef, required: true, description: 'What it has paid for.' }),
  }),
})

// Mutation.setOrganizationTier
builder.mutationField('setOrganizationTier', (t) =>
  mutation(t, {
    type: OrganizationTierRef,
    input: SetOrganizationTierInput,
    schema: z.object({ id: idOf('Organization'), tier: z.enum(tiers) }),
    description: 'Says what an organization has paid for. Administrators of the platform alone.',
    resolve: async ({ id, tier }, ctx) => {
      await setOrganizationTier(ctx, id, tier)
      return { id, tier }
    },
  }),
)
