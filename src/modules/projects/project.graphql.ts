import { z } from 'zod'
import { builder } from '../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../graphql/connection.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../graphql/idempotency.ts'
import { uuidOf } from '../../graphql/ids.ts'
import { optional } from '../../graphql/input.ts'
import { mutation, parseInput } from '../../graphql/mutation.ts'
import { singleLine } from '../../lib/single-line.ts'
import { allowedActions, may } from '../../platform/gate.ts'
import { IdempotencyKeyReused } from '../../platform/idempotency.ts'
import { ActorInterface } from '../accounts/users/user.graphql.ts'
import { authorOf } from '../accounts/users/user.reads.ts'
import { countProjects, findProject, listProjects, type ProjectRow } from './project.reads.ts'
import { createProject } from './project.service.ts'

/** A project. */
export const ProjectType = builder.node(builder.objectRef<ProjectRow>('Project'), {
  description: 'A body of work in an organization: its pages and, later, its chat sessions.',
  authScopes: (project, ctx) => may(ctx, 'project.read', project),
  id: { description: 'Opaque, typed and sortable: `project_01jd…`.', resolve: (project) => project.id },
  loadOne: (id, ctx) => findProject(ctx, id),
  fields: (t) => ({
    name: t.exposeString('name', { description: '1 to 120 characters.' }),
    description: t.exposeString('description', { nullable: true, description: 'At most 2,000 characters.' }),
    owner: t.field({
      type: ActorInterface,
      description: 'Who made it.',
      resolve: (project, _args, ctx) => authorOf(ctx, project.createdById),
    }),
    version: t.exposeInt('version', { description: 'Goes up with every change; updates name the one they saw.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    viewerCan: t.field({
      type: ['Permission'],
      description: 'What you may do with it.',
      resolve: (project, _args, ctx) => allowedActions(ctx, project, 'project'),
    }),
  }),
})

// Query.project
builder.queryField('project', (t) =>
  t.field({
    type: ProjectType,
    nullable: true,
    description: 'A project by id, or null when it does not exist or is not yours to see.',
    authScopes: { authenticated: true },
    args: { id: t.arg.id({ required: true, description: 'The project’s id.' }) },
    resolve: (_root, { id }, ctx) => findProject(ctx, uuidOf('Project', id)),
  }),
)

const ProjectFilter = builder.inputType('ProjectFilter', {
  description: 'Narrows a list of projects.',
  fields: (t) => ({
    name: t.string({ description: 'Only projects whose name contains this text, ignoring case.' }),
    isArchived: t.boolean({ description: 'Only archived ones, or only others; both when left out.' }),
  }),
})
const projectFilter = z.object({ name: optional(z.string().max(120)), isArchived: optional(z.boolean()) })

// Query.projects
builder.queryField('projects', (t) =>
  t.connection(
    {
      type: ProjectType,
      description: 'The projects you may see in the active organization, newest first.',
      authScopes: { authenticated: true },
      args: { filter: t.arg({ type: ProjectFilter, description: 'Which of them; all when left out.' }) },
      resolve: (_root, args, ctx) => {
        const filter = parseInput(projectFilter, args.filter ?? {})
        return keysetConnection({
          args,
          keySchema: idKey,
          rows: (window) => listProjects(ctx, filter, window),
          keyOf: (project) => [project.id],
          count: () => countProjects(ctx, filter),
        })
      },
    },
    { name: 'ProjectConnection', description: 'A page of a list of projects.' },
    { name: 'ProjectEdge', description: 'A project and its place in the list.' },
  ),
)

const CreateProjectInput = builder.inputType('CreateProjectInput', {
  description: 'A new project.',
  fields: (t) => ({
    name: t.string({ required: true, description: '1 to 120 characters.' }),
    description: t.string({ description: 'At most 2,000 characters.' }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.createProject
builder.mutationField('createProject', (t) =>
  mutation(t, {
    type: ProjectType,
    input: CreateProjectInput,
    schema: z.object({
      name: singleLine({ min: 1, max: 120 }),
      description: optional(z.string().max(2_000)),
      idempotencyKey,
    }),
    errors: [IdempotencyKeyReused],
    description: 'Makes a project in the active organization.',
    resolve: (input, ctx) => createProject(ctx, input),
  }),
)
