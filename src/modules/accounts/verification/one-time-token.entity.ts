import { defineEntity, p } from '@mikro-orm/postgresql'
import { oneOf } from '../../../platform/database/one-of.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { User } from '../users/user.entity.ts'

/** What the holder of a mailed link may do once. */
export const purposes = ['VERIFY_EMAIL', 'RESET_PASSWORD'] as const
export type Purpose = (typeof purposes)[number]

export const OneTimeTokenSchema = defineEntity({
  name: 'OneTimeToken',
  tableName: 'one_time_token',
  checks: [{ property: 'purpose', expression: oneOf('purpose', purposes) }],
  indexes: [{ properties: ['user', 'purpose'] }],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).mapToPk(),
    purpose: p.string().length(16).$type<Purpose>(),
    /** The address the link was mailed to, in lower case: it proves no other. */
    emailKey: p.string().length(254),
    createdAt: p.datetime(),
    expiresAt: p.datetime().index(),
    usedAt: p.datetime().nullable(),
  },
})

/** One mailed link. The token itself is sealed around the id and stored nowhere. */
export class OneTimeToken extends OneTimeTokenSchema.class {}
OneTimeTokenSchema.setClass(OneTimeToken)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    one_time_token: Table<typeof OneTimeTokenSchema>
  }
}
