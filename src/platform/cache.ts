import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { sparingly } from './channels/sparingly.ts'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import type { Settings } from './settings.ts'

/** A kind of cached value: the schema accepts what JSON makes of one. What it does not accept is never in the cache. */
export interface Namespace<Value> {
  /** Lower case letters, digits and hyphens. */
  readonly name: string
  readonly schema: z.ZodType<Value>
}

/** What reads of a namespace came to. A read that waited for another's load is a hit of the memory. */
export interface CacheCounts {
  readonly memoryHits: number
  readonly sharedHits: number
  /** Reads that asked the loader. */
  readonly misses: number
}

/**
 * Remembers what the database answered: in this node's memory, over a level that nodes share, over a loader. `version`
 * is a text of epochs the caller has just read from the database; what was cached under another one is never returned,
 * so that no answer is wrong because an invalidation got lost. The cache itself never fails: it only has less to give.
 */
export interface Cache {
  /**
   * The value of this version. Reads of one key at once share one load: `load` reads what is committed, and is not tied
   * to one caller's signal or transaction. Values are shared and so frozen. @throws what `load` throws, and caches nothing
   */
  read<Value>(namespace: Namespace<Value>, key: string, version: string, load: () => Promise<Value>): Promise<Value>
  /** Remembers a value that somebody is about to read. Resolves when the shared level has taken or refused it. */
  put<Value>(namespace: Namespace<Value>, key: string, version: string, value: Value): Promise<void>
  /** Forgets a value here and in the shared level, and keeps loads under way out; other nodes' memories go on. */
  drop(namespace: Pick<Namespace<unknown>, 'name'>, key: string): Promise<void>
  /** By name of namespace, since the start of this node. */
  counts(): Readonly<Record<string, CacheCounts>>
  close(): Promise<void>
}

/** The level that nodes share: texts that may be gone at any time. What fails or is left alone is null, and logged there. */
export interface SharedTexts {
  get(place: string): Promise<string | null>
  set(place: string, text: string): Promise<void>
  delete(place: string): Promise<void>
  close(): Promise<void>
}

/** What a cache works with; `shared` is null where there is one node. */
export interface CacheOptions {
  readonly limits: Pick<Settings['cache'], 'memoryEntries' | 'memoryLength' | 'memorySeconds'>
  readonly shared: SharedTexts | null
  readonly clock: Clock
  readonly log: Log
}

interface Entry<Value = unknown> {
  readonly version: string
  readonly value: Value
}

const WARN_PERIOD_MILLIS = 10_000
const entrySchema = z.object({ version: z.string(), value: z.unknown().optional() })

/** Declares a namespace. @throws when the name could be taken for another's with a key */
export function defineNamespace<Value>(namespace: Namespace<Value>): Namespace<Value> {
  if (!/^[a-z][a-z0-9-]*$/.test(namespace.name)) throw new Error(`${namespace.name} cannot name a namespace`)
  return Object.freeze({ ...namespace })
}

/** A cache in this process, over what nodes share. */
export function createCache(options: CacheOptions): Cache {
  return new TwoLevelCache(options)
}

class TwoLevelCache implements Cache {
  readonly #shared: SharedTexts | null
  readonly #memory: LRUCache<string, Entry>
  /** By place the newest load under way: one that another or a drop has replaced is not remembered. */
  readonly #flights = new Map<string, Entry<Promise<unknown>>>()
  readonly #counts = new Map<string, { -readonly [Name in keyof CacheCounts]: number }>()
  readonly #warn: (error: unknown) => void

