import { GrantCreditsDocument, UpdateSpendingRulesDocument } from '../../gql/graphql.ts'
import { makePlatformAdmin } from '../../kit/inside.ts'
import { as, type Deed } from './deeds.ts'

/** What is done with credits: each mutation, and what the trail says of it. */
export const creditDeeds: Record<string, Deed> = {
  grantCredits: {
    action: 'credits.grant',
    target: /^grant_/,
    run: async (scene) => {
      await makePlatformAdmin(scene.server, scene.alice)
      const input = { organizationId: scene.alice.organizationId, amountMillionths: '1' }
      return as(scene, { document: GrantCreditsDocument, variables: { input } })
    },
  },
  updateSpendingRules: {
    action: 'credits.manage',
    target: /^organization_/,
    run: (scene) => {
      const input = { sessionCapMillionths: '1000000000' }
      return as(scene, { document: UpdateSpendingRulesDocument, variables: { input } })
    },
  },
}
