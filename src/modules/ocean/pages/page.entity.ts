import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'
import { notingTextChanges } from '../../../platform/database/text-change.entity.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'
import { Project } from '../../projects/project.entity.ts'

/** How deep pages can stand in each other: those at the top have depth 1. */
export const MAX_PAGE_DEPTH = 32

export const PageSchema = defineEntity({
  name: 'Page',
  tableName: 'page',
  indexes: [
    { properties: ['organization', 'id'] },
    { properties: ['organization', 'updatedAt', 'id'] },
    { properties: ['organization', 'createdById', 'id'] },
    { properties: ['project', 'id'] },
    {
      name: 'page_title_index',
      // An expression, so that the comparison with the database leaves it alone. Queries must say it in these words.
      expression: 'create index "page_title_index" on "page" ("organization_id", lower("title"), "id")',
    },
    {
      name: 'page_sibling_rank_unique',
      // Of pages without a project or a parent as well. Two that are made at once cannot get the same place.
      expression:
        'create unique index "page_sibling_rank_unique" on "page" ("organization_id", "project_id", "parent_id", "rank") nulls not distinct',
    },
  ],
  checks: [{ name: 'page_depth_check', expression: `depth >= 1 and depth <= ${MAX_PAGE_DEPTH}` }],
  triggers: [notingTextChanges('PAGE', ['title', 'language'])],
  properties: {
    id: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    project: () => p.manyToOne(Project).mapToPk().nullable(),
    /** In the same project, always. */
    parent: () => p.manyToOne(Page).mapToPk().nullable().deleteRule('cascade').index(),
    /** 1 at the top. */
    depth: p.smallint().default(1),
    /** Fractional rank among its siblings; compared byte by byte. */
    rank: p.text().collation('C'),
    title: p.string().length(200),
    icon: p.string().length(32).nullable(),
    coverImage: p.string().length(2048).nullable(),
    /** BCP 47; null where nobody said. */
    language: p.string().length(35).nullable(),
    /** A person, or an agent; so are they below. */
    createdById: p.uuid(),
    updatedById: p.uuid(),
    version: p.integer().version(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    /** While it stands the page can only be read. */
    archivedAt: p.datetime().nullable(),
    /** The page with which it was archived: itself, or one above it. */
    archivedWithId: p.uuid().nullable().index(),
  },
})

/** A document of the Ocean. Its text lives in blocks; a page is their place in the tree. */
export class Page extends PageSchema.class {}
PageSchema.setClass(Page)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    page: Table<typeof PageSchema>
  }
}
