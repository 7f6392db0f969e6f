import type { BlockType } from '../../../lib/block-content.ts'
import { runsOf, type TextRun } from '../../../lib/rich-text.ts'
import { linkKey, linksIn, type TextLink } from '../../../lib/text-links.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import type { Log } from '../../../platform/log.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { onPage } from '../pages/page.events.ts'
import { LINK_TARGET } from './link.reads.ts'

interface DueBlock {
  readonly id: string
  readonly pageId: string
  readonly type: BlockType
  readonly text: string
  readonly updatedById: string
}

interface KeptLink extends Pick<TextLink, 'kind' | 'targetId' | 'url'> {
  readonly id: string
  readonly sourceBlockId: string
  readonly inText: boolean
  readonly isExplicit: boolean
}

/**
 * Makes the links of blocks that are due what their texts say, under the locks of their rows, and tells the watchers of
 * pages where something changed. Of several blocks those that are locked are left alone and answered; one alone is waited for.
 */
export async function followTexts(
  tx: Transaction,
  { organizationId, blockIds }: { readonly organizationId: string; readonly blockIds: readonly string[] },
  log: Log,
): Promise<readonly string[]> {
  const blocks = await lockDue(tx, organizationId, blockIds)
  const ids = blocks.map(({ id }) => id)
  if (ids.length > 0) {
    // In statements behind the locks: what these waited for shows.
    const states = await statesOf(tx, organizationId, ids)
    const kept = Map.groupBy(await linksOf(tx, organizationId, ids), ({ sourceBlockId }) => sourceBlockId)
    const changes = blocks.map((block) => {
      const said = linksIn(readRuns(block, states.get(block.id), log), { isCode: block.type === 'CODE' })
      return differenceOf(block, kept.get(block.id) ?? [], said)
    })
    await apply(tx, organizationId, changes)
    for (const { block, fresh, found, lost, gone } of changes) {
      if (fresh.length + found.length + lost.length + gone.length === 0) continue
      tx.record(onPage({ organizationId, pageId: block.pageId }, { type: 'BlockUpdated', blockId: block.id }))
    }
    await done(tx, organizationId, ids)
  }
  const isAlone = blockIds.length === 1
  return isAlone ? [] : blockIds.filter((id) => !ids.includes(id))
}

async function lockDue(tx: Transaction, organizationId: string, ids: readonly string[]): Promise<DueBlock[]> {
  const due = tx.unscoped
    .selectFrom('block')
    .select(['id', 'page_id as pageId', 'type', 'text', 'updated_by_id as updatedById'])
    .where('id', 'in', ids)
    .where('organization_id', '=', organizationId)
    .where('is_linking_due', '=', true)
    .orderBy('id')
    .forNoKeyUpdate()
  return (ids.length === 1 ? due : due.skipLocked()).execute()
}

async function statesOf(tx: Transaction, organizationId: string, ids: readonly string[]) {
  const query = tx.unscoped.selectFrom('block_text').select(['block_id as id', 'state']).where('block_id', 'in', ids)
  const rows = await query.where('organization_id', '=', organizationId).execute()
  return new Map(rows.map(({ id, state }) => [id, state]))
}

function linksOf(tx: Transaction, organizationId: string, ids: readonly string[]): Promise<KeptLink[]> {
  return tx.unscoped
    .selectFrom('link')
    .select(['id', 'source_block_id as sourceBlockId', 'kind', 'target_id as targetId', 'url'])
    .select(['in_text as inText', 'is_explicit as isExplicit'])
    .where('source_block_id', 'in', ids)
    .where('organization_id', '=', organizationId)
    .execute() as Promise<KeptLink[]>
}

/** What a block says, with formatting. One whose document cannot be opened still says its text. */
function readRuns({ id, text }: DueBlock, state: Uint8Array | undefined, log: Log): readonly TextRun[] {
  const plain = [{ text, attributes: {} }]
  if (state === undefined) return plain
  try {
    return runsOf(state)
  } catch (error) {
    log.warn({ err: error, block: encodeTypeId('block', id) }, 'the document of a block cannot be opened')
    return plain
  }
}

/** What the links of a block lack to be what its text says. */
interface Difference {
  readonly block: DueBlock
  /** Not there yet. */
  readonly fresh: readonly TextLink[]
  /** By id: there, and now also in the text; there, and no longer in it; there for the text alone, which lost them. */
  readonly found: readonly string[]
  readonly lost: readonly string[]
  readonly gone: readonly string[]
}

function differenceOf(block: DueBlock, kept: readonly KeptLink[], said: readonly TextLink[]): Difference {
  const [keptKeys, saidKeys] = [new Set(kept.map(linkKey)), new Set(said.map(linkKey))]
  const idsOf = (links: readonly KeptLink[]) => links.map(({ id }) => id)
  const unsaid = kept.filter((link) => link.inText && !saidKeys.has(linkKey(link)))
  return {
    block,
    fresh: said.filter((link) => !keptKeys.has(linkKey(link))),
    found: idsOf(kept.filter((link) => !link.inText && saidKeys.has(linkKey(link)))),
    lost: idsOf(unsaid.filter(({ isExplicit }) => isExplicit)),
    gone: idsOf(unsaid.filter(({ isExplicit }) => !isExplicit)),
  }
}

/** In a few statements for all blocks. */
async function apply(tx: Transaction, organizationId: string, differences: readonly Difference[]): Promise<void> {
  const setInText = async (ids: readonly string[], inText: boolean) => {
    const links = tx.unscoped.updateTable('link').set({ in_text: inText }).where('id', 'in', ids)
    if (ids.length > 0) await links.where('organization_id', '=', organizationId).execute()
  }
  const gone = differences.flatMap((difference) => difference.gone)
  const links = tx.unscoped.deleteFrom('link').where('id', 'in', gone)
  if (gone.length > 0) await links.where('organization_id', '=', organizationId).execute()
  await setInText(
    differences.flatMap(({ lost }) => lost),
    false,
  )
  await setInText(
    differences.flatMap(({ found }) => found),
    true,
  )
  const rows = differences.flatMap(({ block, fresh }) =>
    fresh.map(({ kind, targetId, url }) => ({
      ...{ id: newUuid(tx.now), organization_id: organizationId, source_block_id: block.id },
      ...{ kind, target_id: targetId, url, in_text: true, is_explicit: false },
      ...{ created_by_id: block.updatedById, created_at: tx.now },
    })),
  )
  for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT) {
    const some = rows.slice(start, start + ROWS_A_STATEMENT)
    const links = tx.unscoped.insertInto('link').values(some)
    await links.onConflict((conflict) => conflict.expression(LINK_TARGET).doUpdateSet({ in_text: true })).execute()
  }
}

// Postgres takes 65,535 parameters in a statement.
const ROWS_A_STATEMENT = 1_000

async function done(tx: Transaction, organizationId: string, ids: readonly string[]): Promise<void> {
  const blocks = tx.unscoped.updateTable('block').set({ is_linking_due: false }).where('id', 'in', ids)
  await blocks.where('organization_id', '=', organizationId).execute()
}
