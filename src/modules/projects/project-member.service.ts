import { encodeTypeId } from '../../lib/typeid.ts'
import type { Role } from '../../platform/access.ts'
import type { Context } from '../../platform/context.ts'
import { type Transaction, transact } from '../../platform/database/transact.ts'
import { NotFound } from '../../platform/errors.ts'
import { may, requireViewer } from '../../platform/gate.ts'
import { load } from '../../platform/loaders.ts'
import { newUuid } from '../../platform/uuid.ts'
import { lockUser } from '../accounts/devices/device-session.service.ts'
import { demandNotAbove } from '../accounts/memberships/role-rules.service.ts'
import { tellViewer } from '../accounts/users/viewer.events.ts'
import { audit } from '../audit/audit.service.ts'
import { onProject, tellProject } from './project.events.ts'
import { type ProjectRow, projectById } from './project.reads.ts'
import { getProject } from './project.service.ts'
import type { ProjectMemberRow } from './project-member.reads.ts'

/** A role for somebody in a project. */
export interface SetProjectMember {
  readonly projectId: string
  readonly userId: string
  readonly role: Role
}

/**
 * Gives a member of the organization a role in a project, or another one. An owner of the organization may add themselves to
 * a private one, which its members are told.
 * @throws {NotFound | Forbidden | RoleAboveOwn}
 */
export async function setProjectMember(ctx: Context, input: SetProjectMember): Promise<ProjectMemberRow> {
  const { projectId, userId, role } = input
  const target = encodeTypeId('project', projectId)
  const entered = await findToEnter(ctx, input)
  const project = entered ?? (await getProject(ctx, projectId, 'project.set_member'))
  const action = entered === null ? 'project.set_member' : 'project.enter'
  return transact(ctx, async (tx) => {
    if (entered === null) await lockUser(tx, userId)
    else await tellMembers(tx, projectId, userId)
    await demandMember(tx, userId)
    const { organizationId } = requireViewer(ctx)
    // The project's row before its members', as wherever both are changed.
    await tellProject(tx, organizationId, projectId)
    const earlier = await lockMember(tx, projectId, userId)
    if (entered === null) demandReach(project, action, earlier?.role ?? null, role)
    const member = { organization_id: organizationId, project_id: projectId, user_id: userId }
    await tx.unscoped
      .insertInto('project_member')
      .values({ ...member, id: newUuid(tx.now), role, created_at: tx.now })
      .onConflict((conflict) => conflict.columns(['project_id', 'user_id']).doUpdateSet({ role }))
      .execute()
    tx.record(onProject(organizationId, projectId, { type: 'ProjectMembersChanged' }))
    audit(ctx, tx, { action, target })
    return memberOf(tx, projectId, userId)
  })
}

/**
 * Takes somebody's role in a project away; everybody may leave. What they still may there goes by the organization.
 * @throws {NotFound | Forbidden | RoleAboveOwn}
 */
export async function removeProjectMember(
  ctx: Context,
  { projectId, userId }: Omit<SetProjectMember, 'role'>,
): Promise<ProjectMemberRow> {
  const viewer = requireViewer(ctx)
  const isLeaving = userId === viewer.userId && viewer.kind === 'user'
  const project = await getProject(ctx, projectId, isLeaving ? 'project.read' : 'project.remove_member')
  return transact(ctx, async (tx) => {
    await tellProject(tx, viewer.organizationId, projectId)
    const member = await lockMember(tx, projectId, userId)
    if (member === undefined) {
      throw new NotFound('project member', 'project.remove_member', encodeTypeId('user', userId))
    }
    if (!isLeaving) demandReach(project, 'project.remove_member', member.role, null)
    await tx.unscoped.deleteFrom('project_member').where('id', '=', member.id).execute()
    tx.record(onProject(viewer.organizationId, projectId, { type: 'ProjectMembersChanged' }))
    audit(ctx, tx, { action: 'project.remove_member', target: encodeTypeId('project', projectId) })
    return member
  })
}

/** A private project that the viewer may add themselves to, being an owner of the organization and no member; else null. */
async function findToEnter(ctx: Context, { projectId, userId }: SetProjectMember): Promise<ProjectRow | null> {
  const viewer = requireViewer(ctx)
  if (viewer.kind !== 'user' || userId !== viewer.userId || !may(ctx, 'project.enter')) return null
  const project = await load(ctx, projectById, projectId)
  const isClosed = project !== null && project.deletedAt === null && project.viewerRole === null
  return isClosed ? project : null
}

function demandReach({ id, viewerRole }: ProjectRow, action: string, ...touched: readonly (Role | null)[]): void {
  const target = encodeTypeId('project', id)
  if (viewerRole === null) throw new NotFound('project', action, target)
  demandNotAbove(
    viewerRole,
    touched.filter((role) => role !== null),
    { action, target },
  )
}

/** Tells the others that somebody lets themselves in, and locks their own row: in sorted order, as everywhere. */
async function tellMembers(tx: Transaction, projectId: string, userId: string): Promise<void> {
  const members = await tx.db
    .from('project_member')
    .select('project_member.user_id as memberId')
    .where('project_member.project_id', '=', projectId)
    .execute()
  for (const memberId of [...new Set([userId, ...members.map((member) => member.memberId)])].sort()) {
    if (memberId === userId) await lockUser(tx, userId)
    else await tellViewer(tx, memberId, { type: 'ProjectEntered', projectId, userId })
  }
}

/** Only a member of the organization can have a place in its projects; under the lock of their row, so that they stay one. */
async function demandMember(tx: Transaction, userId: string): Promise<void> {
  const member = await tx.db
    .from('membership')
    .select('membership.id')
    .where('membership.user_id', '=', userId)
    .executeTakeFirst()
  if (member === undefined) throw new NotFound('user', 'project.set_member', encodeTypeId('user', userId))
}

async function lockMember(tx: Transaction, projectId: string, userId: string): Promise<ProjectMemberRow | undefined> {
  return membersOf(tx, projectId, userId).forUpdate().executeTakeFirst()
}

async function memberOf(tx: Transaction, projectId: string, userId: string): Promise<ProjectMemberRow> {
  return membersOf(tx, projectId, userId).executeTakeFirstOrThrow()
}

function membersOf(tx: Transaction, projectId: string, userId: string) {
  return tx.db
    .from('project_member')
    .select([
      'project_member.id',
      'project_member.project_id as projectId',
      'project_member.user_id as userId',
      'project_member.role',
      'project_member.created_at as createdAt',
    ])
    .where('project_member.project_id', '=', projectId)
    .where('project_member.user_id', '=', userId)
}
