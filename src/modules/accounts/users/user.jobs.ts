import { z } from 'zod'
import type { Platform } from '../../../platform/context.ts'
import { defineJob } from '../../../platform/jobs.ts'

const DAY_MILLIS = 86_400_000
/** How long an ended session is kept: its device stays known, and lists of what happened can name it. */
const SESSION_MEMORY_DAYS = 90
const TOKEN_MEMORY_DAYS = 7
const INVITATION_MEMORY_DAYS = 30
/** The trail names keys for ever; whoever comes with one is told for so long what became of it. */
const API_KEY_MEMORY_DAYS = 90
const AGENT_TOKEN_MEMORY_DAYS = 1

/**
 * Deletes what accounts no longer need: registrations nobody confirmed, spent links, old sessions, invitations and keys,
 * expired tokens of agents.
 */
export const accountsHousekeeping = defineJob({
  name: 'accounts.housekeeping',
  schema: z.object({}),
  expireSeconds: 600,
  schedule: '23 * * * *',
  run: async (platform: Platform) => {
    const { unscoped } = platform.database
    const now = platform.clock.now()
    const ago = (days: number) => new Date(now.getTime() - days * DAY_MILLIS)
    await unscoped.deleteFrom('registration').where('expires_at', '<=', now).execute()
    await unscoped.deleteFrom('one_time_token').where('expires_at', '<=', ago(TOKEN_MEMORY_DAYS)).execute()
    await unscoped.deleteFrom('invitation').where('expires_at', '<=', ago(INVITATION_MEMORY_DAYS)).execute()
    // A day late, so that whoever still comes with one is told that it has expired.
    await unscoped.deleteFrom('agent_token').where('expires_at', '<=', ago(AGENT_TOKEN_MEMORY_DAYS)).execute()
    const forgotten = ago(API_KEY_MEMORY_DAYS)
    await unscoped
      .deleteFrom('api_key')
      .where((on) => on.or([on('revoked_at', '<=', forgotten), on('expires_at', '<=', forgotten)]))
      .execute()
    await unscoped.deleteFrom('device_session').where('expires_at', '<=', ago(SESSION_MEMORY_DAYS)).execute()
  },
})
