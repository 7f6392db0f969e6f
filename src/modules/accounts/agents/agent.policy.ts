import { type ActionKind, defineActions } from '../../../platform/access.ts'

/** How far agents are trusted, from least to most. */
export const agentTrustLevels = ['READ_ONLY', 'SUGGEST', 'WRITE'] as const
export type AgentTrustLevel = (typeof agentTrustLevels)[number]

/** What agents of each level may do at most. None manages what others may do. */
export const kindsOfTrust: Readonly<Record<AgentTrustLevel, readonly ActionKind[]>> = {
  READ_ONLY: ['read'],
  SUGGEST: ['read', 'suggest'],
  WRITE: ['read', 'suggest', 'write'],
}

// One's own agents are one's own affair; `agent.manage` is about those of others.
export const agentActions = defineActions({
  'agent.read': { least: 'VIEWER', kind: 'read' },
  'agent.create': { least: 'VIEWER', kind: 'manage', personOnly: true },
  'agent.issue_token': { least: 'VIEWER', kind: 'manage', personOnly: true },
  'agent.manage': { least: 'ADMIN', kind: 'manage', personOnly: true },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'agent.read': true
    'agent.create': true
    'agent.issue_token': true
    'agent.manage': true
  }
}
