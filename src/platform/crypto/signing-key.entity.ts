import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../database/tables.ts'

export const SigningKeySchema = defineEntity({
  name: 'SigningKey',
  tableName: 'signing_key',
  properties: {
    kid: p.string().length(64).primary(),
    algorithm: p.string().length(16),
    publicJwk: p.json<Record<string, unknown>>(),
    sealedPrivateJwk: p.text(),
    createdAt: p.datetime(),
  },
})

/** A key pair that signs access tokens. The private half is sealed: a copy of the database alone can sign nothing. */
export class SigningKey extends SigningKeySchema.class {}
SigningKeySchema.setClass(SigningKey)

declare module '../database/tables.ts' {
  interface Tables {
    signing_key: Table<typeof SigningKeySchema>
  }
}
