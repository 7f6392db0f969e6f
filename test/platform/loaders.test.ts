import { expect } from 'vitest'
import { becomeViewer } from '../../src/platform/context.ts'
import { defineListLoader, defineLoader, forgetLoaded, load } from '../../src/platform/loaders.ts'
import { contextOf } from '../kit/inside.ts'
import { test } from '../kit/test.ts'

function countingLoader() {
  const batches: string[][] = []
  const organizations: (string | null)[] = []
  const doubled = defineLoader<string, string>({
    name: 'doubled',
    batch: async (db, keys) => {
      batches.push([...keys])
      organizations.push(db.organizationId)
      return new Map(keys.filter((key) => key !== 'absent').map((key) => [key, key + key]))
    },
  })
  return { batches, organizations, doubled }
}

test('all loads of one tick are one batch, each key once, in the order asked; absent ones are null', async ({
  server,
  alice,
}) => {
  const ctx = await contextOf(server, alice)
  const { batches, doubled } = countingLoader()
  const rows = await Promise.all(['b', 'a', 'absent', 'b'].map((key) => load(ctx, doubled, key)))
  expect(rows).toEqual(['bb', 'aa', null, 'bb'])
  expect(batches).toEqual([['b', 'a', 'absent']])
  await load(ctx, doubled, 'a')
  expect(batches).toHaveLength(1)
})

test('what one context has loaded, no other sees', async ({ server, alice, stranger }) => {
  const { batches, organizations, doubled } = countingLoader()
  const contexts = [await contextOf(server, alice), await contextOf(server, stranger), await contextOf(server, null)]
  await Promise.all(contexts.map((ctx) => load(ctx, doubled, 'a')))
  expect(batches).toEqual([['a'], ['a'], ['a']])
  expect(new Set(organizations).size).toBe(3)
  expect(organizations[2]).toBe(null)
})

test('a context that is told to, or becomes somebody else, loads anew', async ({ server, alice, stranger }) => {
  const ctx = await contextOf(server, alice)
  const { viewer } = await contextOf(server, stranger)
  const { batches, organizations, doubled } = countingLoader()
  await load(ctx, doubled, 'a')
  forgetLoaded(ctx)
  await load(ctx, doubled, 'a')
  if (viewer.kind !== 'user') throw new Error('The stranger is nobody')
  becomeViewer(ctx, viewer)
  await load(ctx, doubled, 'a')
  expect(batches).toHaveLength(3)
  expect(organizations[2]).toBe(viewer.organizationId)
})

test('a failed batch fails its loads, and those of the same context again until it is told to forget', async ({
  server,
  alice,
}) => {
  const ctx = await contextOf(server, alice)
  let isDown = true
  const flaky = defineLoader<string, string>({
    name: 'flaky',
    batch: async (_db, keys) => {
      if (isDown) throw new Error('Away')
      return new Map(keys.map((key) => [key, key]))
    },
  })
  await expect(load(ctx, flaky, 'a')).rejects.toThrow('Away')
  isDown = false
  forgetLoaded(ctx)
  expect(await load(ctx, flaky, 'a')).toBe('a')
})

test('more than 1,000 keys at once are asked for in batches', async ({ server, alice }) => {
  const ctx = await contextOf(server, alice)
  const { batches, doubled } = countingLoader()
  const keys = Array.from({ length: 2_500 }, (_, index) => String(index))
  const rows = await Promise.all(keys.map((key) => load(ctx, doubled, key)))
  expect(rows).toEqual(keys.map((key) => key + key))
  expect(batches.map((batch) => batch.length)).toEqual([1_000, 1_000, 500])
})

test('lists of many parents are one batch for each window, and a parent without items has none', async ({
  server,
  alice,
}) => {
  const ctx = await contextOf(server, alice)
  const reads: [string[], number][] = []
  const list = defineListLoader<{ of: string; n: number }>({
    name: 'list',
    parentOf: ({ of }) => of,
    read: async (_db, parentIds, window) => {
      reads.push([[...parentIds], window.limit])
      return [2, 1].flatMap((n) => parentIds.filter((id) => id !== 'empty').map((of) => ({ of, n })))
    },
  })
  const window = (limit: number) => ({ after: null, before: null, limit, inverted: false })
  const asked: [string, number][] = [
    ['a', 3],
    ['b', 3],
    ['empty', 3],
    ['a', 9],
    ['a', 3],
  ]
  const lists = await Promise.all(
    asked.map(([parentId, limit]) => load(ctx, list, { parentId, window: window(limit) })),
  )
  const both = (of: string) => [2, 1].map((n) => ({ of, n }))
  expect(lists).toEqual([both('a'), both('b'), [], both('a'), both('a')])
  expect(reads).toEqual([
    [['a', 'b', 'empty'], 3],
    [['a'], 9],
  ])
})
