import { generateNJitteredKeysBetween } from 'fractional-indexing-jittered'
import type { BlockContent, BlockType } from '../../../lib/block-content.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import { type ActingViewer, authorIdOf, type Context } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { NotFound } from '../../../platform/errors.ts'
import { createManyOnce } from '../../../platform/idempotency.ts'
import { load } from '../../../platform/loaders.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { onPage } from '../pages/page.events.ts'
import type { PageRow } from '../pages/page.reads.ts'
import { getPage } from '../pages/page.service.ts'
import { Block } from './block.entity.ts'
import { type BlockRow, blockById } from './block.reads.ts'

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

/** Appends blocks to a page: one transaction, one batch of events. @throws {NotFound | Forbidden | IdempotencyKeyReused} */
export async function createBlocks(ctx: Context, input: CreateBlocks): Promise<CreatedBlocks> {
  await getPage(ctx, input.pageId, 'block.create')
  const ids = await createManyOnce(ctx, 'createBlocks', input, (tx, viewer) => appendBlocks(ctx, tx, viewer, input))
  const blocks = await Promise.all(ids.map((id) => load(ctx, blockById, id)))
  return {
    page: await getPage(ctx, input.pageId, 'page.read'),
    blocks: blocks.filter((block) => block !== null),
  }
}

async function appendBlocks(
  ctx: Context,
  tx: Transaction,
  viewer: ActingViewer,
  input: CreateBlocks,
): Promise<string[]> {
  const { pageId } = input
  await lockPage(tx, viewer, pageId)
  const last = await tx.db
    .from('block')
    .select('block.position')
    .where('block.page_id', '=', pageId)
    .orderBy('block.position', 'desc')
    .limit(1)
    .executeTakeFirst()
  audit(ctx, tx, { action: 'block.create', target: encodeTypeId('page', pageId) })
  const positions = generateNJitteredKeysBetween(last?.position ?? null, null, input.blocks.length)
  return input.blocks.map(({ type, text, content }, index) => {
    const block = tx.em.create(Block, {
      id: newUuid(tx.now),
      organization: viewer.organizationId,
      page: pageId,
      parent: null,
      depth: 1,
      type,
      content,
      aside: {},
      text,
      textVersion: 1,
      isLinkingDue: false,
      position: positions[index] ?? '',
      createdById: authorIdOf(viewer),
      updatedById: authorIdOf(viewer),
      version: 1,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    tx.record(onPage({ organizationId: viewer.organizationId, pageId }, { type: 'BlockCreated', blockId: block.id }))
    return block.id
  })
}

/** Takes the page's row lock, under which its blocks are ordered, and notes who touched it. */
async function lockPage(tx: Transaction, viewer: ActingViewer, pageId: string): Promise<void> {
  const { numUpdatedRows } = await tx.unscoped
    .updateTable('page')
    .set({ updated_at: tx.now, updated_by_id: authorIdOf(viewer) })
    .where('id', '=', pageId)
    .where('organization_id', '=', viewer.organizationId)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw new NotFound('page', 'block.create', encodeTypeId('page', pageId))
}
