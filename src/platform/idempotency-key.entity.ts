import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from './database/tables.ts'

export const IdempotencyKeySchema = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_key',
  properties: {
    actorId: p.uuid().primary(),
    organizationId: p.uuid().primary(),
    field: p.string().length(64).primary(),
    key: p.string().length(128).primary(),
    inputHash: p.string().length(64),
    objectIds: p.json<readonly string[]>(),
    expiresAt: p.datetime().index(),
  },
})

/** What a write already made under a client's key. Holds ids only: the answer is resolved anew, with today's rights. */
export class IdempotencyKey extends IdempotencyKeySchema.class {}
IdempotencyKeySchema.setClass(IdempotencyKey)

declare module './database/tables.ts' {
  interface Tables {
    idempotency_key: Table<typeof IdempotencyKeySchema>
  }
}
