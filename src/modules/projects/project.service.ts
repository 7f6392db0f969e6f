import { encodeTypeId } from '../../lib/typeid.ts'
import type { Action } from '../../platform/access.ts'
import { authorIdOf, type Context } from '../../platform/context.ts'
import { pass, requireAction } from '../../platform/gate.ts'
import { createOnce } from '../../platform/idempotency.ts'
import { newUuid } from '../../platform/uuid.ts'
import { audit } from '../audit/audit.service.ts'
import { Project } from './project.entity.ts'
import { findProject, type ProjectRow } from './project.reads.ts'

/** A new project. */
export interface CreateProject {
  readonly name: string
  readonly description: string | null
  readonly idempotencyKey: string | null
}

/** The gate: a project the viewer may do this with. @throws {NotFound | Forbidden} */
export async function getProject(ctx: Context, id: string, action: Action): Promise<ProjectRow> {
  return pass(ctx, 'project', await findProject(ctx, id), action, encodeTypeId('project', id))
}

/** Makes a project in the active organization. @throws {IdempotencyKeyReused} */
export async function createProject(ctx: Context, input: CreateProject): Promise<ProjectRow> {
  requireAction(ctx, 'project.create')
  const id = await createOnce(ctx, 'createProject', input, (tx, viewer) => {
    const project = tx.em.create(Project, {
      id: newUuid(tx.now),
      organization: viewer.organizationId,
      name: input.name,
      description: input.description,
      settings: {},
      visibility: 'ORGANIZATION',
      accessEpoch: 0,
      createdById: authorIdOf(viewer),
      version: 1,
      createdAt: tx.now,
      updatedAt: tx.now,
      archivedAt: null,
      deletedAt: null,
    })
    audit(ctx, tx, { action: 'project.create', target: encodeTypeId('project', project.id) })
    return project.id
  })
  return getProject(ctx, id, 'project.read')
}
