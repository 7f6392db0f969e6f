import { z } from 'zod'
import { builder } from '../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../graphql/connection.ts'
import { describedValues } from '../../graphql/enums.ts'
import { idOf } from '../../graphql/ids.ts'
import { mutation } from '../../graphql/mutation.ts'
import type { Role } from '../../platform/access.ts'
import { RoleAboveOwn } from '../accounts/memberships/role-rules.service.ts'
import { ActorInterface } from '../accounts/users/user.graphql.ts'
import { authorOf } from '../accounts/users/user.reads.ts'
import { projectRoles } from './project.entity.ts'
import { ProjectType } from './project.graphql.ts'
import { findProject } from './project.reads.ts'
import {
  countProjectMembers,
  findProjectMember,
  listProjectMembers,
  type ProjectMemberRow,
} from './project-member.reads.ts'
import { removeProjectMember, setProjectMember } from './project-member.service.ts'

const roleDescriptions: Record<Exclude<Role, 'GUEST'>, string> = {
  OWNER: 'Everything, its end included.',
  ADMIN: 'Everything but what concerns owners.',
  EDITOR: 'Reads and writes.',
  VIEWER: 'Reads.',
}

const ProjectRoleRef = builder.enumType('ProjectRole', {
  description: 'What someone may do in a project; each role includes those after it.',
  values: describedValues(roleDescriptions),
})

/** Somebody's place in a project. */
const ProjectMemberType = builder.node(builder.objectRef<ProjectMemberRow>('ProjectMember'), {
  description: 'Somebody’s place in a project, beside the one they have in its organization.',
  // Whoever left a private project is still told what they had there.
  authScopes: async (member, ctx) =>
    (ctx.viewer.kind !== 'anonymous' && ctx.viewer.userId === member.userId) ||
    (await findProject(ctx, member.projectId)) !== null,
  id: { description: 'Opaque, typed and sortable: `project_member_01jd…`.', resolve: (member) => member.id },
  loadOne: (id, ctx) => findProjectMember(ctx, id),
  fields: (t) => ({
    member: t.field({
      type: ActorInterface,
      description: 'Who.',
      resolve: (member, _args, ctx) => authorOf(ctx, member.userId),
    }),
    role: t.field({
      type: ProjectRoleRef,
      description:
        'Their role in the project. What they may is the more of this and, unless it is private, their role in the organization.',
      resolve: ({ role }) => {
        if (role === 'GUEST') throw new Error('A project has no guests')
        return role
      },
    }),
    project: t.field({
      type: ProjectType,
      nullable: true,
      description: 'Where; null once it is no longer yours to see.',
      resolve: (member, _args, ctx) => findProject(ctx, member.projectId),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When they were added.' }),
  }),
})

// Project.members
builder.objectField(ProjectType, 'members', (t) =>
  t.connection(
    {
      type: ProjectMemberType,
      description: 'Who has a place of their own in the project, in the order they came.',
      resolve: (project, args, ctx) =>
        keysetConnection({
          args,
          keySchema: idKey,
          rows: (window) => listProjectMembers(ctx, project, window),
          keyOf: (member) => [member.id],
          count: () => countProjectMembers(ctx, project),
        }),
    },
    { name: 'ProjectMemberConnection', description: 'A page of a list of members of a project.' },
    { name: 'ProjectMemberEdge', description: 'A member of a project and its place in the list.' },
  ),
)

const placeFields = {
  projectId: 'The project.',
  userId: 'A member of the organization.',
}

const SetProjectMemberInput = builder.inputType('SetProjectMemberInput', {
  description: 'A role for somebody in a project.',
  fields: (t) => ({
    projectId: t.id({ required: true, description: placeFields.projectId }),
    userId: t.id({ required: true, description: placeFields.userId }),
    role: t.field({ type: ProjectRoleRef, required: true, description: 'Their role; none above your own.' }),
  }),
})

// Mutation.setProjectMember
builder.mutationField('setProjectMember', (t) =>
  mutation(t, {
    type: ProjectMemberType,
    input: SetProjectMemberInput,
    schema: z.object({ projectId: idOf('Project'), userId: idOf('User'), role: z.enum(projectRoles) }),
    errors: [RoleAboveOwn],
    description:
      'Gives a member of the organization, a guest too, a role in a project, or another one. An owner of the organization may add themselves to a private project, which its members are told.',
    resolve: (input, ctx) => setProjectMember(ctx, input),
  }),
)

const RemoveProjectMemberInput = builder.inputType('RemoveProjectMemberInput', {
  description: 'Whose role in a project to take away.',
  fields: (t) => ({
    projectId: t.id({ required: true, description: placeFields.projectId }),
    userId: t.id({ required: true, description: 'Somebody who has one; yourself, to leave.' }),
  }),
})

// Mutation.removeProjectMember
builder.mutationField('removeProjectMember', (t) =>
  mutation(t, {
    type: ProjectMemberType,
    input: RemoveProjectMemberInput,
    schema: z.object({ projectId: idOf('Project'), userId: idOf('User') }),
    errors: [RoleAboveOwn],
    description:
      'Takes somebody’s role in a project away; what they have open there ends within two seconds if it was all they had. Answers what it was.',
    resolve: (input, ctx) => removeProjectMember(ctx, input),
  }),
)
