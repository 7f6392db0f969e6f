import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../organizations/organization.entity.ts'
import { User } from '../users/user.entity.ts'

export const DeviceSessionSchema = defineEntity({
  name: 'DeviceSession',
  tableName: 'device_session',
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).mapToPk().index(),
    /** The organization its access tokens are for. */
    activeOrganization: () => p.manyToOne(Organization).mapToPk(),
    deviceName: p.string().length(80).nullable(),
    userAgent: p.string().length(512).nullable(),
    address: p.string().length(64).nullable(),
    /** The number in the newest refresh token; older ones are spent. */
    refreshCounter: p.integer(),
    refreshedAt: p.datetime(),
    createdAt: p.datetime(),
    expiresAt: p.datetime().index(),
    revokedAt: p.datetime().nullable(),
  },
})

/** One device a person is signed in on, and the family of refresh tokens it holds. */
export class DeviceSession extends DeviceSessionSchema.class {}
DeviceSessionSchema.setClass(DeviceSession)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    device_session: Table<typeof DeviceSessionSchema>
  }
}
