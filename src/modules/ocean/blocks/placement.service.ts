import { type RawBuilder, sql } from 'kysely'
import { ranksBetween } from '../../../lib/ranks.ts'
import { type ActingViewer, authorIdOf } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { AccessMoved, InvalidInput } from '../../../platform/errors.ts'
import { onPage } from '../pages/page.events.ts'
import type { PageRow } from '../pages/page.reads.ts'
import { NestedTooDeep } from '../pages/page-tree.service.ts'
import { MAX_BLOCK_DEPTH } from './block.entity.ts'
import { type BlockRow, blockColumns } from './block.reads.ts'

// What all that changes the structure of a page's blocks has in common. It happens under the lock of the page, in this
// order: `lockPages`, `findStanding`, `findSpot`, then `positionsIn` or `moveTo`.

/** Where a block is to stand, as inputs say it: beside a sibling (not both), or at the end of its parent or page. */
export interface Place {
  /** Null directly on the page. */
  readonly parentId: string | null
  readonly afterId: string | null
  readonly beforeId: string | null
}

/** A place that was looked up under the lock of its page; it holds until blocks of the page are moved or made. */
export interface Spot {
  readonly pageId: string
  readonly parentId: string | null
  readonly depth: number
  /** The blocks before and after it in document order; null at the ends of the page. */
  readonly low: Ranked | null
  readonly high: Ranked | null
}

/** A block in the outline of its page. Positions are stale once `positionsIn` or `moveTo` ran: they may renumber. */
export interface OutlinedBlock extends Ranked {
  readonly parentId: string | null
  readonly depth: number
}

interface Ranked {
  readonly id: string
  readonly position: string
}

const outline = ['block.id', 'block.parent_id as parentId', 'block.depth', 'block.position'] as const

/**
 * Takes the locks of pages, under which their blocks are ordered, and notes who touched them. Each is given as the gate
 * found it. @throws {AccessMoved} when one is gone, archived or in another project meanwhile: the gate is to be asked again
 */
export async function lockPages(
  tx: Transaction,
  viewer: ActingViewer,
  ...pages: readonly Pick<PageRow, 'id' | 'projectId'>[]
): Promise<void> {
  const byId = new Map(pages.map((page) => [page.id, page]))
  // In order of id, so that two who lock the same two never wait for each other.
  for (const [id, { projectId }] of [...byId].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const { numUpdatedRows } = await tx.unscoped
      .updateTable('page')
      .set({ updated_at: tx.now, updated_by_id: authorIdOf(viewer) })
      .where('id', '=', id)
      .where('organization_id', '=', viewer.organizationId)
      .where('project_id', 'is not distinct from', projectId)
      .where('archived_at', 'is', null)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) throw new AccessMoved()
  }
}

/**
 * A block of a page that is locked, as it is now; with `isLocked` its row is locked as well, so that its text and content
 * stay what they are. @throws {AccessMoved} when it is no longer there: the gate is to be asked again
 */
export async function findStanding(
  tx: Transaction,
  pageId: string,
  id: string,
  { isLocked = false }: { readonly isLocked?: boolean } = {},
): Promise<BlockRow> {
  const query = onThePage(tx, pageId).select(blockColumns).where('block.id', '=', id)
  const block = await (isLocked ? query.forUpdate() : query).executeTakeFirst()
  if (block === undefined) throw new AccessMoved()
  return block
}

/**
 * Demands that a page is still as the gate found it, for whoever changes one of its blocks and does not lock the page.
 * Belongs behind the lock of the block: a statement that waited would see what was there before. @throws {AccessMoved}
 */
export async function expectStanding(tx: Transaction, page: Pick<PageRow, 'id' | 'projectId'>): Promise<void> {
  const standing = await tx.db
    .from('page')
    .select('page.id')
    .where('page.id', '=', page.id)
    .where('page.project_id', 'is not distinct from', page.projectId)
    .where('page.archived_at', 'is', null)
    .executeTakeFirst()
  if (standing === undefined) throw new AccessMoved()
}

