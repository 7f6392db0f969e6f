import { encodeTypeId } from '../../lib/typeid.ts'
import type { Action, Visibility } from '../../platform/access.ts'
import type { JsonObject } from '../../platform/channels/channel.entity.ts'
import { type ActingViewer, authorIdOf, type Context, relyOn } from '../../platform/context.ts'
import { type Transaction, transact } from '../../platform/database/transact.ts'
import { EditConflict, NotFound } from '../../platform/errors.ts'
import { may, pass, requireAction, requireGrant, requireViewer } from '../../platform/gate.ts'
import { createOnce } from '../../platform/idempotency.ts'
import { load } from '../../platform/loaders.ts'
import { newUuid } from '../../platform/uuid.ts'
import { audit } from '../audit/audit.service.ts'
import { Project, ProjectMember } from './project.entity.ts'
import { onProject, tellProject } from './project.events.ts'
import { findProject, type ProjectRow, projectById } from './project.reads.ts'

/** How long a deleted project can be brought back before it is purged. */
export const PROJECT_GRACE_DAYS = 30

/** A new project. */
export interface CreateProject {
  readonly name: string
  readonly description: string | null
  readonly settings: JsonObject
  readonly visibility: Visibility
  readonly idempotencyKey: string | null
}

/** What to change of a project; undefined leaves a field as it is, a null description empties it. */
export interface ProjectChange {
  readonly id: string
  readonly expectedVersion: number
  readonly name: string | undefined
  readonly description?: string | null | undefined
  readonly settings: JsonObject | undefined
  readonly visibility: Visibility | undefined
}

/** The gate: a project the viewer may do this with. @throws {NotFound | Forbidden} */
export async function getProject(ctx: Context, id: string, action: Action): Promise<ProjectRow> {
  return pass(ctx, 'project', await findProject(ctx, id), action, encodeTypeId('project', id))
}

/** Makes a project in the active organization; whoever makes it owns it. @throws {IdempotencyKeyReused} */
export async function createProject(ctx: Context, input: CreateProject): Promise<ProjectRow> {
  requireGrant(ctx, 'project.read')
  requireAction(ctx, 'project.create')
  const id = await createOnce(ctx, 'createProject', input, (tx, viewer) => {
    const id = newUuid(tx.now)
    tx.em.create(Project, {
      id,
      organization: viewer.organizationId,
      name: input.name,
      description: input.description,
      settings: input.settings,
      visibility: input.visibility,
      accessEpoch: 0,
      createdById: authorIdOf(viewer),
      version: 1,
      createdAt: tx.now,
      updatedAt: tx.now,
      archivedAt: null,
      deletedAt: null,
    })
    tx.em.create(ProjectMember, {
      id: newUuid(tx.now),
      organization: viewer.organizationId,
      project: id,
      user: viewer.userId,
      role: 'OWNER',
      createdAt: tx.now,
    })
    audit(ctx, tx, { action: 'project.create', target: encodeTypeId('project', id) })
    return id
  })
  return getProject(ctx, id, 'project.read')
}

/**
 * Changes a project. Whoever closes it to the organization stays in it.
 * @throws {NotFound | Forbidden | EditConflict}
 */
export async function updateProject(ctx: Context, change: ProjectChange): Promise<ProjectRow> {
  const { id, expectedVersion, name, description, settings, visibility } = change
  const project = await getProject(ctx, id, 'project.update')
  const isOpenedOrClosed = visibility !== undefined && visibility !== project.visibility
  if (isOpenedOrClosed) await getProject(ctx, id, 'project.set_visibility')
  const isCurrent = await transact(ctx, async (tx) => {
    const isChanged = await advance(tx, id, expectedVersion, {
      ...(name !== undefined && { name }),
      ...(description !== undefined && { description }),
      ...(settings !== undefined && { settings }),
      ...(isOpenedOrClosed && { visibility }),
    })
    if (!isChanged) return false
    const viewer = requireViewer(ctx)
    tx.record(onProject(viewer.organizationId, id, { type: 'ProjectUpdated' }))
    if (isOpenedOrClosed) {
      if (visibility === 'PRIVATE') await keepIn(tx, viewer, project)
      await tellProject(tx, viewer.organizationId, id)
    }
    const action = isOpenedOrClosed ? 'project.set_visibility' : 'project.update'
    audit(ctx, tx, { action, target: encodeTypeId('project', id) })
    return true
  })
  if (!isCurrent) throw new EditConflict(encodeTypeId('project', id))
  return getProject(ctx, id, 'project.read')
}

