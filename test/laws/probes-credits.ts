import type { Probe } from './probe.ts'

const text = 'a text'

function thisYear() {
  const year = new Date().getUTCFullYear()
  return { from: `${year}-01-01T00:00:00Z`, to: `${year + 1}-01-01T00:00:00Z` }
}

/** Probes of what answers cost. */
export const creditProbes: Readonly<Record<string, Probe>> = {
  'Mutation.grantCredits': {
    ids: { 'GrantCreditsInput.organizationId': ['Organization'] },
    variables: (id) => ({ input: { organizationId: id('GrantCreditsInput.organizationId'), amountMillionths: '1' } }),
    comesToNothing: true,
  },
  // With an id of another organization they would have to be administrators of the platform.
  'Mutation.updateSpendingRules': {
    ids: { 'UpdateSpendingRulesInput.organizationId': ['Organization'] },
    variables: (id) => ({
      input: { organizationId: id('UpdateSpendingRulesInput.organizationId'), sessionCapMillionths: '1000000000' },
    }),
    alone: () => [{ input: { sessionCapMillionths: '1000000000' } }],
  },
  'Query.usage': {
    ids: { 'UsageInput.projectId': ['Project'], 'UsageInput.actorId': ['User', 'Agent'] },
    variables: (id) => ({
      input: { ...thisYear(), projectId: id('UsageInput.projectId'), actorId: id('UsageInput.actorId') },
    }),
    alone: () => [{ input: { ...thisYear(), groupBy: ['DAY', 'MODEL', 'PROJECT', 'ACTOR'] } }],
  },
  'Query.estimateCompletion': {
    ids: { 'EstimateCompletionInput.sessionId': ['ChatSession'], 'EstimateCompletionInput.parentId': ['Message'] },
    variables: (id) => ({
      input: {
        sessionId: id('EstimateCompletionInput.sessionId'),
        parentId: id('EstimateCompletionInput.parentId'),
        content: text,
        model: 'scenario/words-1',
      },
    }),
    facts: ['EstimateCompletionInput.parentId'],
    alone: () => [{ input: { content: text, model: 'scenario/words-1' } }],
  },
}
