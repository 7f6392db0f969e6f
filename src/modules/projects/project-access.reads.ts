import { type RawBuilder, sql } from 'kysely'
import { NIL } from 'uuid'
import {
  type Action,
  effectiveRole,
  type Role,
  roleIncludes,
  rolesIncluding,
  type Standing,
  type Visibility,
} from '../../platform/access.ts'
import type { Reader } from '../../platform/database/tenant-reads.ts'

/** What a row tells of the project it stands in, beside what it is itself; all null where it stands in none. */
export interface ProjectFacts {
  readonly visibility: Visibility | null
  readonly projectRole: Role | null
  readonly archivedAt: Date | null
}

/** The reader's own role in the project whose id stands in this column. */
export function projectRole(reader: Reader, column: string): RawBuilder<Role | null> {
  return sql<Role | null>`(
    select own.role from project_member as own
    where own.project_id = ${sql.ref(column)} and own.user_id = ${reader.userId ?? NIL}
  )`
}

/** What a reader is to what stands in a project, or at the top of the organization. */
export function standingIn(reader: Reader, facts: ProjectFacts): Standing {
  const { visibility, projectRole: role, archivedAt } = facts
  if (reader.role === null) return { viewerRole: null, isArchived: false }
  const viewerRole = visibility === null ? reader.role : effectiveRole(reader.role, { visibility, role })
  return { viewerRole, isArchived: archivedAt !== null }
}

/** The same as a predicate: whether the reader's role on a living project, whose id stands in this column, includes it. */
export function isOpenTo(reader: Reader, action: Action, column: string): RawBuilder<boolean> {
  const byOrganization = reader.role !== 'GUEST' && roleIncludes(reader.role, action)
  return sql<boolean>`exists (
    select from project as home where home.id = ${sql.ref(column)} and home.deleted_at is null
      and ((home.visibility = 'ORGANIZATION' and ${byOrganization})
        or ${projectRole(reader, 'home.id')} = any(${rolesIncluding(action)}::text[]))
  )`
}

/** The predicate of what may also stand at the top of the organization, where the column is null. */
export function isOpenAnywhere(reader: Reader, action: Action, column: string): RawBuilder<boolean> {
  const atTop = roleIncludes(reader.role, action)
  return sql<boolean>`case when ${sql.ref(column)} is null then ${atTop} else ${isOpenTo(reader, action, column)} end`
}
