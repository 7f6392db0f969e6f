import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../platform/database/tables.ts'

// A chain is an organization's, by its id, or that of events of no organization: the nil UUID.

export const AuditPendingSchema = defineEntity({
  name: 'AuditPending',
  tableName: 'audit_pending',
  indexes: [{ properties: ['chain', 'eventId'] }],
  properties: {
    eventId: p.uuid().primary(),
    chain: p.uuid(),
  },
})

/** An event that is not sealed yet. Made by a trigger with the event, so that no way of writing one can forget it. */
export class AuditPending extends AuditPendingSchema.class {}
AuditPendingSchema.setClass(AuditPending)

export const AuditSealSchema = defineEntity({
  name: 'AuditSeal',
  tableName: 'audit_seal',
  uniques: [{ properties: ['chain', 'seq'] }],
  triggers: [
    {
      name: 'insert_only',
      timing: 'before',
      events: ['delete', 'update'],
      forEach: 'statement',
      body: `raise exception 'audit_seal is insert-only' using errcode = 'insufficient_privilege'`,
    },
  ],
  properties: {
    eventId: p.uuid().primary(),
    chain: p.uuid(),
    /** From 1, without a gap. */
    seq: p.bigint('number'),
    /** Of this event and, through the hash before it, of all earlier ones. */
    hash: p.string().length(64),
  },
})

/** An event's place in its chain. Rows are only ever inserted: the database refuses anything else. */
export class AuditSeal extends AuditSealSchema.class {}
AuditSealSchema.setClass(AuditSeal)

export const AuditHeadSchema = defineEntity({
  name: 'AuditHead',
  tableName: 'audit_head',
  properties: {
    chain: p.uuid().primary(),
    seq: p.bigint('number'),
    hash: p.string().length(64),
    signedAt: p.datetime(),
    signature: p.string().length(128),
  },
})

/** Where a chain ends, signed. Its row lock keeps two sealers from one chain. */
export class AuditHead extends AuditHeadSchema.class {}
AuditHeadSchema.setClass(AuditHead)

declare module '../../platform/database/tables.ts' {
  interface Tables {
    audit_pending: Table<typeof AuditPendingSchema>
    audit_seal: Table<typeof AuditSealSchema>
    audit_head: Table<typeof AuditHeadSchema>
  }
}
