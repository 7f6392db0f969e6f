import { encodeTypeId } from '../../lib/typeid.ts'
import type { Action } from '../../platform/access.ts'
import { authorIdOf, type Context } from '../../platform/context.ts'
import { pass, requireAction } from '../../platform/gate.ts'
import { createOnce } from '../../platform/idempotency.ts'
import { newUuid } from '../../platform/uuid.ts'
import { audit } from '../audit/audit.service.ts'
import { getProject } from '../projects/project.service.ts'
import { Page } from './page.entity.ts'
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
  if (projectId === null) requireAction(ctx, 'page.create')
  else await getProject(ctx, projectId, 'page.create')
  const id = await createOnce(ctx, 'createPage', input, (tx, viewer) => {
    const page = tx.em.create(Page, {
      id: newUuid(tx.now),
      organization: viewer.organizationId,
      project: projectId,
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
