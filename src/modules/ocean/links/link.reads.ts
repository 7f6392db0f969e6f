import { sql } from 'kysely'
import type { Context } from '../../../platform/context.ts'
import { inKeysetOrder, keyset, type Window } from '../../../platform/database/keyset.ts'
import type { TenantReads } from '../../../platform/database/tenant-reads.ts'
import { isGrantedTo } from '../../../platform/gate.ts'
import { defineCountLoader, defineListLoader, defineLoader, load } from '../../../platform/loaders.ts'
import { isOpenAnywhere } from '../../projects/project-access.reads.ts'
import { type BlockRow, findBlock } from '../blocks/block.reads.ts'
import { findPage, type PageRow } from '../pages/page.reads.ts'
import type { LinkKind } from './link.entity.ts'

/** A link as the graph shows it. */
export interface LinkRow {
  readonly id: string
  readonly sourceBlockId: string
  readonly kind: LinkKind
  /** Of a page or a block, which need not be there; null for an address. */
  readonly targetId: string | null
  readonly url: string | null
  readonly inText: boolean
  readonly isExplicit: boolean
  readonly createdById: string
  readonly createdAt: Date
}

/** What the unique index of links is over: whoever inserts says what becomes of one that is there. */
export const LINK_TARGET = sql`source_block_id, kind, coalesce(target_id::text, url)`

/** What a link leads to, as its reader sees it. */
export type LinkTarget =
  | (PageRow & { readonly target: 'Page' })
  | (BlockRow & { readonly target: 'Block' })
  | { readonly url: string; readonly target: 'ExternalUrl' }

const columns = [
  'link.id',
  'link.source_block_id as sourceBlockId',
  'link.kind',
  'link.target_id as targetId',
  'link.url',
  'link.in_text as inText',
  'link.is_explicit as isExplicit',
  'link.created_by_id as createdById',
  'link.created_at as createdAt',
] as const

