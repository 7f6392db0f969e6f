import { type RawBuilder, sql } from 'kysely'
import { monthOf, type Rates, ratesText } from '../../../lib/credits.ts'
import type { Platform } from '../../../platform/context.ts'
import { jsonb } from '../../../platform/database/jsonb.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { UserError } from '../../../platform/errors.ts'
import {
  availableOf,
  type HeldBalance,
  holdBalance,
  isPaused,
  moveWith,
  referenceOf,
  taken,
} from '../credits/ledger.service.ts'
import type { KeptRates } from './charge.entity.ts'
import { expireCharges } from './settlement.service.ts'

/** An organization has not enough credits for what an answer may cost; amounts in millionths of a credit. */
export class InsufficientCredits extends UserError {
  readonly code = 'INSUFFICIENT_CREDITS'
  readonly required: bigint
  readonly available: bigint
  constructor(required: bigint, available: bigint) {
    super('Your organization has not enough credits left for this. Ask for a shorter answer, or for more credits.')
    this.required = required
    this.available = available
  }
}

/** Somebody has stopped an organization's spending. */
export class SpendingPaused extends UserError {
  readonly code = 'SPENDING_PAUSED'
  constructor() {
    super('Answers that cost something are stopped in your organization for now. Ask one of its administrators.')
  }
}

/** What may be spent in one session, or by one agent in a month. */
export const capScopes = ['SESSION', 'AGENT'] as const
export type CapScope = (typeof capScopes)[number]

/** An answer may cost more than is left of what its session or its agent may; amounts in millionths of a credit. */
export class SpendingCapReached extends UserError {
  readonly code = 'SPENDING_CAP_REACHED'
  readonly scope: CapScope
  readonly cap: bigint
  readonly remaining: bigint
  readonly required: bigint
  constructor(scope: CapScope, { cap, remaining, required }: { cap: bigint; remaining: bigint; required: bigint }) {
    super(
      scope === 'SESSION'
        ? 'This chat session has cost nearly as much as one may in your organization. Go on in another one.'
        : 'This agent has cost nearly as much as one may in a month in your organization.',
    )
    this.scope = scope
    this.cap = cap
    this.remaining = remaining
    this.required = required
  }
}

/** An answer that is to be written, and the most it can cost. */
export interface NewCharge {
  readonly messageId: string
  readonly organizationId: string
  readonly sessionId: string
  readonly projectId: string | null
  /** Who asks: a person or an agent. */
  readonly actorId: string
  readonly isAgent: boolean
  readonly modelId: string
  /** By which prices, and how much at most; null where it costs nothing. */
  readonly budget: {
    readonly version: string
    readonly rates: ReadonlyMap<string, Rates>
    readonly most: bigint
  } | null
}

type Figures = Pick<Platform, 'settings'>

/**
 * Sets aside the most that an answer can cost, in the transaction that begins it: call it there as its last step.
 * One that costs nothing is only noted.
 * @throws {InsufficientCredits | SpendingPaused | SpendingCapReached}
 */
export async function holdCharge(tx: Transaction, figures: Figures, charge: NewCharge): Promise<void> {
  if (charge.budget === null) {
    await inserted(tx, figures, charge, nothingHeld(tx)).execute(tx.unscoped)
    return
  }
  const { most } = charge.budget
  const balance = await spendable(tx, figures, charge, most)
  const { fromAllowance, fromGranted } = taken(balance, most)
  const held = { fromAllowance, fromGranted, month: balance.allowanceMonth }
  await moveWith(
    tx,
    balance,
    {
      move: 'HOLD',
      reference: referenceOf(charge.messageId),
      sides: { ALLOWANCE: -fromAllowance, GRANTED: -fromGranted, HELD: most },
    },
    inserted(tx, figures, charge, held),
  )
}

