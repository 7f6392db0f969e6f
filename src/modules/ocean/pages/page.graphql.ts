import { builder } from '../../../graphql/builder.ts'
import { uuidOf } from '../../../graphql/ids.ts'
import { allowedActions, may } from '../../../platform/gate.ts'
import { ActorInterface } from '../../accounts/users/user.graphql.ts'
import { authorOf } from '../../accounts/users/user.reads.ts'
import { ProjectType } from '../../projects/project.graphql.ts'
import { findProject } from '../../projects/project.reads.ts'
import { MAX_PAGE_DEPTH } from './page.entity.ts'
import { findPage, listAncestors, type PageRow } from './page.reads.ts'

/** A page. */
export const PageType = builder.objectRef<PageRow>('Page')

builder.node(PageType, {
  description: 'A document. Its text lives in blocks.',
  authScopes: (page, ctx) => may(ctx, 'page.read', page),
  id: { description: 'Opaque, typed and sortable: `page_01jd…`.', resolve: (page) => page.id },
  loadOne: (id, ctx) => findPage(ctx, id),
  fields: (t) => ({
    title: t.exposeString('title', { description: 'At most 200 characters.' }),
    icon: t.exposeString('icon', { nullable: true, description: 'An emoji or a short name.' }),
    coverImage: t.expose('coverImage', {
      type: 'URL',
      nullable: true,
      description: 'The address of the picture across its top.',
    }),
    language: t.exposeString('language', {
      nullable: true,
      description: 'What it is written in, as a BCP 47 tag: `pt-BR`; null where nobody said.',
    }),
    parent: t.field({
      type: PageType,
      nullable: true,
      description: 'The page it stands in; null at the top of its project, or of the organization.',
      resolve: (page, _args, ctx) => (page.parentId === null ? null : findPage(ctx, page.parentId)),
    }),
    ancestors: t.field({
      type: [PageType],
      description: 'All that it stands in, the outermost first: a path to it.',
      resolve: (page, _args, ctx) => listAncestors(ctx, page),
    }),
    depth: t.exposeInt('depth', {
      description: `How deep it stands: 1 at the top, ${MAX_PAGE_DEPTH} at most.`,
    }),
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
    archivedAt: t.expose('archivedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was archived, by itself or with a page above it; while this stands it can only be read.',
    }),
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
