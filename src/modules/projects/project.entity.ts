import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../platform/database/tables.ts'
import { Organization } from '../accounts/organizations/organization.entity.ts'
import { User } from '../accounts/users/user.entity.ts'

export const ProjectSchema = defineEntity({
  name: 'Project',
  tableName: 'project',
  indexes: [{ properties: ['organization', 'id'] }],
  properties: {
    id: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    name: p.string().length(120),
    description: p.string().length(2000).nullable(),
    createdBy: () => p.manyToOne(User).mapToPk(),
    version: p.integer().version(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
})

/** A body of work in an organization: its pages and, later, its chat sessions and members. */
export class Project extends ProjectSchema.class {}
ProjectSchema.setClass(Project)

declare module '../../platform/database/tables.ts' {
  interface Tables {
    project: Table<typeof ProjectSchema>
  }
}
