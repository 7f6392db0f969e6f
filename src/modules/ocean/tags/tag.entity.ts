import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'
import { Page } from '../pages/page.entity.ts'

export const TagSchema = defineEntity({
  name: 'Tag',
  tableName: 'tag',
  uniques: [{ properties: ['organization', 'nameKey'] }],
  properties: {
    id: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    name: p.string().length(60),
    /** The name as it is compared: in compatibility form, ignoring case. */
    nameKey: p.string().length(240),
    /** `#rrggbb`, lower case. */
    color: p.string().length(7),
    /** A person, or an agent. */
    createdById: p.uuid(),
    version: p.integer().version(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
})

/** A word that pages of an organization are marked with. */
export class Tag extends TagSchema.class {}
TagSchema.setClass(Tag)

export const PageTagSchema = defineEntity({
  name: 'PageTag',
  tableName: 'page_tag',
  indexes: [{ properties: ['tag', 'page'] }],
  properties: {
    page: () => p.manyToOne(Page).mapToPk().primary().deleteRule('cascade'),
    tag: () => p.manyToOne(Tag).mapToPk().primary().deleteRule('cascade'),
    organization: () => p.manyToOne(Organization).mapToPk().index(),
    createdAt: p.datetime(),
  },
})

/** That a page is marked with a tag. */
export class PageTag extends PageTagSchema.class {}
PageTagSchema.setClass(PageTag)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    tag: Table<typeof TagSchema>
    page_tag: Table<typeof PageTagSchema>
  }
}
