import type { InferKyselyDB } from '@mikro-orm/postgresql'

/**
 * Every table by name, for Kysely. Each `*.entity.ts` adds its own by declaration merging, so that row types follow
 * the entity while the platform stays ignorant of the product:
 *
 * ```ts
 * declare module './tables.ts' {
 *   interface Tables { page: Table<typeof PageSchema> }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface Tables {}

/** The row of an entity's table: column names (snake case), values as `database.ts` parses them. */
export type Table<Schema extends { name: string }> = InferKyselyDB<Schema>[keyof InferKyselyDB<Schema>]
