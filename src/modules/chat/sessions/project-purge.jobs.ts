import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import type { Platform } from '../../../platform/context.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import { defineJob } from '../../../platform/jobs.ts'
import { PROJECT_GRACE_DAYS } from '../../projects/project.service.ts'
import { isShutOut } from './chat-participant.reads.ts'

const DAY_MILLIS = 86_400_000
/** Projects of one run, so that no transaction holds locks for long; the rest go with the next. */
const MAX_PROJECTS = 20

/** Deletes for good, with all that stands in them, the projects whose days of grace are over. */
export const projectPurge = defineJob({
  name: 'projects.purge',
  schema: z.object({}),
  expireSeconds: 600,
  schedule: '41 * * * *',
  run: async ({ database, clock }: Platform) => {
    const before = new Date(clock.now().getTime() - PROJECT_GRACE_DAYS * DAY_MILLIS)
    await database.unscoped.transaction().execute(async (tx) => {
      const projects = await tx
        .selectFrom('project')
        .select('id')
        .where('deleted_at', '<=', before)
        .orderBy('id')
        .limit(MAX_PROJECTS)
        .forUpdate()
        .skipLocked()
        .execute()
      const ids = projects.map(({ id }) => id)
      if (ids.length === 0) return
      await leaveSessions(tx, ids)
      const pages = tx.selectFrom('page').select('id').where('project_id', 'in', ids)
      await tx.deleteFrom('block').where('page_id', 'in', pages).execute()
      await tx.deleteFrom('page').where('project_id', 'in', ids).execute()
      await tx.deleteFrom('project_member').where('project_id', 'in', ids).execute()
      await tx.deleteFrom('project').where('id', 'in', ids).execute()
    })
  },
})

/** Takes those out of the projects' chat sessions who could not read the project: without it nothing keeps them from them. */
async function leaveSessions(tx: Kysely<Tables>, projectIds: readonly string[]): Promise<void> {
  // A session's row before those of who takes part, as wherever both are changed.
  await tx
    .selectFrom('chat_session')
    .where('project_id', 'in', projectIds)
    .select('id')
    .orderBy('id')
    .forUpdate()
    .execute()
  await sql`
    delete from chat_participant using chat_session, project
    where chat_session.id = chat_participant.session_id and project.id = chat_session.project_id
      and project.id = any(${projectIds}::uuid[]) and ${isShutOut('chat_participant.user_id')}`.execute(tx)
}
