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

/** Which stretch of which parent's list, narrowed or ordered as `options` say. */
export interface ListKey<Options = undefined> {
  readonly parentId: string
  readonly window: Window
  /** Plain values: lists with equal ones are read in one statement. */
  readonly options?: Options
}

/** How one kind of list is read for many parents at once. */
export interface ListReader<Row, Options = undefined> {
  readonly name: string
  readonly parentOf: (row: Row) => string
  /** The rows of each parent in the window, in its order; parents may come in any. */
  readonly read: (db: TenantReads, parentIds: readonly string[], window: Window, options: Options) => Promise<Row[]>
}

/** Which parent's list is counted, narrowed as `options` say. */
export interface CountKey<Options> {
  readonly parentId: string
  readonly options: Options
}

/** How one kind of list is counted for many parents at once. */
export interface ListCounter<Options> {
  readonly name: string
  /** Parents that are left out have none. */
  readonly read: (
    db: TenantReads,
    parentIds: readonly string[],
    options: Options,
  ) => Promise<readonly { readonly parentId: string; readonly count: number }[]>
}

const loadersOf = new WeakMap<Context, Map<LoaderDefinition<never, unknown>, DataLoader<unknown, unknown, unknown>>>()

/** Defines a loader: `batch` answers a map, and a key it leaves out loads as null. */
export function defineLoader<Key, Row>(definition: LoaderDefinition<Key, Row>): LoaderDefinition<Key, Row> {
  return definition
}

/** Defines a loader of lists that hang on parents which are themselves in a list: one statement for each window. */
export function defineListLoader<Row, Options = undefined>({
  name,
  parentOf,
  read,
}: ListReader<Row, Options>): LoaderDefinition<ListKey<Options>, Row[]> {
  return {
    name,
    identity: ({ parentId, window, options }) => JSON.stringify([parentId, window, options]),
    batch: (db, keys) =>
      batchAlike(
        keys,
        ({ window, options }) => [window, options],
        async (alike, { window, options }) => {
          const rows = await read(db, alike, window, options as Options)
          const lists = Map.groupBy(rows, parentOf)
          return (parentId) => lists.get(parentId) ?? []
        },
      ),
  }
}

/** Defines a loader of how many there are in such lists: one statement for all that are narrowed alike. */
export function defineCountLoader<Options>({
  name,
  read,
}: ListCounter<Options>): LoaderDefinition<CountKey<Options>, number> {
  return {
    name,
    identity: ({ parentId, options }) => JSON.stringify([parentId, options]),
    batch: (db, keys) =>
      batchAlike(
        keys,
        ({ options }) => [options],
        async (alike, { options }) => {
          const counts = new Map((await read(db, alike, options)).map(({ parentId, count }) => [parentId, count]))
          return (parentId) => counts.get(parentId) ?? 0
        },
      ),
  }
}

/** Reads keys that are alike in all but their parent together. */
async function batchAlike<Key extends { readonly parentId: string }, Found>(
  keys: readonly Key[],
  likeness: (key: Key) => unknown,
  read: (parentIds: readonly string[], first: Key) => Promise<(parentId: string) => Found>,
): Promise<Map<Key, Found>> {
  const groups = [...Map.groupBy(keys, (key) => JSON.stringify(likeness(key))).values()]
  const found = await Promise.all(
    groups.map(async (alike) => {
      const [first] = alike
      if (first === undefined) return []
      const of = await read(
        alike.map(({ parentId }) => parentId),
        first,
      )
      return alike.map((key) => [key, of(key.parentId)] as const)
    }),
  )
  return new Map(found.flat())
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
