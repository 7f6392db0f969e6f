import { randomInt } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { expect } from 'vitest'
import { keyset, type Window } from '../../src/platform/database/keyset.ts'
import type { TestServer } from '../kit/server.ts'
import { test } from '../kit/test.ts'

interface Item {
  readonly rank: string
  readonly id: string
}

/** Items of few ranks, so that ids break many ties; upper and lower case, so that only a bytewise order is right. */
function items(count: number): Item[] {
  return Array.from({ length: count }, (_, index) => ({
    rank: ['a0', 'B1', 'b', 'Z', 'a'][index % 5] ?? '',
    id: `01890000-0000-7000-8000-${String((index * 37) % count).padStart(12, '0')}`,
  })).toSorted(byRankAndId)
}

function byRankAndId(one: Item, other: Item): number {
  return Buffer.compare(Buffer.from(one.rank), Buffer.from(other.rank)) || (one.id < other.id ? -1 : 1)
}

async function read(server: TestServer, all: readonly Item[], direction: 'asc' | 'desc', window: Window) {
  const db = server.app.platform.database.unscoped as unknown as Kysely<{ item: Item }>
  const from = sql<Item>`jsonb_to_recordset(${JSON.stringify(all)}::jsonb) as t(rank text collate "C", id uuid)`
  const rows = db.selectFrom(sql<Item>`(select * from ${from})`.as('item')).select(['item.rank', 'item.id'])
  return keyset(rows, ['item.rank', 'item.id'], direction, window).execute()
}

const keyOf = ({ rank, id }: Item) => [rank, id]

test('a window is what stands between its ends, from the side it is read from', async ({ server }) => {
  const all = items(40)
  const seed = randomInt(2 ** 31)
  console.log(`keyset windows: seed ${seed}`)
  const random = mulberry(seed)
  for (let round = 0; round < 60; round += 1) {
    const direction = random() < 0.5 ? 'asc' : 'desc'
    const ordered = direction === 'asc' ? all : all.toReversed()
    const from = random() < 0.3 ? null : Math.floor(random() * 40)
    const to = random() < 0.3 ? null : Math.floor(random() * 40)
    const limit = 1 + Math.floor(random() * 12)
    const inverted = random() < 0.5
    const keyAt = (place: number | null) => (place === null ? null : keyOf(ordered[place] ?? { rank: '', id: '' }))
    const between = ordered.slice(from === null ? 0 : from + 1, to ?? 40)
    const expected = (inverted ? between.toReversed() : between).slice(0, limit)
    const got = await read(server, all, direction, { after: keyAt(from), before: keyAt(to), limit, inverted })
    expect({ direction, from, to, limit, inverted, got }).toEqual({
      direction,
      from,
      to,
      limit,
      inverted,
      got: expected,
    })
  }
})

test('a key that no row has cuts where it would stand', async ({ server }) => {
  const all = items(10)
  const gone = all[4]
  if (gone === undefined) throw new Error('There is no fifth item')
  const rest = all.filter((item) => item !== gone)
  const window = { after: keyOf(gone), before: null, limit: 3, inverted: false }
  expect(await read(server, rest, 'asc', window)).toEqual(rest.slice(4, 7))
})

/** Mulberry32: the same numbers for the same seed. */
function mulberry(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
