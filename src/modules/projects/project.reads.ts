import { sql } from 'kysely'
import { beforeAnyLog, encodeCursor } from '../../lib/cursor.ts'
import { containing } from '../../lib/like-pattern.ts'
import type { Standing, Visibility } from '../../platform/access.ts'
import type { JsonObject } from '../../platform/channels/channel.entity.ts'
import type { Context } from '../../platform/context.ts'
import { keyset, type Window } from '../../platform/database/keyset.ts'
import type { TenantReads } from '../../platform/database/tenant-reads.ts'
import { isGrantedTo, may } from '../../platform/gate.ts'
import { defineLoader, load } from '../../platform/loaders.ts'
import { projectChannel } from './project.events.ts'
import { isOpenTo, type ProjectFacts, projectRole, standingIn } from './project-access.reads.ts'

/** A project as the graph shows it. */
export interface ProjectRow extends Standing {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly settings: JsonObject
  readonly visibility: Visibility
  readonly createdById: string
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly archivedAt: Date | null
  readonly deletedAt: Date | null
  /** Where the project's live events stood when this row was read. */
  readonly eventsCursor: string
}

/** Which projects a list is of. */
export interface ProjectFilter {
  readonly name: string | null
  /** Archived ones, or the others; null for both. */
  readonly isArchived: boolean | null
}

/** Projects of the viewer's organization by id, also those in their days of grace: see `deletedAt`. */
export const projectById = defineLoader<string, ProjectRow>({
  name: 'projectById',
  batch: async (db, ids) => {
    const rows = await selectProjects(db).where('project.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, withStanding(db, row)]))
  },
})

/** Finds a project the viewer may read, or null. */
export async function findProject(ctx: Context, id: string): Promise<ProjectRow | null> {
  const project = await load(ctx, projectById, id)
  return project !== null && project.deletedAt === null && may(ctx, 'project.read', project) ? project : null
}

/** Projects the viewer may read, newest first. */
export async function listProjects(ctx: Context, filter: ProjectFilter, window: Window): Promise<ProjectRow[]> {
  if (!isGrantedTo(ctx, 'project.read')) return []
  const query = selectProjects(ctx.db).where(matches(ctx.db, filter))
  const rows = await keyset(query, ['project.id'], 'desc', window).execute()
  return rows.map((row) => withStanding(ctx.db, row))
}

/** How many `listProjects` has in all. */
export async function countProjects(ctx: Context, filter: ProjectFilter): Promise<number> {
  if (!isGrantedTo(ctx, 'project.read')) return 0
  const row = await ctx.db
    .from('project')
    .where(matches(ctx.db, filter))
    .select((on) => on.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return row.count
}

// The head is read in the same statement: whatever the reader loads of the project after it cannot miss an event before it.
function selectProjects(db: TenantReads) {
  return db
    .from('project')
    .leftJoin('channel_head', (join) =>
      // Without an organization `from` finds no project to join.
      join.on(
        'channel_head.channel',
        '=',
        sql<string>`${projectChannel(db.organizationId ?? '', '')}::text || project.id`,
      ),
    )
    .select([
      'channel_head.epoch',
      'channel_head.seq',
      'project.organization_id as organizationId',
      'project.id',
      'project.name',
      'project.description',
      'project.settings',
      'project.visibility',
      'project.created_by_id as createdById',
      'project.version',
      'project.created_at as createdAt',
      'project.updated_at as updatedAt',
      'project.archived_at as archivedAt',
      'project.deleted_at as deletedAt',
      'project.id as homeId',
      'project.access_epoch as homeEpoch',
      projectRole(db, 'project.id').as('projectRole'),
    ])
}

type JoinedRow = Omit<ProjectRow, 'eventsCursor' | keyof Standing> &
  ProjectFacts & {
    readonly organizationId: string
    readonly epoch: string | null
    readonly seq: number | null
  }

function withStanding(db: TenantReads, row: JoinedRow): ProjectRow {
  const { projectRole: _role, homeId: _id, homeEpoch: _epoch, organizationId, epoch, seq, ...project } = row
  const position = epoch === null ? beforeAnyLog : { epoch, seq: seq ?? 0 }
  const eventsCursor = encodeCursor(projectChannel(organizationId, project.id), position)
  return { ...project, eventsCursor, ...standingIn(db, row) }
}

function matches(db: TenantReads, { name, isArchived }: ProjectFilter) {
  const open = isOpenTo(db, 'project.read', 'project.id')
  const named = name === null ? sql`true` : sql`project.name ilike ${containing(name)}`
  const kept = isArchived === null ? sql`true` : sql`(project.archived_at is not null) = ${isArchived}`
  return sql<boolean>`${open} and ${named} and ${kept}`
}
