import { MILLIONTHS_PER_CREDIT, MOST_MILLIONTHS } from '../../../lib/credits.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { InvalidInput, NotFound } from '../../../platform/errors.ts'
import { requireAction, requireViewer } from '../../../platform/gate.ts'
import { createOnce } from '../../../platform/idempotency.ts'
import { newUuid } from '../../../platform/uuid.ts'
import type { Tier } from '../../accounts/organizations/organization.entity.ts'
import { audit } from '../../audit/audit.service.ts'
import { expireCharges } from '../charges/settlement.service.ts'
import { type CreditsRow, creditsRow } from './credits.reads.ts'
import { availableOf, type HeldBalance, holdBalance, isPaused, moveCredits, tellCredits } from './ledger.service.ts'

/** The most that is granted at once: more is a mistake. */
export const MOST_GRANTED = 1_000_000n * MILLIONTHS_PER_CREDIT

/** Credits for an organization, beside its allowance. */
export interface GrantCredits {
  readonly organizationId: string
  /** Millionths of a credit. */
  readonly amount: bigint
  readonly idempotencyKey: string | null
}

/** What to change of how an organization spends; undefined leaves a rule as it is. */
export interface UpdateSpendingRules {
  /** Null or the active one: as its administrator; any other as one of the platform. */
  readonly organizationId: string | null
  readonly isPaused: boolean | undefined
  /** Millionths of a credit; null lifts a cap. */
  readonly sessionCap: bigint | null | undefined
  readonly agentCap: bigint | null | undefined
}

/**
 * Gives an organization credits that stay until they are spent, any there is: administrators of the platform alone.
 * @throws {NotFound | Forbidden | InvalidInput | IdempotencyKeyReused}
 */
export async function grantCredits(ctx: Context, input: GrantCredits): Promise<CreditsRow> {
  const { organizationId, amount, idempotencyKey } = input
  const { userId } = requireAction(ctx, 'credits.grant', encodeTypeId('organization', organizationId))
  const once = { organizationId, amount: String(amount), idempotencyKey }
  let granted: CreditsRow | null = null
  await createOnce(ctx, 'grantCredits', once, async (tx) => {
    const tier = await tierOf(tx, organizationId, 'credits.grant')
    const balance = await holdBalance(tx, ctx.platform, organizationId)
    if (availableOf(balance) + balance.held + amount > MOST_MILLIONTHS)
      throw new InvalidInput([{ path: ['amountMillionths'], message: 'is more than an organization can have' }])
    const id = newUuid(tx.now)
    // By its name in the trail its entries are found in the ledger.
    const target = encodeTypeId('grant', id)
    const sides = { ISSUED: -amount, GRANTED: amount }
    granted = creditsRow(ctx, await moveCredits(tx, balance, { move: 'GRANT', reference: target, sides }), tier)
    audit(ctx, tx, { action: 'credits.grant', target, as: { userId, organizationId } })
    return id
  })
  return granted ?? readCredits(ctx, organizationId)
}

/** What was granted before is not granted again: what there is now is the answer. */
function readCredits(ctx: Context, organizationId: string): Promise<CreditsRow> {
  return transact(ctx, async (tx) => {
    const tier = await tierOf(tx, organizationId, 'credits.grant')
    return creditsRow(ctx, await holdBalance(tx, ctx.platform, organizationId), tier)
  })
}

/**
 * Stops or allows an organization's spending, and caps it. What is to happen with what is being written goes `beside` it,
 * in its transaction. @throws {NotFound | Forbidden}
 */
export async function updateSpendingRules(
  ctx: Context,
  { organizationId: given, isPaused: pauses, sessionCap, agentCap }: UpdateSpendingRules,
  beside: (tx: Transaction, organizationId: string) => Promise<void>,
): Promise<CreditsRow> {
  const own = requireViewer(ctx).organizationId
  const organizationId = given ?? own
  const isOwn = organizationId === own
  const action = isOwn ? 'credits.manage' : 'credits.restrain'
  const target = encodeTypeId('organization', organizationId)
  const { userId } = requireAction(ctx, action, target)
  return transact(ctx, async (tx) => {
    const tier = await tierOf(tx, organizationId, action)
    const balance = await holdBalance(tx, ctx.platform, organizationId)
    const after: HeldBalance = {
      ...balance,
      ...(pauses !== undefined && { [isOwn ? 'isPausedByOrganization' : 'isPausedByPlatform']: pauses }),
      ...(sessionCap !== undefined && { sessionCap }),
      ...(agentCap !== undefined && { agentCap }),
    }
    await tx.unscoped
      .updateTable('credit_balance')
      .set({
        is_paused_by_organization: after.isPausedByOrganization,
        is_paused_by_platform: after.isPausedByPlatform,
        session_cap: after.sessionCap,
        agent_cap: after.agentCap,
      })
      .where('organization_id', '=', organizationId)
      .execute()
    tellCredits(tx, organizationId)
    audit(ctx, tx, { action, target, as: { userId, organizationId } })
    if (isPaused(after)) await beside(tx, organizationId)
    return creditsRow(ctx, after, tier)
  })
}

/** Books the allowance an organization is due, and gives back what it holds for answers whose end never came. */
export async function bringUpToDate(ctx: Context, organizationId: string): Promise<void> {
  await transact(ctx, async (tx) => {
    await expireCharges(tx, await holdBalance(tx, ctx.platform, organizationId))
  })
}

async function tierOf(
  tx: Transaction,
  organizationId: string,
  action: 'credits.grant' | 'credits.manage' | 'credits.restrain',
): Promise<Tier> {
  const row = await tx.unscoped
    .selectFrom('organization')
    .select('tier')
    .where('id', '=', organizationId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  if (row === undefined) throw new NotFound('organization', action, encodeTypeId('organization', organizationId))
  return row.tier
}
