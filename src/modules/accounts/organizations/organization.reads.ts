import type { Context } from '../../../platform/context.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'

/** An organization as its members see it. */
export interface OrganizationRow {
  readonly id: string
  readonly name: string
  readonly slug: string
  readonly createdAt: Date
}

/** The viewer's own organization by id; any other id finds nothing. */
export const organizationById = defineLoader<string, OrganizationRow>({
  name: 'organizationById',
  batch: async (db, ids) => {
    const own = ids.filter((id) => id === db.organizationId)
    if (own.length === 0) return new Map()
    const rows = await db
      .shared('organization')
      .select(['id', 'name', 'slug', 'created_at as createdAt'])
      .where('id', 'in', own)
      .execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

/** Finds the viewer's active organization by id, or null. */
export function findOrganization(ctx: Context, id: string): Promise<OrganizationRow | null> {
  return load(ctx, organizationById, id)
}
