import { defineEntity, p } from '@mikro-orm/postgresql'
import type { JsonObject } from '../../../platform/channels/channel.entity.ts'
import { oneOf } from '../../../platform/database/one-of.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { type AgentTrustLevel, agentTrustLevels } from '../agents/agent.policy.ts'

/** What an organization has paid for. */
export const tiers = ['FREE', 'PRO', 'ENTERPRISE'] as const
export type Tier = (typeof tiers)[number]

export const OrganizationSchema = defineEntity({
  name: 'Organization',
  tableName: 'organization',
  checks: [
    { property: 'tier', expression: oneOf('tier', tiers) },
    { property: 'agentTrustLimit', expression: oneOf('agent_trust_limit', agentTrustLevels) },
  ],
  properties: {
    id: p.uuid().primary(),
    name: p.string().length(80),
    slug: p.string().length(48).unique(),
    tier: p.string().length(16).$type<Tier>().default('FREE'),
    /** What front ends keep for the organization; nothing here acts on it. */
    settings: p.json<JsonObject>(),
    /** The most that agents are trusted with here; null lets none act. */
    agentTrustLimit: p.string().length(16).$type<AgentTrustLevel>().nullable(),
    /** Goes up with every change of what its members may do there or how it is shown. */
    accessEpoch: p.integer().default(0),
    version: p.integer().default(1),
    createdAt: p.datetime(),
    /** When it was given up: nobody gets in any more, and it is purged after its days of grace. */
    deletedAt: p.datetime().nullable().index(),
  },
})

/** A tenant: the wall around projects, pages and people. Everyone has a personal one from registration on. */
export class Organization extends OrganizationSchema.class {}
OrganizationSchema.setClass(Organization)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    organization: Table<typeof OrganizationSchema>
  }
}
