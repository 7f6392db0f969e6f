import { sql } from 'kysely'
import type { Context } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'
import type { ChargeStatus, KeptRates } from './charge.entity.ts'

/** A charge as it is held; amounts in millionths of a credit. */
export interface HeldCharge {
  readonly messageId: string
  readonly status: ChargeStatus
  readonly rates: KeptRates | null
  readonly heldAllowance: bigint
  readonly heldGranted: bigint
  readonly allowanceMonth: string
}

const AT_ONCE = 500

/** Charges under this condition, a bounded number of them. Their rows are held on demand: once the balance is, never before. */
export async function readCharges(
  { unscoped }: Pick<Transaction, 'unscoped'>,
  which: ReturnType<typeof sql<boolean>>,
  { isHeld }: { readonly isHeld: boolean },
): Promise<HeldCharge[]> {
  const { rows } = await sql<Omit<HeldCharge, 'heldAllowance' | 'heldGranted'> & { a: string; g: string }>`
    select message_id as "messageId", status, rates, held_allowance::text as a, held_granted::text as g,
      allowance_month as "allowanceMonth"
    from charge where ${which} order by message_id limit ${AT_ONCE} ${isHeld ? sql`for no key update` : sql``}`.execute(
    unscoped,
  )
  return rows.map(({ a, g, ...charge }) => ({ ...charge, heldAllowance: BigInt(a), heldGranted: BigInt(g) }))
}

/** What one answer was charged; null while it is being written. */
export interface ChargeRow {
  readonly status: ChargeStatus
  /** Millionths of a credit. */
  readonly cost: bigint
}

const chargeByMessage = defineLoader<string, ChargeRow>({
  name: 'chargeByMessage',
  batch: async (db, ids) => {
    const rows = await db
      .from('charge')
      .where('charge.message_id', 'in', ids)
      .select(['charge.message_id as id', 'charge.status', sql<string>`charge.cost::text`.as('cost')])
      .execute()
    return new Map(rows.map(({ id, status, cost }) => [id, { status, cost: BigInt(cost) }]))
  },
})

/** What an answer was charged; null where nobody was. */
export function findCharge(ctx: Context, messageId: string): Promise<ChargeRow | null> {
  return load(ctx, chargeByMessage, messageId)
}
