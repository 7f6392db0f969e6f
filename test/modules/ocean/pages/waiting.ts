import type pg from 'pg'
import { expect, onTestFinished } from 'vitest'
import { uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'

/** A transaction beside the product's, rolled back at the end of the test unless it ended before. */
export async function begin({ app }: TestServer): Promise<pg.PoolClient> {
  const client = await app.platform.database.pool.connect()
  await client.query('begin')
  onTestFinished(async () => {
    await client.query('rollback')
    client.release()
  })
  return client
}

/** Locks the row of a page, until that transaction ends. */
export async function holdPage(client: pg.PoolClient, id: string): Promise<void> {
  await client.query('select from page where id = $1 for update', [uuidIn(id)])
}

/** Waits until as many statements wait for a lock, or what was sent is answered. */
export async function untilWaiting({ app }: TestServer, count: number, sent?: Promise<unknown>): Promise<void> {
  const waiting =
    "select count(*)::int as count from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
  let isAnswered = false
  void sent?.then(() => {
    isAnswered = true
  })
  await expect
    .poll(
      async () => {
        const { rows } = await app.platform.database.pool.query<{ count: number }>(waiting)
        return isAnswered || (rows[0]?.count ?? 0) >= count
      },
      { interval: 10 },
    )
    .toBe(true)
}
