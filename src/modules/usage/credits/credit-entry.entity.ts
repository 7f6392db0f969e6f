import { defineEntity, p } from '@mikro-orm/postgresql'
import { oneOf } from '../../../platform/database/one-of.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'

/**
 * Between which accounts of an organization credits move. The first three are its balance; `ISSUED` is below nothing by all
 * it ever got, `SPENT` and `LAPSED` are where that went.
 */
export const creditAccounts = ['ALLOWANCE', 'GRANTED', 'HELD', 'ISSUED', 'SPENT', 'LAPSED'] as const
export type CreditAccount = (typeof creditAccounts)[number]

/** Why they moved. */
export const creditMoves = ['ALLOWANCE', 'GRANT', 'HOLD', 'SETTLE', 'RELEASE', 'EXPIRE', 'LATE'] as const
export type CreditMove = (typeof creditMoves)[number]

const givenBackOnce = 'credit_entry_given_back_once_unique'
const onceOnly = 'credit_entry_once_unique'

export const CreditEntrySchema = defineEntity({
  name: 'CreditEntry',
  tableName: 'credit_entry',
  indexes: [
    { properties: ['organization', 'createdAt'] },
    // What was held for an answer goes back once, by whatever move.
    {
      name: givenBackOnce,
      expression: `create unique index "${givenBackOnce}" on "credit_entry" ("organization_id", "reference") where "account" = 'HELD' and "amount" < 0`,
    },
  ],
  // An answer is held for once, and settled once; a month's allowance comes once: also where the code is wrong.
  uniques: [{ name: onceOnly, properties: ['organization', 'move', 'reference', 'account'] }],
  checks: [
    { property: 'account', expression: oneOf('account', creditAccounts) },
    { property: 'move', expression: oneOf('move', creditMoves) },
    { property: 'amount', expression: 'amount <> 0' },
  ],
  triggers: [
    {
      name: 'insert_only',
      timing: 'before',
      events: ['update'],
      forEach: 'statement',
      body: `raise exception 'credit_entry is insert-only' using errcode = 'insufficient_privilege'`,
    },
    {
      // After the statement, which writes all sides of a move at once.
      name: 'balanced',
      timing: 'after',
      events: ['insert'],
      forEach: 'row',
      body: `if (select sum(amount) from credit_entry where transaction_id = new.transaction_id) <> 0 then raise exception 'a move of credits does not come to nothing' using errcode = 'check_violation'; end if; return null`,
    },
  ],
  properties: {
    /** Of one move; its entries come to nothing together. */
    transactionId: p.uuid().primary(),
    account: p.string().length(16).$type<CreditAccount>().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    move: p.string().length(16).$type<CreditMove>(),
    /** What it is about: a message, a month and its allowance, a grant. */
    reference: p.string().length(64),
    /** Millionths of a credit; reads select it as text. */
    amount: p.bigint('bigint'),
    createdAt: p.datetime(),
  },
})

/** One side of a move of credits. Rows are only ever inserted, until their organization is purged. */
export class CreditEntry extends CreditEntrySchema.class {}
CreditEntrySchema.setClass(CreditEntry)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    credit_entry: Table<typeof CreditEntrySchema>
  }
}
