import { guest, owner, strangers } from './actors.ts'
import { change, everybodyOwns, findBlock, findPage, findProject, noTenant, openType, ownProject } from './layers.ts'
import type { Mutant } from './mutation.ts'

// The nouns of the ocean; see nouns.ts.

const page = 'src/modules/ocean/pages/page.reads.ts'
const pageList = change(
  'src/modules/ocean/pages/page-list.reads.ts',
  'selectPages(ctx.db).where(matches(ctx.db, filter))',
  'selectPages(ctx.db)',
)
const pageType = openType(
  'src/modules/ocean/pages/page.graphql.ts',
  "authScopes: (page, ctx) => may(ctx, 'page.read', page),",
)
const block = 'src/modules/ocean/blocks/block.reads.ts'
const blockType = openType(
  'src/modules/ocean/blocks/block.graphql.ts',
  'authScopes: (block, ctx) => mayReadBlock(ctx, block),',
)
const blockList = change(block, "if (!may(ctx, 'block.read', page)) return []", '')
const pageEvents = 'src/modules/ocean/pages/page-events.graphql.ts'

const projectEvents = 'src/modules/projects/project-events.graphql.ts'
const tag = 'src/modules/ocean/tags/tag.reads.ts'
const findTag = change(tag, 'tag !== null && (await mayReadTag(ctx, tag)) ? tag : null', 'tag')
const ownTag = change(
  tag,
  '...row, viewerRole: db.role, isArchived: false }',
  "...row, viewerRole: 'OWNER', isArchived: false }",
)
const tagType = openType('src/modules/ocean/tags/tag.graphql.ts', 'authScopes: (tag, ctx) => mayReadTag(ctx, tag),')

const link = 'src/modules/ocean/links/link.reads.ts'
const findLink = change(link, 'link !== null && (await mayReadLink(ctx, link)) ? link : null', 'link')
const linkType = openType(
  'src/modules/ocean/links/link.graphql.ts',
  'authScopes: (link, ctx) => mayReadLink(ctx, link),',
)

