import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { encodeGlobalId, idOf } from '../../../graphql/ids.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { may, requireViewer } from '../../../platform/gate.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { OrganizationType } from '../../accounts/organizations/organization.graphql.ts'
import { type ToldNews, viewerNewsTypes } from '../../accounts/users/viewer-events.graphql.ts'
import type { Pauser } from './credit-balance.entity.ts'
import { type CreditsRow, findCredits } from './credits.reads.ts'
import { grantCredits, MOST_GRANTED } from './credits.service.ts'

const pauserDescriptions: Record<Pauser, string> = {
  ORGANIZATION: 'The administrators of the organization.',
  PLATFORM: 'Those who run this server.',
}

const PauserRef = builder.enumType('SpendingPauser', {
  description: 'Who has stopped an organization’s spending.',
  values: describedValues(pauserDescriptions),
})

/** How amounts are described. */
export const inMillionths = 'in millionths of a credit, which is a US dollar'

/** What an organization can spend. */
export const CreditBalanceRef = builder.objectRef<CreditsRow>('CreditBalance').implement({
  description: `What an organization can spend on answers, and how; ${inMillionths}.`,
  fields: (t) => ({
    organizationId: t.id({
      description: 'Whose.',
      resolve: ({ organizationId }) => encodeGlobalId('Organization', organizationId),
    }),
    availableMillionths: t.expose('available', {
      type: 'BigInt',
      description: 'What can be spent now: what is left of the allowance, and what was granted.',
    }),
    allowanceMillionths: t.expose('allowance', {
      type: 'BigInt',
      description: 'What is left of this month’s allowance: it is spent first, and lapses with the month.',
    }),
    grantedMillionths: t.expose('granted', {
      type: 'BigInt',
      description: 'What was granted beside the allowance: it stays until it is spent.',
    }),
    heldMillionths: t.expose('held', {
      type: 'BigInt',
      description: 'What is set aside for answers that are being written: the most they can cost. The rest comes back.',
    }),
    monthlyAllowanceMillionths: t.expose('monthlyAllowance', {
      type: 'BigInt',
      description: 'What the organization gets each month for what it has paid.',
    }),
    renewsAt: t.expose('renewsAt', { type: 'DateTime', description: 'When it gets the next allowance.' }),
    isPaused: t.boolean({
      description: 'Nothing that costs something is answered.',
      resolve: ({ pausedBy }) => pausedBy.length > 0,
    }),
    pausedBy: t.field({
      type: [PauserRef],
      description: 'Who has stopped that, and each alone allows it again; nobody unless somebody has.',
      resolve: ({ pausedBy }) => [...pausedBy],
    }),
    sessionCapMillionths: t.expose('sessionCap', {
      type: 'BigInt',
      nullable: true,
      description: 'What one chat session may cost in all; null without a cap.',
    }),
    agentCapMillionths: t.expose('agentCap', {
      type: 'BigInt',
      nullable: true,
      description: 'What one agent may cost in a month; null without a cap.',
    }),
  }),
})

// Organization.credits
builder.objectField(OrganizationType, 'credits', (t) =>
  t.field({
    type: CreditBalanceRef,
    nullable: true,
    description: 'What it can spend on answers. Null to guests, and to a key or an agent without `credits.read`.',
    resolve: (organization, _args, ctx) => findCredits(ctx, organization.id),
  }),
)

const CreditsChangedRef = builder.objectRef<ToldNews>('CreditsChanged').implement({
  description:
    'What your organization can spend has changed, or the rules of spending it. Of many changes in a row one is told each second.',
  fields: (t) => ({
    cursor: t.expose('cursor', {
      type: 'Cursor',
      description: 'The place of this event; go on from it with `after`.',
    }),
    credits: t.field({
      type: CreditBalanceRef,
      nullable: true,
      description: 'What it can spend now; null once you may not see that any more.',
      resolve: (_event, _args, ctx) => findCredits(ctx, requireViewer(ctx).organizationId),
    }),
  }),
})
viewerNewsTypes.push({ ref: CreditsChangedRef, isFor: (ctx) => may(ctx, 'credits.read') })

const GrantCreditsInput = builder.inputType('GrantCreditsInput', {
  description: 'Credits for an organization.',
  fields: (t) => ({
    organizationId: t.id({ required: true, description: 'Any organization.' }),
    amountMillionths: t.field({
      type: 'BigInt',
      required: true,
      description: 'How much, in millionths of a credit: above 0, and at most a million credits at once.',
    }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.grantCredits
builder.mutationField('grantCredits', (t) =>
  mutation(t, {
    type: CreditBalanceRef,
    input: GrantCreditsInput,
    schema: z
      .object({
        organizationId: idOf('Organization'),
        amountMillionths: z.bigint().min(1n, 'is not above 0').max(MOST_GRANTED, 'is more than a million credits'),
        idempotencyKey,
      })
      .transform(({ amountMillionths, ...input }) => ({ ...input, amount: amountMillionths })),
    errors: [IdempotencyKeyReused],
    description:
      'Gives an organization credits beside its allowance, which stay until they are spent. Administrators of the platform alone.',
    resolve: (input, ctx) => grantCredits(ctx, input),
  }),
)
