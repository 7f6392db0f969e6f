import { z } from 'zod'
import type { Platform } from '../../../platform/context.ts'
import { defineJob } from '../../../platform/jobs.ts'
import { takeOver } from './generation.service.ts'

const AT_ONCE = 10

/**
 * Ends what is being written in an organization and costs something, with the text so far: its spending was stopped, so that
 * nothing is begun any more. What is paid for by then is charged.
 */
export const stopSpending = defineJob({
  name: 'chat.stop-spending',
  schema: z.object({ organizationId: z.uuid() }),
  expireSeconds: 300,
  run: async (platform: Platform, { organizationId }, signal) => {
    const rows = await platform.database.unscoped
      .selectFrom('message')
      // Perhaps it was allowed again before this ran.
      .innerJoin('credit_balance', 'credit_balance.organization_id', 'message.organization_id')
      .where((on) => on.or([on('is_paused_by_organization', '=', true), on('is_paused_by_platform', '=', true)]))
      .select('id')
      .where('message.organization_id', '=', organizationId)
      .where('status', '=', 'STREAMING')
      .where('reading', 'is not', null)
      .execute()
    for (let start = 0; start < rows.length && !signal.aborted; start += AT_ONCE) {
      await Promise.all(rows.slice(start, start + AT_ONCE).map(({ id }) => stop(platform, id)))
    }
  },
})

async function stop(platform: Platform, messageId: string): Promise<void> {
  await takeOver(platform, messageId, 'CANCELLED')
  platform.tasks.abort(messageId)
}
