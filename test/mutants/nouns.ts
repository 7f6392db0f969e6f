import { guest, owner, strangers } from './actors.ts'
import { change, findProject, noTenant, openType, ownProject } from './layers.ts'
import type { Mutant } from './mutation.ts'
import { oceanMutants } from './ocean.ts'

// Each noun without its gate and without all that stands under it: to read one, to list them, to write. What would
// still protect it is off as well, so that nothing but the tests can notice.

import { chatMutants } from './chat.ts'
import { organizationMutants } from './organizations.ts'
import { programMutants } from './programs.ts'

const project = 'src/modules/projects/project.reads.ts'
const projectList = change(project, 'selectProjects(ctx.db).where(matches(ctx.db, filter))', 'selectProjects(ctx.db)')
const projectType = openType(
  'src/modules/projects/project.graphql.ts',
  "authScopes: (project, ctx) => may(ctx, 'project.read', project),",
)
const enterProject = change(
  'src/modules/projects/project-member.service.ts',
  "if (viewer.kind !== 'user' || userId !== viewer.userId || !may(ctx, 'project.enter')) return null",
  '',
)
const noMemberDemanded = change(
  'src/modules/projects/project-member.service.ts',
  "if (member === undefined) throw new NotFound('user', 'project.set_member', encodeTypeId('user', userId))",
  '',
)

const projects: readonly Mutant[] = [
  {
    name: 'Project: nothing stands before it',
    edits: [noTenant('project'), findProject, ownProject, projectType],
    ...strangers(owner, 'Query.project', 'Mutation.updateProject', 'Mutation.deleteProject'),
  },
  {
    name: 'Project: found by id in its organization',
    edits: [findProject, projectType],
    ...strangers(guest, 'Query.project', 'Query.node'),
  },
  {
    name: 'Project: found by id in any organization',
    edits: [noTenant('project'), findProject, projectType],
    ...strangers(owner, 'Query.node', 'Query.nodes'),
  },
  {
    name: 'Project: changed by whoever is in its organization',
    edits: [findProject, ownProject],
    ...strangers(guest, 'Mutation.updateProject', 'Mutation.archiveProject'),
  },
  {
    name: 'Project: listed in its organization',
    edits: [projectList, projectType],
    ...strangers(guest, 'Query.projects'),
  },
  {
    name: 'Project: listed in every organization',
    edits: [projectList, ownProject, noTenant('project')],
    ...strangers(owner, 'Query.projects'),
  },
  {
    name: 'Project: a role given by whoever is nobody to it',
    edits: [findProject, ownProject, enterProject],
    ...strangers(guest, 'Mutation.setProjectMember', 'Mutation.removeProjectMember'),
  },
  {
    name: 'Project: its role given to people of other organizations',
    edits: [noMemberDemanded],
    ...strangers(owner, 'Mutation.setProjectMember'),
    // A constraint of the table refuses them then, which is another answer.
    proof: 'INTERNAL_SERVER_ERROR',
  },
  {
    name: 'Project: deleted ones are there',
    edits: [change(project, 'project.deletedAt === null && may(', 'may(')],
    killers: { files: ['test/modules/projects/project-changes.test.ts'], named: 'a deleted project' },
  },
  {
    name: 'ProjectMember: nothing stands before it',
    edits: [
      noTenant('project_member', 'project'),
      change(
        'src/modules/projects/project-member.reads.ts',
        'member !== null && (await findProject(ctx, member.projectId)) !== null ? member : null',
        'member',
      ),
      openType(
        'src/modules/projects/project-member.graphql.ts',
        "authScopes: async (member, ctx) =>\n    (ctx.viewer.kind !== 'anonymous' && ctx.viewer.userId === member.userId) ||\n    (await findProject(ctx, member.projectId)) !== null,",
      ),
    ],
    ...strangers(owner, 'Query.node'),
  },
  {
    name: 'ProjectMember: found by id in its organization',
    edits: [
      change(
        'src/modules/projects/project-member.reads.ts',
        'member !== null && (await findProject(ctx, member.projectId)) !== null ? member : null',
        'member',
      ),
      openType(
        'src/modules/projects/project-member.graphql.ts',
        "authScopes: async (member, ctx) =>\n    (ctx.viewer.kind !== 'anonymous' && ctx.viewer.userId === member.userId) ||\n    (await findProject(ctx, member.projectId)) !== null,",
      ),
    ],
    ...strangers(guest, 'Query.node'),
  },
]

/** Of every noun. */
export const nounMutants: readonly Mutant[] = [
  ...projects,
  ...oceanMutants,
  ...chatMutants,
  ...organizationMutants,
  ...programMutants,
]
