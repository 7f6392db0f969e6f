import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../organizations/organization.entity.ts'
import { User } from '../users/user.entity.ts'

export const ApiKeySchema = defineEntity({
  name: 'ApiKey',
  tableName: 'api_key',
  indexes: [{ properties: ['organization', 'user', 'id'] }],
  properties: {
    id: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    /** Whose it is: it may do no more than they may. */
    user: () => p.manyToOne(User).mapToPk(),
    name: p.string().length(80),
    /** How the secret begins, to tell keys apart in a list. */
    prefix: p.string().length(16),
    /** SHA-256 in hex: the secret has 256 random bits, so that no slow hash is needed. */
    secretHash: p.string().length(64).unique(),
    /** Of the secret before the last rotation, which still counts until `previousUntil`. */
    previousHash: p.string().length(64).nullable().unique(),
    previousUntil: p.datetime().nullable(),
    permissions: p.json<readonly string[]>(),
    createdAt: p.datetime(),
    lastUsedAt: p.datetime().nullable(),
    expiresAt: p.datetime().nullable(),
    rotatedAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
  },
})

/** A program's credential: acts as its person in one organization, within its own scopes. */
export class ApiKey extends ApiKeySchema.class {}
ApiKeySchema.setClass(ApiKey)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    api_key: Table<typeof ApiKeySchema>
  }
}
