import { expect } from 'vitest'
import { MAX_RANK_LENGTH } from '../../../../src/lib/ranks.ts'
import { uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { test } from '../../../kit/test.ts'
import { childrenOf, make, verbs } from './stage.ts'

/** Gives siblings ranks between whose first two there is room for none that is short. */
async function crowd(server: TestServer, ids: readonly string[]): Promise<void> {
  for (const [index, id] of ids.entries()) {
    const rank = `a0${'0'.repeat(MAX_RANK_LENGTH - 3)}${index + 1}`
    await server.app.platform.database.unscoped.updateTable('page').set({ rank }).where('id', '=', uuidIn(id)).execute()
  }
}

test('where there is no room between two siblings all get new ranks, and the order stays', async ({
  server,
  alice,
}) => {
  const parent = await make(alice)
  const child = (title: string, afterId: string | null = null) => make(alice, { title, parentId: parent.id, afterId })
  const [a, b, c] = [await child('a'), await child('b'), await child('c')]
  const titles = async () => (await childrenOf(alice, parent.id))?.join(' ')
  await crowd(server, [a.id, b.id, c.id])
  expect(await titles()).toBe('a b c')

  await child('made', a.id)
  expect(await titles()).toBe('a made b c')
  await crowd(server, [a.id, b.id])
  await verbs.move(alice, { id: c.id, parentId: parent.id, afterId: a.id })
  expect((await titles())?.split(' ').filter((title) => title !== 'made')).toEqual(['a', 'c', 'b'])
  await crowd(server, [a.id, c.id])
  await verbs.duplicate(alice, { id: a.id, title: 'copy' })
  expect((await titles())?.split(' ').filter((title) => !['made', 'b'].includes(title))).toEqual(['a', 'copy', 'c'])

  const rows = server.app.platform.database.unscoped.selectFrom('page').select('rank')
  const ranks = await rows.where('parent_id', '=', uuidIn(parent.id)).execute()
  expect(new Set(ranks.map(({ rank }) => rank)).size).toBe(ranks.length)
  expect(ranks.filter(({ rank }) => rank.length > 20)).toEqual([])
})
