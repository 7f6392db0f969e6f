import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'
import { Page } from '../pages/page.entity.ts'

/** The kinds whose whole content is their text. */
export const blockTypes = [
  'PARAGRAPH',
  'HEADING_1',
  'HEADING_2',
  'HEADING_3',
  'BULLETED_LIST',
  'NUMBERED_LIST',
  'QUOTE',
  'CODE',
] as const

export type BlockType = (typeof blockTypes)[number]

export const BlockSchema = defineEntity({
  name: 'Block',
  tableName: 'block',
  indexes: [
    { properties: ['page', 'position', 'id'] },
    {
      name: 'block_text_index',
      // An expression, so that the comparison with the database leaves it alone. Queries must say it in these words.
      expression: `create index "block_text_index" on "block" using gin (to_tsvector('english', "text"))`,
    },
  ],
  properties: {
    id: p.uuid().primary(),
    // The index is for what an organization's end deletes.
    organization: () => p.manyToOne(Organization).mapToPk().index(),
    page: () => p.manyToOne(Page).mapToPk(),
    type: p.string().length(32).$type<BlockType>(),
    text: p.text(),
    /** Fractional rank among the page's blocks, the id breaking ties; compared byte by byte. */
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
