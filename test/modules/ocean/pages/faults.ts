import { sql } from 'kysely'
import { type Person, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'

/** What is wrong with the pages of a person's organization: none has to be more than the tree lets it. */
export async function faultsOf({ app }: TestServer, { organizationId }: Person) {
  const { rows } = await sql<{ id: string; fault: string }>`
    with recursive reached (id, depth, project_id, is_archived) as (
      select id, 1, project_id, archived_at is not null from page
      where organization_id = ${uuidIn(organizationId)} and parent_id is null
      union all
      select page.id, reached.depth + 1, reached.project_id, reached.is_archived
      from page join reached on page.parent_id = reached.id
    )
    select page.id, case
      when reached.id is null then 'is in a circle'
      when page.depth <> reached.depth then 'has another depth than its place'
      when page.project_id is distinct from reached.project_id then 'is in another project than its parent'
      when reached.is_archived and page.archived_at is null then 'lives in what is archived'
      when (page.archived_at is null) <> (page.archived_with_id is null) then 'is archived with nothing'
    end as fault
    from page left join reached on reached.id = page.id where page.organization_id = ${uuidIn(organizationId)}`.execute(
    app.platform.database.unscoped,
  )
  return rows.filter(({ fault }) => fault !== null)
}
