import { sql } from 'kysely'
import { beforeAnyLog, encodeCursor } from '../../../lib/cursor.ts'
import type { Standing } from '../../../platform/access.ts'
import type { Context } from '../../../platform/context.ts'
import { keyset, type Window } from '../../../platform/database/keyset.ts'
import type { TenantReads } from '../../../platform/database/tenant-reads.ts'
import { isGrantedTo, may } from '../../../platform/gate.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'
import {
  isOpenAnywhere,
  type ProjectFacts,
  projectRole as roleIn,
  standingIn,
} from '../../projects/project-access.reads.ts'
import { pageChannel } from './page.events.ts'

/** A page as the graph shows it. */
export interface PageRow extends Standing {
  readonly id: string
  readonly projectId: string | null
  readonly parentId: string | null
  /** 1 at the top. */
  readonly depth: number
  readonly rank: string
  readonly title: string
  readonly icon: string | null
  readonly coverImage: string | null
  readonly language: string | null
  readonly createdById: string
  readonly updatedById: string
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly archivedAt: Date | null
  /** Where the page's live events stood when this row was read. */
  readonly eventsCursor: string
}

/** Which pages a list is of; an id that names nothing matches nothing. */
export interface PageFilter {
  readonly projectId: string | null
}

/** Pages of the viewer's organization by id. */
export const pageById = defineLoader<string, PageRow>({
  name: 'pageById',
  batch: async (db, ids) => {
    const rows = await selectPages(db).where('page.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, shown(db, row)]))
  },
})

/** Finds a page the viewer may read, or null. */
export async function findPage(ctx: Context, id: string): Promise<PageRow | null> {
  const page = await load(ctx, pageById, id)
  return page !== null && may(ctx, 'page.read', page) ? page : null
}

/** Pages the viewer may read, newest first. */
export async function listPages(ctx: Context, filter: PageFilter, window: Window): Promise<PageRow[]> {
  if (!isGrantedTo(ctx, 'page.read')) return []
  const query = selectPages(ctx.db).where(matches(ctx.db, filter))
  const rows = await keyset(query, ['page.id'], 'desc', window).execute()
  return rows.map((row) => shown(ctx.db, row))
}

/** How many `listPages` has in all. */
export async function countPages(ctx: Context, filter: PageFilter): Promise<number> {
  if (!isGrantedTo(ctx, 'page.read')) return 0
  const row = await ctx.db
    .from('page')
    .where(matches(ctx.db, filter))
    .select((on) => on.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return row.count
}

/** The pages the reader may read, for queries over what stands on them. */
export function readablePages(db: TenantReads) {
  return db.from('page').where(isOpenAnywhere(db, 'page.read', 'page.project_id'))
}

function matches(db: TenantReads, { projectId }: PageFilter) {
  const open = isOpenAnywhere(db, 'page.read', 'page.project_id')
  return projectId === null ? open : sql<boolean>`${open} and page.project_id = ${projectId}`
}

// The head is read in the same statement: whatever the reader loads of the page after it cannot miss an event before it.
function selectPages(db: TenantReads) {
  return db
    .from('page')
    .leftJoin('project', 'project.id', 'page.project_id')
    .where('project.deleted_at', 'is', null)
    .leftJoin('channel_head', (join) =>
      // Without an organization `from` finds no page to join.
      join.on('channel_head.channel', '=', sql<string>`${pageChannel(db.organizationId ?? '', '')}::text || page.id`),
    )
    .select([
      'page.id',
      'page.organization_id as organizationId',
      'page.project_id as projectId',
      'page.parent_id as parentId',
      'page.depth',
      'page.rank',
      'page.title',
      'page.icon',
      'page.cover_image as coverImage',
      'page.language',
      'page.created_by_id as createdById',
      'page.updated_by_id as updatedById',
      'page.version',
      'page.created_at as createdAt',
      'page.updated_at as updatedAt',
      'page.archived_at as archivedAt',
      'project.id as homeId',
      'project.access_epoch as homeEpoch',
      'project.visibility',
      'project.archived_at as projectArchivedAt',
      roleIn(db, 'page.project_id').as('projectRole'),
      'channel_head.epoch',
      'channel_head.seq',
    ])
}

interface JoinedRow extends Omit<PageRow, 'eventsCursor' | keyof Standing>, Omit<ProjectFacts, 'archivedAt'> {
  readonly organizationId: string
  readonly projectArchivedAt: Date | null
  readonly epoch: string | null
  readonly seq: number | null
}

function shown(db: TenantReads, row: JoinedRow): PageRow {
  const { organizationId, epoch, seq, homeId, homeEpoch, visibility, projectArchivedAt, projectRole, ...page } = row
  const position = epoch === null ? beforeAnyLog : { epoch, seq: seq ?? 0 }
  const eventsCursor = encodeCursor(pageChannel(organizationId, page.id), position)
  const facts = { homeId, homeEpoch, visibility, archivedAt: projectArchivedAt, projectRole }
  const inProject = standingIn(db, facts)
  const isArchived = inProject.isArchived || page.archivedAt !== null
  return { ...page, eventsCursor, ...inProject, isArchived, isClosed: inProject.isArchived }
}