/** A block of a page that is locked, and all that stands in it, in document order. */
export async function subtreeOf(tx: Transaction, pageId: string, block: OutlinedBlock): Promise<OutlinedBlock[]> {
  const blocks = onThePage(tx, pageId).select(outline).where('block.position', '>=', block.position)
  const end = await endOf(tx, pageId, block)
  const within = end === null ? blocks : blocks.where('block.position', '<', end)
  return within.orderBy('block.position').execute()
}

/**
 * Looks a place up on a page that is locked; `moving` is what is to be moved there, in document order, when it is on the
 * page already. @throws {InvalidInput} when a block it names is not there @throws {NestedTooDeep}
 */
export async function findSpot(
  tx: Transaction,
  pageId: string,
  { parentId, afterId, beforeId }: Place,
  moving: readonly OutlinedBlock[] = [],
): Promise<Spot> {
  const parent = parentId === null ? null : await outlined(tx, pageId, parentId)
  if (parent === undefined) throw wrong('parentId', 'is no block of the page')
  const sibling = async (field: string, id: string): Promise<OutlinedBlock> => {
    const found = await outlined(tx, pageId, id)
    if (found === undefined || found.parentId !== parentId)
      throw wrong(field, 'is no block of the page that stands there')
    if (moving.some((block) => block.id === id)) throw wrong(field, 'is the block itself')
    return found
  }
  const depth = (parent?.depth ?? 0) + 1
  if (depth > MAX_BLOCK_DEPTH) throw new NestedTooDeep()
  const before = beforeId === null ? null : (await sibling('beforeId', beforeId)).position
  const above = afterId === null ? parent : await sibling('afterId', afterId)
  const end = before ?? (above === null ? null : await endOf(tx, pageId, above))
  return { pageId, parentId, depth, ...(await gapBefore(tx, pageId, end, moving)) }
}

/** Rising positions for so many blocks at a place. When there is no room, all blocks of the page get new ones first. */
export async function positionsIn(tx: Transaction, viewer: ActingViewer, spot: Spot, count: number): Promise<string[]> {
  const { pageId, low, high } = spot
  const positions = ranksBetween(low?.position ?? null, high?.position ?? null, count)
  if (positions !== null) return positions
  const renumbered = await renumber(tx, viewer, pageId)
  const now = (end: Ranked | null) => (end === null ? null : (renumbered.get(end.id) ?? null))
  const roomy = ranksBetween(now(low), now(high), count)
  if (roomy === null) throw new Error('There is no room between two positions that are new')
  return roomy
}

/**
 * Moves blocks that follow each other, each with all that stands in it, to a place on the same page or on another one that
 * is locked as well. Watchers of both hear of each. @throws {NestedTooDeep}
 */
export async function moveTo(
  tx: Transaction,
  viewer: ActingViewer,
  { pageId: from, blocks }: { readonly pageId: string; readonly blocks: readonly OutlinedBlock[] },
  spot: Spot,
): Promise<void> {
  const { organizationId } = viewer
  const ids = blocks.map((block) => block.id)
  const moved = new Set(ids)
  const roots = blocks.filter(({ parentId }) => parentId === null || !moved.has(parentId))
  const down = spot.depth - (roots[0]?.depth ?? 0)
  if (blocks.some(({ depth }) => depth + down > MAX_BLOCK_DEPTH)) throw new NestedTooDeep()
  const positions = await positionsIn(tx, viewer, spot, blocks.length)
  await setPositions(tx, viewer, ids, positions, sql`, page_id = ${spot.pageId}, depth = block.depth + ${down}::int`)
  await tx.unscoped
    .updateTable('block')
    .set((on) => ({
      parent_id: spot.parentId,
      version: on('version', '+', 1),
      updated_at: tx.now,
      updated_by_id: authorIdOf(viewer),
    }))
    .where(
      'id',
      'in',
      roots.map(({ id }) => id),
    )
    .where('organization_id', '=', organizationId)
    .execute()
  for (const pageId of new Set([from, spot.pageId])) {
    for (const blockId of ids) tx.record(onPage({ organizationId, pageId }, { type: 'BlockMoved', blockId }))
  }
}

