import { textlessTypes } from '../../../lib/block-content.ts'
import { continuationOf } from '../../../lib/block-continuation.ts'
import { convert, foldedRuns } from '../../../lib/block-conversion.ts'
import { appendRuns, runsOf, seedWith, splitText, type TextRun } from '../../../lib/rich-text.ts'
import type { ActingViewer, Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { EditConflict } from '../../../platform/errors.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { audit } from '../../audit/audit.service.ts'
import { redirectLinks } from '../links/link-moves.service.ts'
import { leadsAnywhere, noteTexts } from '../links/linking.service.ts'
import { onPage } from '../pages/page.events.ts'
import type { PageRow } from '../pages/page.reads.ts'
import { WouldCreateCycle } from '../pages/page-tree.service.ts'
import type { BlockRow } from './block.reads.ts'
import { addBlock, getBlock } from './block.service.ts'
import { BlockText } from './block-text.entity.ts'
import { blaming, blockTarget, changeText, lockText } from './block-text.service.ts'
import { findSpot, findStanding, lockPages, moveTo, positionsIn, subtreeOf, wrong } from './placement.service.ts'

/** Where to split a block's text. */
export interface SplitBlock {
  readonly id: string
  /** In UTF-16 code units. */
  readonly index: number
  readonly expectedTextVersion: number | null
}

/** A block that was split, and the one its text goes on in. */
export interface SplitBlocks {
  readonly first: BlockRow
  readonly second: BlockRow
}

/**
 * Moves the text behind an index into a new block behind the first and what stands in it; formatting comes along.
 * @throws {NotFound | Forbidden | InvalidInput | EditConflict}
 */
export async function splitBlock(ctx: Context, input: SplitBlock): Promise<SplitBlocks> {
  const { id } = input
  const { page } = await getBlock(ctx, id, 'block.split')
  const secondId = await transact(ctx, async (tx) => {
    const viewer = requireViewer(ctx)
    await lockPages(tx, viewer, page)
    const runs = await cutText(ctx, tx, viewer, page, input)
    audit(ctx, tx, { action: 'block.split', target: blockTarget(id) })
    return addBehind(tx, viewer, await findStanding(tx, page.id, id), runs)
  })
  const [first, second] = [await getBlock(ctx, id, 'block.read'), await getBlock(ctx, secondId, 'block.read')]
  return { first: first.block, second: second.block }
}

async function cutText(
  ctx: Context,
  tx: Transaction,
  viewer: ActingViewer,
  page: PageRow,
  { id, index, expectedTextVersion }: SplitBlock,
): Promise<readonly TextRun[]> {
  let cut: readonly TextRun[] = []
  await changeText(ctx, tx, viewer, { blockId: id, page }, (state, { type, textVersion }) => {
    if (expectedTextVersion !== null && expectedTextVersion !== textVersion) throw new EditConflict(blockTarget(id))
    if (textlessTypes.has(type)) throw wrong('id', 'this type has no text')
    const { left, right } = blaming('index', () => splitText(state, index))
    cut = right
    return left
  })
  return cut
}

/** Makes the second half of a block. Answers its id. */
async function addBehind(
  tx: Transaction,
  viewer: ActingViewer,
  first: BlockRow,
  runs: readonly TextRun[],
): Promise<string> {
  const { pageId, parentId } = first
  const spot = await findSpot(tx, pageId, { parentId, afterId: first.id, beforeId: null })
  const [position = ''] = await positionsIn(tx, viewer, spot, 1)
  const text = runs.map((run) => run.text).join('')
  const block = { ...continuationOf(first.type, first.content), text }
  const id = addBlock(tx, viewer, { pageId, parentId, depth: spot.depth, position }, block)
  // What has no formatting follows from the text.
  if (runs.some(({ attributes }) => Object.keys(attributes).length > 0)) {
    tx.em.create(BlockText, {
      block: id,
      organization: viewer.organizationId,
      state: Buffer.from(blaming('index', () => seedWith(id, runs))),
      editors: { minute: 0, ids: [] },
    })
  }
  const blockIds = leadsAnywhere(block.type, runs) ? [id] : []
  await noteTexts(tx, { organizationId: viewer.organizationId, blockIds })
  return id
}

/** Two blocks to become one. */
export interface MergeBlocks {
  /** The one that goes. */
  readonly id: string
  /** The one that stays, on the same page. */
  readonly intoId: string
  /** Of the one that goes. */
  readonly expectedVersion: number | null
}

/**
 * Appends the text of a block to another one with its formatting (and what words and addresses it has beside it), makes
 * what stood in it stand there last, hands its links over, and deletes it.
 * @throws {NotFound | Forbidden | InvalidInput | EditConflict | WouldCreateCycle | NestedTooDeep}
 */
export async function mergeBlocks(ctx: Context, { id, intoId, expectedVersion }: MergeBlocks): Promise<BlockRow> {
  const { page } = await getBlock(ctx, id, 'block.merge')
  const { page: other } = await getBlock(ctx, intoId, 'block.merge')
  if (other.id !== page.id) throw wrong('intoId', 'is on another page')
  await transact(ctx, async (tx) => {
    const viewer = requireViewer(ctx)
    const { organizationId } = viewer
    await lockPages(tx, viewer, page)
    const block = await lockBoth(tx, page.id, id, intoId)
    if (expectedVersion !== null && block.version !== expectedVersion) throw new EditConflict(blockTarget(id))
    const [, ...within] = await subtreeOf(tx, page.id, block)
    if (intoId === id || within.some((child) => child.id === intoId)) throw new WouldCreateCycle()
    await joinTexts(ctx, tx, viewer, page, block, intoId)
    if (within.length > 0) {
      const spot = await findSpot(tx, page.id, { parentId: intoId, afterId: null, beforeId: null }, within)
      await moveTo(tx, viewer, { pageId: page.id, blocks: within }, spot)
    }
    await redirectLinks(tx, viewer, id, intoId)
    const gone = tx.unscoped.deleteFrom('block').where('id', '=', id).where('organization_id', '=', organizationId)
    await gone.execute()
    tx.record(onPage({ organizationId, pageId: page.id }, { type: 'BlockDeleted', blockId: id }))
    audit(ctx, tx, { action: 'block.merge', target: blockTarget(id) })
  })
  return (await getBlock(ctx, intoId, 'block.read')).block
}

/** Locks two blocks of a page that is locked; answers the one that is to go. @throws {AccessMoved} */
async function lockBoth(tx: Transaction, pageId: string, id: string, intoId: string): Promise<BlockRow> {
  // Until it is gone: what is typed in it from here on is refused, not lost. In order of id, as all that locks blocks.
  const into = intoId < id ? await findStanding(tx, pageId, intoId, { isLocked: true }) : null
  const block = await findStanding(tx, pageId, id, { isLocked: true })
  if (into === null) await findStanding(tx, pageId, intoId, { isLocked: true })
  return block
}

async function joinTexts(
  ctx: Context,
  tx: Transaction,
  viewer: ActingViewer,
  page: PageRow,
  block: BlockRow,
  intoId: string,
): Promise<void> {
  const { state } = await lockText(tx, block.id, page)
  // What it shows beside its text is said in words, as if it had become a paragraph first.
  const runs = [...runsOf(state), ...foldedRuns(convert(block, 'PARAGRAPH', {}))]
  if (runs.length === 0) return
  await changeText(ctx, tx, viewer, { blockId: intoId, page }, (into, { type }) => {
    if (textlessTypes.has(type)) throw wrong('intoId', 'this type has no text')
    return blaming('intoId', () => appendRuns(into, runs))
  })
}
