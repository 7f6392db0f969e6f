import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { errorType, UserErrorInterface } from '../../../graphql/errors.ts'
import { may } from '../../../platform/gate.ts'
import { inMillionths } from '../credits/credits.graphql.ts'
import { type CapScope, InsufficientCredits, SpendingCapReached, SpendingPaused } from './hold.service.ts'

// Why an answer that costs something is not begun.

const orNull = 'null to guests, and to a key or an agent without `credits.read`'

builder.objectType(InsufficientCredits, {
  name: 'InsufficientCredits',
  description: `The organization has not enough for the most that this can cost; ${inMillionths}.`,
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    requiredMillionths: t.expose('required', { type: 'BigInt', description: 'The most that it can cost.' }),
    availableMillionths: t.field({
      type: 'BigInt',
      nullable: true,
      description: `What there is; ${orNull}.`,
      resolve: ({ available }, _args, ctx) => (may(ctx, 'credits.read') ? available : null),
    }),
    missingMillionths: t.field({
      type: 'BigInt',
      nullable: true,
      description: `What is missing; ${orNull}.`,
      resolve: ({ required, available }, _args, ctx) => (may(ctx, 'credits.read') ? required - available : null),
    }),
  }),
})

errorType(SpendingPaused, 'The organization’s spending is stopped: `Organization.credits` says by whom.')
const scopeDescriptions: Record<CapScope, string> = {
  SESSION: 'One chat session, in all.',
  AGENT: 'One agent, in a month.',
}

const CapScopeRef = builder.enumType('SpendingCapScope', {
  description: 'What a cap is of.',
  values: describedValues(scopeDescriptions),
})

builder.objectType(SpendingCapReached, {
  name: 'SpendingCapReached',
  description: `This can cost more than is left of what a session or an agent may; ${inMillionths}.`,
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    scope: t.field({ type: CapScopeRef, description: 'Which cap.', resolve: ({ scope }) => scope }),
    capMillionths: t.field({
      type: 'BigInt',
      nullable: true,
      description: `How much it is; ${orNull}.`,
      resolve: ({ cap }, _args, ctx) => (may(ctx, 'credits.read') ? cap : null),
    }),
    remainingMillionths: t.field({
      type: 'BigInt',
      nullable: true,
      description: `What is left of it; ${orNull}.`,
      resolve: ({ remaining }, _args, ctx) => (may(ctx, 'credits.read') ? remaining : null),
    }),
    requiredMillionths: t.expose('required', { type: 'BigInt', description: 'The most that this can cost.' }),
  }),
})
