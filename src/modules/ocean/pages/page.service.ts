import { generateJitteredKeyBetween } from 'fractional-indexing-jittered'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Action } from '../../../platform/access.ts'
import { authorIdOf, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { EditConflict } from '../../../platform/errors.ts'
import { pass, requireAction, requireGrant, requireViewer } from '../../../platform/gate.ts'
import { createOnce } from '../../../platform/idempotency.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { tellProject } from '../../projects/project.events.ts'
import { getProject } from '../../projects/project.service.ts'
import { Page } from './page.entity.ts'
import { onPage } from './page.events.ts'
import { findPage, type PageRow } from './page.reads.ts'

/** A new page. */
export interface CreatePage {
  readonly title: string
  readonly icon: string | null
  readonly projectId: string | null
  readonly idempotencyKey: string | null
}

/** The gate: a page the viewer may do this with. @throws {NotFound | Forbidden} */
export async function getPage(ctx: Context, id: string, action: Action): Promise<PageRow> {
  return pass(ctx, 'page', await findPage(ctx, id), action, encodeTypeId('page', id))
}

/** Makes an empty page, in a project or at the top. @throws {IdempotencyKeyReused} */
export async function createPage(ctx: Context, input: CreatePage): Promise<PageRow> {
  const { projectId } = input
  requireGrant(ctx, 'page.read')
  if (projectId === null) requireAction(ctx, 'page.create')
  else await getProject(ctx, projectId, 'page.create')
  const id = await createOnce(ctx, 'createPage', input, async (tx, viewer) => {
    const rank = generateJitteredKeyBetween(await lastRank(tx, projectId), null)
    const page = tx.em.create(Page, {
      id: newUuid(tx.now),
      organization: viewer.organizationId,
      project: projectId,
      parent: null,
      depth: 1,
      rank,
      coverImage: null,
      language: null,
      archivedAt: null,
      archivedWithId: null,
      title: input.title,
      icon: input.icon,
      createdById: authorIdOf(viewer),
      updatedById: authorIdOf(viewer),
      version: 1,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    audit(ctx, tx, { action: 'page.create', target: encodeTypeId('page', page.id) })
    return page.id
  })
  return getPage(ctx, id, 'page.read')
}

/** Where a page is to stand. */
export interface MovePage {
  readonly id: string
  /** Null: at the top of the organization. */
  readonly projectId: string | null
  readonly expectedVersion: number | null
}

/**
 * Moves a page to another project, or to the top. Whoever may not see it there sees nothing of it any more: what they have
 * open of it ends.
 * @throws {NotFound | Forbidden | EditConflict}
 */
export async function movePage(ctx: Context, { id, projectId, expectedVersion }: MovePage): Promise<PageRow> {
  const target = encodeTypeId('page', id)
  const { projectId: from } = await getPage(ctx, id, 'page.move')
  if (projectId === null) requireAction(ctx, 'page.create', target)
  else await getProject(ctx, projectId, 'page.create')
  const isMoved = await transact(ctx, async (tx) => {
    const viewer = requireViewer(ctx)
    const update = tx.unscoped
      .updateTable('page')
      .set((on) => ({
        project_id: projectId,
        version: on('version', '+', 1),
        updated_at: tx.now,
        updated_by_id: authorIdOf(viewer),
      }))
      .where('id', '=', id)
      .where('organization_id', '=', viewer.organizationId)
      // Who moved it elsewhere meanwhile may have moved it out of the caller's reach.
      .where('project_id', 'is not distinct from', from)
    const { numUpdatedRows } = await (expectedVersion === null
      ? update
      : update.where('version', '=', expectedVersion)
    ).executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    if (from !== null) await tellProject(tx, viewer.organizationId, from)
    tx.record(onPage({ organizationId: viewer.organizationId, pageId: id }, { type: 'PageUpdated' }))
    audit(ctx, tx, { action: 'page.move', target })
    return true
  })
  if (!isMoved) throw new EditConflict(target)
  return getPage(ctx, id, 'page.read')
}

async function lastRank(tx: Transaction, projectId: string | null): Promise<string | null> {
  const siblings = tx.db.from('page').where('page.project_id', 'is not distinct from', projectId)
  const last = siblings.where('page.parent_id', 'is', null).orderBy('page.rank', 'desc').select('page.rank')
  return (await last.limit(1).executeTakeFirst())?.rank ?? null
}