/** Says that the writer of an answer is alive: what is held for it stays held. */
export async function renewHold(
  { database, clock, settings }: Pick<Platform, 'database' | 'clock' | 'settings'>,
  messageId: string,
): Promise<void> {
  await database.unscoped
    .updateTable('charge')
    .set({ expires_at: holdUntil(clock.now(), { settings }) })
    .where('message_id', '=', messageId)
    .where('status', '=', 'HELD')
    .execute()
}

/** The balance, held, once the most that an answer can cost may be spent of it. */
async function spendable(tx: Transaction, figures: Figures, charge: NewCharge, most: bigint): Promise<HeldBalance> {
  const first = await holdBalance(tx, figures, charge.organizationId)
  if (isPaused(first)) throw new SpendingPaused()
  await demandWithinCaps(tx, first, charge, most)
  // Only then, since it is a question of its own.
  const balance = availableOf(first) < most ? await expireCharges(tx, first) : first
  if (availableOf(balance) < most) throw new InsufficientCredits(most, availableOf(balance))
  return balance
}

interface Held {
  readonly fromAllowance: bigint
  readonly fromGranted: bigint
  readonly month: string
}

function inserted(tx: Transaction, figures: Figures, charge: NewCharge, held: Held): RawBuilder<unknown> {
  const { budget } = charge
  return sql`
    insert into charge (message_id, organization_id, session_id, project_id, actor_id, model_id, price_version, rates,
      held_allowance, held_granted, allowance_month, status, created_at, expires_at)
    values (${charge.messageId}, ${charge.organizationId}, ${charge.sessionId}, ${charge.projectId}, ${charge.actorId},
      ${charge.modelId}, ${budget?.version ?? null}, ${budget === null ? null : jsonb(keptRates(budget.rates))},
      ${held.fromAllowance}, ${held.fromGranted}, ${held.month}, 'HELD', ${tx.now}, ${holdUntil(tx.now, figures)})
    returning message_id`
}

function nothingHeld(tx: Transaction) {
  return { fromAllowance: 0n, fromGranted: 0n, month: monthOf(tx.now) }
}

/** Under the lock of the balance, so that of two at once the second counts what the first has set aside. */
async function demandWithinCaps(
  tx: Transaction,
  { sessionCap, agentCap, allowanceMonth }: HeldBalance,
  { sessionId, actorId, isAgent, organizationId }: NewCharge,
  required: bigint,
): Promise<void> {
  const demand = async (scope: CapScope, cap: bigint, which: ReturnType<typeof sql<boolean>>) => {
    const remaining = cap - (await spentWhere(tx, which))
    if (remaining < required)
      throw new SpendingCapReached(scope, { cap, remaining: remaining < 0n ? 0n : remaining, required })
  }
  if (sessionCap !== null) await demand('SESSION', sessionCap, sql<boolean>`session_id = ${sessionId}`)
  if (agentCap !== null && isAgent) {
    const since = `${allowanceMonth}-01T00:00:00Z`
    const ofAgent = sql<boolean>`organization_id = ${organizationId} and actor_id = ${actorId} and created_at >= ${since}`
    await demand('AGENT', agentCap, ofAgent)
  }
}

/** What charges have cost, or may yet cost. */
async function spentWhere(tx: Transaction, which: ReturnType<typeof sql<boolean>>): Promise<bigint> {
  const { rows } = await sql<{ spent: string }>`
    select coalesce(sum(
      case when status <> 'HELD' then cost when expires_at > ${tx.now} then held_allowance + held_granted else 0 end
    ), 0)::text as spent
    from charge where ${which}`.execute(tx.unscoped)
  return BigInt(rows[0]?.spent ?? 0)
}

function keptRates(rates: ReadonlyMap<string, Rates>): KeptRates {
  return Object.fromEntries([...rates].map(([id, each]) => [id, ratesText(each)]))
}

function holdUntil(now: Date, { settings }: Figures): Date {
  return new Date(now.getTime() + settings.credits.holdSeconds * 1_000)
}
