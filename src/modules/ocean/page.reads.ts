import { sql } from 'kysely'
import { beforeAnyLog, encodeCursor } from '../../lib/cursor.ts'
import type { Context } from '../../platform/context.ts'
import { keyset, type Window } from '../../platform/database/keyset.ts'
import type { TenantReads } from '../../platform/database/tenant-reads.ts'
import { may } from '../../platform/gate.ts'
import { defineLoader, load } from '../../platform/loaders.ts'
import { pageChannel } from './page.events.ts'

/** A page as the graph shows it. */
export interface PageRow {
  readonly id: string
  readonly projectId: string | null
  readonly title: string
  readonly icon: string | null
  readonly createdById: string
  readonly updatedById: string
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
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
    return new Map(rows.map((row) => [row.id, withCursor(row)]))
  },
})

/** Finds a page the viewer may read, or null. */
export async function findPage(ctx: Context, id: string): Promise<PageRow | null> {
  return may(ctx, 'page.read') ? load(ctx, pageById, id) : null
}

/** Pages the viewer may read, newest first. */
export async function listPages(ctx: Context, filter: PageFilter, window: Window): Promise<PageRow[]> {
  if (!may(ctx, 'page.read')) return []
  const query =
    filter.projectId === null
      ? selectPages(ctx.db)
      : selectPages(ctx.db).where('page.project_id', '=', filter.projectId)
  const rows = await keyset(query, ['page.id'], 'desc', window).execute()
  return rows.map(withCursor)
}

/** How many `listPages` has in all. */
export async function countPages(ctx: Context, filter: PageFilter): Promise<number> {
  if (!may(ctx, 'page.read')) return 0
  const query = ctx.db.from('page').select((on) => on.fn.countAll<number>().as('count'))
  const row = await (filter.projectId === null
    ? query
    : query.where('page.project_id', '=', filter.projectId)
  ).executeTakeFirstOrThrow()
  return row.count
}

// The head is read in the same statement: whatever the reader loads of the page after it cannot miss an event before it.
function selectPages(db: TenantReads) {
  return db
    .from('page')
    .leftJoin('channel_head', (join) =>
      // Without an organization `from` finds no page to join.
      join.on('channel_head.channel', '=', sql<string>`${pageChannel(db.organizationId ?? '', '')}::text || page.id`),
    )
    .select([
      'page.id',
      'page.organization_id as organizationId',
      'page.project_id as projectId',
      'page.title',
      'page.icon',
      'page.created_by_id as createdById',
      'page.updated_by_id as updatedById',
      'page.version',
      'page.created_at as createdAt',
      'page.updated_at as updatedAt',
      'channel_head.epoch',
      'channel_head.seq',
    ])
}

interface JoinedRow extends Omit<PageRow, 'eventsCursor'> {
  readonly organizationId: string
  readonly epoch: string | null
  readonly seq: number | null
}

function withCursor({ organizationId, epoch, seq, ...page }: JoinedRow): PageRow {
  const position = epoch === null ? beforeAnyLog : { epoch, seq: seq ?? 0 }
  return { ...page, eventsCursor: encodeCursor(pageChannel(organizationId, page.id), position) }
}