/** Of pages, blocks, tags and links. */
export const oceanMutants: readonly Mutant[] = [
  {
    name: 'Page: nothing stands before it',
    edits: [noTenant('page'), findPage, everybodyOwns(page), pageType],
    ...strangers(owner, 'Query.page', 'Mutation.movePage', 'Mutation.createBlocks'),
  },
  { name: 'Page: found by id in its organization', edits: [findPage, pageType], ...strangers(guest, 'Query.page') },
  {
    name: 'Page: found by id in any organization',
    edits: [noTenant('page'), findPage, pageType],
    ...strangers(owner, 'Query.node'),
  },
  {
    name: 'Page: moved by whoever is in its organization',
    edits: [findPage, everybodyOwns(page)],
    ...strangers(guest, 'Mutation.movePage'),
  },
  { name: 'Page: listed in its organization', edits: [pageList, pageType], ...strangers(guest, 'Query.pages') },
  {
    name: 'Page: listed in every organization',
    edits: [pageList, noTenant('page'), everybodyOwns(page)],
    ...strangers(owner, 'Query.pages'),
  },
  {
    name: 'Page: made in whatever project',
    edits: [findProject, ownProject, noTenant('project')],
    ...strangers(owner, 'Mutation.createPage', 'Mutation.movePage'),
  },
  {
    name: 'Page: changed, archived, copied and deleted by whoever is in its organization',
    edits: [findPage, everybodyOwns(page)],
    ...strangers(
      guest,
      ...['Mutation.updatePage', 'Mutation.archivePage', 'Mutation.restorePage', 'Mutation.duplicatePage'],
      'Mutation.deletePage',
    ),
  },
  {
    name: 'Project: followed by whoever names it',
    edits: [
      change(
        projectEvents,
        "const { home } = await getProject(ctx, id, 'project.read')",
        'const { home } = await Promise.resolve({ home: null })',
      ),
    ],
    ...strangers(`${guest}|${owner}`, 'Subscription.projectEvents'),
    // The stream that should be refused goes on.
    proof: 'No end after',
  },
  {
    name: 'Page: followed by whoever names it',
    edits: [
      change(pageEvents, "const found = await getPage(ctx, pageId, 'block.read')", 'const found = { projectId: null }'),
      change(
        pageEvents,
        "gate: (fresh) => getPage(fresh, pageId, 'block.read'),",
        'gate: async () => ({ projectId: null }),',
      ),
    ],
    ...strangers(`${guest}|${owner}`, 'Subscription.pageEvents'),
    // The stream that should be refused goes on.
    proof: 'No end after',
  },
  {
    name: 'Page: followed after it was taken away',
    edits: [
      change(
        pageEvents,
        "gate: (fresh) => getPage(fresh, pageId, 'block.read'),",
        'gate: async () => ({ projectId: null }),',
      ),
    ],
    killers: { files: ['test/modules/ocean/pages/page-moves.test.ts'], named: 'a page moved into a private project' },
  },
  {
    name: 'Block: nothing stands before it',
    edits: [noTenant('block', 'page'), findBlock, findPage, everybodyOwns(page), blockType, blockList, pageType],
    ...strangers(owner, 'Query.block', 'Mutation.createBlocks', 'Mutation.moveBlock', 'Mutation.deleteBlock'),
  },
  { name: 'Block: found by id in its organization', edits: [findBlock, blockType], ...strangers(guest, 'Query.block') },
  {
    name: 'Block: found by id in any organization',
    edits: [noTenant('block'), findBlock, blockType],
    ...strangers(owner, 'Query.node'),
  },
  {
    name: 'Block: beside blocks of any page in any organization',
    edits: [
      noTenant('block'),
      change(
        'src/modules/ocean/blocks/placement.service.ts',
        "return onThePage(tx, pageId).select(outline).where('block.id', '=', id).executeTakeFirst()",
        "return tx.db.from('block').select(outline).where('block.id', '=', id).executeTakeFirst()",
      ),
    ],
    ...strangers(owner, 'Mutation.createBlocks', 'Mutation.moveBlock'),
  },
  {
    name: 'Block: written by whoever is in its organization',
    edits: [findPage, everybodyOwns(page)],
    ...strangers(guest, 'Mutation.createBlocks', 'Mutation.moveBlock', 'Mutation.convertBlock', 'Mutation.deleteBlock'),
  },
  {
    name: 'Tag: nothing stands before it',
    edits: [noTenant('tag'), findTag, ownTag, tagType],
    ...strangers(owner, 'Mutation.updateTag', 'Mutation.deleteTag'),
  },
  { name: 'Tag: found by id in its organization', edits: [findTag, tagType], ...strangers(guest, 'Query.node') },
  {
    name: 'Tag: found by id in any organization',
    edits: [noTenant('tag'), findTag, tagType],
    ...strangers(owner, 'Query.node', 'Mutation.tagPage'),
  },
  {
    name: 'Tag: changed by whoever is in its organization',
    edits: [findTag, ownTag],
    ...strangers(guest, 'Mutation.updateTag', 'Mutation.deleteTag'),
  },
  {
    name: 'Tag: listed to everybody in its organization',
    edits: [change(tag, "if (!may(ctx, 'tag.read')) return []", ''), tagType],
    ...strangers(guest, 'Query.tags'),
  },
  {
    name: 'Tag: listed in every organization',
    edits: [noTenant('tag'), tagType],
    ...strangers(owner, 'Query.tags'),
  },
  {
    name: 'Tag: shown with pages that its reader may not see',
    edits: [change(tag, "pages.where(isOpenAnywhere(db, 'page.read', 'marked.project_id'))", 'pages'), pageType],
    killers: { files: ['test/modules/ocean/tags/tag.test.ts'], named: 'a guest reads the tags of their pages' },
  },
  {
    name: 'Link: nothing stands before it',
    edits: [
      noTenant('link', 'block', 'page'),
      findLink,
      findBlock,
      findPage,
      everybodyOwns(page),
      linkType,
      blockType,
      pageType,
    ],
    ...strangers(owner, 'Query.node', 'Mutation.deleteLink'),
  },
  { name: 'Link: found by id in its organization', edits: [findLink, linkType], ...strangers(guest, 'Query.node') },
  {
    name: 'Link: found by id in any organization',
    edits: [noTenant('link'), findLink, linkType],
    ...strangers(owner, 'Query.node'),
  },
  {
    name: 'Link: made to what its maker may not see',
    edits: [findPage, findBlock, pageType, blockType],
    killers: { files: ['test/modules/ocean/links/link.test.ts'], named: 'a foreign target' },
  },
  {
    name: 'Link: shown from blocks that its reader may not see',
    edits: [change(link, '.where(isReadable)', ''), linkType],
    killers: { files: ['test/modules/ocean/links/backlinks.test.ts'], named: 'links come only from blocks' },
  },
]
