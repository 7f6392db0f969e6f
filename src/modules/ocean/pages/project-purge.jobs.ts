import { z } from 'zod'
import type { Platform } from '../../../platform/context.ts'
import { defineJob } from '../../../platform/jobs.ts'
import { PROJECT_GRACE_DAYS } from '../../projects/project.service.ts'

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
    await database.unscoped.transaction().execute(async (sql) => {
      const projects = await sql
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
      const pages = sql.selectFrom('page').select('id').where('project_id', 'in', ids)
      await sql.deleteFrom('block').where('page_id', 'in', pages).execute()
      await sql.deleteFrom('page').where('project_id', 'in', ids).execute()
      await sql.deleteFrom('project_member').where('project_id', 'in', ids).execute()
      await sql.deleteFrom('project').where('id', 'in', ids).execute()
    })
  },
})
