import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { errorType, UserErrorInterface } from '../../../graphql/errors.ts'
import { inMillionths } from '../credits/credits.graphql.ts'
import { type CapScope, InsufficientCredits, SpendingCapReached, SpendingPaused } from './hold.service.ts'

// Why an answer that costs something is not begun.

builder.objectType(InsufficientCredits, {
  name: 'InsufficientCredits',
  description: `The organization has not enough for the most that this can cost; ${inMillionths}.`,
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    requiredMillionths: t.expose('required', { type: 'BigInt', description: 'The most that it can cost.' }),
    availableMillionths: t.expose('available', { type: 'BigInt', description: 'What there is.' }),
    missingMillionths: t.field({
      type: 'BigInt',
      description: 'What is missing.',
      resolve: ({ required, available }) => required - available,
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
    capMillionths: t.expose('cap', { type: 'BigInt', description: 'How much it is.' }),
    remainingMillionths: t.expose('remaining', { type: 'BigInt', description: 'What is left of it.' }),
    requiredMillionths: t.expose('required', { type: 'BigInt', description: 'The most that this can cost.' }),
  }),
})
