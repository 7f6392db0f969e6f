import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'
import { Block } from './block.entity.ts'

/** Who edited a text in one minute: each leaves one row in the trail for it. */
export interface TextEditors {
  /** Since 1970. */
  readonly minute: number
  readonly ids: readonly string[]
}

export const BlockTextSchema = defineEntity({
  name: 'BlockText',
  tableName: 'block_text',
  properties: {
    block: () => p.manyToOne(Block).mapToPk().primary().deleteRule('cascade'),
    organization: () => p.manyToOne(Organization).mapToPk().index(),
    /** The Yjs document of the block's text, as one update. */
    state: p.blob(),
    editors: p.json<TextEditors>(),
  },
})

/** The document of a block's text, once somebody edited it; until then it follows from the text, see `lib/rich-text.ts`. */
export class BlockText extends BlockTextSchema.class {}
BlockTextSchema.setClass(BlockText)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    block_text: Table<typeof BlockTextSchema>
  }
}
