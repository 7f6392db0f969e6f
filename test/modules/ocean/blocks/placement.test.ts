import { expect, vi } from 'vitest'
import { MAX_RANK_LENGTH, ranksBetween } from '../../../../src/lib/ranks.ts'
import { MoveBlockDocument, PageDocument, PageEventsDocument } from '../../../gql/graphql.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { test } from '../../../kit/test.ts'
import { blocksOf, make, outcomeOf, outlineOf } from './outline.ts'

/** Gives the blocks of a page positions as long as they get, with nothing in between. */
async function crowd(server: TestServer, person: Person, pageId: string): Promise<void> {
  const { unscoped } = server.app.platform.database
  for (const [index, { id }] of (await blocksOf(person, pageId)).entries()) {
    const position = `a1${'V'.repeat(MAX_RANK_LENGTH - 3)}${index}`
    await unscoped.updateTable('block').set({ position }).where('id', '=', uuidIn(id)).execute()
  }
}

test('where there is no room for a block, all of the page get short positions again, and watchers hear of each', async ({
  server,
  alice,
  bob,
  page,
}) => {
  const lines = ['a', '  a1', '    a1i', 'b']
  const { b = '' } = await make(alice, { pageId: page.id }, ...lines)
  await crowd(server, alice, page.id)
  const before = await blocksOf(alice, page.id)
  const after = (await alice.query(PageDocument, { id: page.id })).page?.eventsCursor
  const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after })
  const { made = '' } = await make(alice, { pageId: page.id, beforeId: b }, 'made')
  expect(await outlineOf(alice, page.id)).toEqual(['a', '  a1', '    a1i', 'made', 'b'])
  const now = await blocksOf(alice, page.id)
  expect(now.filter(({ position }) => position.length > 20)).toEqual([])
  const kept = (blocks: typeof now) => blocks.map(({ position: _position, ...rest }) => rest)
  expect(kept(now.filter(({ id }) => id !== made))).toEqual(kept(before))
  for (const { id } of before) {
    expect(await events.next()).toMatchObject({ pageEvents: { __typename: 'BlockMoved', blockId: id } })
  }
  expect(await events.next()).toMatchObject({ pageEvents: { __typename: 'BlockCreated', blockId: made } })
  events.stop()
})

test('blocks move to where there was no room, also what is renumbered with the rest', async ({
  server,
  alice,
  page,
}) => {
  const { b = '', c = '' } = await make(alice, { pageId: page.id }, 'a', '  a1', 'b', '  b1', '    b1i', 'c')
  const move = (id: string, beforeId: string) => outcomeOf(alice.send(MoveBlockDocument, { input: { id, beforeId } }))
  await crowd(server, alice, page.id)
  expect(await move(c, b)).toBe('Block')
  expect(await outlineOf(alice, page.id)).toEqual(['a', '  a1', 'c', 'b', '  b1', '    b1i'])
  await crowd(server, alice, page.id)
  expect(await move(b, c)).toBe('Block')
  expect(await outlineOf(alice, page.id)).toEqual(['a', '  a1', 'b', '  b1', '    b1i', 'c'])
})

test('new positions may be old ones of other blocks', async ({ server, alice, page }) => {
  const { unscoped } = server.app.platform.database
  const ids = await make(alice, { pageId: page.id }, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')
  // Without chance it is known which ones come.
  const chance = vi.spyOn(Math, 'random').mockReturnValue(0.5)
  try {
    const coming = ranksBetween(null, null, 8) ?? []
    const [first = '', second = '', last = ''] = [coming[0], coming[1], coming[7]]
    const [before = '', after = ''] = [ranksBetween(null, first, 1)?.[0], ranksBetween(last, null, 1)?.[0]]
    const full = `a3${'V'.repeat(MAX_RANK_LENGTH - 3)}`
    // The first go up to what the next ones have, the last go down: in whatever order, one meets another.
    const positions = [before, first, second, `${full}0`, `${full}1`, coming[6] ?? '', last, after]
    for (const [index, id] of Object.values(ids).toReversed().entries()) {
      const position = positions[positions.length - 1 - index] ?? ''
      await unscoped.updateTable('block').set({ position }).where('id', '=', uuidIn(id)).execute()
    }
    await make(alice, { pageId: page.id, beforeId: ids.e }, 'new')
    const standing = (await blocksOf(alice, page.id)).filter(({ text }) => text !== 'new')
    expect(standing.map(({ text, position }) => [text, position])).toEqual(
      Object.keys(ids).map((text, index) => [text, coming[index]]),
    )
  } finally {
    chance.mockRestore()
  }
})
