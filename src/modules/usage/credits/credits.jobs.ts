import { z } from 'zod'
import { monthOf } from '../../../lib/credits.ts'
import type { Platform } from '../../../platform/context.ts'
import { defineJob } from '../../../platform/jobs.ts'
import { systemContext } from '../../../platform/system-context.ts'
import { bringUpToDate } from './credits.service.ts'

const ORGANIZATIONS_A_LOOK = 200

/**
 * Books what organizations are due of this month's allowance, those that have opened a balance: of any other it is booked
 * with its first answer, and shown before that. Each is booked once, whoever comes first.
 */
export const bookAllowances = defineJob({
  name: 'usage.book-allowances',
  schema: z.object({}),
  expireSeconds: 3_000,
  schedule: '7 * * * *',
  run: async (platform: Platform, _payload, signal) => {
    const { unscoped } = platform.database
    const month = monthOf(platform.clock.now())
    for (let after: string | null = null; ; ) {
      const query = unscoped
        .selectFrom('credit_balance')
        .innerJoin('organization', 'organization.id', 'credit_balance.organization_id')
        .select(['organization_id as id', 'tier', 'allowance_month as month', 'allowance_issued as issued'])
        .where('deleted_at', 'is', null)
        .orderBy('organization_id')
        .limit(ORGANIZATIONS_A_LOOK)
      const rows = await (after === null ? query : query.where('organization_id', '>', after)).execute()
      const { monthly } = platform.settings.credits
      const due = rows.filter((row) => row.month < month || BigInt(row.issued) < monthly[row.tier])
      for (const { id } of due) {
        if (signal.aborted) return
        await bringOneUpToDate(platform, id)
      }
      after = rows.at(-1)?.id ?? null
      if (rows.length < ORGANIZATIONS_A_LOOK) return
    }
  },
})

/** Gives back what is held for answers whose writers are gone, and whose end nobody brought about. */
export const expireHolds = defineJob({
  name: 'usage.expire-holds',
  schema: z.object({}),
  expireSeconds: 300,
  schedule: '* * * * *',
  run: async (platform: Platform, _payload, signal) => {
    const rows = await platform.database.unscoped
      .selectFrom('charge')
      .select('organization_id as id')
      .where('status', '=', 'HELD')
      .where('expires_at', '<=', platform.clock.now())
      .groupBy('organization_id')
      .orderBy((on) => on.fn.min('expires_at'))
      .limit(ORGANIZATIONS_A_LOOK)
      .execute()
    for (const { id } of rows) {
      if (signal.aborted) return
      await bringOneUpToDate(platform, id)
    }
  },
})

/** One that fails is for the next run; the others do not wait for it. */
async function bringOneUpToDate(platform: Platform, organizationId: string): Promise<void> {
  await bringUpToDate(systemContext(platform), organizationId).catch((error: unknown) =>
    platform.log.error(
      { err: error, organizationId },
      'the credits of an organization could not be brought up to date',
    ),
  )
}
