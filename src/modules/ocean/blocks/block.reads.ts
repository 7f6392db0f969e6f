import type { BlockContent, BlockType } from '../../../lib/block-content.ts'
import { seedState } from '../../../lib/rich-text.ts'
import type { Context } from '../../../platform/context.ts'
import { inKeysetOrder, keyset, type Window } from '../../../platform/database/keyset.ts'
import type { TenantReads } from '../../../platform/database/tenant-reads.ts'
import { may } from '../../../platform/gate.ts'
import { defineListLoader, defineLoader, load } from '../../../platform/loaders.ts'
import { findPage, type PageRow, readablePages } from '../pages/page.reads.ts'

/** A block as the graph shows it. */
export interface BlockRow {
  readonly id: string
  readonly pageId: string
  readonly parentId: string | null
  /** 1 directly on the page. */
  readonly depth: number
  readonly type: BlockType
  readonly content: BlockContent
  /** What earlier types of it had that this one has no place for. */
  readonly aside: BlockContent
  readonly text: string
  readonly textVersion: number
  readonly position: string
  readonly createdById: string
  readonly updatedById: string
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What every read of blocks selects; see `BlockRow`. */
export const blockColumns = [
  'block.id',
  'block.page_id as pageId',
  'block.parent_id as parentId',
  'block.depth',
  'block.type',
  'block.content',
  'block.aside',
  'block.text',
  'block.text_version as textVersion',
  'block.position',
  'block.created_by_id as createdById',
  'block.updated_by_id as updatedById',
  'block.version',
  'block.created_at as createdAt',
  'block.updated_at as updatedAt',
] as const

/** Blocks of the viewer's organization by id. */
export const blockById = defineLoader<string, BlockRow>({
  name: 'blockById',
  batch: async (db, ids) => {
    const rows = await db.from('block').select(blockColumns).where('block.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

/** Finds a block the viewer may read, which goes by its page; or null. */
export async function findBlock(ctx: Context, id: string): Promise<BlockRow | null> {
  const block = await load(ctx, blockById, id)
  return block !== null && (await mayReadBlock(ctx, block)) ? block : null
}

/** Whether the viewer may read a block. */
export async function mayReadBlock(ctx: Context, { pageId }: Pick<BlockRow, 'pageId'>): Promise<boolean> {
  const page = await findPage(ctx, pageId)
  return page !== null && may(ctx, 'block.read', page)
}

/** The state of a text's document, in one statement for all that are asked for; see `BlockRow`. */
const storedState = defineLoader<string, Uint8Array>({
  name: 'storedState',
  batch: async (db, blockIds) => {
    const query = db.from('block_text').where('block_text.block_id', 'in', blockIds)
    const rows = await query.select(['block_text.block_id as id', 'block_text.state']).execute()
    return new Map(rows.map(({ id, state }) => [id, state]))
  },
})

/** The document of a block's text, as one Yjs update. */
export async function textStateOf(ctx: Context, { id, text }: BlockRow): Promise<Uint8Array> {
  return (await load(ctx, storedState, id)) ?? seedState(id, text)
}

/** The blocks the reader may read, for queries over many pages. */
export function readableBlocks(db: TenantReads) {
  return db.from('block').where('block.page_id', 'in', readablePages(db).select('page.id'))
}

const order = ['block.position', 'block.id'] as const

const blocksByPage = defineListLoader<BlockRow>({
  name: 'blocksByPage',
  parentOf: ({ pageId }) => pageId,
  read: (db, pageIds, window) => {
    const pages = db.from('page').where('page.id', 'in', pageIds)
    const joined = pages.innerJoinLateral(
      (on) => {
        const ofPage = on.selectFrom('block').select(blockColumns).whereRef('block.page_id', '=', 'page.id')
        return keyset(ofPage, order, 'asc', window).as('block')
      },
      (join) => join.onTrue(),
    )
    return inKeysetOrder(joined.selectAll('block'), order, 'asc', window).execute()
  },
})

const blockCountByPage = defineLoader<string, number>({
  name: 'blockCountByPage',
  batch: async (db, pageIds) => {
    const query = db.from('block').where('block.page_id', 'in', pageIds).groupBy('block.page_id')
    const rows = await query.select((on) => ['block.page_id as pageId', on.fn.countAll<number>().as('count')]).execute()
    return new Map(rows.map(({ pageId, count }) => [pageId, count]))
  },
})

/** The blocks of a page the viewer has read already, in document order. */
export async function listBlocks(ctx: Context, page: PageRow, window: Window): Promise<BlockRow[]> {
  if (!may(ctx, 'block.read', page)) return []
  return (await load(ctx, blocksByPage, { parentId: page.id, window })) ?? []
}

/** How many blocks a page has. */
export async function countBlocks(ctx: Context, page: PageRow): Promise<number> {
  return may(ctx, 'block.read', page) ? ((await load(ctx, blockCountByPage, page.id)) ?? 0) : 0
}
