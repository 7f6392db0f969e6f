import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { MOST_MILLIONTHS } from '../../../lib/credits.ts'
import { CreditBalanceRef } from '../../usage/credits/credits.graphql.ts'
import { updateSpendingRules } from '../../usage/credits/credits.service.ts'
import { stopSpending } from './spending-stop.jobs.ts'

const UpdateSpendingRulesInput = builder.inputType('UpdateSpendingRulesInput', {
  description: 'What to change of how an organization spends; what is left out stays as it is.',
  fields: (t) => ({
    organizationId: t.id({
      description:
        'Another organization than the active one, for administrators of the platform alone; the active one when left out.',
    }),
    isPaused: t.boolean({
      description: 'Whether nothing that costs something is answered: what is being written ends with the text so far.',
    }),
    sessionCapMillionths: t.field({
      type: 'BigInt',
      description: 'What one chat session may cost in all, in millionths of a credit; null lifts the cap.',
    }),
    agentCapMillionths: t.field({
      type: 'BigInt',
      description: 'What one agent may cost in a month, in millionths of a credit; null lifts the cap.',
    }),
  }),
})

const cap = z.bigint().min(0n, 'is below 0').max(MOST_MILLIONTHS, 'is more than an organization can have').nullish()

// Mutation.updateSpendingRules
builder.mutationField('updateSpendingRules', (t) =>
  mutation(t, {
    type: CreditBalanceRef,
    input: UpdateSpendingRulesInput,
    schema: z
      .object({
        organizationId: optional(idOf('Organization')),
        isPaused: z.boolean().nullish(),
        sessionCapMillionths: cap,
        agentCapMillionths: cap,
      })
      .transform(({ organizationId, isPaused, sessionCapMillionths, agentCapMillionths }) => ({
        ...{ organizationId, isPaused: isPaused ?? undefined },
        ...{ sessionCap: sessionCapMillionths, agentCap: agentCapMillionths },
      })),
    description:
      'Stops answers that cost something in your organization at once or allows them again, and caps what sessions and agents may cost.',
    resolve: (input, ctx) =>
      updateSpendingRules(ctx, input, (tx, organizationId) => tx.enqueue(stopSpending, { organizationId })),
  }),
)
