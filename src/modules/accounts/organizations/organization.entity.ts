import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'

export const OrganizationSchema = defineEntity({
  name: 'Organization',
  tableName: 'organization',
  properties: {
    id: p.uuid().primary(),
    name: p.string().length(80),
    slug: p.string().length(48).unique(),
    createdAt: p.datetime(),
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
