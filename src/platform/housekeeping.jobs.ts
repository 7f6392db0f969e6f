import { z } from 'zod'
import { trimChannels } from './channels/log.ts'
import type { Platform } from './context.ts'
import { defineJob } from './jobs.ts'

/** Deletes what has outlived its retention: live events and idempotency keys. */
export const housekeeping = defineJob({
  name: 'platform.housekeeping',
  schema: z.object({}),
  expireSeconds: 600,
  schedule: '17 * * * *',
  run: async (platform: Platform, _payload, signal) => {
    const { database, settings, clock } = platform
    const now = clock.now()
    const { retentionSeconds, keepPerChannel } = settings.channels
    const olderThan = new Date(now.getTime() - retentionSeconds * 1_000)
    while (!signal.aborted && (await trimChannels(database.unscoped, { olderThan, keepPerChannel })) > 0);
    await database.unscoped.deleteFrom('idempotency_key').where('expires_at', '<=', now).execute()
  },
})
