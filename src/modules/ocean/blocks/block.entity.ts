import { defineEntity, p } from '@mikro-orm/postgresql'
import { type BlockContent, type BlockType, blockTypes } from '../../../lib/block-content.ts'
import { oneOf } from '../../../platform/database/one-of.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { notingTextChanges } from '../../../platform/database/text-change.entity.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'
import { Page } from '../pages/page.entity.ts'

/** How deep blocks can stand in each other: those directly on the page have depth 1. */
export const MAX_BLOCK_DEPTH = 10

export const BlockSchema = defineEntity({
  name: 'Block',
  tableName: 'block',
  indexes: [
    {
      name: 'block_linking_due_index',
      // An expression, so that the comparison with the database leaves it alone. Few are due at a time; those that were forgotten are looked for.
      expression: `create index "block_linking_due_index" on "block" ("updated_at") where "is_linking_due"`,
    },
  ],
  uniques: [{ properties: ['page', 'position'] }],
  checks: [
    { name: 'block_depth_check', expression: `depth >= 1 and depth <= ${MAX_BLOCK_DEPTH}` },
    { property: 'type', expression: oneOf('type', blockTypes) },
  ],
  triggers: [notingTextChanges('BLOCK', ['text', 'page_id'])],
  properties: {
    id: p.uuid().primary(),
    // The index is for what an organization's end deletes.
    organization: () => p.manyToOne(Organization).mapToPk().index(),
    page: () => p.manyToOne(Page).mapToPk().deleteRule('cascade'),
    /** On the same page, always, and before it. */
    parent: () => p.manyToOne(Block).mapToPk().nullable().deleteRule('cascade').index(),
    /** 1 directly on the page; what follows a block with a greater depth stands in it. */
    depth: p.smallint().default(1),
    type: p.string().length(32).$type<BlockType>(),
    /** What its type has beside text; see `lib/block-content.ts`. */
    content: p.json<BlockContent>(),
    /** What earlier types of the block had that its type has no place for: it comes back when the type does. */
    aside: p.json<BlockContent>(),
    /** What its document says, without formatting. */
    text: p.text(),
    /** Goes up with every change of the text; `version` does not. */
    textVersion: p.integer().default(1),
    /** Whether a job is on its way that looks for links in the text: there is one at most. */
    isLinkingDue: p.boolean().default(false),
    /** Fractional rank among all blocks of the page, in document order; compared byte by byte. */
    position: p.text().collation('C'),
    /** A person, or an agent; so are they below. */
    createdById: p.uuid(),
    updatedById: p.uuid(),
    version: p.integer().version(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
})

/** A piece of a page, in document order. */
export class Block extends BlockSchema.class {}
BlockSchema.setClass(Block)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    block: Table<typeof BlockSchema>
  }
}
