import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { encodeGlobalId, idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { blockTypes, textlessTypes } from '../../../lib/block-content.ts'
import { EditConflict } from '../../../platform/errors.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { PageType } from '../pages/page.graphql.ts'
import { NestedTooDeep, WouldCreateCycle } from '../pages/page-tree.service.ts'
import { BlockNode, BlockTypeEnum, textLimit } from './block.graphql.ts'
import { type CreatedBlocks, createBlocks } from './block.service.ts'
import { besideOne, blockText, contentOf, inDocumentOrder, place, placeFields } from './block-input.graphql.ts'
import { type DeletedBlock, deleteBlock, moveBlock } from './structure.service.ts'

const NewBlockInput = builder.inputType('NewBlockInput', {
  description: 'A block to make.',
  fields: (t) => ({
    type: t.field({ type: BlockTypeEnum, description: 'What it is; a paragraph when left out.' }),
    text: t.string({ description: `Its text, ${textLimit}; empty when left out.` }),
    content: t.field({ type: 'BlockContent', description: 'What it has beside its text, by its type.' }),
    parentIndex: t.int({
      description:
        'Which block of this batch it stands in, counted from 0: an earlier one, with nothing between them but what stands in that one too. Left out, it stands at the place of the batch.',
    }),
  }),
})

const newBlock = z
  .object({
    type: optional(z.enum(blockTypes)).transform((type) => type ?? 'PARAGRAPH'),
    text: optional(blockText).transform((text) => text ?? ''),
    content: optional(z.unknown()),
    parentIndex: optional(z.int()),
  })
  .transform(({ content, ...block }, check) => ({ ...block, content: contentOf(block.type, content ?? {}, check) }))
  .refine(({ type, text }) => text === '' || !textlessTypes.has(type), { path: ['text'], error: 'this type has none' })

const CreateBlocksInput = builder.inputType('CreateBlocksInput', {
  description: 'Blocks to make on a page.',
  fields: (t) => ({
    pageId: t.id({ required: true, description: 'The page.' }),
    blocks: t.field({ type: [NewBlockInput], required: true, description: '1 to 200 blocks, in document order.' }),
    ...placeFields(t),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

const CreatedBlocksRef = builder.objectRef<CreatedBlocks>('CreatedBlocks').implement({
  description: 'What was made, and where.',
  fields: (t) => ({
    page: t.field({ type: PageType, description: 'The page, as it is now.', resolve: (created) => created.page }),
    blocks: t.field({
      type: [BlockNode],
      description: 'The new blocks, in document order.',
      resolve: (created) => [...created.blocks],
    }),
  }),
})

// Mutation.createBlocks
builder.mutationField('createBlocks', (t) =>
  mutation(t, {
    type: CreatedBlocksRef,
    input: CreateBlocksInput,
    schema: z
      .object({
        pageId: idOf('Page'),
        blocks: z.array(newBlock).min(1, 'at least one block').max(200, 'at most 200 blocks').check(inDocumentOrder),
        ...place,
        idempotencyKey,
      })
      .check(besideOne),
    errors: [NestedTooDeep, IdempotencyKeyReused],
    description: 'Makes blocks on a page, all or none; watchers of the page hear of each.',
    resolve: (input, ctx) => createBlocks(ctx, input),
  }),
)

const expectedVersion = optional(z.int())
const expectedVersionDescription = 'The `version` you saw; left out, whatever it is.'

const MoveBlockInput = builder.inputType('MoveBlockInput', {
  description: 'Where a block is to stand.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The block.' }),
    pageId: t.id({ description: 'The page it is to be on; the one it is on when left out.' }),
    ...placeFields(t),
    expectedVersion: t.int({ description: expectedVersionDescription }),
  }),
})

// Mutation.moveBlock
builder.mutationField('moveBlock', (t) =>
  mutation(t, {
    type: BlockNode,
    input: MoveBlockInput,
    schema: z.object({ id: idOf('Block'), pageId: optional(idOf('Page')), ...place, expectedVersion }).check(besideOne),
    errors: [EditConflict, WouldCreateCycle, NestedTooDeep],
    description:
      'Moves a block with all that stands in it, within its page or to another one. Ids, texts, links and children stay what they are; watchers of both pages hear of each block.',
    resolve: (input, ctx) => moveBlock(ctx, input),
  }),
)

const DeleteBlockInput = builder.inputType('DeleteBlockInput', {
  description: 'A block to delete.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The block.' }),
    expectedVersion: t.int({ description: expectedVersionDescription }),
  }),
})

const DeletedBlockRef = builder.objectRef<DeletedBlock>('DeletedBlock').implement({
  description: 'A block that is gone.',
  fields: (t) => ({
    deletedId: t.id({ description: 'Its id.', resolve: ({ id }) => encodeGlobalId('Block', id) }),
    page: t.field({ type: PageType, description: 'The page it was on, as it is now.', resolve: ({ page }) => page }),
  }),
})

// Mutation.deleteBlock
builder.mutationField('deleteBlock', (t) =>
  mutation(t, {
    type: DeletedBlockRef,
    input: DeleteBlockInput,
    schema: z.object({ id: idOf('Block'), expectedVersion }),
    errors: [EditConflict],
    description:
      'Deletes a block with all that stands in it, for good. Links from elsewhere that lead to any of it stay, and lead nowhere.',
    resolve: (input, ctx) => deleteBlock(ctx, input),
  }),
)
