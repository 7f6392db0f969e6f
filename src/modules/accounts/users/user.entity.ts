import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'

export const UserSchema = defineEntity({
  name: 'User',
  tableName: 'user',
  properties: {
    id: p.uuid().primary(),
    email: p.string().length(254),
    /** Lower case; what uniqueness and login go by. */
    emailKey: p.string().length(254).unique(),
    username: p.string().length(32).nullable(),
    usernameKey: p.string().length(32).nullable().unique(),
    displayName: p.string().length(80),
    avatarUrl: p.string().length(2048).nullable(),
    passwordHash: p.string().length(255),
    emailVerifiedAt: p.datetime().nullable(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
})

/** A person with an account. */
export class User extends UserSchema.class {}
UserSchema.setClass(User)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    user: Table<typeof UserSchema>
  }
}
