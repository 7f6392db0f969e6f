import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../../graphql/connection.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { idOf, uuidOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { singleLine } from '../../../lib/single-line.ts'
import { EditConflict } from '../../../platform/errors.ts'
import { allowedActions, may } from '../../../platform/gate.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { ActorInterface } from '../../accounts/users/user.graphql.ts'
import { authorOf } from '../../accounts/users/user.reads.ts'
import { ProjectType } from '../../projects/project.graphql.ts'
import { findProject } from '../../projects/project.reads.ts'
import { countPages, findPage, listPages, type PageFilter, type PageRow } from './page.reads.ts'
import { createPage, movePage } from './page.service.ts'

/** A page. */
export const PageType = builder.node(builder.objectRef<PageRow>('Page'), {
  description: 'A document. Its text lives in blocks.',
  authScopes: (page, ctx) => may(ctx, 'page.read', page),
  id: { description: 'Opaque, typed and sortable: `page_01jd…`.', resolve: (page) => page.id },
  loadOne: (id, ctx) => findPage(ctx, id),
  fields: (t) => ({
    title: t.exposeString('title', { description: 'At most 200 characters.' }),
    icon: t.exposeString('icon', { nullable: true, description: 'An emoji or a short name.' }),
    project: t.field({
      type: ProjectType,
      nullable: true,
      description: 'The project it belongs to; null at the top of the organization.',
      resolve: (page, _args, ctx) => (page.projectId === null ? null : findProject(ctx, page.projectId)),
    }),
    createdBy: t.field({
      type: ActorInterface,
      description: 'Who made it.',
      resolve: (page, _args, ctx) => authorOf(ctx, page.createdById),
    }),
    updatedBy: t.field({
      type: ActorInterface,
      description: 'Who changed it or its blocks last.',
      resolve: (page, _args, ctx) => authorOf(ctx, page.updatedById),
    }),
    version: t.exposeInt('version', { description: 'Goes up with every change; updates name the one they saw.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it or its blocks last changed.' }),
    eventsCursor: t.expose('eventsCursor', {
      type: 'Cursor',
      description: 'Where the page’s live events stood: `pageEvents(after:)` goes on from here without a gap.',
    }),
    viewerCan: t.field({
      type: ['Permission'],
      description: 'What you may do with it and its blocks.',
      resolve: (page, _args, ctx) => allowedActions(ctx, page, 'page', 'block', 'link'),
    }),
  }),
})

/** A page in a list, for lists that hang on other things. */
export const PageEdge = builder.edgeObject({
  type: PageType,
  name: 'PageEdge',
  description: 'A page and its place in the list.',
})
/** A list of pages. */
export const PageConnection = builder.connectionObject(
  { type: PageType, name: 'PageConnection', description: 'A page of a list of pages.' },
  PageEdge,
)

// Query.page
builder.queryField('page', (t) =>
  t.field({
    type: PageType,
    nullable: true,
    description: 'A page by id, or null when it does not exist or is not yours to see.',
    authScopes: { authenticated: true },
    args: { id: t.arg.id({ required: true, description: 'The page’s id.' }) },
    resolve: (_root, { id }, ctx) => findPage(ctx, uuidOf('Page', id)),
  }),
)

const PageFilterInput = builder.inputType('PageFilter', {
  description: 'Narrows a list of pages.',
  fields: (t) => ({ projectId: t.id({ description: 'Only pages of this project.' }) }),
})

// Query.pages
builder.queryField('pages', (t) =>
  t.connection(
    {
      type: PageType,
      description: 'The pages you may see in the active organization, newest first.',
      authScopes: { authenticated: true },
      args: { filter: t.arg({ type: PageFilterInput, description: 'Which of them; all when left out.' }) },
      resolve: (_root, args, ctx) => {
        const projectId = args.filter?.projectId ?? null
        const filter: PageFilter = { projectId: projectId === null ? null : uuidOf('Project', projectId) }
        return keysetConnection({
          args,
          keySchema: idKey,
          rows: (window) => listPages(ctx, filter, window),
          keyOf: (page) => [page.id],
          count: () => countPages(ctx, filter),
        })
      },
    },
    PageConnection,
    PageEdge,
  ),
)

const CreatePageInput = builder.inputType('CreatePageInput', {
  description: 'A new page.',
  fields: (t) => ({
    title: t.string({ required: true, description: 'At most 200 characters; may be empty.' }),
    icon: t.string({ description: 'An emoji or a short name, 32 characters at most.' }),
    projectId: t.id({ description: 'The project it belongs to; left out, it stands at the top of the organization.' }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.createPage
builder.mutationField('createPage', (t) =>
  mutation(t, {
    type: PageType,
    input: CreatePageInput,
    schema: z.object({
      title: singleLine({ max: 200 }),
      icon: optional(singleLine({ max: 32 })),
      projectId: optional(idOf('Project')),
      idempotencyKey,
    }),
    errors: [IdempotencyKeyReused],
    description: 'Makes an empty page, in a project or at the top.',
    resolve: (input, ctx) => createPage(ctx, input),
  }),
)

const MovePageInput = builder.inputType('MovePageInput', {
  description: 'Where a page is to stand.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The page.' }),
    projectId: t.id({
      description: 'The project it is to belong to; left out, it goes to the top of the organization.',
    }),
    expectedVersion: t.int({ description: 'The `version` you saw; left out, whatever it is.' }),
  }),
})

// Mutation.movePage
builder.mutationField('movePage', (t) =>
  mutation(t, {
    type: PageType,
    input: MovePageInput,
    schema: z.object({
      id: idOf('Page'),
      projectId: optional(idOf('Project')),
      expectedVersion: optional(z.number().int()),
    }),
    errors: [EditConflict],
    description:
      'Moves a page to another project, or to the top. For those who may not see it there it is gone: what they have open of it ends within two seconds.',
    resolve: (input, ctx) => movePage(ctx, input),
  }),
)
