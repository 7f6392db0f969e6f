import { expect, onTestFinished } from 'vitest'
import {
  ArchivePageDocument,
  BlockDocument,
  CreateBlocksDocument,
  MergeBlocksDocument,
  UpdateBlockDocument,
} from '../../../gql/graphql.ts'
import { uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { createPage, test, write } from '../../../kit/test.ts'
import { make, outcomeOf } from './outline.ts'

// What happens to pages and blocks between a gate and its change. On a real database: the embedded one has one session.

/** Does something once what was asked waits for a row, and lets it go on; answers what it came to. */
async function meanwhile(
  { app }: TestServer,
  { table, id }: { readonly table: 'page' | 'block'; readonly id: string },
  ask: () => Promise<string>,
  work: () => Promise<unknown>,
): Promise<string> {
  const { pool } = app.platform.database
  const client = await pool.connect()
  onTestFinished(() => client.release())
  await client.query('begin')
  await client.query(`select from ${table} where id = $1 for update`, [uuidIn(id)])
  const asked = ask()
  const waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
  await expect.poll(async () => (await pool.query(waiting)).rowCount, { interval: 10 }).toBeGreaterThan(0)
  await work()
  await client.query('commit')
  return asked
}

test('the content of a block stays as it is when its page is archived first', async ({ server, alice, page }) => {
  const blocks = [{ type: 'TO_DO' as const, text: 'done?' }]
  const { createBlocks: made } = await alice.mutate(CreateBlocksDocument, { input: { pageId: page.id, blocks } })
  const id = made.__typename === 'CreatedBlocks' ? (made.blocks[0]?.id ?? '') : ''
  const outcome = await meanwhile(
    server,
    { table: 'block', id },
    () => outcomeOf(alice.send(UpdateBlockDocument, { input: { id, expectedVersion: 1, content: { checked: true } } })),
    () => alice.mutate(ArchivePageDocument, { input: { id: page.id } }),
  )
  expect(outcome).toBe('FORBIDDEN')
  expect((await alice.query(BlockDocument, { id })).block).toMatchObject({ content: { checked: false }, version: 1 })
})

test('a block is not merged into one that went to another page first', async ({ server, alice, page }) => {
  const other = await createPage(alice, 'Elsewhere')
  const [intoId = ''] = await write(alice, page.id, 'into')
  const { child = '' } = await make(alice, { pageId: page.id }, 'parent', '  child')
  const [id = ''] = await write(alice, page.id, '')
  const { unscoped } = server.app.platform.database
  const stand = (one: string, place: { page_id?: string; parent_id?: string; depth?: number }) =>
    unscoped.updateTable('block').set(place).where('id', '=', uuidIn(one)).execute()
  await stand(child, { parent_id: uuidIn(id), depth: 2 })
  const outcome = await meanwhile(
    server,
    { table: 'page', id: page.id },
    () => outcomeOf(alice.send(MergeBlocksDocument, { input: { id, intoId } })),
    () => stand(intoId, { page_id: uuidIn(other.id) }),
  )
  expect(outcome).toBe('intoId')
})
