import type { BlockContent, BlockType } from '../../../lib/block-content.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Action } from '../../../platform/access.ts'
import { type ActingViewer, authorIdOf, type Context } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { pass } from '../../../platform/gate.ts'
import { createManyOnce } from '../../../platform/idempotency.ts'
import { load } from '../../../platform/loaders.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { onPage } from '../pages/page.events.ts'
import { findPage, type PageRow } from '../pages/page.reads.ts'
import { getPage } from '../pages/page.service.ts'
import { Block } from './block.entity.ts'
import { type BlockRow, blockById, findBlock } from './block.reads.ts'
import { findSpot, lockPages, positionsIn } from './placement.service.ts'

/** A block to make; its content is that of its type. */
export interface NewBlock {
  readonly type: BlockType
  readonly text: string
  readonly content: BlockContent
}

/** Blocks to append to a page, in order. */
export interface CreateBlocks {
  readonly pageId: string
  readonly blocks: readonly NewBlock[]
  readonly idempotencyKey: string | null
}

/** The page with what was appended to it. */
export interface CreatedBlocks {
  readonly page: PageRow
  readonly blocks: readonly BlockRow[]
}

/** The gate: a block the viewer may do this with, and its page, by which it goes. @throws {NotFound | Forbidden} */
export async function getBlock(
  ctx: Context,
  id: string,
  action: Action,
): Promise<{ readonly block: BlockRow; readonly page: PageRow }> {
  const block = await findBlock(ctx, id)
  const page = block === null ? null : await findPage(ctx, block.pageId)
  const both = block === null || page === null ? null : { ...page, block }
  const { block: found, ...its } = pass(ctx, 'block', both, action, encodeTypeId('block', id))
  return { block: found, page: its }
}

/** Appends blocks to a page: one transaction, one batch of events. @throws {NotFound | Forbidden | IdempotencyKeyReused} */
export async function createBlocks(ctx: Context, input: CreateBlocks): Promise<CreatedBlocks> {
  const page = await getPage(ctx, input.pageId, 'block.create')
  const ids = await createManyOnce(ctx, 'createBlocks', input, (tx, viewer) => addBlocks(ctx, tx, viewer, page, input))
  const blocks = await Promise.all(ids.map((id) => load(ctx, blockById, id)))
  return {
    page: await getPage(ctx, input.pageId, 'page.read'),
    blocks: blocks.filter((block) => block !== null),
  }
}

async function addBlocks(
  ctx: Context,
  tx: Transaction,
  viewer: ActingViewer,
  page: PageRow,
  { blocks }: CreateBlocks,
): Promise<string[]> {
  await lockPages(tx, viewer, page)
  const spot = await findSpot(tx, page.id, { parentId: null, afterId: null, beforeId: null })
  audit(ctx, tx, { action: 'block.create', target: encodeTypeId('page', page.id) })
  const positions = await positionsIn(tx, viewer, spot, blocks.length)
  return blocks.map((block, index) => addBlock(tx, viewer, { ...spot, position: positions[index] ?? '' }, block))
}

/** Makes a block at a position that `positionsIn` gave; watchers of the page hear of it. Answers its id. */
export function addBlock(
  tx: Transaction,
  viewer: ActingViewer,
  { pageId, parentId, depth, position }: Pick<BlockRow, 'pageId' | 'parentId' | 'depth' | 'position'>,
  { type, text, content }: NewBlock,
): string {
  const block = tx.em.create(Block, {
    id: newUuid(tx.now),
    organization: viewer.organizationId,
    page: pageId,
    parent: parentId,
    depth,
    type,
    content,
    aside: {},
    text,
    textVersion: 1,
    isLinkingDue: false,
    position,
    createdById: authorIdOf(viewer),
    updatedById: authorIdOf(viewer),
    version: 1,
    createdAt: tx.now,
    updatedAt: tx.now,
  })
  tx.record(onPage({ organizationId: viewer.organizationId, pageId }, { type: 'BlockCreated', blockId: block.id }))
  return block.id
}
