import { type Kysely, sql } from 'kysely'
import type { Tables } from '../../../platform/database/tables.ts'

/** Whom of these people a project is closed to; none may read it who is no member of its organization. Sorted. */
export async function findShutOut(
  db: Kysely<Tables>,
  projectId: string,
  userIds: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select person.id from unnest(${userIds}::uuid[]) as person (id), project
    where project.id = ${projectId}
      and not exists (
        select from project_member where project_member.project_id = project.id and project_member.user_id = person.id
      )
      and (project.visibility = 'PRIVATE' or not exists (
        select from membership
        where membership.organization_id = project.organization_id
          and membership.user_id = person.id and membership.role <> 'GUEST'
      ))
    order by person.id`.execute(db)
  return rows.map(({ id }) => id)
}
