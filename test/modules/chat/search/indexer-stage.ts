import { type Kysely, sql } from 'kysely'
import { indexChanges } from '../../../../src/modules/chat/search/indexing.service.ts'
import type { Tables } from '../../../../src/platform/database/tables.ts'
import type { Stage } from './vector-stage.ts'

/** Indexes all that is due. */
export async function drain({ database }: Stage): Promise<void> {
  while ((await indexChanges(database, 50)) > 0);
}

/** The ids of what can be found in an organization. */
export async function foundTexts({ database }: Stage, organizationId: string): Promise<string[]> {
  const query = database.unscoped.selectFrom('search_text').select('subject_id as id')
  // Without words it was put there by the test itself.
  const rows = await query
    .where('organization_id', '=', organizationId)
    .where(sql<boolean>`words <> ''`)
    .orderBy('subject_id')
    .execute()
  return rows.map(({ id }) => id)
}

/** Sorted. */
export async function wordsOf({ database }: Stage, organizationId: string): Promise<string[]> {
  const query = database.unscoped.selectFrom('search_word').select('word').orderBy('word')
  return (await query.where('organization_id', '=', organizationId).execute()).map(({ word }) => word)
}

/** Something that goes on, and whether it still does. */
export function ended<Value>(promise: Promise<Value>) {
  let isEnded = false
  const end = () => {
    isEnded = true
  }
  promise.then(end, end)
  return { promise, isEnded: () => isEnded }
}

/** Keeps whoever indexes a word waiting, with all else of its transaction written, until it is released. */
export async function blockWord({ database: { unscoped } }: Stage, organizationId: string, word: string) {
  const release = Promise.withResolvers<void>()
  const holds = Promise.withResolvers<void>()
  const transaction = unscoped.transaction().execute(async (tx: Kysely<Tables>) => {
    await sql`insert into search_word (organization_id, word) values (${organizationId}, ${word})`.execute(tx)
    holds.resolve()
    await release.promise
    await sql`delete from search_word where organization_id = ${organizationId} and word = ${word}`.execute(tx)
  })
  await holds.promise
  return {
    /** How many wait for somebody. */
    waiting: async () => {
      const { rows } = await sql<{ count: number }>`
        select count(*)::int as count from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(unscoped)
      return rows[0]?.count
    },
    release: () => {
      release.resolve()
      return transaction
    },
  }
}
