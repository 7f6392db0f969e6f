import type { Role } from '../../platform/access.ts'
import type { Context } from '../../platform/context.ts'
import { inKeysetOrder, keyset, type Window } from '../../platform/database/keyset.ts'
import { may } from '../../platform/gate.ts'
import { defineListLoader, defineLoader, load } from '../../platform/loaders.ts'
import { findProject, type ProjectRow } from './project.reads.ts'

/** Somebody's place in a project, as the graph shows it. */
export interface ProjectMemberRow {
  readonly id: string
  readonly projectId: string
  readonly userId: string
  readonly role: Role
  readonly createdAt: Date
}

const columns = [
  'project_member.id',
  'project_member.project_id as projectId',
  'project_member.user_id as userId',
  'project_member.role',
  'project_member.created_at as createdAt',
] as const

const projectMemberById = defineLoader<string, ProjectMemberRow>({
  name: 'projectMemberById',
  batch: async (db, ids) => {
    const rows = await db.from('project_member').select(columns).where('project_member.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

/** Finds a place in a project that the viewer may read, or null. */
export async function findProjectMember(ctx: Context, id: string): Promise<ProjectMemberRow | null> {
  const member = await load(ctx, projectMemberById, id)
  return member !== null && (await findProject(ctx, member.projectId)) !== null ? member : null
}

const membersByProject = defineListLoader<ProjectMemberRow>({
  name: 'membersByProject',
  parentOf: ({ projectId }) => projectId,
  read: (db, projectIds, window) => {
    const projects = db.from('project').where('project.id', 'in', projectIds)
    const joined = projects.innerJoinLateral(
      (on) => {
        const ofProject = on
          .selectFrom('project_member')
          .select(columns)
          .whereRef('project_member.project_id', '=', 'project.id')
        return keyset(ofProject, ['project_member.id'], 'asc', window).as('project_member')
      },
      (join) => join.onTrue(),
    )
    return inKeysetOrder(joined.selectAll('project_member'), ['project_member.id'], 'asc', window).execute()
  },
})

const memberCountByProject = defineLoader<string, number>({
  name: 'memberCountByProject',
  batch: async (db, projectIds) => {
    const query = db.from('project_member').where('project_member.project_id', 'in', projectIds)
    const rows = await query
      .groupBy('project_member.project_id')
      .select((on) => ['project_member.project_id as projectId', on.fn.countAll<number>().as('count')])
      .execute()
    return new Map(rows.map(({ projectId, count }) => [projectId, count]))
  },
})

/** The members of a project the viewer has read already, in the order they came. */
export async function listProjectMembers(
  ctx: Context,
  project: ProjectRow,
  window: Window,
): Promise<ProjectMemberRow[]> {
  if (!may(ctx, 'project.read', project)) return []
  return (await load(ctx, membersByProject, { parentId: project.id, window })) ?? []
}

/** How many members a project has. */
export async function countProjectMembers(ctx: Context, project: ProjectRow): Promise<number> {
  return may(ctx, 'project.read', project) ? ((await load(ctx, memberCountByProject, project.id)) ?? 0) : 0
}
