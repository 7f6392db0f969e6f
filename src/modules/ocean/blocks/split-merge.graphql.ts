import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { EditConflict } from '../../../platform/errors.ts'
import { NestedTooDeep, WouldCreateCycle } from '../pages/page-tree.service.ts'
import { BlockNode } from './block.graphql.ts'
import { mergeBlocks, type SplitBlocks, splitBlock } from './split-merge.service.ts'

const SplitBlockInput = builder.inputType('SplitBlockInput', {
  description: 'Where to split a block.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The block.' }),
    index: t.int({
      required: true,
      description: 'How much of its text stays, in UTF-16 code units, as JavaScript counts; not within a character.',
    }),
    expectedTextVersion: t.int({ description: 'The `textVersion` you saw; left out, whatever it is.' }),
  }),
})

const SplitBlocksRef = builder.objectRef<SplitBlocks>('SplitBlocks').implement({
  description: 'What a block became.',
  fields: (t) => ({
    first: t.field({
      type: BlockNode,
      description: 'The block, with the text before the index and all that stands in it.',
      resolve: ({ first }) => first,
    }),
    second: t.field({
      type: BlockNode,
      description: 'A new block behind it, with the rest of the text.',
      resolve: ({ second }) => second,
    }),
  }),
})

// Mutation.splitBlock
builder.mutationField('splitBlock', (t) =>
  mutation(t, {
    type: SplitBlocksRef,
    input: SplitBlockInput,
    schema: z.object({ id: idOf('Block'), index: z.int(), expectedTextVersion: optional(z.int()) }),
    errors: [EditConflict],
    description:
      'Splits the text of a block in two, with its formatting. The second half is of the same type, and not yet done; after a heading, or what shows something else than text, it is a paragraph.',
    resolve: (input, ctx) => splitBlock(ctx, input),
  }),
)

const MergeBlocksInput = builder.inputType('MergeBlocksInput', {
  description: 'Two blocks to become one.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The block that goes.' }),
    intoId: t.id({ required: true, description: 'The block that stays, on the same page and not within the other.' }),
    expectedVersion: t.int({ description: 'The `version` you saw of the one that goes; left out, whatever it is.' }),
  }),
})

// Mutation.mergeBlocks
builder.mutationField('mergeBlocks', (t) =>
  mutation(t, {
    type: BlockNode,
    input: MergeBlocksInput,
    schema: z.object({ id: idOf('Block'), intoId: idOf('Block'), expectedVersion: optional(z.int()) }),
    errors: [EditConflict, WouldCreateCycle, NestedTooDeep],
    description:
      'Appends the text of a block to another one, with its formatting and with what words and addresses it has beside it, and deletes it. What stood in it stands in the other then, last; links it made, and links that were made to it, are the other’s.',
    resolve: (input, ctx) => mergeBlocks(ctx, input),
  }),
)