/** Makes a project and all in it read-only. Archiving an archived one changes nothing. @throws {NotFound | Forbidden} */
export async function archiveProject(ctx: Context, id: string): Promise<ProjectRow> {
  const { archivedAt } = await getProject(ctx, id, 'project.archive')
  await change(ctx, id, 'project.archive', (now) => (archivedAt === null ? { archived_at: now } : {}))
  return getProject(ctx, id, 'project.read')
}

/**
 * Makes an archived project writable again; or brings a deleted one back as it was, with its pages, while its days of grace
 * last: that may whoever may delete it. @throws {NotFound | Forbidden}
 */
export async function restoreProject(ctx: Context, id: string): Promise<ProjectRow> {
  const deleted = await findDeleted(ctx, id)
  if (deleted === null) await getProject(ctx, id, 'project.restore')
  await change(ctx, id, 'project.restore', () => (deleted === null ? { archived_at: null } : { deleted_at: null }))
  return getProject(ctx, id, 'project.read')
}

/** Takes a project and its pages away from everyone; its chat sessions go on without it. @throws {NotFound | Forbidden} */
export async function deleteProject(ctx: Context, id: string): Promise<{ readonly id: string }> {
  await getProject(ctx, id, 'project.delete')
  await change(ctx, id, 'project.delete', (now) => ({ deleted_at: now }))
  return { id }
}

/** A project in its days of grace, for those who could delete it; else null. */
async function findDeleted(ctx: Context, id: string): Promise<ProjectRow | null> {
  requireViewer(ctx)
  const project = await load(ctx, projectById, id)
  if (project === null || project.deletedAt === null) return null
  const graceEnds = project.deletedAt.getTime() + PROJECT_GRACE_DAYS * 86_400_000
  const isLate = graceEnds <= ctx.platform.clock.now().getTime()
  if (isLate || !may(ctx, 'project.delete', project)) return null
  if (project.home) relyOn(ctx, project.home.projectId, project.home.epoch)
  return project
}

type ProjectUpdate = Parameters<typeof advance>[3]

/** A change of a project's state that everything open of it has to hear of. */
async function change(ctx: Context, id: string, action: Action, changes: (now: Date) => ProjectUpdate): Promise<void> {
  const { organizationId } = requireViewer(ctx)
  await transact(ctx, async (tx) => {
    // Purged meanwhile, or changed the same way by somebody faster.
    const isThere = await advance(tx, id, null, changes(tx.now))
    if (!isThere) throw new NotFound('project', action, encodeTypeId('project', id))
    await tellProject(tx, organizationId, id)
    tx.record(onProject(organizationId, id, { type: 'ProjectUpdated' }))
    audit(ctx, tx, { action, target: encodeTypeId('project', id) })
  })
}

/** Changes the row, if it is still at the version expected; null takes any. */
async function advance(
  tx: Transaction,
  id: string,
  expectedVersion: number | null,
  changes: {
    readonly name?: string
    readonly description?: string | null
    readonly settings?: JsonObject
    readonly visibility?: Visibility
    readonly archived_at?: Date | null
    readonly deleted_at?: Date | null
  },
): Promise<boolean> {
  const update = tx.unscoped
    .updateTable('project')
    .set((on) => ({ ...changes, updated_at: tx.now, version: on('version', '+', 1) }))
    .where('id', '=', id)
    .where('organization_id', '=', tx.db.organizationId)
  const row = await (expectedVersion === null
    ? update
    : update.where('version', '=', expectedVersion)
  ).executeTakeFirst()
  return row.numUpdatedRows > 0n
}

/** Gives whoever closes a project the role in it that they have on it: or they would lock themselves out. */
async function keepIn(tx: Transaction, viewer: ActingViewer, { id, viewerRole }: ProjectRow): Promise<void> {
  if (viewerRole === null) throw new NotFound('project', 'project.set_visibility', encodeTypeId('project', id))
  const member = { organization_id: viewer.organizationId, project_id: id, user_id: viewer.userId }
  const kept = await tx.unscoped
    .insertInto('project_member')
    .values({ ...member, id: newUuid(tx.now), role: viewerRole, created_at: tx.now })
    .onConflict((conflict) =>
      conflict
        .columns(['project_id', 'user_id'])
        .doUpdateSet({ role: viewerRole })
        .where('project_member.role', '!=', viewerRole),
    )
    .executeTakeFirst()
  if ((kept.numInsertedOrUpdatedRows ?? 0n) === 0n) return
  tx.record(onProject(viewer.organizationId, id, { type: 'ProjectMembersChanged' }))
}