/** Links of the viewer's organization by id. */
export const linkById = defineLoader<string, LinkRow>({
  name: 'linkById',
  batch: async (db, ids) => {
    const rows = await db.from('link').select(columns).where('link.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

/** Finds a link whose block the viewer may read, or null. */
export async function findLink(ctx: Context, id: string): Promise<LinkRow | null> {
  const link = await load(ctx, linkById, id)
  return link !== null && (await mayReadLink(ctx, link)) ? link : null
}

/** Whether the viewer may read a link: that goes by the block it starts from. */
export async function mayReadLink(ctx: Context, { sourceBlockId }: Pick<LinkRow, 'sourceBlockId'>): Promise<boolean> {
  return (await findBlock(ctx, sourceBlockId)) !== null
}

/** What a link leads to; null when it is gone, or not for the viewer to see. */
export async function targetOf(ctx: Context, { kind, targetId, url }: LinkRow): Promise<LinkTarget | null> {
  if (url !== null) return { url, target: 'ExternalUrl' }
  if (targetId === null) return null
  if (kind === 'PAGE') {
    const page = await findPage(ctx, targetId)
    return page === null ? null : { ...page, target: 'Page' }
  }
  const block = await findBlock(ctx, targetId)
  return block === null ? null : { ...block, target: 'Block' }
}

const linksByBlock = defineLoader<string, LinkRow[]>({
  name: 'linksByBlock',
  batch: async (db, blockIds) => {
    const query = db.from('link').select(columns).where('link.source_block_id', 'in', blockIds)
    return Map.groupBy(await query.orderBy('link.id').execute(), ({ sourceBlockId }) => sourceBlockId)
  },
})

/** The links of a block the viewer has read already, those that were found or made first before the others. */
export async function linksOf(ctx: Context, { id }: Pick<BlockRow, 'id'>): Promise<LinkRow[]> {
  return (await load(ctx, linksByBlock, id)) ?? []
}

/** A link and the page or block whose list it is in. */
interface Backlink extends LinkRow {
  readonly toId: string
}

const order = ['link.id'] as const

// Of the outer query.
const pageAndItsBlocks = sql<{ id: string; kind: LinkKind }>`(
  select page.id, 'PAGE' as kind union all select own.id, 'BLOCK' from block as own where own.page_id = page.id
)`
const blockAlone = sql<{ id: string; kind: LinkKind }>`(select target.id, 'BLOCK' as kind)`

/**
 * Links from blocks the reader may read, to what the outer query says. The blocks are looked up one by one: the planner
 * would otherwise gather all that can be read, for each item of the outer query anew.
 */
function linksTo(db: TenantReads, targets: typeof pageAndItsBlocks) {
  const isReadable = sql<boolean>`(
    select ${isOpenAnywhere(db, 'page.read', 'origin.project_id')} from block as source
    join page as origin on origin.id = source.page_id where source.id = link.source_block_id
  )`
  return db
    .from('link')
    .innerJoin(targets.as('to'), (join) =>
      join.onRef('to.id', '=', 'link.target_id').onRef('to.kind', '=', 'link.kind'),
    )
    .where(isReadable)
}

const backlinksByPage = defineListLoader<Backlink>({
  name: 'backlinksByPage',
  parentOf: ({ toId }) => toId,
  read: (db, pageIds, window) => {
    const list = keyset(linksTo(db, pageAndItsBlocks).select(columns), order, 'desc', window).as('link')
    const joined = db
      .from('page')
      .where('page.id', 'in', pageIds)
      .innerJoinLateral(list, (join) => join.onTrue())
    return inKeysetOrder(joined, order, 'desc', window).selectAll('link').select('page.id as toId').execute()
  },
})

const backlinksByBlock = defineListLoader<Backlink>({
  name: 'backlinksByBlock',
  parentOf: ({ toId }) => toId,
  read: (db, blockIds, window) => {
    const list = keyset(linksTo(db, blockAlone).select(columns), order, 'desc', window).as('link')
    const joined = targets(db, blockIds).innerJoinLateral(list, (join) => join.onTrue())
    return inKeysetOrder(joined, order, 'desc', window).selectAll('link').select('target.id as toId').execute()
  },
})

const backlinkCountByPage = defineCountLoader<null>({
  name: 'backlinkCountByPage',
  read: (db, pageIds) => {
    const counted = linksTo(db, pageAndItsBlocks).select((on) => on.fn.countAll<number>().as('count'))
    const pages = db.from('page').where('page.id', 'in', pageIds)
    const joined = pages.innerJoinLateral(counted.as('links'), (join) => join.onTrue())
    return joined.select(['page.id as parentId', 'links.count']).execute()
  },
})

const backlinkCountByBlock = defineCountLoader<null>({
  name: 'backlinkCountByBlock',
  read: (db, blockIds) => {
    const counted = linksTo(db, blockAlone).select((on) => on.fn.countAll<number>().as('count'))
    const joined = targets(db, blockIds).innerJoinLateral(counted.as('links'), (join) => join.onTrue())
    return joined.select(['target.id as parentId', 'links.count']).execute()
  },
})

/** Blocks under a name that those of the sources do not hide. */
function targets(db: TenantReads, ids: readonly string[]) {
  return db.from('block').innerJoin('block as target', 'target.id', 'block.id').where('block.id', 'in', ids)
}

/** Links to a page the viewer has read, or to blocks on it, from blocks they may read; newest first. */
export async function listPageBacklinks(ctx: Context, { id }: Pick<PageRow, 'id'>, window: Window): Promise<LinkRow[]> {
  return seesLinks(ctx) ? ((await load(ctx, backlinksByPage, { parentId: id, window })) ?? []) : []
}

/** How many `listPageBacklinks` has in all. */
export async function countPageBacklinks(ctx: Context, { id }: Pick<PageRow, 'id'>): Promise<number> {
  return seesLinks(ctx) ? ((await load(ctx, backlinkCountByPage, { parentId: id, options: null })) ?? 0) : 0
}

/** Links to a block the viewer has read, from blocks they may read; newest first. */
export async function listBlockBacklinks(
  ctx: Context,
  { id }: Pick<BlockRow, 'id'>,
  window: Window,
): Promise<LinkRow[]> {
  return seesLinks(ctx) ? ((await load(ctx, backlinksByBlock, { parentId: id, window })) ?? []) : []
}

/** How many `listBlockBacklinks` has in all. */
export async function countBlockBacklinks(ctx: Context, { id }: Pick<BlockRow, 'id'>): Promise<number> {
  return seesLinks(ctx) ? ((await load(ctx, backlinkCountByBlock, { parentId: id, options: null })) ?? 0) : 0
}

/** The predicates of lists go by roles; what a key or an agent was given is asked here. */
function seesLinks(ctx: Context): boolean {
  return isGrantedTo(ctx, 'block.read') && isGrantedTo(ctx, 'page.read')
}
