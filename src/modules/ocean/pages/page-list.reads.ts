import { type RawBuilder, sql } from 'kysely'
import { containing } from '../../../lib/like-pattern.ts'
import type { Context } from '../../../platform/context.ts'
import { expressionOf, inKeysetOrder, type KeyColumn, keyset, type Window } from '../../../platform/database/keyset.ts'
import type { TenantReads } from '../../../platform/database/tenant-reads.ts'
import { isGrantedTo, may } from '../../../platform/gate.ts'
import { defineCountLoader, defineListLoader, load } from '../../../platform/loaders.ts'
import type { ProjectRow } from '../../projects/project.reads.ts'
import { isOpenAnywhere } from '../../projects/project-access.reads.ts'
import { findPage, type PageRow, selectPages, shownPage, titleKey } from './page.reads.ts'

/** Which pages of some are meant; null where it does not matter, and an id that names nothing matches nothing. */
export interface PageNarrowing {
  readonly tagId: string | null
  readonly parentId: string | null
  readonly createdById: string | null
  /** A part of the title, in whatever case. */
  readonly title: string | null
  readonly isTopLevel: boolean | null
  /** Archived ones, or the others. */
  readonly isArchived: boolean | null
}

/** Which pages of the organization a list is of. */
export interface PageFilter extends PageNarrowing {
  readonly projectId: string | null
}

/** What lists of pages can be ordered by. */
export type PageOrder = 'NEWEST' | 'OLDEST' | 'UPDATED' | 'TITLE' | 'TREE'

interface Ordering {
  readonly columns: readonly KeyColumn[]
  readonly direction: 'asc' | 'desc'
  readonly keyOf: (page: PageRow) => readonly string[]
}

const orderings: Readonly<Record<PageOrder, Ordering>> = {
  NEWEST: { columns: ['page.id'], direction: 'desc', keyOf: ({ id }) => [id] },
  OLDEST: { columns: ['page.id'], direction: 'asc', keyOf: ({ id }) => [id] },
  UPDATED: {
    columns: ['page.updated_at', 'page.id'],
    direction: 'desc',
    keyOf: ({ updatedAt, id }) => [updatedAt.toISOString(), id],
  },
  TITLE: { columns: [titleKey, 'page.id'], direction: 'asc', keyOf: (page) => [page.titleKey, page.id] },
  TREE: { columns: ['page.rank', 'page.id'], direction: 'asc', keyOf: ({ rank, id }) => [rank, id] },
}

/** The key of a page in a list of this order. */
export function pageKeyOf(order: PageOrder, page: PageRow): readonly string[] {
  return orderings[order].keyOf(page)
}