  constructor({ limits, shared, clock, log }: CacheOptions) {
    this.#shared = shared
    this.#memory = new LRUCache<string, Entry>({
      max: limits.memoryEntries,
      maxSize: limits.memoryLength,
      ttl: limits.memorySeconds * 1_000,
      ttlResolution: 0,
      perf: { now: () => clock.now().getTime() },
    })
    this.#warn = sparingly(WARN_PERIOD_MILLIS, (namespace, heldBack) =>
      log.warn({ namespace, heldBack }, 'a value does not fit the namespace it is cached in'),
    )
  }

  async read<Value>(
    namespace: Namespace<Value>,
    key: string,
    version: string,
    load: () => Promise<Value>,
  ): Promise<Value> {
    const place = placeOf(namespace, key)
    const held = withVersion(version, this.#memory.get(place)) ?? withVersion(version, this.#flights.get(place))
    if (held !== null) {
      this.#countsOf(namespace.name).memoryHits += 1
      return (await held.value) as Value
    }
    const isNewest = () => this.#flights.get(place) === flight
    const flight = { version, value: this.#fetch(namespace, place, version, { load, isNewest }) }
    this.#flights.set(place, flight)
    try {
      return await flight.value
    } finally {
      if (isNewest()) this.#flights.delete(place)
    }
  }

  /** From the shared level, else from the loader; remembered unless the place has seen something newer by then. */
  async #fetch<Value>(
    namespace: Namespace<Value>,
    place: string,
    version: string,
    { load, isNewest }: { load: () => Promise<Value>; isNewest: () => boolean },
  ): Promise<Value> {
    const counts = this.#countsOf(namespace.name)
    const text = (await this.#shared?.get(place)) ?? null
    const shared = withVersion(version, entryOf(namespace, text))
    if (shared !== null) {
      counts.sharedHits += 1
      if (isNewest()) this.#memory.set(place, shared, { size: text?.length ?? 1 })
      return shared.value
    }
    counts.misses += 1
    const loaded = await load()
    const own = textOf(version, loaded)
    const entry = entryOf(namespace, own)
    if (entry === null || own === null) {
      this.#warn(namespace.name)
      return loaded
    }
    if (isNewest()) void this.#remember(place, entry, own)
    return entry.value
  }

  async put<Value>(namespace: Namespace<Value>, key: string, version: string, value: Value): Promise<void> {
    const place = placeOf(namespace, key)
    const text = textOf(version, value)
    const entry = entryOf(namespace, text)
    this.#flights.delete(place)
    if (entry === null || text === null) return this.#warn(namespace.name)
    await this.#remember(place, entry, text)
  }

  async #remember(place: string, entry: Entry, text: string): Promise<void> {
    this.#memory.set(place, entry, { size: text.length })
    await this.#shared?.set(place, text)
  }

  async drop(namespace: Pick<Namespace<unknown>, 'name'>, key: string): Promise<void> {
    const place = placeOf(namespace, key)
    this.#flights.delete(place)
    this.#memory.delete(place)
    await this.#shared?.delete(place)
  }

  counts(): Readonly<Record<string, CacheCounts>> {
    return Object.fromEntries([...this.#counts].map(([name, counts]) => [name, { ...counts }]))
  }

  async close(): Promise<void> {
    this.#memory.clear()
    await this.#shared?.close()
  }

  #countsOf(name: string) {
    const counts = this.#counts.get(name) ?? { memoryHits: 0, sharedHits: 0, misses: 0 }
    this.#counts.set(name, counts)
    return counts
  }
}

function withVersion<Found extends Entry>(version: string, found: Found | null | undefined): Found | null {
  return found?.version === version ? found : null
}

function placeOf({ name }: Pick<Namespace<unknown>, 'name'>, key: string): string {
  return `${name}:${key}`
}

/** Null for what is no JSON. */
function textOf(version: string, value: unknown): string | null {
  try {
    return JSON.stringify({ version, value })
  } catch {
    return null
  }
}

/**
 * What a text holds; null for one that is none of this namespace's. What was just loaded comes through here as well, so
 * that each level gives the same.
 */
function entryOf<Value>({ schema }: Namespace<Value>, text: string | null): Entry<Value> | null {
  if (text === null) return null
  try {
    const { version, value } = entrySchema.parse(JSON.parse(text))
    return { version, value: frozen(schema.parse(value)) }
  } catch {
    return null
  }
}

function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const held of Object.values(value)) frozen(held)
  return Object.freeze(value)
}
