import { sql } from 'kysely'
import { encodeTypeId } from '../../../lib/typeid.ts'
import { authorIdOf, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { AccessMoved, EditConflict, NotFound } from '../../../platform/errors.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { audit } from '../../audit/audit.service.ts'
import { tellProject } from '../../projects/project.events.ts'
import { MAX_PAGE_DEPTH } from './page.entity.ts'
import { tellParents, tellProjectOf, tellWatchers } from './page.events.ts'
import type { PageRow } from './page.reads.ts'
import { getPage, getPageHome } from './page.service.ts'
import { type PageNeighbour, rankIn, untilRankIsFree } from './page-rank.service.ts'
import {
  depthIn,
  lockSpaces,
  lockSubtree,
  NestedTooDeep,
  type PageHome,
  type TreePage,
  WouldCreateCycle,
} from './page-tree.service.ts'

/** Where a page is to stand: without a parent at the top of a project, or of the organization where that is null. */
export interface MovePage extends PageNeighbour {
  readonly id: string
  /** Undefined: the parent's, or without one its own, so that whoever names none takes nothing out of its project. */
  readonly projectId?: string | null | undefined
  readonly parentId: string | null
  readonly expectedVersion: number | null
}

/**
 * Moves a page with all under it: among its siblings, under another page, to another project, or to the top. Whoever may not
 * see it there sees nothing of it any more: what they have open of it ends.
 * @throws {NotFound | Forbidden | InvalidInput | EditConflict | WouldCreateCycle | NestedTooDeep}
 */
export async function movePage(ctx: Context, input: MovePage): Promise<PageRow> {
  const target = encodeTypeId('page', input.id)
  const { projectId: from } = await getPage(ctx, input.id, 'page.move')
  const { parentId, projectId = parentId === null ? from : null } = input
  const home = await getPageHome(ctx, { projectId, parentId }, target)
  await untilRankIsFree(ctx, () =>
    transact(ctx, async (tx) => {
      await lockSpaces(tx, [from, home.projectId])
      const subtree = await lockSubtree(tx, input.id)
      const page = subtree.find(({ id }) => id === input.id)
      if (page === undefined) throw new NotFound('page', 'page.move', target)
      if (input.expectedVersion !== null && page.version !== input.expectedVersion) throw new EditConflict(target)
      // Who moved it elsewhere meanwhile may have moved it out of the caller's reach; and these are not its locks.
      if (page.projectId !== from || page.isArchived) throw new AccessMoved()
      await moveSubtree(ctx, tx, { page, subtree, home, neighbour: input })
      if (from !== null && from !== home.projectId) await tellProject(tx, requireViewer(ctx).organizationId, from)
      audit(ctx, tx, { action: 'page.move', target })
    }),
  )
  return getPage(ctx, input.id, 'page.read')
}

interface Move {
  readonly page: TreePage
  /** The page and all under it, locked. */
  readonly subtree: readonly TreePage[]
  readonly home: PageHome
  readonly neighbour?: PageNeighbour
}

/**
 * Puts a page elsewhere, under the locks of both spaces, and tells of it.
 * @throws {InvalidInput | WouldCreateCycle | NestedTooDeep}
 */
export async function moveSubtree(ctx: Context, tx: Transaction, move: Move): Promise<void> {
  const { page, subtree, home, neighbour } = move
  if (subtree.some(({ id }) => id === home.parentId)) throw new WouldCreateCycle()
  const deeper = (await depthIn(tx, home)) - page.depth
  if (subtree.some(({ depth }) => depth + deeper > MAX_PAGE_DEPTH)) throw new NestedTooDeep()
  const rank = await rankIn(tx, home, neighbour, page.id)
  const isLeaving = page.projectId !== home.projectId
  const viewer = requireViewer(ctx)
  const ids = subtree.map(({ id }) => id)
  await tx.unscoped
    .updateTable('page')
    .set((on) => ({
      project_id: home.projectId,
      depth: sql<number>`${on.ref('depth')} + ${deeper}`,
      // Where a page stands among others follows from those above it; that it is in another project is a change of its own.
      ...(isLeaving && { version: on('version', '+', 1), updated_at: tx.now, updated_by_id: authorIdOf(viewer) }),
    }))
    .where('organization_id', '=', viewer.organizationId)
    .where('id', '=', sql<string>`any(${ids}::uuid[])`)
    .where('id', '!=', page.id)
    .execute()
  await tx.unscoped
    .updateTable('page')
    .set((on) => ({
      project_id: home.projectId,
      parent_id: home.parentId,
      depth: page.depth + deeper,
      rank,
      version: on('version', '+', 1),
      updated_at: tx.now,
      updated_by_id: authorIdOf(viewer),
    }))
    .where('organization_id', '=', viewer.organizationId)
    .where('id', '=', page.id)
    .execute()
  tellOfMove(tx, move, isLeaving)
}

function tellOfMove(tx: Transaction, { page, subtree, home }: Move, isLeaving: boolean): void {
  tellParents(tx, page.parentId, home.parentId)
  if (!isLeaving) {
    // With other pages above it all under it has another depth, and other ancestors.
    for (const one of page.parentId === home.parentId ? [page] : subtree) tellWatchers(tx, one)
    tellProjectOf(tx, page, 'PageMoved')
    return
  }
  for (const gone of subtree.toSorted((one, other) => other.depth - one.depth)) tellProjectOf(tx, gone, 'PageRemoved')
  for (const { id } of subtree.toSorted((one, other) => one.depth - other.depth)) {
    tellWatchers(tx, { id }, true)
    tellProjectOf(tx, { id, projectId: home.projectId }, 'PageAdded')
  }
}
