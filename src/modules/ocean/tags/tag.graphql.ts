import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../../graphql/connection.ts'
import { errorType } from '../../../graphql/errors.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { encodeGlobalId, idOf } from '../../../graphql/ids.ts'
import { unlessLeftOut } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { isStorable } from '../../../lib/storable-text.ts'
import { tagName } from '../../../lib/tag-name.ts'
import { EditConflict } from '../../../platform/errors.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { PageType } from '../pages/page.graphql.ts'
import { PageConnection } from '../pages/page-list.graphql.ts'
import { MAX_PAGE_TAGS, tagPage, untagPage } from './page-tag.service.ts'
import {
  countTaggedPages,
  countTags,
  findTag,
  listTaggedPages,
  listTags,
  mayReadTag,
  type TagRow,
  tagsOf,
} from './tag.reads.ts'
import { createTag, deleteTag, MAX_TAGS, TagNameTaken, updateTag } from './tag.service.ts'

const DEFAULT_COLOR = '#6b7280'

errorType(TagNameTaken, 'Another tag of the organization has this name, in whatever case.')

/** A tag. */
export const TagType = builder.node(builder.objectRef<TagRow>('Tag'), {
  description:
    'A word to mark pages of the organization with. Whoever reads a page reads its tags. A change of the tag itself, which any number of pages may bear, is told to nobody who watches them.',
  authScopes: (tag, ctx) => mayReadTag(ctx, tag),
  id: { description: 'Opaque, typed and sortable: `tag_01jd…`.', resolve: (tag) => tag.id },
  loadOne: (id, ctx) => findTag(ctx, id),
  fields: (t) => ({
    name: t.exposeString('name', {
      description: 'At most 60 characters; no other tag of the organization has it, in whatever case.',
    }),
    color: t.exposeString('color', { description: 'How it is shown: `#rrggbb`, in lower case.' }),
    pages: t.connection(
      {
        type: PageType,
        description: 'The pages with it that you may see, newest first.',
        resolve: (tag, args, ctx) =>
          keysetConnection({
            args,
            keySchema: idKey,
            rows: (window) => listTaggedPages(ctx, tag, window),
            keyOf: (page) => [page.id],
            count: () => countTaggedPages(ctx, tag),
          }),
      },
      PageConnection,
    ),
    version: t.exposeInt('version', { description: 'Goes up with every change; updates name the one they saw.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
  }),
})

// Page.tags
builder.objectField(PageType, 'tags', (t) =>
  t.field({
    type: [TagType],
    description: `Its tags, by name; ${MAX_PAGE_TAGS} at most.`,
    resolve: (page, _args, ctx) => tagsOf(ctx, page),
  }),
)

// Query.tags
builder.queryField('tags', (t) =>
  t.connection(
    {
      type: TagType,
      description: `The tags of the organization by name, ${MAX_TAGS.toLocaleString('en')} at most. Guests see those of their pages alone, there.`,
      authScopes: { authenticated: true },
      resolve: (_root, args, ctx) =>
        keysetConnection({
          args,
          keySchema: z.tuple([z.string().max(240).refine(isStorable), z.uuid()]),
          rows: (window) => listTags(ctx, window),
          keyOf: (tag) => [tag.nameKey, tag.id],
          count: () => countTags(ctx),
        }),
    },
    { name: 'TagConnection', description: 'A page of a list of tags.' },
    { name: 'TagEdge', description: 'A tag and its place in the list.' },
  ),
)

const color = z
  .string()
  .regex(/^#[0-9a-f]{6}$/i, 'is no color like #1d4ed8')
  .transform((text) => text.toLowerCase())
const nameDescription = 'One line of 1 to 60 characters.'
const colorDescription = 'How it is shown: `#rrggbb`'

const CreateTagInput = builder.inputType('CreateTagInput', {
  description: 'A new tag.',
  fields: (t) => ({
    name: t.string({ required: true, description: nameDescription }),
    color: t.string({ description: `${colorDescription}; a gray when left out.` }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.createTag
builder.mutationField('createTag', (t) =>
  mutation(t, {
    type: TagType,
    input: CreateTagInput,
    schema: z.object({ name: tagName, color: color.nullish().transform((it) => it ?? DEFAULT_COLOR), idempotencyKey }),
    errors: [TagNameTaken, IdempotencyKeyReused],
    description: 'Makes a tag for the pages of the active organization.',
    resolve: (input, ctx) => createTag(ctx, input),
  }),
)

const UpdateTagInput = builder.inputType('UpdateTagInput', {
  description: 'What to change of a tag; what is left out stays as it is.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The tag.' }),
    expectedVersion: t.int({ required: true, description: 'The `version` you saw.' }),
    name: t.string({ description: nameDescription }),
    color: t.string({ description: `${colorDescription}.` }),
  }),
})

// Mutation.updateTag
builder.mutationField('updateTag', (t) =>
  mutation(t, {
    type: TagType,
    input: UpdateTagInput,
    schema: z.object({
      id: idOf('Tag'),
      expectedVersion: z.number().int(),
      name: unlessLeftOut(tagName),
      color: unlessLeftOut(color),
    }),
    errors: [EditConflict, TagNameTaken],
    description: 'Changes a tag, on all pages that bear it.',
    resolve: (input, ctx) => updateTag(ctx, input),
  }),
)

const DeletedTag = builder.objectRef<{ readonly id: string }>('DeletedTag').implement({
  description: 'A tag that is gone.',
  fields: (t) => ({
    deletedId: t.id({ description: 'Its id.', resolve: ({ id }) => encodeGlobalId('Tag', id) }),
  }),
})

const DeleteTagInput = builder.inputType('DeleteTagInput', {
  description: 'Which tag to delete.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The tag.' }) }),
})

// Mutation.deleteTag
builder.mutationField('deleteTag', (t) =>
  mutation(t, {
    type: DeletedTag,
    input: DeleteTagInput,
    schema: z.object({ id: idOf('Tag') }),
    description: 'Deletes a tag and takes it off all pages, for good.',
    resolve: ({ id }, ctx) => deleteTag(ctx, id),
  }),
)

/** The input of a mutation that is about one tag of one page. */
function taggingInput(name: string, description: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({
      pageId: t.id({ required: true, description: 'The page.' }),
      tagId: t.id({ required: true, description: 'The tag.' }),
    }),
  })
}

const tagging = z.object({ pageId: idOf('Page'), tagId: idOf('Tag') })

// Mutation.tagPage
builder.mutationField('tagPage', (t) =>
  mutation(t, {
    type: PageType,
    input: taggingInput('TagPageInput', 'Which page to mark with which tag.'),
    schema: tagging,
    description: `Marks a page with a tag, ${MAX_PAGE_TAGS} at most; what bears it already stays as it is.`,
    resolve: (input, ctx) => tagPage(ctx, input),
  }),
)

// Mutation.untagPage
builder.mutationField('untagPage', (t) =>
  mutation(t, {
    type: PageType,
    input: taggingInput('UntagPageInput', 'Which tag to take off which page.'),
    schema: tagging,
    description: 'Takes a tag off a page; what does not bear it stays as it is.',
    resolve: (input, ctx) => untagPage(ctx, input),
  }),
)
