import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { keysetConnection } from '../../../graphql/connection.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { idOf, uuidOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { NotFound } from '../../../platform/errors.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { ActorInterface } from '../../accounts/users/user.graphql.ts'
import { authorOf } from '../../accounts/users/user.reads.ts'
import { PageType } from '../pages/page.graphql.ts'
import { findPage } from '../pages/page.reads.ts'
import { type BlockType as BlockTypeName, blockTypes } from './block.entity.ts'
import { type BlockRow, countBlocks, findBlock, listBlocks, mayReadBlock } from './block.reads.ts'
import { type CreatedBlocks, createBlocks } from './block.service.ts'

const blockTypeDescriptions: Record<BlockTypeName, string> = {
  PARAGRAPH: 'Running text.',
  HEADING_1: 'A heading of the first level.',
  HEADING_2: 'A heading of the second level.',
  HEADING_3: 'A heading of the third level.',
  BULLETED_LIST: 'An item of a list with bullets.',
  NUMBERED_LIST: 'An item of a numbered list; it counts on from the item before it.',
  QUOTE: 'Words of somebody else.',
  CODE: 'Program text, shown as it is.',
}

const BlockTypeEnum = builder.enumType('BlockType', {
  description: 'What a block is, and so how it is shown.',
  values: describedValues(blockTypeDescriptions),
})

/** A block. */
export const BlockNode = builder.node(builder.objectRef<BlockRow>('Block'), {
  description: 'A piece of a page, in document order.',
  authScopes: (block, ctx) => mayReadBlock(ctx, block),
  id: { description: 'Opaque, typed and sortable: `block_01jd…`.', resolve: (block) => block.id },
  loadOne: (id, ctx) => findBlock(ctx, id),
  fields: (t) => ({
    page: t.field({
      type: PageType,
      description: 'The page it is on.',
      resolve: async (block, _args, ctx) => {
        const page = await findPage(ctx, block.pageId)
        if (page === null) throw new NotFound('page')
        return page
      },
    }),
    type: t.field({ type: BlockTypeEnum, description: 'What it is.', resolve: (block) => block.type }),
    text: t.exposeString('text', { description: 'Its text, without formatting; at most 20,000 characters.' }),
    position: t.exposeString('position', {
      description: 'Its rank among the blocks of the page, by code units; equal ranks are ordered by id.',
    }),
    createdBy: t.field({
      type: ActorInterface,
      description: 'Who made it.',
      resolve: (block, _args, ctx) => authorOf(ctx, block.createdById),
    }),
    updatedBy: t.field({
      type: ActorInterface,
      description: 'Who changed it last.',
      resolve: (block, _args, ctx) => authorOf(ctx, block.updatedById),
    }),
    version: t.exposeInt('version', { description: 'Goes up with every change; updates name the one they saw.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
  }),
})

// Page.blocks
builder.objectField(PageType, 'blocks', (t) =>
  t.connection(
    {
      type: BlockNode,
      description: 'The blocks of the page, in document order.',
      resolve: (page, args, ctx) =>
        keysetConnection({
          args,
          keySchema: z.tuple([z.string().regex(/^[\w-]+$/), z.uuid()]),
          rows: (window) => listBlocks(ctx, page, window),
          keyOf: (block) => [block.position, block.id],
          count: () => countBlocks(ctx, page),
        }),
    },
    { name: 'BlockConnection', description: 'A page of a list of blocks.' },
    { name: 'BlockEdge', description: 'A block and its place in the list.' },
  ),
)

// Query.block
builder.queryField('block', (t) =>
  t.field({
    type: BlockNode,
    nullable: true,
    description: 'A block by id, or null when it does not exist or is not yours to see.',
    authScopes: { authenticated: true },
    args: { id: t.arg.id({ required: true, description: 'The block’s id.' }) },
    resolve: (_root, { id }, ctx) => findBlock(ctx, uuidOf('Block', id)),
  }),
)

const NewBlockInput = builder.inputType('NewBlockInput', {
  description: 'A block to make.',
  fields: (t) => ({
    type: t.field({ type: BlockTypeEnum, description: 'What it is; a paragraph when left out.' }),
    text: t.string({ required: true, description: 'Its text, at most 20,000 characters.' }),
  }),
})

const CreateBlocksInput = builder.inputType('CreateBlocksInput', {
  description: 'Blocks to append to a page.',
  fields: (t) => ({
    pageId: t.id({ required: true, description: 'The page.' }),
    blocks: t.field({ type: [NewBlockInput], required: true, description: '1 to 200 blocks, in order.' }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

const CreatedBlocksRef = builder.objectRef<CreatedBlocks>('CreatedBlocks').implement({
  description: 'What was appended, and where.',
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
    schema: z.object({
      pageId: idOf('Page'),
      blocks: z
        .array(
          z.object({
            type: optional(z.enum(blockTypes)).transform((type) => type ?? 'PARAGRAPH'),
            text: z.string().max(20_000),
          }),
        )
        .min(1, 'at least one block')
        .max(200, 'at most 200 blocks'),
      idempotencyKey,
    }),
    errors: [IdempotencyKeyReused],
    description: 'Appends blocks to a page, all or none; watchers of the page hear of each.',
    resolve: (input, ctx) => createBlocks(ctx, input),
  }),
)
