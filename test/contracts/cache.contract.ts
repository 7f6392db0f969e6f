import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { type Cache, createCache, defineNamespace, type SharedTexts } from '../../src/platform/cache.ts'
import type { Clock } from '../../src/platform/clock.ts'
import { movableClock } from '../kit/fakes.ts'
import { quietLog, recordingLog } from './channels-rig.ts'

/** What a combination of levels is made with; null where there is nothing below the memory. */
export type OpenShared = (clock: Clock) => Promise<SharedTexts | null>

export const limits = { memoryEntries: 100, memoryLength: 1_000_000, memorySeconds: 60 }

export const things = defineNamespace({
  name: 'things',
  schema: z.object({ name: z.string(), at: z.coerce.date().optional() }).nullable(),
})

/** A loader that counts. */
export function loaderOf<Value>(value: Value) {
  return vi.fn(async () => value)
}

/** What every cache promises, whatever is below its memory. */
export function cacheContract(name: string, openShared: OpenShared): void {
  const opened: Cache[] = []
  const node = async (clock: Clock = movableClock(), some: Partial<typeof limits> = {}) => {
    const shared = await openShared(clock)
    const cache = createCache({ limits: { ...limits, ...some }, shared, clock, log: quietLog })
    opened.push(cache)
    return cache
  }
  afterEach(async () => {
    for (const cache of opened.splice(0)) await cache.close()
  })

  describe(name, () => {
    test('what was loaded once is read from the memory, and counted', async () => {
      const cache = await node()
      const key = randomUUID()
      const load = loaderOf({ name: 'one' })
      for (let time = 0; time < 3; time++) expect(await cache.read(things, key, '1', load)).toEqual({ name: 'one' })
      expect(load).toHaveBeenCalledTimes(1)
      expect(cache.counts()).toEqual({ things: { memoryHits: 2, sharedHits: 0, misses: 1 } })
    })

    test('an entry of another version is never returned, and the newer one takes its place', async () => {
      const cache = await node()
      const key = randomUUID()
      await cache.read(things, key, '1', loaderOf({ name: 'old' }))
      expect(await cache.read(things, key, '2', loaderOf({ name: 'new' }))).toEqual({ name: 'new' })
      expect(await cache.read(things, key, '2', loaderOf({ name: 'newer' }))).toEqual({ name: 'new' })
      expect(await cache.read(things, key, '1', loaderOf({ name: 'again' }))).toEqual({ name: 'again' })
    })

    test('reads of one key at once share one load, also where something stale is held', async () => {
      const cache = await node()
      const key = randomUUID()
      await cache.read(things, key, '1', loaderOf({ name: 'old' }))
      const load = loaderOf({ name: 'new' })
      const reads = Array.from({ length: 20 }, () => cache.read(things, key, '2', load))
      expect(new Set((await Promise.all(reads)).map((value) => value?.name))).toEqual(new Set(['new']))
      expect(load).toHaveBeenCalledTimes(1)
      expect(cache.counts().things).toEqual({ memoryHits: 19, sharedHits: 0, misses: 2 })
    })

    test('reads of two versions at once each get their own', async () => {
      const cache = await node()
      const key = randomUUID()
      const read = (version: string) => cache.read(things, key, version, loaderOf({ name: version }))
      const values = await Promise.all(['1', '2', '1', '2'].map(read))
      expect(values.map((value) => value?.name)).toEqual(['1', '2', '1', '2'])
    })

    test('a load that fails is told to all who wait for it, and is no answer for the next', async () => {
      const cache = await node()
      const key = randomUUID()
      const failing = vi.fn(() => Promise.reject(new Error('The database is away')))
      const reads = await Promise.allSettled([1, 2].map(() => cache.read(things, key, '1', failing)))
      expect(reads.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
      expect(failing).toHaveBeenCalledTimes(1)
      expect(await cache.read(things, key, '1', loaderOf({ name: 'back' }))).toEqual({ name: 'back' })
    })

    test('what is dropped is loaded again', async () => {
      const cache = await node()
      const key = randomUUID()
      await cache.put(things, key, '1', { name: 'before' })
      await cache.drop(things, key)
      expect(await cache.read(things, key, '1', loaderOf({ name: 'after' }))).toEqual({ name: 'after' })
    })

    test('a load under way does not bring back what is dropped meanwhile', async () => {
      const cache = await node()
      const key = randomUUID()
      const slow = Promise.withResolvers<{ name: string }>()
      const loading = Promise.withResolvers<void>()
      const early = cache.read(things, key, '1', () => {
        loading.resolve()
        return slow.promise
      })
      await loading.promise
      await cache.drop(things, key)
      const late = Promise.withResolvers<{ name: string }>()
      const second = cache.read(things, key, '1', () => late.promise)
      slow.resolve({ name: 'before' })
      expect(await early).toEqual({ name: 'before' })
      const third = cache.read(things, key, '1', loaderOf({ name: 'other' }))
      late.resolve({ name: 'after' })
      expect([await second, await third]).toEqual([{ name: 'after' }, { name: 'after' }])
      expect(await cache.read(things, key, '1', loaderOf({ name: 'other' }))).toEqual({ name: 'after' })
    })

    test('a value put beforehand needs no load', async () => {
      const cache = await node()
      const key = randomUUID()
      await cache.put(things, key, '1', { name: 'warm' })
      const load = loaderOf({ name: 'cold' })
      expect(await cache.read(things, key, '1', load)).toEqual({ name: 'warm' })
      expect(load).not.toHaveBeenCalled()
    })

    test('that there is nothing is remembered as well', async () => {
      const cache = await node()
      const key = randomUUID()
      const load = loaderOf(null)
      expect([await cache.read(things, key, '1', load), await cache.read(things, key, '1', load)]).toEqual([null, null])
      const absent = defineNamespace({ name: 'absent', schema: z.string().optional() })
      const loadAbsent = loaderOf(undefined)
      for (let time = 0; time < 2; time++) expect(await cache.read(absent, key, '1', loadAbsent)).toBeUndefined()
      expect([load.mock.calls.length, loadAbsent.mock.calls.length]).toEqual([1, 1])
    })

    test('the memory forgets by the clock', async () => {
      const clock = movableClock()
      const cache = await node(clock)
      const key = randomUUID()
      await cache.put(things, key, '1', { name: 'kept' })
      clock.advance({ seconds: limits.memorySeconds - 5 })
      await cache.read(things, key, '1', loaderOf({ name: 'new' }))
      expect(cache.counts().things?.memoryHits).toBe(1)
      clock.advance({ seconds: 6 })
      await cache.read(things, key, '1', loaderOf({ name: 'new' }))
      expect(cache.counts().things?.memoryHits).toBe(1)
    })

    test('the memory holds so many entries and no more', async () => {
      const cache = await node(movableClock(), { memoryEntries: 10 })
      const keys = Array.from({ length: 11 }, () => randomUUID())
      for (const key of keys) await cache.put(things, key, '1', { name: key })
      for (const key of keys.toReversed()) await cache.read(things, key, '1', loaderOf({ name: key }))
      expect(cache.counts().things?.memoryHits).toBe(10)
    })

    test('the memory holds so much text and no more', async () => {
      const cache = await node(movableClock(), { memoryLength: 1_000 })
      const keys = Array.from({ length: 3 }, () => randomUUID())
      for (const key of keys) await cache.put(things, key, '1', { name: 'x'.repeat(450) })
      for (const key of keys.toReversed()) await cache.read(things, key, '1', loaderOf({ name: key }))
      expect(cache.counts().things?.memoryHits).toBe(2)
      const long = { name: 'x'.repeat(2_000) }
      await cache.put(things, 'long', '1', long)
      expect(await cache.read(things, 'long', '1', loaderOf(long))).toEqual(long)
      expect(cache.counts().things?.memoryHits).toBe(2)
    })

    test('namespaces do not see each other, and their keys may hold anything', async () => {
      const cache = await node()
      const others = defineNamespace({ name: 'others', schema: z.string() })
      const keys = ['', 'a:b', 'a\nb', '__proto__', '*', '🌊', ' '].map((key) => `${key}${randomUUID()}`)
      for (const key of keys) {
        await cache.put(things, key, '1', { name: key })
        await cache.put(others, key, '1', 'other')
      }
      for (const key of keys) {
        expect(await cache.read(things, key, '1', loaderOf(null))).toEqual({ name: key })
        expect(await cache.read(others, key, '1', loaderOf(''))).toBe('other')
      }
      for (const name of ['', 'A', 'a:b', 'a b', '1']) {
        expect(() => defineNamespace({ name, schema: z.string() })).toThrow('cannot name')
      }
    })

    test('readers share a value that none of them can change', async () => {
      const cache = await node()
      const deep = defineNamespace({ name: 'deep', schema: z.object({ list: z.array(z.string()) }) })
      const key = randomUUID()
      const value = await cache.read(deep, key, '1', loaderOf({ list: ['a'] }))
      expect(() => value.list.push('b')).toThrow(TypeError)
      expect(() => Object.assign(value, { list: [] })).toThrow(TypeError)
      expect(await cache.read(deep, key, '1', loaderOf({ list: [] }))).toEqual({ list: ['a'] })
    })

    test('a value is the same whether it was loaded or cached', async () => {
      const cache = await node()
      const key = randomUUID()
      const value = { name: 'dated', at: new Date(1e12) }
      expect(await cache.read(things, key, '1', loaderOf(value))).toEqual(value)
      expect(await cache.read(things, key, '1', loaderOf(null))).toEqual(value)
    })

    test('what does not fit its namespace, or JSON, is passed on and not remembered', async () => {
      const { messages, log } = recordingLog()
      const clock = movableClock()
      const cache = createCache({ limits, shared: await openShared(clock), clock, log })
      opened.push(cache)
      const circle: { name: string; self?: object } = { name: 'circle' }
      circle.self = circle
      const unfit = { name: 7 } as unknown as { name: string }
      for (const value of [circle, unfit]) {
        const key = randomUUID()
        expect(await cache.read(things, key, '1', loaderOf(value))).toBe(value)
        await cache.put(things, key, '1', value)
        expect(await cache.read(things, key, '1', loaderOf({ name: 'fit' }))).toEqual({ name: 'fit' })
      }
      expect(messages).toHaveLength(1)
      expect(messages[0]).toContain('"namespace":"things"')
    })
  })
}
