import { sql } from 'kysely'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Action } from '../../../platform/access.ts'
import { authorIdOf, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { AccessMoved, NotFound } from '../../../platform/errors.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { audit } from '../../audit/audit.service.ts'
import { onPage, tellParents, tellProjectOf, tellWatchers } from './page.events.ts'
import type { PageRow } from './page.reads.ts'
import { getPage } from './page.service.ts'
import { moveSubtree } from './page-move.service.ts'
import { untilRankIsFree } from './page-rank.service.ts'
import { lockSpaces, lockSubtree, type TreePage } from './page-tree.service.ts'

/** A page and all under it, locked in id order: see `lockSubtree`. */
interface Subtree {
  readonly page: TreePage
  readonly all: readonly TreePage[]
}

/**
 * Makes a page and all under it read-only. What is archived already stays archived with what it was archived with, so
 * that archiving twice changes nothing. @throws {NotFound | Forbidden | InvalidInput}
 */
export async function archivePage(ctx: Context, id: string): Promise<PageRow> {
  await changeSubtree(ctx, id, 'page.archive', async (tx, { page, all }) => {
    const living = page.isArchived ? [] : all.filter(({ isArchived }) => !isArchived)
    await setArchived(ctx, tx, living, { archived_at: tx.now, archived_with_id: id })
    if (living.length > 0) tellParents(tx, page.parentId)
  })
  return getPage(ctx, id, 'page.read')
}

/**
 * Makes an archived page writable again, with what was archived with it. Out of a page that stays archived it goes to the top
 * of its project. @throws {NotFound | Forbidden | InvalidInput}
 */
export async function restorePage(ctx: Context, id: string): Promise<PageRow> {
  await changeSubtree(ctx, id, 'page.restore', async (tx, { page, all }) => {
    if (!page.isArchived) return
    const together = all.filter(({ archivedWithId }) => archivedWithId === page.archivedWithId)
    await setArchived(ctx, tx, together, { archived_at: null, archived_with_id: null })
    if (await isBelowArchived(tx, page)) {
      await moveSubtree(ctx, tx, { page, subtree: all, home: { projectId: page.projectId, parentId: null } })
    } else tellParents(tx, page.parentId)
  })
  return getPage(ctx, id, 'page.read')
}

/**
 * Deletes a page for good, with all that stands on it and under it; links that led there stay.
 * @throws {NotFound | Forbidden | InvalidInput}
 */
export async function deletePage(ctx: Context, id: string): Promise<{ readonly id: string }> {
  await changeSubtree(
    ctx,
    id,
    'page.delete',
    async (tx, { page: { parentId }, all }) => {
      const { organizationId } = requireViewer(ctx)
      for (const page of all.toSorted((one, other) => other.depth - one.depth)) {
        tx.record(onPage({ organizationId, pageId: page.id }, { type: 'PageDeleted' }))
        tellProjectOf(tx, page, 'PageRemoved')
      }
      tellParents(tx, parentId)
      await tx.unscoped.deleteFrom('page').where('id', '=', id).where('organization_id', '=', organizationId).execute()
    },
    'update',
  )
  return { id }
}

/** Passes the gate, takes the locks, and changes a page with all under it. @throws {NotFound | Forbidden | InvalidInput} */
async function changeSubtree(
  ctx: Context,
  id: string,
  action: Action,
  change: (tx: Transaction, subtree: Subtree) => Promise<void>,
  strength?: 'update',
): Promise<void> {
  const target = encodeTypeId('page', id)
  const { projectId } = await getPage(ctx, id, action)
  await untilRankIsFree(ctx, () =>
    transact(ctx, async (tx) => {
      await lockSpaces(tx, [projectId])
      const all = await lockSubtree(tx, id, strength)
      const page = all.find((one) => one.id === id)
      if (page === undefined) throw new NotFound('page', action, target)
      if (page.projectId !== projectId) throw new AccessMoved()
      await change(tx, { page, all })
      audit(ctx, tx, { action, target })
    }),
  )
}

async function setArchived(
  ctx: Context,
  tx: Transaction,
  pages: readonly TreePage[],
  values: { readonly archived_at: Date | null; readonly archived_with_id: string | null },
): Promise<void> {
  if (pages.length === 0) return
  const viewer = requireViewer(ctx)
  const ids = pages.map(({ id }) => id)
  await tx.unscoped
    .updateTable('page')
    .set((on) => ({
      ...values,
      version: on('version', '+', 1),
      updated_at: tx.now,
      updated_by_id: authorIdOf(viewer),
    }))
    .where('organization_id', '=', viewer.organizationId)
    .where('id', '=', sql<string>`any(${ids}::uuid[])`)
    .execute()
  for (const page of pages) {
    tellWatchers(tx, page)
    tellProjectOf(tx, page, 'PageChanged')
  }
}

async function isBelowArchived(tx: Transaction, { parentId }: TreePage): Promise<boolean> {
  if (parentId === null) return false
  const parents = tx.db.from('page').where('page.id', '=', parentId).select('page.archived_at as archivedAt')
  return (await parents.executeTakeFirst())?.archivedAt != null
}
