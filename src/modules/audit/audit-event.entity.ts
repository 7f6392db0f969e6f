import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../platform/database/tables.ts'

export const AuditEventSchema = defineEntity({
  name: 'AuditEvent',
  tableName: 'audit_event',
  indexes: [{ properties: ['organizationId', 'id'] }],
  checks: [{ property: 'outcome', expression: `outcome in ('allowed', 'denied')` }],
  properties: {
    id: p.uuid().primary(),
    // No foreign keys: the trail outlives what it speaks of.
    organizationId: p.uuid().nullable(),
    actor: p.string().length(64).nullable(),
    action: p.string().length(64),
    target: p.string().length(64).nullable(),
    outcome: p.string().length(16).$type<'allowed' | 'denied'>(),
    address: p.string().length(64).nullable(),
    requestId: p.string().length(64),
    at: p.datetime(),
  },
})

/** One thing somebody did or was refused. Rows are only ever inserted. */
export class AuditEvent extends AuditEventSchema.class {}
AuditEventSchema.setClass(AuditEvent)

declare module '../../platform/database/tables.ts' {
  interface Tables {
    audit_event: Table<typeof AuditEventSchema>
  }
}
