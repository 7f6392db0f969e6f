import { z } from 'zod'
import { blockTypes, contentSchema } from '../../../lib/block-content.ts'
import { MAX_TEXT_BYTES } from '../../../lib/rich-text.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Context } from '../../../platform/context.ts'
import { NotFound } from '../../../platform/errors.ts'
import { findBlock, listBlocks } from '../../ocean/blocks/block.reads.ts'
import { type BatchedBlock, createBlocks } from '../../ocean/blocks/block.service.ts'
import { createPageWithBlocks } from '../../ocean/blocks/page-with-blocks.service.ts'
import { findPage, type PageRow, readablePages } from '../../ocean/pages/page.reads.ts'
import { getPage } from '../../ocean/pages/page.service.ts'
import { listProjects as readProjects } from '../../projects/project.reads.ts'
import { type SearchHit, search } from '../search/search.service.ts'
import { findSnippet } from '../search/snippet.reads.ts'
import { defineTool, idIn, type Tool } from './tool.service.ts'

const MAX_FOUND = 10
const MAX_LISTED = 50
const MAX_BLOCKS_READ = 300
/** UTF-16 units of what one look at a page shows. */
const MAX_READ_LENGTH = 30_000
const MAX_BLOCKS_MADE = 50
/** Types that are text and nothing else: a model writes no addresses of files. */
const writtenTypes = blockTypes.filter((type) => Object.keys(contentSchema(type).parse({})).length === 0)

const newBlocks = z
  .array(
    z.strictObject({
      type: z.enum(writtenTypes).default('PARAGRAPH'),
      text: z.string().refine((text) => Buffer.byteLength(text) <= MAX_TEXT_BYTES, 'is too long'),
    }),
  )
  .max(MAX_BLOCKS_MADE)

const searchPages = defineTool({
  name: 'searchPages',
  changes: false,
  description:
    'Finds pages of the workspace that are about something, best first, each with an extract. Use it before you say what stands in the workspace.',
  input: z.strictObject({ query: z.string().min(1).max(1_000), limit: z.int().min(1).max(MAX_FOUND).default(5) }),
  run: async (ctx, { query, limit }) => {
    const filter = { ...everywhere, kinds: ['PAGE', 'BLOCK'] } as const
    const found = await search(ctx, { query, mode: 'HYBRID', filter }, { earlier: null, size: limit })
    const words = await found.words()
    const shown: { page: PageRow; extract: string }[] = []
    for (const hit of found.hits) {
      if (shown.length === limit) break
      const part = await partOf(ctx, hit)
      if (part === null || shown.some(({ page }) => page.id === part.page.id)) continue
      const { text } = await findSnippet(ctx, { id: hit.id, text: part.text, words, start: hit.start })
      shown.push({ page: part.page, extract: text })
    }
    return {
      output: { pages: shown.map(({ page, extract }) => ({ ...named(page), extract })) },
      sources: { pageIds: shown.map(({ page }) => page.id) },
    }
  },
})

const everywhere = {
  projectId: null,
  tagId: null,
  createdById: null,
  updatedFrom: null,
  updatedBefore: null,
  isArchived: null,
}

async function partOf(ctx: Context, { kind, id }: SearchHit): Promise<{ page: PageRow; text: string } | null> {
  const block = kind === 'BLOCK' ? await findBlock(ctx, id) : null
  const page = await findPage(ctx, block?.pageId ?? id)
  return page === null ? null : { page, text: block?.text ?? page.title }
}

const readPage = defineTool({
  name: 'readPage',
  changes: false,
  description: 'Reads a page of the workspace: its title and its blocks in order.',
  input: z.strictObject({ pageId: idIn('page') }),
  run: async (ctx, { pageId }) => {
    const page = await pageOfAll(ctx, pageId)
    const window = { after: null, before: null, inverted: false, limit: MAX_BLOCKS_READ + 1 }
    const rows = await listBlocks(ctx, page, window)
    let room = MAX_READ_LENGTH
    const blocks = rows.slice(0, MAX_BLOCKS_READ).filter(({ text }) => {
      room -= text.length
      return room >= 0
    })
    return {
      output: {
        ...named(page),
        blocks: blocks.map(({ id, type, text }) => ({ id: encodeTypeId('block', id), type, text })),
        isWhole: blocks.length === rows.length,
      },
      sources: { pageIds: [page.id] },
    }
  },
})

