import { defineEntity, p } from '@mikro-orm/postgresql'
import { type Role, roles, type Visibility, visibilities } from '../../platform/access.ts'
import type { JsonObject } from '../../platform/channels/channel.entity.ts'
import { oneOf } from '../../platform/database/one-of.ts'
import type { Table } from '../../platform/database/tables.ts'
import { Organization } from '../accounts/organizations/organization.entity.ts'
import { User } from '../accounts/users/user.entity.ts'

/** Roles somebody can have in a project; a guest of the organization becomes one of these. */
export const projectRoles = roles.filter((role) => role !== 'GUEST')

export const ProjectSchema = defineEntity({
  name: 'Project',
  tableName: 'project',
  indexes: [{ properties: ['organization', 'id'] }],
  checks: [{ property: 'visibility', expression: oneOf('visibility', visibilities) }],
  properties: {
    id: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    name: p.string().length(120),
    description: p.string().length(2000).nullable(),
    /** What front ends keep for the project; nothing here acts on it. */
    settings: p.json<JsonObject>(),
    visibility: p.string().length(16).$type<Visibility>().default('ORGANIZATION'),
    /** Goes up with every change of who may do what in it. */
    accessEpoch: p.integer().default(0),
    /** A person, or an agent. */
    createdById: p.uuid(),
    version: p.integer().version(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    /** While it stands only reading is left. */
    archivedAt: p.datetime().nullable(),
    /** It and its pages are gone for everyone, and purged after their days of grace. */
    deletedAt: p.datetime().nullable().index(),
  },
})

/** A body of work in an organization: its pages, its chat sessions and its members. */
export class Project extends ProjectSchema.class {}
ProjectSchema.setClass(Project)

export const ProjectMemberSchema = defineEntity({
  name: 'ProjectMember',
  tableName: 'project_member',
  uniques: [{ properties: ['project', 'user'] }],
  indexes: [{ properties: ['project', 'id'] }],
  checks: [{ property: 'role', expression: oneOf('role', projectRoles) }],
  properties: {
    id: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk().index(),
    project: () => p.manyToOne(Project).mapToPk(),
    user: () => p.manyToOne(User).mapToPk().index(),
    role: p.string().length(16).$type<Role>(),
    createdAt: p.datetime(),
  },
})

/** A person's place in a project, beside the one they have in its organization. */
export class ProjectMember extends ProjectMemberSchema.class {}
ProjectMemberSchema.setClass(ProjectMember)

declare module '../../platform/database/tables.ts' {
  interface Tables {
    project: Table<typeof ProjectSchema>
    project_member: Table<typeof ProjectMemberSchema>
  }
}