/** Gives all blocks of a page short positions again, in the same order; answers them by block. */
async function renumber(tx: Transaction, viewer: ActingViewer, pageId: string): Promise<ReadonlyMap<string, string>> {
  const blocks = await onThePage(tx, pageId).select('block.id').orderBy('block.position').execute()
  const ids = blocks.map(({ id }) => id)
  const positions = ranksBetween(null, null, ids.length)
  if (positions === null) throw new Error('There is no room on an empty page')
  // Out of the way first: a new position can be the old one of another block.
  await setPositions(tx, viewer, ids, ids)
  await setPositions(tx, viewer, ids, positions)
  const place = { organizationId: viewer.organizationId, pageId }
  for (const blockId of ids) tx.record(onPage(place, { type: 'BlockMoved', blockId }))
  return new Map(ids.map((id, index) => [id, positions[index] ?? '']))
}

/** One statement for all of them; `more` is set as well and is never input. */
async function setPositions(
  tx: Transaction,
  { organizationId }: ActingViewer,
  ids: readonly string[],
  positions: readonly string[],
  more: RawBuilder<unknown> = sql``,
): Promise<void> {
  await sql`
    update block set position = placed.position ${more}
    from unnest(${ids}::uuid[], ${positions}::text[]) as placed(id, position)
    where block.id = placed.id and block.organization_id = ${organizationId}`.execute(tx.unscoped)
}

/** The neighbours of a place: the last block before `end`, or of the page, that is not about to move; and what follows it. */
async function gapBefore(
  tx: Transaction,
  pageId: string,
  end: string | null,
  moving: readonly OutlinedBlock[],
): Promise<Pick<Spot, 'low' | 'high'>> {
  const blocks = onThePage(tx, pageId).select(['block.id', 'block.position']).orderBy('block.position', 'desc').limit(1)
  const before = end === null ? blocks : blocks.where('block.position', '<', end)
  const [first, last] = [moving[0], moving.at(-1)]
  const low = await (first === undefined || last === undefined
    ? before
    : before.where((on) => on.or([on('position', '<', first.position), on('position', '>', last.position)]))
  ).executeTakeFirst()
  // Nothing that moves has one of the positions in between: those it is given cannot meet those it has.
  return { low: low ?? null, high: await nextAfter(tx, pageId, low?.position ?? '') }
}

async function nextAfter(tx: Transaction, pageId: string, position: string): Promise<Ranked | null> {
  const query = onThePage(tx, pageId).select(['block.id', 'block.position']).where('block.position', '>', position)
  return (await query.orderBy('block.position').limit(1).executeTakeFirst()) ?? null
}

/** The position of the first block behind all that stands in a block; null at the end of the page. */
async function endOf(tx: Transaction, pageId: string, { position, depth }: OutlinedBlock): Promise<string | null> {
  const behind = onThePage(tx, pageId).where('block.position', '>', position).where('block.depth', '<=', depth)
  const end = await behind.select('block.position').orderBy('block.position').limit(1).executeTakeFirst()
  return end?.position ?? null
}

function outlined(tx: Transaction, pageId: string, id: string): Promise<OutlinedBlock | undefined> {
  return onThePage(tx, pageId).select(outline).where('block.id', '=', id).executeTakeFirst()
}

function onThePage(tx: Transaction, pageId: string) {
  return tx.db.from('block').where('block.page_id', '=', pageId)
}

/** A rule that a field of an input broke. */
export function wrong(field: string, message: string): InvalidInput {
  return new InvalidInput([{ path: [field], message }])
}
