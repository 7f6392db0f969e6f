import { defineEntity, p } from '@mikro-orm/postgresql'
import type { JsonObject } from '../../../platform/channels/channel.entity.ts'
import type { Table } from '../../../platform/database/tables.ts'

export const UserSchema = defineEntity({
  name: 'User',
  tableName: 'user',
  indexes: [
    // Few of many: what asks for these reads them alone.
    {
      name: 'user_platform_admin_index',
      expression: `create index "user_platform_admin_index" on "user" ("id") where "is_platform_admin"`,
    },
    {
      name: 'user_suspended_index',
      expression: `create index "user_suspended_index" on "user" ("id") where "suspended_at" is not null`,
    },
    // For what a name or an address begins with: the unique indexes serve that in the C collation alone.
    {
      name: 'user_email_prefix_index',
      expression: `create index "user_email_prefix_index" on "user" ("email_key" varchar_pattern_ops)`,
    },
    {
      name: 'user_username_prefix_index',
      expression: `create index "user_username_prefix_index" on "user" ("username_key" varchar_pattern_ops)`,
    },
    {
      name: 'user_name_prefix_index',
      expression: `create index "user_name_prefix_index" on "user" (lower("display_name") text_pattern_ops)`,
    },
  ],
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
    /** What front ends keep for this person; nothing here acts on it. */
    preferences: p.json<JsonObject>(),
    /** Goes up with every change of what this person may do or how they are shown; what was known under another is stale. */
    accessEpoch: p.integer().default(0),
    /** Manages people everywhere, and content nowhere. */
    isPlatformAdmin: p.boolean().default(false),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    /** While it stands nobody gets in with this account, by whatever credential. */
    suspendedAt: p.datetime().nullable(),
    /** When the account was deleted; what it made keeps its author, who has no name any more. */
    deletedAt: p.datetime().nullable(),
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
