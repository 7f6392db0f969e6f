import DataLoader from 'dataloader'
import type { Context } from './context.ts'
import type { Window } from './database/keyset.ts'
import type { TenantReads } from './database/tenant-reads.ts'

/** A batched look-up by key, defined once in a `*.reads.ts` and instantiated per context. */
export interface LoaderDefinition<Key, Row> {
  readonly name: string
  /** What makes two keys the same, where they are objects. */
  readonly identity?: (key: Key) => string
  readonly batch: (db: TenantReads, keys: readonly Key[]) => Promise<ReadonlyMap<Key, Row>>
}

/** Which stretch of which parent's list. */
export interface ListKey {
  readonly parentId: string
  readonly window: Window
}

/** How one kind of list is read for many parents at once. */
export interface ListReader<Row> {
  readonly name: string
  readonly parentOf: (row: Row) => string
  /** The rows of each parent in the window, in its order; parents may come in any. */
  readonly read: (db: TenantReads, parentIds: readonly string[], window: Window) => Promise<Row[]>
}

const loadersOf = new WeakMap<Context, Map<LoaderDefinition<never, unknown>, DataLoader<unknown, unknown, unknown>>>()

/** Defines a loader: `batch` answers a map, and a key it leaves out loads as null. */
export function defineLoader<Key, Row>(definition: LoaderDefinition<Key, Row>): LoaderDefinition<Key, Row> {
  return definition
}

/** Defines a loader of lists that hang on parents which are themselves in a list: one statement for each window. */
export function defineListLoader<Row>({ name, parentOf, read }: ListReader<Row>): LoaderDefinition<ListKey, Row[]> {
  const readAll = async (db: TenantReads, keys: readonly [ListKey, ...ListKey[]]): Promise<[ListKey, Row[]][]> => {
    const parentIds = keys.map(({ parentId }) => parentId)
    const rows = Map.groupBy(await read(db, parentIds, keys[0].window), parentOf)
    return keys.map((key) => [key, rows.get(key.parentId) ?? []])
  }
  return {
    name,
    identity: ({ parentId, window }) => JSON.stringify([parentId, window]),
    batch: async (db, keys) => {
      const byWindow = Map.groupBy(keys, ({ window }) => JSON.stringify(window))
      const lists = [...byWindow.values()].map((alike) => readAll(db, alike as [ListKey, ...ListKey[]]))
      return new Map((await Promise.all(lists)).flat())
    },
  }
}

/** The row of a key, or null; all loads of one tick are one statement. */
export function load<Key, Row>(ctx: Context, definition: LoaderDefinition<Key, Row>, key: Key): Promise<Row | null> {
  return loaderFor(ctx, definition).load(key)
}

/** Forgets what the context has loaded; a committed transaction calls it, since rows may have changed. */
export function forgetLoaded(ctx: Context): void {
  loadersOf.delete(ctx)
}

function loaderFor<Key, Row>(
  ctx: Context,
  definition: LoaderDefinition<Key, Row>,
): DataLoader<Key, Row | null, unknown> {
  const loaders = loadersOf.get(ctx) ?? new Map()
  loadersOf.set(ctx, loaders)
  const existing = loaders.get(definition)
  if (existing !== undefined) return existing
  const { name, identity, batch } = definition
  const loader = new DataLoader<Key, Row | null, unknown>(
    async (keys) => {
      const rows = await batch(ctx.db, keys)
      return keys.map((key) => rows.get(key) ?? null)
    },
    { maxBatchSize: 1_000, name, ...(identity && { cacheKeyFn: identity }) },
  )
  loaders.set(definition, loader)
  return loader
}
