import { defineEntity, p } from '@mikro-orm/postgresql'
import { oneOf } from '../../../platform/database/one-of.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../organizations/organization.entity.ts'
import { User } from '../users/user.entity.ts'
import { type AgentTrustLevel, agentTrustLevels } from './agent.policy.ts'

/** What an agent runs on. */
export const agentKinds = ['CODEX_CLI', 'GEMINI_CLI', 'CLAUDE', 'CUSTOM'] as const
export type AgentKind = (typeof agentKinds)[number]

export const AgentSchema = defineEntity({
  name: 'Agent',
  tableName: 'agent',
  checks: [
    { property: 'kind', expression: oneOf('kind', agentKinds) },
    { property: 'trustLevel', expression: oneOf('trust_level', agentTrustLevels) },
  ],
  indexes: [{ properties: ['organization', 'id'] }, { properties: ['owner', 'id'] }],
  properties: {
    id: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    /** Whom it acts for: it may do no more than they may. */
    owner: () => p.manyToOne(User).mapToPk(),
    displayName: p.string().length(80),
    avatarUrl: p.string().length(2048).nullable(),
    kind: p.string().length(16).$type<AgentKind>(),
    trustLevel: p.string().length(16).$type<AgentTrustLevel>(),
    permissions: p.json<readonly string[]>(),
    version: p.integer().default(1),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    disabledAt: p.datetime().nullable(),
  },
})

/** A service account of a person's, with the least permissions it needs. Never deleted: what it made keeps its author. */
export class Agent extends AgentSchema.class {}
AgentSchema.setClass(Agent)

export const AgentTokenSchema = defineEntity({
  name: 'AgentToken',
  tableName: 'agent_token',
  properties: {
    id: p.uuid().primary(),
    agent: () => p.manyToOne(Agent).mapToPk().index(),
    /** SHA-256 in hex: the token has 256 random bits. */
    tokenHash: p.string().length(64).unique(),
    createdAt: p.datetime(),
    expiresAt: p.datetime().index(),
  },
})

/** What an agent acts with, for minutes. */
export class AgentToken extends AgentTokenSchema.class {}
AgentTokenSchema.setClass(AgentToken)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    agent: Table<typeof AgentSchema>
    agent_token: Table<typeof AgentTokenSchema>
  }
}
