import { z } from 'zod'
import type { Platform } from '../../../platform/context.ts'
import { defineJob } from '../../../platform/jobs.ts'
import { forgottenBefore } from './login-guard.service.ts'

/** Deletes what is known of names that were not tried for so long that it is forgotten: most are nobody's. */
export const forgetFailures = defineJob({
  name: 'accounts.forget-failures',
  schema: z.object({}),
  expireSeconds: 600,
  schedule: '37 * * * *',
  run: async ({ database, settings, clock }: Platform) => {
    const before = forgottenBefore(settings.guessing, clock.now())
    await database.unscoped.deleteFrom('login_failure').where('failed_at', '<=', before).execute()
  },
})
