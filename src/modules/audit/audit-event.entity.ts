import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../platform/database/tables.ts'

const recordsOfHeads = 'audit_event_head_index'

export const AuditEventSchema = defineEntity({
  name: 'AuditEvent',
  tableName: 'audit_event',
  // One for each way the trail is looked through: newest first within an organization. By `at` and not by the id alone,
  // whose own index Postgres would walk through everybody's rows to find those of an organization that has gone quiet.
  indexes: [
    { properties: ['organizationId', 'at', 'id'] },
    { properties: ['organizationId', 'actor', 'at', 'id'] },
    { properties: ['organizationId', 'action', 'at', 'id'] },
    { properties: ['organizationId', 'target', 'at', 'id'] },
    // Of the records of heads alone, which are few.
    {
      name: recordsOfHeads,
      properties: ['headChain', 'headSeq', 'id'],
      expression: `create index "${recordsOfHeads}" on "audit_event" ("head_chain", "head_seq", "id") where "head_chain" is not null`,
    },
  ],
  checks: [{ property: 'outcome', expression: `outcome in ('allowed', 'denied')` }],
  triggers: [
    {
      name: 'insert_only',
      timing: 'before',
      events: ['delete', 'update'],
      forEach: 'statement',
      body: `raise exception 'audit_event is insert-only' using errcode = 'insufficient_privilege'`,
    },
    // TRUNCATE is refused by a trigger of the migration: MikroORM does not see such triggers in a database.
    {
      name: 'await_seal',
      timing: 'after',
      events: ['insert'],
      forEach: 'row',
      body: `insert into audit_pending (event_id, chain) values (new.id, coalesce(new.organization_id, '00000000-0000-0000-0000-000000000000')); return null`,
    },
  ],
  properties: {
    id: p.uuid().primary(),
    // No foreign keys: the trail outlives what it speaks of.
    organizationId: p.uuid().nullable(),
    actor: p.string().length(64).nullable(),
    /** The person for whom a key or an agent acted. */
    onBehalfOf: p.string().length(64).nullable(),
    action: p.string().length(64),
    target: p.string().length(64).nullable(),
    outcome: p.string().length(16).$type<'allowed' | 'denied'>(),
    address: p.string().length(64).nullable(),
    requestId: p.string().length(64),
    at: p.datetime(),
    /** Of a record in the chain of no organization of where another chain ended, `audit.head`; null of all other events. */
    headChain: p.uuid().nullable(),
    headSeq: p.bigint('number').nullable(),
    headHash: p.string().length(64).nullable(),
  },
})

/** One thing somebody did or was refused. Rows are only ever inserted: the database refuses anything else. */
export class AuditEvent extends AuditEventSchema.class {}
AuditEventSchema.setClass(AuditEvent)

declare module '../../platform/database/tables.ts' {
  interface Tables {
    audit_event: Table<typeof AuditEventSchema>
  }
}
