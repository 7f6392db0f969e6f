import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'

export const OrganizationSchema = defineEntity({
  name: 'Organization',
  tableName: 'organization',
  properties: {
    id: p.uuid().primary(),
    name: p.string().length(80),
    slug: p.string().length(48).unique(),
    /** Goes up with every change of what its members may do there or how it is shown. */
    accessEpoch: p.integer().default(0),
    createdAt: p.datetime(),
    /** When it was given up: nobody is a member any more. */
    deletedAt: p.datetime().nullable(),
  },
})

/** A tenant: the wall around projects, pages and people. Everyone has a personal one from registration on. */
export class Organization extends OrganizationSchema.class {}
OrganizationSchema.setClass(Organization)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    organization: Table<typeof OrganizationSchema>
  }
}
