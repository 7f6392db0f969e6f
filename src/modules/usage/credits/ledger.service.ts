import { type RawBuilder, sql } from 'kysely'
import { monthOf } from '../../../lib/credits.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Platform } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { newUuid } from '../../../platform/uuid.ts'
import type { Tier } from '../../accounts/organizations/organization.entity.ts'
import { newsOf } from '../../accounts/organizations/organization.events.ts'
import { type CreditAccount, type CreditMove, creditAccounts } from './credit-entry.entity.ts'

/** The balance of an organization while its row is held: amounts in millionths of a credit. */
export interface HeldBalance {
  readonly organizationId: string
  readonly allowance: bigint
  readonly granted: bigint
  readonly held: bigint
  readonly allowanceMonth: string
  readonly allowanceIssued: bigint
  readonly isPausedByOrganization: boolean
  readonly isPausedByPlatform: boolean
  readonly sessionCap: bigint | null
  readonly agentCap: bigint | null
}

/** How much goes into each account, and out of it below zero; together nothing. */
export type Sides = Partial<Record<CreditAccount, bigint>>

/** One move: why, and what about. */
interface Move {
  readonly move: CreditMove
  readonly reference: string
  readonly sides: Sides
}

type Figures = Pick<Platform, 'settings'>

/**
 * Holds an organization's balance until the commit, with what it is due of this month's allowance. Comes after all else but
 * charges, channel heads too: whoever locks several does it in that order, in `tx.last`.
 */
export async function holdBalance(tx: Transaction, figures: Figures, organizationId: string): Promise<HeldBalance> {
  const found = (await readHeld(tx, organizationId)) ?? (await openBalance(tx, organizationId))
  const { tier, ...balance } = found
  return withAllowance(tx, balance, figures.settings.credits.monthly[tier])
}

/**
 * Moves credits between the accounts of a balance that is held, and answers the balance after it; its members are told. The
 * database refuses what would go below nothing, what does not come to nothing, and what was done before.
 */
export async function moveCredits(tx: Transaction, balance: HeldBalance, move: Move): Promise<HeldBalance> {
  const after = await moveWith(tx, balance, move, sql`select`)
  if (after === null) throw new Error('Credits did not move')
  return after
}

/**
 * The same in one statement with a change of something else, which returns what it changes: null, and nothing is moved, when
 * that is nothing.
 */
export async function moveWith(
  tx: Transaction,
  balance: HeldBalance,
  { move, reference, sides }: Move,
  change: RawBuilder<unknown>,
): Promise<HeldBalance | null> {
  const { organizationId } = balance
  const of = (account: CreditAccount) => sides[account] ?? 0n
  const after = {
    ...balance,
    allowance: balance.allowance + of('ALLOWANCE'),
    granted: balance.granted + of('GRANTED'),
    held: balance.held + of('HELD'),
  }
  const accounts = creditAccounts.filter((account) => of(account) !== 0n)
  const amounts = accounts.map((account) => String(of(account)))
  // As text of ours: building it anew each time takes as long as running it.
  const { numAffectedRows } = await sql`
    with change as (${change}), entry as (
      insert into credit_entry (transaction_id, account, organization_id, move, reference, amount, created_at)
      select ${newUuid(tx.now)}::uuid, account, ${organizationId}::uuid, ${move}, ${reference}, amount, ${tx.now}::timestamptz
      from unnest(${accounts}::text[], ${amounts}::int8[]) as side (account, amount)
      where exists (select from change)
    )
    update credit_balance
    set allowance = ${after.allowance}, granted = ${after.granted}, held = ${after.held},
      allowance_month = ${after.allowanceMonth}, allowance_issued = ${after.allowanceIssued}
    where organization_id = ${organizationId} and exists (select from change)`.execute(tx.unscoped)
  if (numAffectedRows === 0n) return null
  tellCredits(tx, organizationId)
  return after
}

/** Says to all members that their organization's credits, or the rules of spending them, have changed. */
export function tellCredits(tx: Transaction, organizationId: string): void {
  tx.notice(newsOf(organizationId, { type: 'CreditsChanged' }))
}

/** What a move is about when it is about an answer. */
export function referenceOf(messageId: string): string {
  return encodeTypeId('message', messageId)
}

/** Whether nothing may be spent of a balance, whatever there is. */
export function isPaused(balance: Pick<HeldBalance, 'isPausedByOrganization' | 'isPausedByPlatform'>): boolean {
  return balance.isPausedByOrganization || balance.isPausedByPlatform
}

