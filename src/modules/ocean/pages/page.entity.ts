import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'
import { Project } from '../../projects/project.entity.ts'

export const PageSchema = defineEntity({
  name: 'Page',
  tableName: 'page',
  indexes: [{ properties: ['organization', 'id'] }, { properties: ['project', 'id'] }],
  properties: {
    id: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    project: () => p.manyToOne(Project).mapToPk().nullable(),
    title: p.string().length(200),
    icon: p.string().length(32).nullable(),
    /** A person, or an agent; so are they below. */
    createdById: p.uuid(),
    updatedById: p.uuid(),
    version: p.integer().version(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
})

/** A document of the Ocean. Its text lives in blocks. */
export class Page extends PageSchema.class {}
PageSchema.setClass(Page)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    page: Table<typeof PageSchema>
  }
}
