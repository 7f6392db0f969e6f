import { defineEntity, p } from '@mikro-orm/postgresql'
import { type Role, roles } from '../../../platform/access.ts'
import { oneOf } from '../../../platform/database/one-of.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../organizations/organization.entity.ts'
import { User } from '../users/user.entity.ts'

export const MembershipSchema = defineEntity({
  name: 'Membership',
  tableName: 'membership',
  uniques: [{ properties: ['organization', 'user'] }],
  checks: [{ property: 'role', expression: oneOf('role', roles) }],
  properties: {
    id: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    user: () => p.manyToOne(User).mapToPk().index(),
    role: p.string().length(16).$type<Role>(),
    joinedAt: p.datetime(),
  },
})

/** A person's place in an organization. */
export class Membership extends MembershipSchema.class {}
MembershipSchema.setClass(Membership)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    membership: Table<typeof MembershipSchema>
  }
}
