import { defineEntity, p } from '@mikro-orm/postgresql'
import { oneOf } from '../../../platform/database/one-of.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'
import { Block } from '../blocks/block.entity.ts'

/** What a link can lead to. */
export const linkKinds = ['PAGE', 'BLOCK', 'URL'] as const
export type LinkKind = (typeof linkKinds)[number]

export const LinkSchema = defineEntity({
  name: 'Link',
  tableName: 'link',
  indexes: [
    { properties: ['organization', 'targetId'] },
    {
      name: 'link_target_unique',
      // From one block there is one link to a thing, however often its text says it.
      expression:
        'create unique index "link_target_unique" on "link" ("source_block_id", "kind", coalesce("target_id"::text, "url"))',
    },
  ],
  checks: [
    { property: 'kind', expression: oneOf('kind', linkKinds) },
    {
      name: 'link_target_check',
      expression: "(kind = 'URL') = (url is not null) and (kind = 'URL') = (target_id is null)",
    },
    { name: 'link_origin_check', expression: 'in_text or is_explicit' },
  ],
  properties: {
    id: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    sourceBlock: () => p.manyToOne(Block).mapToPk().deleteRule('cascade'),
    kind: p.string().length(8).$type<LinkKind>(),
    /** A page or a block, which may be gone: links outlive what they lead to. */
    targetId: p.uuid().nullable(),
    url: p.string().length(2048).nullable(),
    /** Whether the block's text says it; a job keeps up with the text. */
    inText: p.boolean(),
    /** Whether somebody made it beside the text. */
    isExplicit: p.boolean(),
    /** A person, or an agent. */
    createdById: p.uuid(),
    createdAt: p.datetime(),
  },
})

/** That a block leads to a page, a block or an address. */
export class Link extends LinkSchema.class {}
LinkSchema.setClass(Link)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    link: Table<typeof LinkSchema>
  }
}
