import type { Standing } from '../../../platform/access.ts'
import type { Context } from '../../../platform/context.ts'
import { inKeysetOrder, keyset, type Window } from '../../../platform/database/keyset.ts'
import type { TenantReads } from '../../../platform/database/tenant-reads.ts'
import { isGrantedTo, may } from '../../../platform/gate.ts'
import { defineListLoader, defineLoader, load } from '../../../platform/loaders.ts'
import { isOpenAnywhere } from '../../projects/project-access.reads.ts'
import { type PageRow, pageById, readablePages } from '../pages/page.reads.ts'

/** A tag as the graph shows it; what the viewer is to it, they are in the organization. */
export interface TagRow extends Standing {
  readonly id: string
  readonly name: string
  /** What lists are ordered by. */
  readonly nameKey: string
  readonly color: string
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = [
  'tag.id',
  'tag.name',
  'tag.name_key as nameKey',
  'tag.color',
  'tag.version',
  'tag.created_at as createdAt',
  'tag.updated_at as updatedAt',
] as const

/** Tags of the viewer's organization by id. */
export const tagById = defineLoader<string, TagRow>({
  name: 'tagById',
  batch: async (db, ids) => {
    const rows = await db.from('tag').select(columns).where('tag.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, shown(db, row)]))
  },
})

/** Finds a tag the viewer may read, or null. */
export async function findTag(ctx: Context, id: string): Promise<TagRow | null> {
  const tag = await load(ctx, tagById, id)
  return tag !== null && (await mayReadTag(ctx, tag)) ? tag : null
}

/** Whether the viewer may read a tag: all of the organization's, or those of pages they may read. */
export async function mayReadTag(ctx: Context, { id }: Pick<TagRow, 'id'>): Promise<boolean> {
  return may(ctx, 'tag.read') || (isGrantedTo(ctx, 'page.read') && (await load(ctx, isOnReadablePage, id)) !== null)
}

const isOnReadablePage = defineLoader<string, true>({
  name: 'isOnReadablePage',
  batch: async (db, ids) => {
    const marks = onReadablePages(db).where('page_tag.tag_id', 'in', ids)
    const rows = await marks.select('page_tag.tag_id as id').distinct().execute()
    return new Map(rows.map(({ id }) => [id, true]))
  },
})

function onReadablePages(db: TenantReads) {
  return db.from('page_tag').where('page_tag.page_id', 'in', readablePages(db).select('page.id'))
}

/** The tags of the organization by name; none for whoever may only see those of their pages. */
export async function listTags(ctx: Context, window: Window): Promise<TagRow[]> {
  if (!may(ctx, 'tag.read')) return []
  const rows = await keyset(ctx.db.from('tag').select(columns), ['tag.name_key', 'tag.id'], 'asc', window).execute()
  return rows.map((row) => shown(ctx.db, row))
}

/** How many `listTags` has in all. */
export async function countTags(ctx: Context): Promise<number> {
  if (!may(ctx, 'tag.read')) return 0
  const query = ctx.db.from('tag').select((on) => on.fn.countAll<number>().as('count'))
  return (await query.executeTakeFirstOrThrow()).count
}

const tagsByPage = defineLoader<string, TagRow[]>({
  name: 'tagsByPage',
  batch: async (db, pageIds) => {
    const marks = db.from('page_tag').innerJoin('tag', 'tag.id', 'page_tag.tag_id')
    const ofPages = marks.where('page_tag.page_id', 'in', pageIds).orderBy('tag.name_key')
    const rows = await ofPages.select([...columns, 'page_tag.page_id as pageId']).execute()
    const byPage = Map.groupBy(rows, ({ pageId }) => pageId)
    return new Map(
      [...byPage].map(([id, tags]) => [id, tags.map(({ pageId: _page, ...tag }) => shown(db, tag))] as const),
    )
  },
})

/** The tags of a page the viewer has read already, by name. */
export async function tagsOf(ctx: Context, { id }: Pick<PageRow, 'id'>): Promise<TagRow[]> {
  return (await load(ctx, tagsByPage, id)) ?? []
}

interface Mark {
  readonly tagId: string
  readonly pageId: string
}

const order = ['mark.page_id'] as const

const marksByTag = defineListLoader<Mark>({
  name: 'marksByTag',
  parentOf: ({ tagId }) => tagId,
  read: (db, tagIds, window) => {
    const tags = db.from('tag').where('tag.id', 'in', tagIds)
    const joined = tags.innerJoinLateral(
      (on) => {
        const marks = on.selectFrom('page_tag as mark').select(['mark.tag_id', 'mark.page_id'])
        // A join, since the planner would gather all readable pages for each tag anew.
        const pages = marks.innerJoin('page as marked', 'marked.id', 'mark.page_id')
        const readable = pages.where(isOpenAnywhere(db, 'page.read', 'marked.project_id'))
        return keyset(readable.whereRef('mark.tag_id', '=', 'tag.id'), order, 'desc', window).as('mark')
      },
      (join) => join.onTrue(),
    )
    const cut = inKeysetOrder(joined, order, 'desc', window)
    return cut.select(['mark.tag_id as tagId', 'mark.page_id as pageId']).execute()
  },
})

const pageCountByTag = defineLoader<string, number>({
  name: 'pageCountByTag',
  batch: async (db, tagIds) => {
    const query = onReadablePages(db).where('page_tag.tag_id', 'in', tagIds).groupBy('page_tag.tag_id')
    const rows = await query.select((on) => ['page_tag.tag_id as id', on.fn.countAll<number>().as('count')]).execute()
    return new Map(rows.map(({ id, count }) => [id, count]))
  },
})

/** The pages with a tag that the viewer may read, newest first. */
export async function listTaggedPages(ctx: Context, { id }: Pick<TagRow, 'id'>, window: Window): Promise<PageRow[]> {
  if (!isGrantedTo(ctx, 'page.read')) return []
  const marks = (await load(ctx, marksByTag, { parentId: id, window })) ?? []
  const pages = await Promise.all(marks.map(({ pageId }) => load(ctx, pageById, pageId)))
  return pages.filter((page) => page !== null)
}

/** How many `listTaggedPages` has in all. */
export async function countTaggedPages(ctx: Context, { id }: Pick<TagRow, 'id'>): Promise<number> {
  return isGrantedTo(ctx, 'page.read') ? ((await load(ctx, pageCountByTag, id)) ?? 0) : 0
}

function shown(db: TenantReads, row: Omit<TagRow, keyof Standing>): TagRow {
  return { ...row, viewerRole: db.role, isArchived: false }
}
