import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { errorType } from '../../../graphql/errors.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { encodeGlobalId, idOf } from '../../../graphql/ids.ts'
import { optional, unlessLeftOut } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { languageTag } from '../../../lib/language-tag.ts'
import { singleLine } from '../../../lib/single-line.ts'
import { EditConflict } from '../../../platform/errors.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { PageType } from './page.graphql.ts'
import { createPage, updatePage } from './page.service.ts'
import { archivePage, deletePage, restorePage } from './page-archive.service.ts'
import { duplicatePage, MAX_COPIED_BLOCKS, MAX_COPIED_PAGES } from './page-copy.service.ts'
import { movePage } from './page-move.service.ts'
import { MAX_PAGES_BELOW, NestedTooDeep, WouldCreateCycle } from './page-tree.service.ts'

errorType(NestedTooDeep, 'It would stand deeper in others than pages, or blocks, can; nothing was changed.')
errorType(WouldCreateCycle, 'It would stand in itself, or in what stands in it; nothing was changed.')

const descriptions = {
  title: 'At most 200 characters; may be empty.',
  icon: 'An emoji or a short name, 32 characters at most.',
  coverImage: 'The address of the picture across its top.',
  language: 'What it is written in, as a BCP 47 tag: `pt-BR`.',
  afterId: 'The sibling it is to stand behind; at the end with neither this nor `beforeId`.',
  beforeId: 'The sibling it is to stand before; not together with `afterId`.',
}
const atOnce = `${MAX_PAGES_BELOW.toLocaleString('en')} pages at most`
const orNull = (description: string) => `${description} Null takes it away.`

const fields = {
  title: singleLine({ max: 200 }),
  icon: singleLine({ max: 32 }),
  coverImage: z.string(),
  language: languageTag,
}
const place = {
  projectId: optional(idOf('Project')),
  parentId: optional(idOf('Page')),
  afterId: optional(idOf('Page')),
  beforeId: optional(idOf('Page')),
}

/** Of two neighbours one says all. */
function hasOneNeighbour({ afterId, beforeId }: { afterId: string | null; beforeId: string | null }): boolean {
  return afterId === null || beforeId === null
}
const twoNeighbours = { path: ['beforeId'], error: 'not together with afterId' }

const CreatePageInput = builder.inputType('CreatePageInput', {
  description: 'A new page.',
  fields: (t) => ({
    title: t.string({ required: true, description: descriptions.title }),
    icon: t.string({ description: descriptions.icon }),
    coverImage: t.field({ type: 'URL', description: descriptions.coverImage }),
    language: t.string({ description: descriptions.language }),
    projectId: t.id({
      description: 'The project it belongs to; without it and `parentId` it stands at the top of the organization.',
    }),
    parentId: t.id({ description: 'The page it stands in, and with it in that one’s project.' }),
    afterId: t.id({ description: descriptions.afterId }),
    beforeId: t.id({ description: descriptions.beforeId }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.createPage
builder.mutationField('createPage', (t) =>
  mutation(t, {
    type: PageType,
    input: CreatePageInput,
    schema: z
      .object({
        title: fields.title,
        icon: optional(fields.icon),
        coverImage: optional(fields.coverImage),
        language: optional(fields.language),
        ...place,
        idempotencyKey,
      })
      .refine(hasOneNeighbour, twoNeighbours),
    errors: [NestedTooDeep, IdempotencyKeyReused],
    description: 'Makes an empty page: in another one, in a project, or at the top of the organization.',
    resolve: (input, ctx) => createPage(ctx, input),
  }),
)

const UpdatePageInput = builder.inputType('UpdatePageInput', {
  description: 'What to change of a page; what is left out stays as it is.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The page.' }),
    expectedVersion: t.int({ required: true, description: 'The `version` you saw.' }),
    title: t.string({ description: descriptions.title }),
    icon: t.string({ description: orNull(descriptions.icon) }),
    coverImage: t.field({ type: 'URL', description: orNull(descriptions.coverImage) }),
    language: t.string({ description: orNull(descriptions.language) }),
  }),
})

// Mutation.updatePage
builder.mutationField('updatePage', (t) =>
  mutation(t, {
    type: PageType,
    input: UpdatePageInput,
    schema: z.object({
      id: idOf('Page'),
      expectedVersion: z.number().int(),
      title: unlessLeftOut(fields.title),
      icon: fields.icon.nullish(),
      coverImage: fields.coverImage.nullish(),
      language: fields.language.nullish(),
    }),
    errors: [EditConflict],
    description: 'Changes what a page is called and how it looks. What stands on it is changed by its blocks.',
    resolve: (input, ctx) => updatePage(ctx, input),
  }),
)

const MovePageInput = builder.inputType('MovePageInput', {
  description: 'Where a page is to stand.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The page.' }),
    projectId: t.id({
      description:
        'The project it is to belong to; left out, its own, or that of `parentId`. Null without `parentId` takes it out of its project, to the top of the organization.',
    }),
    parentId: t.id({
      description: 'The page it is to stand in, and with it in that one’s project; without it it stands in none.',
    }),
    afterId: t.id({ description: descriptions.afterId }),
    beforeId: t.id({ description: descriptions.beforeId }),
    expectedVersion: t.int({ description: 'The `version` you saw; left out, whatever it is.' }),
  }),
})

