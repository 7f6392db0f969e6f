import { expect, onTestFinished, vi } from 'vitest'
import { MAX_RANK_LENGTH, ranksBetween } from '../../../../src/lib/ranks.ts'
import { newUuid } from '../../../../src/platform/uuid.ts'
import { uuidIn } from '../../../kit/people.ts'
import { test as base } from '../../../kit/test.ts'
import { childrenOf, make, verbs } from './stage.ts'
import { begin, holdPage, untilWaiting } from './waiting.ts'

// Others change pages while their siblings get new ranks. On a real database: the embedded one has one session.

interface Crowd {
  readonly parentId: string
  readonly ids: readonly string[]
}

/** Two siblings without room between them; the one made last stands first. */
const test = base.extend<{ crowd: Crowd }>({
  crowd: async ({ server, alice }, use) => {
    const { id: parentId } = await make(alice)
    const ids: string[] = []
    for (const title of ['second', 'first']) ids.push((await make(alice, { title, parentId })).id)
    const { unscoped } = server.app.platform.database
    for (const [index, id] of ids.toReversed().entries()) {
      const rank = `a0${'0'.repeat(MAX_RANK_LENGTH - 3)}${index + 1}`
      await unscoped.updateTable('page').set({ rank }).where('id', '=', uuidIn(id)).execute()
    }
    await use({ parentId, ids })
  },
})

test('a new rank that somebody takes at the same moment is no failure', async ({ server, alice, crowd }) => {
  // Without its jitter the ranks that they get are known.
  const jitter = vi.spyOn(Math, 'random').mockReturnValue(0.5)
  onTestFinished(() => jitter.mockRestore())
  const [, taken] = ranksBetween(null, null, 2) ?? []
  const [second = '', first = ''] = crowd.ids
  const beside = await begin(server)
  await beside.query(
    `insert into page (id, organization_id, project_id, parent_id, depth, rank, title, created_by_id, updated_by_id,
      version, created_at, updated_at)
     select $1, organization_id, project_id, parent_id, depth, $2, 'taken', created_by_id, updated_by_id, 1, created_at,
      updated_at from page where id = $3`,
    [newUuid(server.clock.now()), taken, uuidIn(second)],
  )
  const making = verbs.create(alice, { title: 'made', parentId: crowd.parentId, afterId: first })
  await untilWaiting(server, 1, making)
  await beside.query('commit')
  expect(await making).toMatchObject({ __typename: 'Page' })
  expect(await childrenOf(alice, crowd.parentId)).toEqual(['first', 'made', 'second', 'taken'])
})

test('siblings that get new ranks are locked in order of their ids, as everywhere', async ({
  server,
  alice,
  crowd,
}) => {
  const [second = '', first = ''] = crowd.ids
  const beside = await begin(server)
  // A planner that knows how few they are reads them as they lie there, not by an index: the one with the higher id first.
  await server.app.platform.database.pool.query('analyze page')
  await holdPage(beside, second)
  const making = verbs.create(alice, { title: 'made', parentId: crowd.parentId, afterId: first })
  await untilWaiting(server, 1, making)
  // Who has the lower id gets the higher one.
  await beside.query(`set local lock_timeout = '500ms'`)
  await holdPage(beside, first)
  await beside.query('commit')
  expect(await making).toMatchObject({ __typename: 'Page' })
  expect(await childrenOf(alice, crowd.parentId)).toEqual(['first', 'made', 'second'])
})
