import { z } from 'zod'
import { builder } from '../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../graphql/connection.ts'
import { describedValues } from '../../graphql/enums.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../graphql/idempotency.ts'
import { encodeGlobalId, idOf, uuidOf } from '../../graphql/ids.ts'
import { keptObject, optional, unlessLeftOut } from '../../graphql/input.ts'
import { mutation, parseInput } from '../../graphql/mutation.ts'
import { singleLine } from '../../lib/single-line.ts'
import { type Visibility, visibilities } from '../../platform/access.ts'
import { EditConflict } from '../../platform/errors.ts'
import { allowedActions, may } from '../../platform/gate.ts'
import { IdempotencyKeyReused } from '../../platform/idempotency.ts'
import { ActorInterface } from '../accounts/users/user.graphql.ts'
import { authorOf } from '../accounts/users/user.reads.ts'
import { countProjects, findProject, listProjects, type ProjectRow } from './project.reads.ts'
import {
  archiveProject,
  createProject,
  deleteProject,
  PROJECT_GRACE_DAYS,
  restoreProject,
  updateProject,
} from './project.service.ts'

const visibilityDescriptions: Record<Visibility, string> = {
  ORGANIZATION: 'Everybody in the organization but its guests, by their role there; and its own members, by theirs.',
  PRIVATE: 'Its own members alone.',
}

const VisibilityRef = builder.enumType('Visibility', {
  description: 'Whom a project and all in it is open to.',
  values: describedValues(visibilityDescriptions),
})

const settingsDescription =
  'Whatever your front ends keep for the project, replaced as a whole: an object of at most 16 KiB.'

/** A project. */
export const ProjectType = builder.node(builder.objectRef<ProjectRow>('Project'), {
  description: 'A body of work in an organization: its pages, its chat sessions and its members.',
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
    settings: t.expose('settings', { type: 'JSON', description: 'What your front ends keep for it; empty at first.' }),
    visibility: t.field({
      type: VisibilityRef,
      description: 'Whom it is open to.',
      resolve: (project) => project.visibility,
    }),
    version: t.exposeInt('version', { description: 'Goes up with every change; updates name the one they saw.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    archivedAt: t.expose('archivedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was archived; while this stands it and all in it can only be read.',
    }),
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

const nameDescription = '1 to 120 characters.'
const descriptionDescription = 'At most 2,000 characters.'
const fields = {
  name: singleLine({ min: 1, max: 120 }),
  description: z.string().max(2_000),
  visibility: z.enum(visibilities),
}

const CreateProjectInput = builder.inputType('CreateProjectInput', {
  description: 'A new project.',
  fields: (t) => ({
    name: t.string({ required: true, description: nameDescription }),
    description: t.string({ description: descriptionDescription }),
    settings: t.field({ type: 'JSON', description: settingsDescription }),
    visibility: t.field({ type: VisibilityRef, description: 'Whom it is open to; the organization when left out.' }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.createProject
builder.mutationField('createProject', (t) =>
  mutation(t, {
    type: ProjectType,
    input: CreateProjectInput,
    schema: z.object({
      name: fields.name,
      description: optional(fields.description),
      settings: keptObject.nullish().transform((settings) => settings ?? {}),
      visibility: fields.visibility.nullish().transform((visibility) => visibility ?? 'ORGANIZATION'),
      idempotencyKey,
    }),
    errors: [IdempotencyKeyReused],
    description: 'Makes a project in the active organization; you become its owner.',
    resolve: (input, ctx) => createProject(ctx, input),
  }),
)

const UpdateProjectInput = builder.inputType('UpdateProjectInput', {
  description: 'What to change of a project; what is left out stays as it is.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The project.' }),
    expectedVersion: t.int({ required: true, description: 'The `version` you saw.' }),
    name: t.string({ description: nameDescription }),
    description: t.string({ description: `${descriptionDescription} Null takes it away.` }),
    settings: t.field({ type: 'JSON', description: settingsDescription }),
    visibility: t.field({
      type: VisibilityRef,
      description: 'Whom it is open to from now on. Closing it ends what others have open of it within two seconds.',
    }),
  }),
})

// Mutation.updateProject
builder.mutationField('updateProject', (t) =>
  mutation(t, {
    type: ProjectType,
    input: UpdateProjectInput,
    schema: z.object({
      id: idOf('Project'),
      expectedVersion: z.number().int(),
      name: unlessLeftOut(fields.name),
      description: fields.description.nullish(),
      settings: unlessLeftOut(keptObject),
      visibility: unlessLeftOut(fields.visibility),
    }),
    errors: [EditConflict],
    description: 'Changes a project. Whom it is open to is for its admins to change; whoever closes it stays in it.',
    resolve: (input, ctx) => updateProject(ctx, input),
  }),
)

/** The input of a mutation of which one project is all it needs. */
function projectInput(name: string, description: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({ id: t.id({ required: true, description: 'The project.' }) }),
  })
}

const idOfProject = z.object({ id: idOf('Project') })

// Mutation.archiveProject
builder.mutationField('archiveProject', (t) =>
  mutation(t, {
    type: ProjectType,
    input: projectInput('ArchiveProjectInput', 'Which project to archive.'),
    schema: idOfProject,
    description: 'Makes a project and all in it read-only, until it is restored.',
    resolve: ({ id }, ctx) => archiveProject(ctx, id),
  }),
)

// Mutation.restoreProject
builder.mutationField('restoreProject', (t) =>
  mutation(t, {
    type: ProjectType,
    input: projectInput('RestoreProjectInput', 'Which project to bring back.'),
    schema: idOfProject,
    description: `Makes an archived project writable again, or brings a deleted one back with its pages for ${PROJECT_GRACE_DAYS} days.`,
    resolve: ({ id }, ctx) => restoreProject(ctx, id),
  }),
)

const DeletedProject = builder.objectRef<{ readonly id: string }>('DeletedProject').implement({
  description: 'A project that is gone.',
  fields: (t) => ({
    deletedId: t.id({ description: 'Its id.', resolve: ({ id }) => encodeGlobalId('Project', id) }),
  }),
})

// Mutation.deleteProject
builder.mutationField('deleteProject', (t) =>
  mutation(t, {
    type: DeletedProject,
    input: projectInput('DeleteProjectInput', 'Which project to delete.'),
    schema: idOfProject,
    description: `Takes a project and its pages away from everyone, for good after ${PROJECT_GRACE_DAYS} days. Its chat sessions go on without it.`,
    resolve: ({ id }, ctx) => deleteProject(ctx, id),
  }),
)
