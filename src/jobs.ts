import { welcomeMail } from './modules/accounts/users/user.jobs.ts'
import type { Platform } from './platform/context.ts'
import { housekeeping } from './platform/housekeeping.jobs.ts'
import type { Job } from './platform/jobs.ts'

/** Every background job there is. */
export const jobs: readonly Job<Platform, unknown>[] = [housekeeping, welcomeMail]