/** What of the balance can be spent, in millionths of a credit. */
export function availableOf({ allowance, granted }: Pick<HeldBalance, 'allowance' | 'granted'>): bigint {
  return allowance + granted
}

/** An amount taken of what can be spent: this month's allowance first, since that lapses. */
export function taken({ allowance }: Pick<HeldBalance, 'allowance'>, amount: bigint) {
  const fromAllowance = amount < allowance ? amount : allowance
  return { fromAllowance, fromGranted: amount - fromAllowance }
}

/** What a balance is once the allowance it is due has been added; `lapsed` and `issued` say what that takes. */
export function dueAllowance<Balance extends Pick<HeldBalance, 'allowance' | 'allowanceMonth' | 'allowanceIssued'>>(
  balance: Balance,
  monthly: bigint,
  now: Date,
): { readonly balance: Balance; readonly lapsed: bigint; readonly issued: bigint } {
  const month = monthOf(now)
  // Never backwards: the clocks of two nodes may be in different months.
  const isNew = month > balance.allowanceMonth
  const lapsed = isNew ? balance.allowance : 0n
  const before = isNew ? 0n : balance.allowanceIssued
  // Whoever pays for more in mid-month gets the difference at once; whoever pays for less keeps what they have.
  const issued = monthly > before ? monthly - before : 0n
  return {
    balance: {
      ...balance,
      allowance: balance.allowance - lapsed + issued,
      allowanceMonth: isNew ? month : balance.allowanceMonth,
      allowanceIssued: before + issued,
    },
    lapsed,
    issued,
  }
}

async function withAllowance(tx: Transaction, balance: HeldBalance, monthly: bigint): Promise<HeldBalance> {
  const { balance: due, lapsed, issued } = dueAllowance(balance, monthly, tx.now)
  const { allowanceMonth, allowanceIssued } = due
  const before = { ...balance, allowanceMonth, allowanceIssued }
  const isNothing = lapsed === 0n && issued === 0n
  return isNothing
    ? before
    : moveCredits(tx, before, {
        move: 'ALLOWANCE',
        reference: `${allowanceMonth}/${allowanceIssued}`,
        sides: { ALLOWANCE: issued - lapsed, LAPSED: lapsed, ISSUED: -issued },
      })
}

const amount = (column: string) => sql<string>`${sql.ref(`credit_balance.${column}`)}::text`

async function readHeld(
  tx: Transaction,
  organizationId: string,
): Promise<(HeldBalance & { readonly tier: Tier }) | undefined> {
  const row = await tx.unscoped
    .selectFrom('credit_balance')
    .innerJoin('organization', 'organization.id', 'credit_balance.organization_id')
    .select([
      'organization.tier',
      'credit_balance.organization_id as organizationId',
      'credit_balance.allowance_month as allowanceMonth',
      'credit_balance.is_paused_by_organization as isPausedByOrganization',
      'credit_balance.is_paused_by_platform as isPausedByPlatform',
      amount('allowance').as('allowance'),
      amount('granted').as('granted'),
      amount('held').as('held'),
      amount('allowance_issued').as('allowanceIssued'),
      sql<string | null>`credit_balance.session_cap::text`.as('sessionCap'),
      sql<string | null>`credit_balance.agent_cap::text`.as('agentCap'),
    ])
    .where('credit_balance.organization_id', '=', organizationId)
    .forNoKeyUpdate('credit_balance')
    .executeTakeFirst()
  return row === undefined ? undefined : { ...row, ...amountsOf(row) }
}

/** Amounts that were selected as text. */
export function amountsOf(row: {
  readonly allowance: string
  readonly granted: string
  readonly held: string
  readonly allowanceIssued: string
  readonly sessionCap: string | null
  readonly agentCap: string | null
}) {
  const orNull = (text: string | null) => (text === null ? null : BigInt(text))
  return {
    allowance: BigInt(row.allowance),
    granted: BigInt(row.granted),
    held: BigInt(row.held),
    allowanceIssued: BigInt(row.allowanceIssued),
    sessionCap: orNull(row.sessionCap),
    agentCap: orNull(row.agentCap),
  }
}

async function openBalance(tx: Transaction, organizationId: string) {
  await tx.unscoped
    .insertInto('credit_balance')
    .values({ organization_id: organizationId, ...noBalance })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const row = await readHeld(tx, organizationId)
  if (row === undefined) throw new Error('An organization has no balance')
  return row
}

/** What an organization has that was never asked about: of a month long ago, so that it is due this one's allowance. */
const noBalance = { allowance: 0n, granted: 0n, held: 0n, allowance_month: '0000-00', allowance_issued: 0n }
