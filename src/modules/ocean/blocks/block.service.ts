import type { BlockContent, BlockType } from '../../../lib/block-content.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Action } from '../../../platform/access.ts'
import { type ActingViewer, authorIdOf, type Context } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { pass, requireGrant } from '../../../platform/gate.ts'
import { createManyOnce } from '../../../platform/idempotency.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { leadsAnywhere, noteTexts } from '../links/linking.service.ts'
import { onPage } from '../pages/page.events.ts'
import { findPage, type PageRow } from '../pages/page.reads.ts'
import { getPage } from '../pages/page.service.ts'
import { NestedTooDeep } from '../pages/page-tree.service.ts'
import { Block, MAX_BLOCK_DEPTH } from './block.entity.ts'
import { type BlockRow, findBlock } from './block.reads.ts'
import { findSpot, lockPages, type Place, positionsIn } from './placement.service.ts'

/** A block to make; its content is that of its type. */
export interface NewBlock {
  readonly type: BlockType
  readonly text: string
  readonly content: BlockContent
}

/** A block of a batch: in document order, so that what it stands in comes before it. */
export interface BatchedBlock extends NewBlock {
  /** Which block of the batch it stands in, from 0; null for those that stand at the place of the batch. */
  readonly parentIndex: number | null
}

/** Blocks to make on a page, in document order. */
export interface CreateBlocks extends Place {
  readonly pageId: string
  readonly blocks: readonly BatchedBlock[]
  readonly idempotencyKey: string | null
}

/** The page with what was made on it. */
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

/**
 * Makes blocks at a place of a page: one transaction, one batch of events.
 * @throws {NotFound | Forbidden | InvalidInput | NestedTooDeep | IdempotencyKeyReused}
 */
export async function createBlocks(ctx: Context, input: CreateBlocks): Promise<CreatedBlocks> {
  requireGrant(ctx, 'block.read')
  const page = await getPage(ctx, input.pageId, 'block.create')
  const ids = await createManyOnce(ctx, 'createBlocks', input, (tx, viewer) => addBlocks(ctx, tx, viewer, page, input))
  const blocks = await Promise.all(ids.map((id) => findBlock(ctx, id)))
  return {
    page: await getPage(ctx, input.pageId, 'page.read'),
    blocks: blocks.filter((block) => block !== null),
  }
}

/** Makes blocks on a page that passed its gate, or that this transaction made; answers their ids. */
export async function addBlocks(
  ctx: Context,
  tx: Transaction,
  viewer: ActingViewer,
  page: Pick<PageRow, 'id' | 'projectId'>,
  { blocks, ...place }: Place & Pick<CreateBlocks, 'blocks'>,
): Promise<string[]> {
  await lockPages(tx, viewer, page)
  const spot = await findSpot(tx, page.id, place)
  audit(ctx, tx, { action: 'block.create', target: encodeTypeId('page', page.id) })
  const positions = await positionsIn(tx, viewer, spot, blocks.length)
  const made: { readonly parentId: string | null; readonly depth: number; readonly id: string }[] = []
  for (const [index, block] of blocks.entries()) {
    const parent = block.parentIndex === null ? undefined : made[block.parentIndex]
    const { parentId, depth } = parent === undefined ? spot : { parentId: parent.id, depth: parent.depth + 1 }
    if (depth > MAX_BLOCK_DEPTH) throw new NestedTooDeep()
    const id = addBlock(tx, viewer, { pageId: page.id, parentId, depth, position: positions[index] ?? '' }, block)
    made.push({ parentId, depth, id })
  }
  await noteTexts(tx, {
    organizationId: viewer.organizationId,
    blockIds: made.flatMap(({ id }, index) => (isLeading(blocks[index]) ? [id] : [])),
  })
  return made.map(({ id }) => id)
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

function isLeading(block: NewBlock | undefined): boolean {
  return block !== undefined && leadsAnywhere(block.type, [{ text: block.text, attributes: {} }])
}
