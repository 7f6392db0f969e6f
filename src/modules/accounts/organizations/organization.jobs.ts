import { sql } from 'kysely'
import { z } from 'zod'
import type { Platform } from '../../../platform/context.ts'
import { defineJob } from '../../../platform/jobs.ts'
import { restorableSince } from './deletion.service.ts'

// What the texts are found by, which indexers put back for as long as there are texts.
const searchTables = ['text_change', 'search_chunk', 'search_text', 'search_word', 'search_vector'] as const

/**
 * The tables with rows of organizations, those that point at others before what they point at. A law compares them with the
 * entities: a table that is missing here would outlive its organization.
 */
export const purgedTables = [
  'tool_call',
  'message',
  'chat_participant',
  'chat_session',
  'page_tag',
  'tag',
  'link',
  'block_text',
  'block',
  'page',
  'charge',
  'credit_entry',
  'credit_balance',
  'project_member',
  'project',
  'agent',
  'api_key',
  'invitation',
  'idempotency_key',
  'membership',
  ...searchTables,
] as const

/** What stays: the trail outlives what it speaks of. */
export const keptTables = ['audit_event'] as const

const ROWS_A_STATEMENT = 1_000
const ORGANIZATIONS_A_RUN = 100
/** Later than anybody can restore it, also by a clock that is slow. */
const MARGIN_MILLIS = 3_600_000

/** Deletes organizations for good whose days of grace are over, of accounts that were deleted as well. */
export const purgeOrganizations = defineJob({
  name: 'accounts.purge-organizations',
  schema: z.object({}),
  expireSeconds: 600,
  schedule: '43 * * * *',
  run: async (platform: Platform, _payload, signal) => {
    const { database, clock } = platform
    const before = new Date(restorableSince(clock.now()).getTime() - MARGIN_MILLIS)
    const due = await database.unscoped
      .selectFrom('organization')
      .select('id')
      .where('deleted_at', '<=', before)
      .orderBy('deleted_at')
      .limit(ORGANIZATIONS_A_RUN)
      .execute()
    for (const { id } of due) {
      if (signal.aborted) return
      // One that cannot be purged is for the next run; the others do not wait for it.
      await purge(platform, id, signal).catch((error: unknown) =>
        platform.log.error({ err: error, organizationId: id }, 'an organization could not be purged'),
      )
    }
  },
})

/** In statements of their own, each of which holds few rows for a short time; what is left is for the next run. */
async function purge({ database }: Platform, id: string, signal: AbortSignal): Promise<void> {
  const { unscoped } = database
  const deleteAll = async (table: string, predicate: ReturnType<typeof sql<boolean>>) => {
    for (;;) {
      if (signal.aborted) return
      const { numAffectedRows = 0n } = await sql`
        delete from ${sql.table(table)}
        where ctid in (select ctid from ${sql.table(table)} where ${predicate} limit ${ROWS_A_STATEMENT})
      `.execute(unscoped)
      if (numAffectedRows < BigInt(ROWS_A_STATEMENT)) return
    }
  }
  await deleteAll('agent_token', sql<boolean>`agent_id in (select id from agent where organization_id = ${id})`)
  const ofIt = sql<boolean>`organization_id = ${id}`
  for (const table of purgedTables) await deleteAll(table, ofIt)
  for (const table of ['channel_event', 'channel_head'])
    await deleteAll(table, sql<boolean>`starts_with(channel, ${`${id}/`})`)
  await releaseSessions(unscoped, id)
  // What somebody was at when its texts went.
  for (const table of searchTables) await deleteAll(table, ofIt)
  if (!signal.aborted) await unscoped.deleteFrom('organization').where('id', '=', id).execute()
}

/** Sessions that ended there, which are kept for a while yet, point elsewhere; those of nobody's are of no more use. */
async function releaseSessions(unscoped: Platform['database']['unscoped'], id: string): Promise<void> {
  await sql`
    update device_session set active_organization_id = other.organization_id
    from (
      select distinct on (membership.user_id) membership.user_id, membership.organization_id
      from membership where membership.user_id in (select user_id from device_session where active_organization_id = ${id})
      order by membership.user_id, membership.joined_at
    ) as other
    where device_session.active_organization_id = ${id} and other.user_id = device_session.user_id
  `.execute(unscoped)
  await unscoped.deleteFrom('device_session').where('active_organization_id', '=', id).execute()
}
