import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'

/** Who can stop an organization's spending: its own administrators, and those of the platform, each for themselves. */
export const pausers = ['ORGANIZATION', 'PLATFORM'] as const
export type Pauser = (typeof pausers)[number]

export const CreditBalanceSchema = defineEntity({
  name: 'CreditBalance',
  tableName: 'credit_balance',
  checks: [
    // Whatever the code does, nobody spends what is not there.
    { name: 'credit_balance_never_negative', expression: 'allowance >= 0 and granted >= 0 and held >= 0' },
  ],
  properties: {
    organization: () => p.manyToOne(Organization).mapToPk().primary(),
    // Amounts are millionths of a credit; reads select them as text, since the driver makes numbers of such columns.
    /** What is left of this month's allowance. */
    allowance: p.bigint('bigint'),
    /** What was granted and is not spent; it stays. */
    granted: p.bigint('bigint'),
    /** What is set aside for answers that are being written. */
    held: p.bigint('bigint'),
    /** The month of the allowance, `2026-11`, and how much that was. */
    allowanceMonth: p.string().length(7),
    allowanceIssued: p.bigint('bigint'),
    // Whoever stopped spending allows it again, and nobody else.
    isPausedByOrganization: p.boolean().default(false),
    isPausedByPlatform: p.boolean().default(false),
    /** What one chat session may cost in all; null: no cap. */
    sessionCap: p.bigint('bigint').nullable(),
    /** What one agent may cost in a month; null: no cap. */
    agentCap: p.bigint('bigint').nullable(),
  },
})

/** What an organization can spend: always what its entries in the ledger come to. Whoever changes it holds its row first. */
export class CreditBalance extends CreditBalanceSchema.class {}
CreditBalanceSchema.setClass(CreditBalance)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    credit_balance: Table<typeof CreditBalanceSchema>
  }
}
