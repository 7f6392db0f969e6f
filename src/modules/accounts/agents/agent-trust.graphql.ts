import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import type { AgentTrustLevel } from './agent.policy.ts'

const descriptions: Record<AgentTrustLevel, string> = {
  READ_ONLY: 'Reads.',
  SUGGEST: 'Also suggests: what a person has to accept.',
  WRITE: 'Also writes. No agent manages what others may do.',
}

/** How far agents are trusted. */
export const AgentTrustLevelRef = builder.enumType('AgentTrustLevel', {
  description: 'How far agents are trusted; each level includes those before it.',
  values: describedValues(descriptions),
})