// Mutation.movePage
builder.mutationField('movePage', (t) =>
  mutation(t, {
    type: PageType,
    input: MovePageInput,
    schema: z
      .object({
        id: idOf('Page'),
        ...place,
        // Null is another wish than none.
        projectId: idOf('Project').nullish(),
        expectedVersion: optional(z.number().int()),
      })
      .refine(hasOneNeighbour, twoNeighbours),
    errors: [EditConflict, WouldCreateCycle, NestedTooDeep],
    description: `Moves a page with all under it, ${atOnce}: among its siblings, into another page, to another project, or to the top of its project or of the organization. For those who may not see it there it is gone: what they have open of it ends within two seconds.`,
    resolve: (input, ctx) => movePage(ctx, input),
  }),
)

/** The input of a mutation of which one page is all it needs. */
function pageInput(name: string, description: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({ id: t.id({ required: true, description: 'The page.' }) }),
  })
}

const idOfPage = z.object({ id: idOf('Page') })

// Mutation.archivePage
builder.mutationField('archivePage', (t) =>
  mutation(t, {
    type: PageType,
    input: pageInput('ArchivePageInput', 'Which page to archive.'),
    schema: idOfPage,
    description: `Makes a page and all under it, ${atOnce}, read-only, until it is restored. Doing it twice changes nothing.`,
    resolve: ({ id }, ctx) => archivePage(ctx, id),
  }),
)

// Mutation.restorePage
builder.mutationField('restorePage', (t) =>
  mutation(t, {
    type: PageType,
    input: pageInput('RestorePageInput', 'Which page to bring back.'),
    schema: idOfPage,
    description:
      'Makes an archived page writable again, with all that was archived with it. Out of a page that stays archived it goes to the top of its project.',
    resolve: ({ id }, ctx) => restorePage(ctx, id),
  }),
)

const DeletedPageRef = builder.objectRef<{ readonly id: string }>('DeletedPage').implement({
  description: 'A page that is gone.',
  fields: (t) => ({
    deletedId: t.id({ description: 'Its id.', resolve: ({ id }) => encodeGlobalId('Page', id) }),
  }),
})

// Mutation.deletePage
builder.mutationField('deletePage', (t) =>
  mutation(t, {
    type: DeletedPageRef,
    input: pageInput('DeletePageInput', 'Which page to delete.'),
    schema: idOfPage,
    description: `Deletes a page for good, with all that stands on it and under it, ${atOnce}. Links that led there stay, and lead nowhere.`,
    resolve: ({ id }, ctx) => deletePage(ctx, id),
  }),
)

const DuplicatePageInput = builder.inputType('DuplicatePageInput', {
  description: 'Which page to copy.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The page.' }),
    title: t.string({ description: 'What the copy is called, 200 characters at most; as the page when left out.' }),
    withChildren: t.boolean({ description: 'Whether what stands in it is copied as well: yes when left out.' }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.duplicatePage
builder.mutationField('duplicatePage', (t) =>
  mutation(t, {
    type: PageType,
    input: DuplicatePageInput,
    schema: z.object({
      id: idOf('Page'),
      title: optional(fields.title),
      withChildren: optional(z.boolean()).transform((isWanted) => isWanted ?? true),
      idempotencyKey,
    }),
    errors: [IdempotencyKeyReused],
    description: `Copies a page with its blocks, tags and links, and what stands in it but for what is archived, right behind itself: at most ${MAX_COPIED_PAGES} pages and ${MAX_COPIED_BLOCKS.toLocaleString('en')} blocks. Links among what is copied lead to the copies.`,
    resolve: (input, ctx) => duplicatePage(ctx, input),
  }),
)
