import { sql } from 'kysely'
import { beforeAnyLog, encodeCursor } from '../../../lib/cursor.ts'
import type { Standing } from '../../../platform/access.ts'
import type { Context } from '../../../platform/context.ts'
import type { TenantReads } from '../../../platform/database/tenant-reads.ts'
import { may } from '../../../platform/gate.ts'
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
  /** The title as lists are ordered by it. */
  readonly titleKey: string
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

/** Pages of the viewer's organization by id. */
export const pageById = defineLoader<string, PageRow>({
  name: 'pageById',
  batch: async (db, ids) => {
    const rows = await selectPages(db).where('page.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, shownPage(db, row)]))
  },
})

/** Finds a page the viewer may read, or null. */
export async function findPage(ctx: Context, id: string): Promise<PageRow | null> {
  const page = await load(ctx, pageById, id)
  return page !== null && may(ctx, 'page.read', page) ? page : null
}

/** What a page stands in, root first: all of it is in the same project, so that one who reads the page reads it as well. */
export async function listAncestors(ctx: Context, page: PageRow): Promise<PageRow[]> {
  if (page.parentId === null) return []
  const ids = (await load(ctx, ancestorIds, page.id)) ?? []
  const ancestors = await Promise.all(ids.map((id) => findPage(ctx, id)))
  return ancestors.filter((ancestor) => ancestor !== null)
}

const ancestorIds = defineLoader<string, readonly string[]>({
  name: 'ancestorIds',
  batch: async (db, ids) => {
    const { organizationId } = db
    const rows = await db
      .from('page')
      .where('page.id', 'in', ids)
      .innerJoinLateral(
        sql<{ id: string; depth: number }>`(
          with recursive above (id, parent_id, depth) as (
            select up.id, up.parent_id, up.depth from page as up
            where up.id = page.parent_id and up.organization_id = ${organizationId}
            union all
            select up.id, up.parent_id, up.depth from page as up join above on up.id = above.parent_id
            where up.organization_id = ${organizationId}
          ) select id, depth from above
        )`.as('above'),
        (join) => join.onTrue(),
      )
      .select(['page.id as pageId', 'above.id'])
      .orderBy('above.depth')
      .execute()
    const byPage = Map.groupBy(rows, ({ pageId }) => pageId)
    return new Map([...byPage].map(([pageId, above]) => [pageId, above.map(({ id }) => id)]))
  },
})

/** The pages the reader may read, for queries over what stands on them. */
export function readablePages(db: TenantReads) {
  return db.from('page').where(isOpenAnywhere(db, 'page.read', 'page.project_id'))
}

/** How titles are compared in lists: ignoring case. An index has the same words. */
export const titleKey = sql<string>`lower(page.title)`

/**
 * Pages of the reader's organization with what their rows need, but for those of deleted projects; see `shownPage`.
 */
// The head is read in the same statement: whatever the reader loads of the page after it cannot miss an event before it.
export function selectPages(db: TenantReads) {
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
      titleKey.as('titleKey'),
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

/** A row of `selectPages` as the graph shows it. */
export function shownPage(db: TenantReads, row: JoinedRow): PageRow {
  const { organizationId, epoch, seq, homeId, homeEpoch, visibility, projectArchivedAt, projectRole, ...page } = row
  const position = epoch === null ? beforeAnyLog : { epoch, seq: seq ?? 0 }
  const eventsCursor = encodeCursor(pageChannel(organizationId, page.id), position)
  const facts = { homeId, homeEpoch, visibility, archivedAt: projectArchivedAt, projectRole }
  const inProject = standingIn(db, facts)
  const isArchived = inProject.isArchived || page.archivedAt !== null
  return { ...page, eventsCursor, ...inProject, isArchived, isClosed: inProject.isArchived }
}
