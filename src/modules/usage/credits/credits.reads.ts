import { sql } from 'kysely'
import { nextMonth } from '../../../lib/credits.ts'
import type { Context } from '../../../platform/context.ts'
import { may } from '../../../platform/gate.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'
import type { Tier } from '../../accounts/organizations/organization.entity.ts'
import { type Pauser, pausers } from './credit-balance.entity.ts'
import { amountsOf, availableOf, dueAllowance, type HeldBalance } from './ledger.service.ts'

/** What an organization can spend, and how; amounts in millionths of a credit. */
export interface CreditsRow {
  readonly organizationId: string
  readonly available: bigint
  readonly allowance: bigint
  readonly granted: bigint
  readonly held: bigint
  /** What it gets each month. */
  readonly monthlyAllowance: bigint
  readonly renewsAt: Date
  readonly pausedBy: readonly Pauser[]
  readonly sessionCap: bigint | null
  readonly agentCap: bigint | null
}

interface KeptBalance extends HeldBalance {
  readonly tier: Tier
}

const balanceByOrganization = defineLoader<string, KeptBalance>({
  name: 'balanceByOrganization',
  batch: async (db, ids) => {
    const rows = await db
      .shared('organization')
      .leftJoin('credit_balance', 'credit_balance.organization_id', 'organization.id')
      .where('organization.id', 'in', ids)
      .select([
        'organization.id as organizationId',
        'organization.tier',
        sql<boolean>`coalesce(is_paused_by_organization, false)`.as('isPausedByOrganization'),
        sql<boolean>`coalesce(is_paused_by_platform, false)`.as('isPausedByPlatform'),
        sql<string>`coalesce(allowance_month, '0000-00')`.as('allowanceMonth'),
        sql<string>`coalesce(allowance, 0)::text`.as('allowance'),
        sql<string>`coalesce(granted, 0)::text`.as('granted'),
        sql<string>`coalesce(held, 0)::text`.as('held'),
        sql<string>`coalesce(allowance_issued, 0)::text`.as('allowanceIssued'),
        sql<string | null>`session_cap::text`.as('sessionCap'),
        sql<string | null>`agent_cap::text`.as('agentCap'),
      ])
      .execute()
    return new Map(rows.map((row) => [row.organizationId, { ...row, ...amountsOf(row) }]))
  },
})

/**
 * The credits of an organization, those of this month among them, also where nobody has asked for anything in it yet; null
 * when the viewer may not see them, which nobody may of another organization than their own.
 */
export async function findCredits(ctx: Context, organizationId: string): Promise<CreditsRow | null> {
  if (ctx.viewer.kind === 'anonymous' || ctx.viewer.organizationId !== organizationId) return null
  if (!may(ctx, 'credits.read')) return null
  const balance = await load(ctx, balanceByOrganization, organizationId)
  return balance === null ? null : creditsRow(ctx, balance, balance.tier)
}

const isPausedBy: Record<Pauser, (balance: HeldBalance) => boolean> = {
  ORGANIZATION: (balance) => balance.isPausedByOrganization,
  PLATFORM: (balance) => balance.isPausedByPlatform,
}

/** A balance as it is shown. */
export function creditsRow({ platform }: Context, balance: HeldBalance, tier: Tier): CreditsRow {
  const now = platform.clock.now()
  const monthlyAllowance = platform.settings.credits.monthly[tier]
  const { balance: due } = dueAllowance(balance, monthlyAllowance, now)
  const { organizationId, allowance, granted, held, sessionCap, agentCap } = due
  return {
    ...{ organizationId, allowance, granted, held, monthlyAllowance, sessionCap, agentCap },
    pausedBy: pausers.filter((pauser) => isPausedBy[pauser](due)),
    available: availableOf(due),
    renewsAt: nextMonth(now),
  }
}
