import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Tables } from '../../../platform/database/tables.ts'

/** Whom of these people a project is closed to; none may read it who is no member of its organization. Sorted. */
export async function findShutOut(
  db: Kysely<Tables>,
  projectId: string,
  userIds: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select person.id from unnest(${userIds}::uuid[]) as person (id), project
    where project.id = ${projectId} and ${isShutOut('person.id')}
    order by person.id`.execute(db)
  return rows.map(({ id }) => id)
}

/** Over `project` and a column with the id of a person: that it is closed to them. */
export function isShutOut(userId: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`
    not exists (
      select from project_member
      where project_member.project_id = project.id and project_member.user_id = ${sql.ref(userId)}
    )
    and (project.visibility = 'PRIVATE' or not exists (
      select from membership
      where membership.organization_id = project.organization_id
        and membership.user_id = ${sql.ref(userId)} and membership.role <> 'GUEST'
    ))`
}
