import DataLoader from 'dataloader'
import type { Context } from './context.ts'
import type { TenantReads } from './database/tenant-reads.ts'

/** A batched look-up by key, defined once in a `*.reads.ts` and instantiated per context. */
export interface LoaderDefinition<Key, Row> {
  readonly name: string
  readonly batch: (db: TenantReads, keys: readonly Key[]) => Promise<ReadonlyMap<Key, Row>>
}

const loadersOf = new WeakMap<Context, Map<LoaderDefinition<never, unknown>, DataLoader<unknown, unknown>>>()

/** Defines a loader: `batch` answers a map, and a key it leaves out loads as null. */
export function defineLoader<Key, Row>(definition: LoaderDefinition<Key, Row>): LoaderDefinition<Key, Row> {
  return definition
}

/** The row of a key, or null; all loads of one tick are one statement. */
export function load<Key, Row>(ctx: Context, definition: LoaderDefinition<Key, Row>, key: Key): Promise<Row | null> {
  return loaderFor(ctx, definition).load(key)
}

/** Forgets what the context has loaded; a committed transaction calls it, since rows may have changed. */
export function forgetLoaded(ctx: Context): void {
  loadersOf.delete(ctx)
}

function loaderFor<Key, Row>(ctx: Context, definition: LoaderDefinition<Key, Row>): DataLoader<Key, Row | null> {
  const loaders = loadersOf.get(ctx) ?? new Map()
  loadersOf.set(ctx, loaders)
  const existing = loaders.get(definition)
  if (existing !== undefined) return existing
  const loader = new DataLoader<Key, Row | null>(
    async (keys) => {
      const rows = await definition.batch(ctx.db, keys)
      return keys.map((key) => rows.get(key) ?? null)
    },
    { maxBatchSize: 1_000, name: definition.name },
  )
  loaders.set(definition, loader)
  return loader
}
