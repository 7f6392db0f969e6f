import { defineEntity, p } from '@mikro-orm/postgresql'
import type { RatesText } from '../../../lib/credits.ts'
import { oneOf } from '../../../platform/database/one-of.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'

/** `HELD` while the answer is written; `EXPIRED` when its end never came, and what was held went back. */
export const chargeStatuses = ['HELD', 'SETTLED', 'EXPIRED'] as const
export type ChargeStatus = (typeof chargeStatuses)[number]

/** By the ids of the models that may write an answer. */
export type KeptRates = Readonly<Record<string, RatesText>>

export const ChargeSchema = defineEntity({
  name: 'Charge',
  tableName: 'charge',
  indexes: [
    { properties: ['organization', 'endedAt'] },
    // For the caps.
    { properties: ['sessionId'] },
    { properties: ['organization', 'actorId', 'createdAt'] },
    {
      name: 'charge_expires_index',
      expression: `create index "charge_expires_index" on "charge" ("expires_at") where "status" = 'HELD'`,
    },
  ],
  checks: [
    { property: 'status', expression: oneOf('status', chargeStatuses) },
    { name: 'charge_never_more_than_held', expression: 'cost >= 0 and cost <= held_allowance + held_granted' },
  ],
  properties: {
    /** The answer. Not a foreign key: what it cost outlives it. */
    messageId: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    sessionId: p.uuid(),
    /** Where the session stood when it was asked. */
    projectId: p.uuid().nullable(),
    /** Who asked: a person or an agent. */
    actorId: p.uuid(),
    /** What was asked. */
    modelId: p.string().length(128),
    /** The list of prices it goes by, and what that says; null where it costs nothing. */
    priceVersion: p.string().length(128).nullable(),
    rates: p.json<KeptRates>().nullable(),
    // In millionths of a credit.
    heldAllowance: p.bigint('bigint'),
    heldGranted: p.bigint('bigint'),
    /** Of which month's allowance. */
    allowanceMonth: p.string().length(7),
    status: p.string().length(16).$type<ChargeStatus>(),
    cost: p.bigint('bigint').default(0),
    inputTokens: p.integer().default(0),
    cachedInputTokens: p.integer().default(0),
    outputTokens: p.integer().default(0),
    reasoningTokens: p.integer().default(0),
    createdAt: p.datetime(),
    /** Until when its writer is taken to be alive; null once it has ended. */
    expiresAt: p.datetime().nullable(),
    endedAt: p.datetime().nullable(),
  },
})

/** What one answer is charged: what is held for it, and what it came to. */
export class Charge extends ChargeSchema.class {}
ChargeSchema.setClass(Charge)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    charge: Table<typeof ChargeSchema>
  }
}
