import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'

export const RegistrationSchema = defineEntity({
  name: 'Registration',
  tableName: 'registration',
  properties: {
    id: p.uuid().primary(),
    email: p.string().length(254),
    emailKey: p.string().length(254).index(),
    username: p.string().length(32).nullable(),
    displayName: p.string().length(80),
    passwordHash: p.string().length(255),
    createdAt: p.datetime(),
    expiresAt: p.datetime().index(),
  },
})

/**
 * An account that somebody asked for where addresses must be proven first: it becomes one with the link of the mail, and
 * holds neither the address nor the username until then.
 */
export class Registration extends RegistrationSchema.class {}
RegistrationSchema.setClass(Registration)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    registration: Table<typeof RegistrationSchema>
  }
}
