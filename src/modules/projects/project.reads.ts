import type { Context } from '../../platform/context.ts'
import { keyset, type Window } from '../../platform/database/keyset.ts'
import { may } from '../../platform/gate.ts'
import { defineLoader, load } from '../../platform/loaders.ts'

/** A project as the graph shows it. */
export interface ProjectRow {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly createdById: string
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = [
  'project.id',
  'project.name',
  'project.description',
  'project.created_by_id as createdById',
  'project.version',
  'project.created_at as createdAt',
  'project.updated_at as updatedAt',
] as const

/** Projects of the viewer's organization by id. */
export const projectById = defineLoader<string, ProjectRow>({
  name: 'projectById',
  batch: async (db, ids) => {
    const rows = await db.from('project').select(columns).where('project.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

/** Finds a project the viewer may read, or null. */
export async function findProject(ctx: Context, id: string): Promise<ProjectRow | null> {
  return may(ctx, 'project.read') ? load(ctx, projectById, id) : null
}

/** Projects the viewer may read, newest first. */
export async function listProjects(
  ctx: Context,
  filter: { name: string | null },
  window: Window,
): Promise<ProjectRow[]> {
  if (!may(ctx, 'project.read')) return []
  return keyset(matching(ctx, filter).select(columns), ['project.id'], 'desc', window).execute()
}

/** How many `listProjects` has in all. */
export async function countProjects(ctx: Context, filter: { name: string | null }): Promise<number> {
  if (!may(ctx, 'project.read')) return 0
  const row = await matching(ctx, filter)
    .select((on) => on.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return row.count
}

function matching(ctx: Context, filter: { name: string | null }) {
  const query = ctx.db.from('project')
  return filter.name === null ? query : query.where('project.name', 'ilike', containing(filter.name))
}

/** A pattern for `ilike` that finds the text as it is, whatever wildcards it holds. */
function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`
}