const createPageTool = defineTool({
  name: 'createPage',
  changes: true,
  description:
    'Makes a page in the workspace: in a project, under another page, or at the top where neither is given. Its text is given as blocks.',
  input: z.strictObject({
    title: z.string().min(1).max(200),
    projectId: idIn('project').nullish(),
    parentId: idIn('page').nullish(),
    blocks: newBlocks.default([]),
  }),
  run: async (ctx, { title, projectId = null, parentId = null, blocks }) => {
    if (parentId !== null) await pageOfAll(ctx, parentId)
    const page = await createPageWithBlocks(ctx, {
      blocks: batch(blocks),
      ...{ title: title.replace(/\s+/g, ' ').trim(), projectId, parentId, afterId: null, beforeId: null },
      ...{ icon: null, coverImage: null, language: null, idempotencyKey: null },
    })
    return { output: named(page), sources: { pageIds: [page.id] } }
  },
})

const appendBlocks = defineTool({
  name: 'appendBlocks',
  changes: true,
  description: 'Adds blocks at the end of a page of the workspace.',
  input: z.strictObject({ pageId: idIn('page'), blocks: newBlocks.min(1) }),
  run: async (ctx, { pageId, blocks }) => {
    await pageOfAll(ctx, pageId)
    const made = await createBlocks(ctx, {
      ...{ pageId, parentId: null, afterId: null, beforeId: null, idempotencyKey: null },
      blocks: batch(blocks),
    })
    return {
      output: { ...named(made.page), blockIds: made.blocks.map(({ id }) => encodeTypeId('block', id)) },
      sources: { pageIds: [pageId] },
    }
  },
})

const listProjects = defineTool({
  name: 'listProjects',
  changes: false,
  description: 'Lists the projects of the workspace, newest first; those whose name contains a text, if one is given.',
  input: z.strictObject({ name: z.string().min(1).max(200).nullish() }),
  run: async (ctx, { name = null }) => {
    const window = { after: null, before: null, inverted: false, limit: MAX_LISTED }
    const projects = await readProjects(ctx, { name, isArchived: false }, window)
    return {
      output: {
        projects: projects.map(({ id, name, description }) => ({ id: encodeTypeId('project', id), name, description })),
      },
      sources: { projectIds: projects.map(({ id }) => id) },
    }
  },
})

function batch(blocks: z.output<typeof newBlocks>): BatchedBlock[] {
  return blocks.map(({ type, text }) => ({ type, text, content: contentSchema(type).parse({}), parentIndex: null }))
}

function named({ id, title }: PageRow) {
  return { id: encodeTypeId('page', id), title }
}

/** The gate: a page that all who read the answer may read as well. @throws {NotFound | Forbidden} */
async function pageOfAll(ctx: Context, id: string): Promise<PageRow> {
  const page = await getPage(ctx, id, 'page.read')
  const ofAll = await readablePages(ctx.db).where('page.id', '=', id).select('page.id').executeTakeFirst()
  if (ofAll === undefined) throw new NotFound('page', 'page.read', encodeTypeId('page', id))
  return page
}

/** Every tool there is, by the name that models call it by. */
export const tools: ReadonlyMap<string, Tool> = new Map(
  [searchPages, readPage, createPageTool, appendBlocks, listProjects].map((tool) => [tool.name, tool]),
)

/** The tools of these names; all where null. Names that no tool has name nothing. */
export function toolsNamed(names: readonly string[] | null): readonly Tool[] {
  return [...tools.values()].filter(({ name }) => names === null || names.includes(name))
}
