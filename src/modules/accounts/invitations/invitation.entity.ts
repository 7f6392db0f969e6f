import { defineEntity, p } from '@mikro-orm/postgresql'
import { type Role, roles } from '../../../platform/access.ts'
import { oneOf } from '../../../platform/database/one-of.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../organizations/organization.entity.ts'
import { User } from '../users/user.entity.ts'

export const InvitationSchema = defineEntity({
  name: 'Invitation',
  tableName: 'invitation',
  checks: [{ property: 'role', expression: oneOf('role', roles) }],
  indexes: [
    { properties: ['organization', 'id'] },
    {
      name: 'invitation_one_open_per_address',
      expression:
        'create unique index "invitation_one_open_per_address" on "invitation" ("organization_id", "email_key") where "accepted_at" is null and "revoked_at" is null',
    },
  ],
  properties: {
    id: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    email: p.string().length(254),
    /** Lower case: the link works for an account with this address alone. */
    emailKey: p.string().length(254).index(),
    role: p.string().length(16).$type<Role>(),
    invitedBy: () => p.manyToOne(User).mapToPk(),
    createdAt: p.datetime(),
    expiresAt: p.datetime().index(),
    acceptedAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
  },
})

/** A place in an organization that was offered to an address. The link's token is sealed around the id and stored nowhere. */
export class Invitation extends InvitationSchema.class {}
InvitationSchema.setClass(Invitation)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    invitation: Table<typeof InvitationSchema>
  }
}
