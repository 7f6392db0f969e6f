import { expect, vi } from 'vitest'
import { LoginDocument } from '../../../gql/graphql.ts'
import { uuidIn } from '../../../kit/people.ts'
import { test } from '../../../kit/test.ts'

// On a real database, where somebody else can hold a row.

test('a password that changes while it is checked lets nobody in', async ({ server, alice }) => {
  const { unscoped } = server.app.platform.database
  const id = uuidIn(alice.userId)
  const sessions = () => unscoped.selectFrom('device_session').select('id').where('user_id', '=', id).execute()
  const before = await sessions()
  const held = await unscoped.transaction().execute(async (tx) => {
    await tx.selectFrom('user').select('id').where('id', '=', id).forUpdate().execute()
    const login = alice.mutate(LoginDocument, { input: { identifier: alice.email, password: alice.password } })
    // It waits for the row: the old password was right when it was checked.
    await vi.waitFor(async () => expect(await waitersOf(server)).toBeGreaterThan(0), { timeout: 10_000 })
    await tx.updateTable('user').set({ password_hash: 'another' }).where('id', '=', id).execute()
    return { login }
  })
  expect((await held.login).login.__typename).toBe('InvalidCredentials')
  expect(await sessions()).toEqual(before)
})

async function waitersOf({ app }: { app: { platform: { database: { pool: { query: Query } } } } }): Promise<number> {
  const { rows } = await app.platform.database.pool.query(
    `select count(*)::int as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%for no key update%'`,
  )
  return rows[0]?.count ?? 0
}

type Query = (text: string) => Promise<{ rows: { count: number }[] }>