/** Pages the viewer may read. */
export async function listPages(
  ctx: Context,
  filter: PageFilter,
  order: PageOrder,
  window: Window,
): Promise<PageRow[]> {
  if (!isGrantedTo(ctx, 'page.read')) return []
  const { columns, direction } = orderings[order]
  const query = selectPages(ctx.db).where(matches(ctx.db, filter))
  const rows = await keyset(query, columns, direction, window).execute()
  return rows.map((row) => shownPage(ctx.db, row))
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

interface Listed {
  readonly id: string
  readonly parentId: string
}

interface ListOptions {
  readonly narrowing: PageNarrowing
  readonly order: PageOrder
}

const pageIdsByProject = defineListLoader<Listed, ListOptions>({
  name: 'pageIdsByProject',
  parentOf: ({ parentId }) => parentId,
  read: (db, projectIds, window, { narrowing, order }) => {
    const { columns, direction } = orderings[order]
    const keys = columns.map((_column, index) => `listed.key_${index}`)
    const joined = db
      .from('project')
      .where('project.id', 'in', projectIds)
      .innerJoinLateral(
        (on) => {
          const ofProject = on
            .selectFrom('page')
            .whereRef('page.project_id', '=', 'project.id')
            .where(isAmong(narrowing))
            .select('page.id')
            .select(columns.map((column, index) => expressionOf(column).as(`key_${index}`)))
          return keyset(ofProject, columns, direction, window).as('listed')
        },
        (join) => join.onTrue(),
      )
      .select(['listed.id', 'project.id as parentId'])
    return inKeysetOrder(joined, keys, direction, window).execute()
  },
})

const pageCountByProject = defineCountLoader<PageNarrowing>({
  name: 'pageCountByProject',
  read: async (db, projectIds, narrowing) => {
    const query = db.from('page').where('page.project_id', 'in', projectIds).where(isAmong(narrowing))
    const rows = await query
      .groupBy('page.project_id')
      .select((on) => ['page.project_id as parentId', on.fn.countAll<number>().as('count')])
      .execute()
    return rows.map(({ parentId, count }) => ({ parentId: parentId ?? '', count }))
  },
})

/** The pages of a project the viewer has read already. */
export async function listPagesOf(
  ctx: Context,
  project: ProjectRow,
  narrowing: PageNarrowing,
  order: PageOrder,
  window: Window,
): Promise<PageRow[]> {
  if (!may(ctx, 'page.read', project)) return []
  const key = { parentId: project.id, window, options: { narrowing, order } }
  return found(ctx, await load(ctx, pageIdsByProject, key))
}

/** How many pages a project has. */
export async function countPagesOf(ctx: Context, project: ProjectRow, narrowing: PageNarrowing): Promise<number> {
  if (!may(ctx, 'page.read', project)) return 0
  return (await load(ctx, pageCountByProject, { parentId: project.id, options: narrowing })) ?? 0
}

type Kept = Pick<PageNarrowing, 'isArchived'>

const childIds = defineListLoader<Listed, Kept>({
  name: 'childIds',
  parentOf: ({ parentId }) => parentId,
  read: (db, parentIds, window, kept) => {
    const joined = db
      .from('page')
      .where('page.id', 'in', parentIds)
      .innerJoinLateral(
        (on) => {
          const below = on
            .selectFrom('page as child')
            .whereRef('child.parent_id', '=', 'page.id')
            .where(isKept('child.archived_at', kept))
            .select(['child.id', 'child.rank'])
          return keyset(below, ['child.rank', 'child.id'], 'asc', window).as('listed')
        },
        (join) => join.onTrue(),
      )
      .select(['listed.id', 'page.id as parentId'])
    return inKeysetOrder(joined, ['listed.rank', 'listed.id'], 'asc', window).execute()
  },
})

const childCount = defineCountLoader<Kept>({
  name: 'childCount',
  read: async (db, parentIds, kept) => {
    const query = db.from('page').where('page.parent_id', 'in', parentIds).where(isKept('page.archived_at', kept))
    const rows = await query
      .groupBy('page.parent_id')
      .select((on) => ['page.parent_id as parentId', on.fn.countAll<number>().as('count')])
      .execute()
    return rows.map(({ parentId, count }) => ({ parentId: parentId ?? '', count }))
  },
})

/** What stands directly in a page the viewer has read already, in order. */
export async function listChildren(ctx: Context, page: PageRow, kept: Kept, window: Window): Promise<PageRow[]> {
  return found(ctx, await load(ctx, childIds, { parentId: page.id, window, options: kept }))
}

/** How many pages stand directly in a page. */
export async function countChildren(ctx: Context, page: PageRow, kept: Kept): Promise<number> {
  return (await load(ctx, childCount, { parentId: page.id, options: kept })) ?? 0
}

async function found(ctx: Context, listed: readonly Listed[] | null): Promise<PageRow[]> {
  const pages = await Promise.all((listed ?? []).map(({ id }) => findPage(ctx, id)))
  return pages.filter((page) => page !== null)
}

function matches(db: TenantReads, { projectId, ...narrowing }: PageFilter) {
  const open = isOpenAnywhere(db, 'page.read', 'page.project_id')
  const inProject = projectId === null ? sql`true` : sql`page.project_id = ${projectId}`
  return sql<boolean>`${open} and ${inProject} and ${isAmong(narrowing)}`
}

function isAmong({ tagId, parentId, createdById, title, isTopLevel, isArchived }: PageNarrowing) {
  const rules: RawBuilder<unknown>[] = [isKept('page.archived_at', { isArchived })]
  if (tagId !== null) {
    rules.push(sql`exists (
      select from page_tag where page_tag.page_id = page.id and page_tag.tag_id = ${tagId}
        and page_tag.organization_id = page.organization_id
    )`)
  }
  if (parentId !== null) rules.push(sql`page.parent_id = ${parentId}`)
  if (createdById !== null) rules.push(sql`page.created_by_id = ${createdById}`)
  if (title !== null) rules.push(sql`page.title ilike ${containing(title)}`)
  if (isTopLevel !== null) rules.push(isTopLevel ? sql`page.parent_id is null` : sql`page.parent_id is not null`)
  return sql<boolean>`${sql.join(rules, sql` and `)}`
}

function isKept(column: string, { isArchived }: Kept): RawBuilder<boolean> {
  if (isArchived === null) return sql<boolean>`true`
  return isArchived ? sql<boolean>`${sql.ref(column)} is not null` : sql<boolean>`${sql.ref(column)} is null`
}
