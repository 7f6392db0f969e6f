import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { keysetConnection } from '../../../graphql/connection.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { uuidOf } from '../../../graphql/ids.ts'
import { type BlockType as BlockTypeName, blockContents } from '../../../lib/block-content.ts'
import { MAX_TEXT_BYTES } from '../../../lib/rich-text.ts'
import { NotFound } from '../../../platform/errors.ts'
import { ActorInterface } from '../../accounts/users/user.graphql.ts'
import { authorOf } from '../../accounts/users/user.reads.ts'
import { PageType } from '../pages/page.graphql.ts'
import { findPage } from '../pages/page.reads.ts'
import { MAX_BLOCK_DEPTH } from './block.entity.ts'
import { type BlockRow, countBlocks, findBlock, listBlocks, mayReadBlock, textStateOf } from './block.reads.ts'

const blockTypeDescriptions: Record<BlockTypeName, string> = {
  PARAGRAPH: 'Running text.',
  HEADING_1: 'A heading of the first level.',
  HEADING_2: 'A heading of the second level.',
  HEADING_3: 'A heading of the third level.',
  BULLETED_LIST: 'An item of a list with bullets.',
  NUMBERED_LIST: 'An item of a numbered list; it counts on from the item before it.',
  TO_DO: 'Something to do, and whether it is done.',
  TOGGLE: 'A line under which what stands in it can be folded away.',
  QUOTE: 'Words of somebody else.',
  CALLOUT: 'Text that is set apart.',
  CODE: 'Program text, shown as it is.',
  DIVIDER: 'A line across the page; it has no text.',
  IMAGE: 'A picture; its text is the caption.',
  FILE: 'A file to open; its text is the caption.',
  BOOKMARK: 'A card of a web page; its text is the caption.',
  TABLE: 'A table. Its text has a row in each line, and a tab between the cells of one.',
  EMBED: 'Something of another site, shown in place; its text is the caption.',
}

builder.scalarType('BlockContent', {
  description: `What a block has beside its text, an object that goes by its type; what is left out of a new one has its default. ${Object.entries(
    blockContents,
  )
    .map(([type, { shape }]) => [type, Object.keys(shape)] as const)
    .filter(([, fields]) => fields.length > 0)
    .map(([type, fields]) => `\`${type}\`: ${fields.map((field) => `\`${field}\``).join(', ')}.`)
    .join(' ')} The other types have none.`,
  serialize: (value) => value,
  parseValue: (value) => value,
})

/** What a block is. */
export const BlockTypeEnum = builder.enumType('BlockType', {
  description: 'What a block is, and so how it is shown.',
  values: describedValues(blockTypeDescriptions),
})

/** How long a block’s text can be, in words. */
export const textLimit = `at most ${MAX_TEXT_BYTES.toLocaleString('en')} bytes`

/** A block. */
export const BlockNode = builder.objectRef<BlockRow>('Block')

builder.node(BlockNode, {
  description: 'A piece of a page, in document order; other blocks can stand in it, whatever its type.',
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
    parent: t.field({
      type: BlockNode,
      nullable: true,
      description: 'The block it stands in; null directly on the page.',
      resolve: (block, _args, ctx) => (block.parentId === null ? null : findBlock(ctx, block.parentId)),
    }),
    depth: t.exposeInt('depth', {
      description: `How deep it stands: 1 directly on the page, ${MAX_BLOCK_DEPTH} at most.`,
    }),
    type: t.field({ type: BlockTypeEnum, description: 'What it is.', resolve: (block) => block.type }),
    content: t.field({
      type: 'BlockContent',
      description: 'What it has beside its text.',
      resolve: (block) => block.content,
    }),
    text: t.exposeString('text', { description: `Its text, without formatting; ${textLimit}.` }),
    textState: t.field({
      type: 'Base64',
      description: 'Its text with formatting: a Yjs document, as one update, with the root `text`.',
      resolve: async (block, _args, ctx) => Buffer.from(await textStateOf(ctx, block)).toString('base64'),
    }),
    textVersion: t.exposeInt('textVersion', {
      description: 'Goes up with every change of the text, which leaves `version` as it is.',
    }),
    position: t.exposeString('position', {
      description: 'Its rank among all blocks of the page, by code units: in document order, whatever stands in what.',
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
