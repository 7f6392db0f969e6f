import { MILLIONTHS_PER_CREDIT, MOST_MILLIONTHS } from '../../../lib/credits.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { InvalidInput, NotFound, UserError } from '../../../platform/errors.ts'
import { requireAction } from '../../../platform/gate.ts'
import { createOnce } from '../../../platform/idempotency.ts'
import { newUuid } from '../../../platform/uuid.ts'
import type { Tier } from '../../accounts/organizations/organization.entity.ts'
import { audit } from '../../audit/audit.service.ts'
import { expireCharges } from '../charges/settlement.service.ts'
import type { Pauser } from './credit-balance.entity.ts'
import { type CreditsRow, creditsRow } from './credits.reads.ts'
import { availableOf, type HeldBalance, holdBalance, moveCredits, tellCredits } from './ledger.service.ts'

/** The most that is granted at once: more is a mistake. */
export const MOST_GRANTED = 1_000_000n * MILLIONTHS_PER_CREDIT

/** Administrators of the platform have stopped an organization's spending: they alone undo that. */
export class PausedByPlatform extends UserError {
  readonly code = 'PAUSED_BY_PLATFORM'
  constructor() {
    super('Those who run this server have stopped the spending of your organization. Ask them.')
  }
}

/** Credits for an organization, beside its allowance. */
export interface GrantCredits {
  readonly organizationId: string
  /** Millionths of a credit. */
  readonly amount: bigint
  readonly idempotencyKey: string | null
}

/** What to change of how an organization spends; undefined leaves a rule as it is. */
export interface UpdateSpendingRules {
  /** Null: the active one, as its administrator; any other as one of the platform. */
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
  const target = encodeTypeId('organization', organizationId)
  const { userId } = requireAction(ctx, 'credits.grant', target)
  const once = { organizationId, amount: String(amount), idempotencyKey }
  await createOnce(ctx, 'grantCredits', once, async (tx) => {
    await tierOf(tx, organizationId, 'credits.grant')
    const balance = await holdBalance(tx, ctx.platform, organizationId)
    if (availableOf(balance) + balance.held + amount > MOST_MILLIONTHS)
      throw new InvalidInput([{ path: ['amountMillionths'], message: 'is more than an organization can have' }])
    const id = newUuid(tx.now)
    await moveCredits(tx, balance, {
      move: 'GRANT',
      reference: encodeTypeId('grant', id),
      sides: { ISSUED: -amount, GRANTED: amount },
    })
    audit(ctx, tx, { action: 'credits.grant', target, as: { userId, organizationId } })
    return id
  })
  return transact(ctx, async (tx) => {
    const tier = await tierOf(tx, organizationId, 'credits.grant')
    return creditsRow(ctx, await holdBalance(tx, ctx.platform, organizationId), tier)
  })
}

/**
 * Stops or allows an organization's spending, and caps it. What is to happen with what is being written goes `beside` it,
 * in its transaction. @throws {NotFound | Forbidden | PausedByPlatform}
 */
export async function updateSpendingRules(
  ctx: Context,
  { organizationId: given, isPaused, sessionCap, agentCap }: UpdateSpendingRules,
  beside: (tx: Transaction, organizationId: string) => Promise<void>,
): Promise<CreditsRow> {
  const { viewer } = ctx
  const own = viewer.kind === 'anonymous' ? '' : viewer.organizationId
  const organizationId = given ?? own
  const by: Pauser = given === null ? 'ORGANIZATION' : 'PLATFORM'
  const action = by === 'ORGANIZATION' ? 'credits.manage' : 'credits.grant'
  const target = organizationId === '' ? null : encodeTypeId('organization', organizationId)
  const { userId } = requireAction(ctx, action, target)
  return transact(ctx, async (tx) => {
    const tier = await tierOf(tx, organizationId, action)
    const balance = await holdBalance(tx, ctx.platform, organizationId)
    const after: HeldBalance = {
      ...balance,
      pausedBy: isPaused === undefined ? balance.pausedBy : pausedAfter(balance.pausedBy, by, isPaused),
      sessionCap: sessionCap === undefined ? balance.sessionCap : sessionCap,
      agentCap: agentCap === undefined ? balance.agentCap : agentCap,
    }
    await tx.unscoped
      .updateTable('credit_balance')
      .set({ paused_by: after.pausedBy, session_cap: after.sessionCap, agent_cap: after.agentCap })
      .where('organization_id', '=', organizationId)
      .execute()
    tellCredits(tx, organizationId)
    audit(ctx, tx, { action, target, as: { userId, organizationId } })
    if (after.pausedBy !== null) await beside(tx, organizationId)
    return creditsRow(ctx, after, tier)
  })
}

/** Books the allowance an organization is due, and gives back what it holds for answers whose end never came. */
export async function bringUpToDate(ctx: Context, organizationId: string): Promise<void> {
  await transact(ctx, async (tx) => {
    await expireCharges(tx, await holdBalance(tx, ctx.platform, organizationId))
  })
}

/** What one side stopped the other does not allow, unless it is the platform's. */
function pausedAfter(pausedBy: Pauser | null, by: Pauser, isPaused: boolean): Pauser | null {
  if (isPaused) return pausedBy === 'PLATFORM' ? pausedBy : by
  if (pausedBy === 'PLATFORM' && by === 'ORGANIZATION') throw new PausedByPlatform()
  return null
}

async function tierOf(
  tx: Transaction,
  organizationId: string,
  action: 'credits.grant' | 'credits.manage',
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
