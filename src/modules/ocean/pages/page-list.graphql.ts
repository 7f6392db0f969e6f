import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { type ConnectionArguments, idKey, keysetConnection } from '../../../graphql/connection.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { actorId, idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { parseFilter } from '../../../graphql/mutation.ts'
import { isStorable } from '../../../lib/storable-text.ts'
import type { Window } from '../../../platform/database/keyset.ts'
import { ProjectType } from '../../projects/project.graphql.ts'
import { PageType } from './page.graphql.ts'
import type { PageRow } from './page.reads.ts'
import {
  countChildren,
  countPages,
  countPagesOf,
  listChildren,
  listPages,
  listPagesOf,
  type PageOrder,
  pageKeyOf,
} from './page-list.reads.ts'

const orderDescriptions: Record<PageOrder, string> = {
  NEWEST: 'Those made last come first.',
  OLDEST: 'Those made first come first.',
  UPDATED: 'Those that changed last, themselves or their blocks, come first.',
  TITLE: 'By title, ignoring case.',
  TREE: 'By their place among their siblings: for the pages of one parent, or those at the top of one project.',
}

const PageOrderRef = builder.enumType('PageOrder', {
  description: 'What a list of pages is ordered by. A cursor is good for the order it came from.',
  values: describedValues(orderDescriptions),
})

type Key = z.ZodType<readonly string[]>
const rank = z.string().regex(/^[\w-]+$/)
// In lower case it may have become longer.
const titleKey = z.string().max(600).refine(isStorable)

/** As `Date` writes it; there is no year 0 in a database. */
const moment = z.iso
  .datetime()
  .max(24)
  .refine((text) => !text.startsWith('0000'))

/** What the cursors of each order hold: its name as well, but for the one that was there first. */
const keys: Readonly<Record<PageOrder, Key>> = {
  NEWEST: idKey,
  OLDEST: z.tuple([z.literal('OLDEST'), z.uuid()]),
  UPDATED: z.tuple([z.literal('UPDATED'), moment, z.uuid()]),
  TITLE: z.tuple([z.literal('TITLE'), titleKey, z.uuid()]),
  TREE: z.tuple([z.literal('TREE'), rank, z.uuid()]),
}

interface PageSource {
  readonly rows: (window: Window) => Promise<readonly PageRow[]>
  readonly count: () => Promise<number>
}

function inOrder(args: ConnectionArguments, order: PageOrder, { rows, count }: PageSource) {
  const name = order === 'NEWEST' ? [] : [order]
  const bare = (key: readonly string[] | null) => key?.slice(name.length) ?? null
  return keysetConnection<PageRow>({
    args,
    keySchema: keys[order],
    rows: (window) => rows({ ...window, after: bare(window.after), before: bare(window.before) }),
    keyOf: (page) => [...name, ...pageKeyOf(order, page)],
    count,
  })
}

const fieldDescriptions = {
  tagId: 'Only pages with this tag.',
  parentId: 'Only what stands directly in this page.',
  isTopLevel: 'Only pages that stand in no other, or only those that do; both when left out.',
  isArchived: 'Only archived ones, or only others; both when left out.',
  createdById: 'Only what this person or agent made.',
  title: 'Only pages whose title contains this text, ignoring case.',
}

const PageFilterInput = builder.inputType('PageFilter', {
  description: 'Narrows a list of pages.',
  fields: (t) => ({
    projectId: t.id({ description: 'Only pages of this project.' }),
    tagId: t.id({ description: fieldDescriptions.tagId }),
    parentId: t.id({ description: fieldDescriptions.parentId }),
    isTopLevel: t.boolean({ description: fieldDescriptions.isTopLevel }),
    isArchived: t.boolean({ description: fieldDescriptions.isArchived }),
    createdById: t.id({ description: fieldDescriptions.createdById }),
    title: t.string({ description: fieldDescriptions.title }),
  }),
})

const ProjectPageFilterInput = builder.inputType('ProjectPageFilter', {
  description: 'Narrows the list of a project’s pages.',
  fields: (t) => ({
    tagId: t.id({ description: fieldDescriptions.tagId }),
    parentId: t.id({ description: fieldDescriptions.parentId }),
    isTopLevel: t.boolean({ description: fieldDescriptions.isTopLevel }),
    isArchived: t.boolean({ description: fieldDescriptions.isArchived }),
    createdById: t.id({ description: fieldDescriptions.createdById }),
    title: t.string({ description: fieldDescriptions.title }),
  }),
})

const narrowing = z.object({
  tagId: optional(idOf('Tag')),
  parentId: optional(idOf('Page')),
  isTopLevel: optional(z.boolean()),
  isArchived: optional(z.boolean()),
  createdById: optional(actorId),
  title: optional(z.string().max(200).refine(isStorable, 'holds characters that are not text')),
})
const pageFilter = narrowing.extend({ projectId: optional(idOf('Project')) })

/** A list of pages. */
export const PageConnection = builder.connectionObject(
  { type: PageType, name: 'PageConnection', description: 'A page of a list of pages.' },
  { name: 'PageEdge', description: 'A page and its place in the list.' },
)

const orderByDescription = 'In which order; the newest first when left out.'

// Query.pages
builder.queryField('pages', (t) =>
  t.connection(
    {
      type: PageType,
      description: 'The pages you may see in the active organization, newest first unless told otherwise.',
      authScopes: { authenticated: true },
      args: {
        filter: t.arg({ type: PageFilterInput, description: 'Which of them; all when left out.' }),
        orderBy: t.arg({ type: PageOrderRef, description: orderByDescription }),
      },
      resolve: (_root, args, ctx) => {
        const filter = parseFilter(pageFilter, args.filter ?? {})
        const order = args.orderBy ?? 'NEWEST'
        return inOrder(args, order, {
          rows: (window) => listPages(ctx, filter, order, window),
          count: () => countPages(ctx, filter),
        })
      },
    },
    PageConnection,
  ),
)

// Project.pages
builder.objectField(ProjectType, 'pages', (t) =>
  t.connection(
    {
      type: PageType,
      description: 'All pages of the project, those in other pages as well; newest first unless told otherwise.',
      args: {
        filter: t.arg({ type: ProjectPageFilterInput, description: 'Which of them; all when left out.' }),
        orderBy: t.arg({ type: PageOrderRef, description: orderByDescription }),
      },
      resolve: (project, args, ctx) => {
        const filter = parseFilter(narrowing, args.filter ?? {})
        const order = args.orderBy ?? 'NEWEST'
        return inOrder(args, order, {
          rows: (window) => listPagesOf(ctx, project, filter, order, window),
          count: () => countPagesOf(ctx, project, filter),
        })
      },
    },
    PageConnection,
  ),
)

// Page.children
builder.objectField(PageType, 'children', (t) =>
  t.connection(
    {
      type: PageType,
      description: 'The pages that stand directly in it, in the order somebody gave them.',
      args: { isArchived: t.arg.boolean({ description: fieldDescriptions.isArchived }) },
      resolve: (page, args, ctx) => {
        const kept = { isArchived: args.isArchived ?? null }
        return inOrder(args, 'TREE', {
          rows: (window) => listChildren(ctx, page, kept, window),
          count: () => countChildren(ctx, page, kept),
        })
      },
    },
    PageConnection,
  ),
)
