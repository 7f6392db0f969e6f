import type { BlockType } from '../../../lib/block-content.ts'
import type { TextRun } from '../../../lib/rich-text.ts'
import { linksIn } from '../../../lib/text-links.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { findLinks } from './link.jobs.ts'

/** Seconds after a text changed before its links are looked for: whoever types is not done yet. */
const TYPING_SECONDS = 2

/** Blocks of an organization whose text was made or changed. */
export interface ChangedTexts {
  readonly organizationId: string
  readonly blockIds: readonly string[]
}

/** Whether a new text leads anywhere: most do not, and then there is nothing to look for. */
export function leadsAnywhere(type: BlockType, runs: readonly TextRun[]): boolean {
  return linksIn(runs, { isCode: type === 'CODE' }).length > 0
}

/**
 * Has the links in texts looked for behind the commit. Belongs behind the change; a block for which that is on its way
 * already is left to it.
 */
export async function noteTexts(tx: Transaction, { organizationId, blockIds }: ChangedTexts): Promise<void> {
  if (blockIds.length === 0) return
  // Blocks that were just made are not in the table yet.
  await tx.em.flush()
  const due = await tx.unscoped
    .updateTable('block')
    .set({ is_linking_due: true })
    .where('id', 'in', blockIds)
    .where('organization_id', '=', organizationId)
    .where('is_linking_due', '=', false)
    .returning('id')
    .execute()
  if (due.length > 0) await tx.enqueue(findLinks, { organizationId, blockIds: due.map(({ id }) => id) })
}

/** The same for a text that is being typed, by whoever has marked the block as due, which it was not: after a while. */
export async function noteTyping(tx: Transaction, organizationId: string, blockId: string): Promise<void> {
  await tx.enqueue(findLinks, { organizationId, blockIds: [blockId] }, { delaySeconds: TYPING_SECONDS })
}
