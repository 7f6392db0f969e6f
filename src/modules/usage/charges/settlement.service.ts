import { type RawBuilder, sql } from 'kysely'
import { costOf, dearestOf, lesserOf, ratesOfText } from '../../../lib/credits.ts'
import type { TokenUsage } from '../../../lib/token-usage.ts'
import type { Platform } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { availableOf, type HeldBalance, holdBalance, moveWith, referenceOf, taken } from '../credits/ledger.service.ts'
import type { ChargeStatus, KeptRates } from './charge.entity.ts'
import { type HeldCharge, readCharges } from './charge.reads.ts'

/** What an answer came to by its end. */
export interface Spent {
  /** Millionths of a credit that its steps have cost so far; null where it costs nothing. */
  readonly cost: bigint | null
  /** A step that was not finished, and by which model; null when there was none. */
  readonly unfinished: { readonly modelId: string; readonly usage: TokenUsage } | null
  /** Of all its steps together. */
  readonly usage: TokenUsage | null
}

/**
 * Charges what an answer came to, never more than was held for it, and gives the rest back; in the transaction of its end,
 * which is its only one: call it there as its last step. What had expired meanwhile is charged as far as there is something.
 */
export async function settleCharge(
  tx: Transaction,
  { settings, log }: Pick<Platform, 'settings' | 'log'>,
  { messageId, organizationId }: { readonly messageId: string; readonly organizationId: string },
  { cost: soFar, unfinished, usage }: Spent,
): Promise<void> {
  if (soFar === null) {
    await ended({ messageId, status: null, cost: 0n, usage, at: tx.now }).execute(tx.unscoped)
    return
  }
  const own = sql<boolean>`message_id = ${messageId}`
  // Before the balance is held, for which all others of the organization wait; once more should it have moved meanwhile.
  const [seen] = await readCharges(tx, own, { isHeld: false })
  if (seen === undefined || seen.status === 'SETTLED') return
  const balance = await holdBalance(tx, { settings }, organizationId)
  const price = soFar + costOfStep(seen.rates, unfinished)
  const end = { price, usage, at: tx.now }
  // What was counted beforehand was too little: that is ours to bear, and to know of.
  const over = price - seen.heldAllowance - seen.heldGranted
  if (over > 0n)
    log.warn({ message: referenceOf(messageId), over: String(over) }, 'an answer cost more than was held for it')
  if (await settle(tx, balance, seen, end)) return
  const [now] = await readCharges(tx, own, { isHeld: true })
  if (now !== undefined && now.status !== 'SETTLED') await settle(tx, balance, now, end)
}

/** Gives back what an organization has held for answers whose end never came, and answers its balance after that. */
export async function expireCharges(tx: Transaction, balance: HeldBalance): Promise<HeldBalance> {
  const overdue = await readCharges(
    tx,
    sql<boolean>`organization_id = ${balance.organizationId} and status = 'HELD' and expires_at <= ${tx.now}`,
    { isHeld: true },
  )
  let after = balance
  for (const charge of overdue) {
    const { messageId } = charge
    const expired = sql`
      update charge set status = 'EXPIRED', expires_at = null, ended_at = ${tx.now} where message_id = ${messageId}
      returning message_id`
    const sides = givenBack(after, charge, 0n)
    after = (await moveWith(tx, after, { move: 'EXPIRE', reference: referenceOf(messageId), sides }, expired)) ?? after
  }
  return after
}

interface End {
  readonly price: bigint
  readonly usage: TokenUsage | null
  readonly at: Date
}

/** False when the charge is no longer as it was seen. */
async function settle(tx: Transaction, balance: HeldBalance, charge: HeldCharge, end: End): Promise<boolean> {
  const due = lesserOf(end.price, charge.heldAllowance + charge.heldGranted)
  const { cost, move, sides } = charge.status === 'HELD' ? settlement(balance, charge, due) : late(balance, due)
  const change = ended({ ...charge, cost, usage: end.usage, at: end.at })
  const done = await moveWith(tx, balance, { move, sides, reference: referenceOf(charge.messageId) }, change)
  return done !== null
}

function settlement(balance: HeldBalance, charge: HeldCharge, cost: bigint) {
  return { cost, move: cost === 0n ? 'RELEASE' : 'SETTLE', sides: givenBack(balance, charge, cost) } as const
}

/** What was held goes, but for the cost, back to where it came from: of a month that is over the allowance has lapsed. */
function givenBack({ allowanceMonth }: HeldBalance, charge: HeldCharge, cost: bigint) {
  const { heldAllowance, heldGranted } = charge
  const ofAllowance = lesserOf(cost, heldAllowance)
  const back = heldAllowance - ofAllowance
  const isOver = charge.allowanceMonth !== allowanceMonth
  return {
    HELD: -(heldAllowance + heldGranted),
    SPENT: cost,
    ALLOWANCE: isOver ? 0n : back,
    LAPSED: isOver ? back : 0n,
    GRANTED: heldGranted - (cost - ofAllowance),
  }
}

/** What was held has gone back: charged is what of it is still there. */
function late(balance: HeldBalance, due: bigint) {
  const cost = lesserOf(due, availableOf(balance))
  const { fromAllowance, fromGranted } = taken(balance, cost)
  return { cost, move: 'LATE', sides: { ALLOWANCE: -fromAllowance, GRANTED: -fromGranted, SPENT: cost } } as const
}

interface Ended extends Pick<HeldCharge, 'messageId'> {
  /** As it was seen; null for any. */
  readonly status: ChargeStatus | null
  readonly cost: bigint
  readonly usage: TokenUsage | null
  readonly at: Date
}

/** Ends a charge that has not ended and is still as it was seen. */
function ended({ messageId, status, cost, usage, at }: Ended): RawBuilder<unknown> {
  return sql`
    update charge
    set status = 'SETTLED', cost = ${cost}, expires_at = null, ended_at = ${at},
      input_tokens = ${usage?.inputTokens ?? 0}, cached_input_tokens = ${usage?.cachedInputTokens ?? 0},
      output_tokens = ${usage?.outputTokens ?? 0}, reasoning_tokens = ${usage?.reasoningTokens ?? 0}
    where message_id = ${messageId} and status <> 'SETTLED' and status = coalesce(${status}, status)
    returning message_id`
}

/** By the prices under which it was begun, whatever they are by now. */
function costOfStep(rates: KeptRates | null, step: Spent['unfinished']): bigint {
  if (step === null || rates === null) return 0n
  const all = Object.entries(rates).map(([id, kept]) => [id, ratesOfText(kept)] as const)
  const own = all.find(([id]) => id === step.modelId)?.[1]
  return costOf(own ?? dearestOf(all.map(([, each]) => each)), step.usage)
}
