import type { Standing } from '../../../platform/access.ts'
import type { JsonObject } from '../../../platform/channels/channel.entity.ts'
import type { Context } from '../../../platform/context.ts'
import { may } from '../../../platform/gate.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'
import type { AgentTrustLevel } from '../agents/agent.policy.ts'
import type { Tier } from './organization.entity.ts'

/** An organization as its members see it. */
export interface OrganizationRow extends Standing {
  readonly id: string
  readonly name: string
  readonly slug: string
  readonly tier: Tier
  readonly settings: JsonObject
  /** The most that agents are trusted with; null lets none act. */
  readonly agentTrustLimit: AgentTrustLevel | null
  readonly version: number
  readonly createdAt: Date
}

/** The columns of an organization's row but for who looks at it. */
export const organizationColumns = [
  'organization.id',
  'organization.name',
  'organization.slug',
  'organization.tier',
  'organization.settings',
  'organization.agent_trust_limit as agentTrustLimit',
  'organization.version',
  'organization.created_at as createdAt',
] as const

/** Living organizations by id that the person is a member of, the active one or not: see `findOrganization`. */
export const organizationById = defineLoader<string, OrganizationRow>({
  name: 'organizationById',
  batch: async (db, ids) => {
    const rows = await db
      .shared('organization')
      .innerJoin('membership', 'membership.organization_id', 'organization.id')
      .select(organizationColumns)
      .select('membership.role as viewerRole')
      .where('organization.id', 'in', ids)
      .where('organization.deleted_at', 'is', null)
      .where('membership.user_id', '=', db.userId)
      .execute()
    return new Map(rows.map((row) => [row.id, { ...row, isArchived: false }]))
  },
})

/** Finds the viewer's active organization by id, or null: what one holds is for one organization. */
export async function findOrganization(ctx: Context, id: string): Promise<OrganizationRow | null> {
  if (id !== ctx.db.organizationId) return null
  const row = await load(ctx, organizationById, id)
  return row !== null && may(ctx, 'organization.read', row) ? row : null
}
