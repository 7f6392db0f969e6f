import type { Context } from '../../../platform/context.ts'
import { requireGrant } from '../../../platform/gate.ts'
import { createOnce } from '../../../platform/idempotency.ts'
import type { PageRow } from '../pages/page.reads.ts'
import { addPage, type CreatePage, getPage, getPageHome } from '../pages/page.service.ts'
import { untilRankIsFree } from '../pages/page-rank.service.ts'
import { addBlocks, type BatchedBlock } from './block.service.ts'

/** A new page, and what is to stand on it. */
export interface CreatePageWithBlocks extends CreatePage {
  readonly blocks: readonly BatchedBlock[]
}

/**
 * Makes a page with its blocks: both, or neither.
 * @throws {NotFound | Forbidden | InvalidInput | NestedTooDeep | IdempotencyKeyReused}
 */
export async function createPageWithBlocks(ctx: Context, input: CreatePageWithBlocks): Promise<PageRow> {
  const { blocks, ...page } = input
  requireGrant(ctx, 'page.read')
  // What may be made there is decided for the page: a block takes no other role, and a grant of its own.
  requireGrant(ctx, 'block.create')
  const home = await getPageHome(ctx, page)
  const id = await untilRankIsFree(ctx, () =>
    createOnce(ctx, 'createPage', input, async (tx, viewer) => {
      const id = await addPage(ctx, tx, viewer, { ...page, ...home })
      await tx.em.flush()
      const atTheEnd = { parentId: null, afterId: null, beforeId: null }
      if (blocks.length > 0)
        await addBlocks(ctx, tx, viewer, { id, projectId: home.projectId }, { ...atTheEnd, blocks })
      return id
    }),
  )
  return getPage(ctx, id, 'page.read')
}
