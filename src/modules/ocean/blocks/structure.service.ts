import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { EditConflict } from '../../../platform/errors.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { audit } from '../../audit/audit.service.ts'
import { onPage } from '../pages/page.events.ts'
import type { PageRow } from '../pages/page.reads.ts'
import { getPage } from '../pages/page.service.ts'
import { WouldCreateCycle } from '../pages/page-tree.service.ts'
import type { BlockRow } from './block.reads.ts'
import { getBlock } from './block.service.ts'
import { findSpot, findStanding, lockPages, moveTo, type Place, subtreeOf } from './placement.service.ts'

/** Where a block is to stand, with all that stands in it. */
export interface MoveBlock extends Place {
  readonly id: string
  /** Null: on the page it is on. */
  readonly pageId: string | null
  readonly expectedVersion: number | null
}

/**
 * Moves a block with all that stands in it: within its page, or to another one. Whatever it has, it keeps.
 * @throws {NotFound | Forbidden | InvalidInput | EditConflict | WouldCreateCycle | NestedTooDeep}
 */
export async function moveBlock(ctx: Context, input: MoveBlock): Promise<BlockRow> {
  const { id, expectedVersion } = input
  const { page: from } = await getBlock(ctx, id, 'block.move')
  const to = input.pageId === null ? from : await getPage(ctx, input.pageId, 'block.create')
  await transact(ctx, async (tx) => {
    const viewer = requireViewer(ctx)
    await lockPages(tx, viewer, from, to)
    const block = await findExpected(tx, from.id, id, expectedVersion)
    const blocks = await subtreeOf(tx, from.id, block)
    if (blocks.some((within) => within.id === input.parentId)) throw new WouldCreateCycle()
    const spot = await findSpot(tx, to.id, input, from.id === to.id ? blocks : [])
    await moveTo(tx, viewer, { pageId: from.id, blocks }, spot)
    audit(ctx, tx, { action: 'block.move', target: encodeTypeId('block', id) })
  })
  return (await getBlock(ctx, id, 'block.read')).block
}

/** A block to delete. */
export interface DeleteBlock {
  readonly id: string
  readonly expectedVersion: number | null
}

/** What was deleted, and the page it was on, as it is now. */
export interface DeletedBlock {
  readonly id: string
  readonly page: PageRow
}

/**
 * Deletes a block with all that stands in it. Links that led to any of it stay, and lead nowhere.
 * @throws {NotFound | Forbidden | EditConflict}
 */
export async function deleteBlock(ctx: Context, { id, expectedVersion }: DeleteBlock): Promise<DeletedBlock> {
  const { page } = await getBlock(ctx, id, 'block.delete')
  await transact(ctx, async (tx) => {
    const viewer = requireViewer(ctx)
    const place = { organizationId: viewer.organizationId, pageId: page.id }
    await lockPages(tx, viewer, page)
    const block = await findExpected(tx, page.id, id, expectedVersion)
    const ids = (await subtreeOf(tx, page.id, block)).map((within) => within.id)
    // What stands in it goes by its foreign key, and so does what they have.
    await tx.unscoped
      .deleteFrom('block')
      .where('id', '=', id)
      .where('organization_id', '=', viewer.organizationId)
      .execute()
    for (const blockId of ids) tx.record(onPage(place, { type: 'BlockDeleted', blockId }))
    audit(ctx, tx, { action: 'block.delete', target: encodeTypeId('block', id) })
  })
  return { id, page: await getPage(ctx, page.id, 'page.read') }
}

async function findExpected(
  tx: Transaction,
  pageId: string,
  id: string,
  expectedVersion: number | null,
): Promise<BlockRow> {
  // Its content is changed under the lock of its row alone.
  const block = await findStanding(tx, pageId, id, { isLocked: true })
  if (expectedVersion !== null && block.version !== expectedVersion) throw new EditConflict(encodeTypeId('block', id))
  return block
}
