import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'

export const LoginFailureSchema = defineEntity({
  name: 'LoginFailure',
  tableName: 'login_failure',
  properties: {
    /** SHA-256 of the name that was tried (and of the device, for one that has signed in before): people also type passwords there. */
    key: p.string().length(64).primary(),
    /** In a row, since the last success. */
    failures: p.integer(),
    failedAt: p.datetime().index(),
    /** Until when nothing is tried under this name. */
    lockedUntil: p.datetime().nullable(),
  },
})

/** How often a name was tried in vain, whether or not there is such an account. */
export class LoginFailure extends LoginFailureSchema.class {}
LoginFailureSchema.setClass(LoginFailure)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    login_failure: Table<typeof LoginFailureSchema>
  }
}
