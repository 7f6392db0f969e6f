import { defineEntity, p } from '@mikro-orm/postgresql'
import type { DeviceType } from '../../../lib/device-type.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../organizations/organization.entity.ts'
import { User } from '../users/user.entity.ts'

export const DeviceSessionSchema = defineEntity({
  name: 'DeviceSession',
  tableName: 'device_session',
  indexes: [{ properties: ['user', 'deviceId'] }],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).mapToPk(),
    /** The same for all sessions of one device, which proves it with a signed token. */
    deviceId: p.uuid(),
    /** The organization its access tokens are for. */
    activeOrganization: () => p.manyToOne(Organization).mapToPk().index(),
    deviceName: p.string().length(80).nullable(),
    deviceType: p.string().length(16).$type<DeviceType>(),
    userAgent: p.string().length(512).nullable(),
    address: p.string().length(64).nullable(),
    /** The number in the newest refresh token; older ones are spent. */
    refreshCounter: p.integer(),
    refreshedAt: p.datetime(),
    /** Who traded the last refresh token, as far as clients can be told apart: only they may repeat it. */
    refreshedBy: p.string().length(600),
    lastSeenAt: p.datetime(),
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
