import type { Context } from '../../platform/context.ts'
import { keyset, type Window } from '../../platform/database/keyset.ts'
import { may } from '../../platform/gate.ts'
import { defineLoader, load } from '../../platform/loaders.ts'
import type { BlockType } from './block.entity.ts'
import { findPage } from './page.reads.ts'

/** A block as the graph shows it. */
export interface BlockRow {
  readonly id: string
  readonly pageId: string
  readonly type: BlockType
  readonly text: string
  readonly position: string
  readonly createdById: string
  readonly updatedById: string
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = [
  'block.id',
  'block.page_id as pageId',
  'block.type',
  'block.text',
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
    const rows = await db.from('block').select(columns).where('block.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

/** Finds a block the viewer may read, which means its page; or null. */
export async function findBlock(ctx: Context, id: string): Promise<BlockRow | null> {
  if (!may(ctx, 'block.read')) return null
  const block = await load(ctx, blockById, id)
  return block !== null && (await findPage(ctx, block.pageId)) !== null ? block : null
}

/** The blocks of a page the viewer has read already, in document order. */
export async function listBlocks(ctx: Context, pageId: string, window: Window): Promise<BlockRow[]> {
  if (!may(ctx, 'block.read')) return []
  const query = ctx.db.from('block').select(columns).where('block.page_id', '=', pageId)
  return keyset(query, ['block.position', 'block.id'], 'asc', window).execute()
}

/** How many blocks a page has. */
export async function countBlocks(ctx: Context, pageId: string): Promise<number> {
  if (!may(ctx, 'block.read')) return 0
  const query = ctx.db.from('block').where('block.page_id', '=', pageId)
  const row = await query.select((on) => on.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  return row.count
}
