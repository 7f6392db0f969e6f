import { type RawBuilder, sql } from 'kysely'
import { encodeTypeId } from '../../../lib/typeid.ts'
import { type ActingViewer, authorIdOf, type Context } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { AccessMoved, InvalidInput, NotFound } from '../../../platform/errors.ts'
import { createOnce } from '../../../platform/idempotency.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import type { Link } from '../links/link.entity.ts'
import { noteTexts } from '../links/linking.service.ts'
import { tellParents, tellProjectOf } from './page.events.ts'
import type { PageRow } from './page.reads.ts'
import { getPage } from './page.service.ts'
import { rankIn, untilRankIsFree } from './page-rank.service.ts'
import { below, lockSpaces } from './page-tree.service.ts'

/** What is copied at once, at most. */
export const MAX_COPIED_PAGES = 200
export const MAX_COPIED_BLOCKS = 5_000

/** Which page to copy. */
export interface DuplicatePage {
  readonly id: string
  /** Null: as the page has now. */
  readonly title: string | null
  /** Whether what stands in it is copied as well, but for what is archived. */
  readonly withChildren: boolean
  readonly idempotencyKey: string | null
}

interface Original {
  readonly id: string
  readonly parentId: string | null
  readonly projectId: string | null
  readonly depth: number
  readonly isArchived: boolean
}

/** What each original becomes: the copy's id by that of the original. */
type Copies = ReadonlyMap<string, string>

/**
 * Copies a page with its blocks, their texts, its tags and its links, and what stands in it: right behind itself. What is
 * linked among the copied leads to the copies.
 * @throws {NotFound | Forbidden | InvalidInput | IdempotencyKeyReused}
 */
export async function duplicatePage(ctx: Context, input: DuplicatePage): Promise<PageRow> {
  await getPage(ctx, input.id, 'block.create')
  const { projectId } = await getPage(ctx, input.id, 'page.create')
  const id = await untilRankIsFree(ctx, () =>
    createOnce(ctx, 'duplicatePage', input, async (tx, viewer) => {
      // Or what is moved, archived or deleted meanwhile would be copied half from where it was, half from where it is.
      await lockSpaces(tx, [projectId])
      const originals = await holdOriginals(tx, input)
      const root = originals.find((one) => one.id === input.id)
      if (root === undefined) throw new NotFound('page', 'page.create', encodeTypeId('page', input.id))
      // Moved or archived since the gate, which is to be asked again.
      if (root.isArchived || originals.some((one) => one.projectId !== projectId)) throw new AccessMoved()
      const pages = originals.filter(({ isArchived }) => !isArchived)
      if (pages.length > MAX_COPIED_PAGES) throw tooMuch(`has more than ${MAX_COPIED_PAGES} pages`)
      const copyId = await copy(tx, viewer, { input, root, pages })
      audit(ctx, tx, { action: 'page.create', target: encodeTypeId('page', copyId) })
      return copyId
    }),
  )
  return getPage(ctx, id, 'page.read')
}

function tooMuch(message: string): InvalidInput {
  return new InvalidInput([{ path: ['id'], message }])
}

/** The pages to copy, outermost first, held as they are under the lock of their space, with what the first stands in. */
async function holdOriginals(tx: Transaction, { id, withChildren }: DuplicatePage): Promise<readonly Original[]> {
  const { organizationId } = tx.db
  const among = withChildren ? below(id, organizationId) : sql`${id}::uuid`
  const { rows } = await sql<Original>`
    select id, parent_id as "parentId", project_id as "projectId", depth, archived_at is not null as "isArchived"
    from page where organization_id = ${organizationId}
      and (id in (${among}) or id = (select parent_id from page where id = ${id} and organization_id = ${organizationId}))
    order by id for share`.execute(tx.unscoped)
  const parentId = rows.find((page) => page.id === id)?.parentId
  return rows.filter((page) => page.id !== parentId).toSorted((one, other) => one.depth - other.depth)
}

interface Copying {
  readonly input: DuplicatePage
  readonly root: Original
  readonly pages: readonly Original[]
}

async function copy(tx: Transaction, viewer: ActingViewer, { input, root, pages }: Copying): Promise<string> {
  const pageIds = pages.map(({ id }) => id)
  const blocks = await tx.db
    .from('block')
    .where('block.page_id', '=', sql<string>`any(${pageIds}::uuid[])`)
    .orderBy('block.id')
    .select(['block.id', 'block.is_linking_due as isLinkingDue'])
    .limit(MAX_COPIED_BLOCKS + 1)
    // Or a text could be copied as it was before an edit, and its document as it is after.
    .forShare()
    .execute()
  if (blocks.length > MAX_COPIED_BLOCKS) throw tooMuch(`has more than ${MAX_COPIED_BLOCKS.toLocaleString('en')} blocks`)
  const blockIds = blocks.map(({ id }) => id)
  const copies: Copies = new Map([...pageIds, ...blockIds].map((id) => [id, newUuid(tx.now)]))
  const rank = await rankIn(tx, root, { afterId: root.id, beforeId: null })
  await copyPages(tx, viewer, { input, copies, rank, pageIds })
  await copyBlocks(tx, viewer, copies, blockIds)
  await copyLinks(tx, viewer, copies, blockIds)
  // The links of these are not those of their texts yet.
  const due = blocks.filter(({ isLinkingDue }) => isLinkingDue).flatMap(({ id }) => copies.get(id) ?? [])
  await noteTexts(tx, { organizationId: viewer.organizationId, blockIds: due })
  for (const { id, projectId } of pages) tellProjectOf(tx, { id: copies.get(id) ?? '', projectId }, 'PageAdded')
  tellParents(tx, root.parentId)
  return copies.get(root.id) ?? ''
}

/** What becomes what, as a table of the query. */
function asTable(copies: Copies, ids: readonly string[]): RawBuilder<unknown> {
  const pairs = ids.map((id) => ({ old: id, copy: copies.get(id) }))
  return sql`jsonb_to_recordset(${JSON.stringify(pairs)}::jsonb) as own(old uuid, copy uuid)`
}

async function copyPages(
  tx: Transaction,
  viewer: ActingViewer,
  { input, copies, rank, pageIds }: { input: DuplicatePage; copies: Copies; rank: string; pageIds: readonly string[] },
): Promise<void> {
  const author = authorIdOf(viewer)
  const isRoot = sql`page.id = ${input.id}`
  await sql`
    with own as (select * from ${asTable(copies, pageIds)})
    insert into page (id, organization_id, project_id, parent_id, depth, rank, title, icon, cover_image, language,
      created_by_id, updated_by_id, version, created_at, updated_at)
    select own.copy, page.organization_id, page.project_id,
      case when ${isRoot} then page.parent_id else parent.copy end, page.depth,
      case when ${isRoot} then ${rank} else page.rank end,
      case when ${isRoot} then coalesce(${input.title}, page.title) else page.title end,
      page.icon, page.cover_image, page.language, ${author}::uuid, ${author}::uuid, 1, ${tx.now}::timestamptz, ${tx.now}::timestamptz
    from own join page on page.id = own.old left join own as parent on parent.old = page.parent_id
    where page.organization_id = ${viewer.organizationId}`.execute(tx.unscoped)
  await sql`
    insert into page_tag (page_id, tag_id, organization_id, created_at)
    select own.copy, page_tag.tag_id, page_tag.organization_id, ${tx.now}::timestamptz
    from ${asTable(copies, pageIds)} join page_tag on page_tag.page_id = own.old
    where page_tag.organization_id = ${viewer.organizationId}`.execute(tx.unscoped)
}

async function copyBlocks(
  tx: Transaction,
  viewer: ActingViewer,
  copies: Copies,
  blockIds: readonly string[],
): Promise<void> {
  const author = authorIdOf(viewer)
  await sql`
    with own as (select * from ${asTable(copies, [...copies.keys()])})
    insert into block (id, organization_id, page_id, parent_id, depth, type, content, aside, text, text_version,
      is_linking_due, position, created_by_id, updated_by_id, version, created_at, updated_at)
    select own.copy, block.organization_id, page.copy, parent.copy, block.depth, block.type, block.content, block.aside,
      block.text, 1, false, block.position, ${author}::uuid, ${author}::uuid, 1, ${tx.now}::timestamptz, ${tx.now}::timestamptz
    from own join block on block.id = own.old join own as page on page.old = block.page_id
      left join own as parent on parent.old = block.parent_id
    where block.organization_id = ${viewer.organizationId}`.execute(tx.unscoped)
  // A text without a document of its own has the one that follows from its block, which is another of the copy's.
  await sql`
    insert into block_text (block_id, organization_id, state, editors)
    select own.copy, block_text.organization_id, block_text.state, '{"minute": 0, "ids": []}'::jsonb
    from ${asTable(copies, blockIds)} join block_text on block_text.block_id = own.old
    where block_text.organization_id = ${viewer.organizationId}`.execute(tx.unscoped)
}

/** A link that was made leads from the copy to the copy; one that the text says leads where the text says. */
async function copyLinks(
  tx: Transaction,
  viewer: ActingViewer,
  copies: Copies,
  blockIds: readonly string[],
): Promise<void> {
  const links = await tx.db
    .from('link')
    .where('link.source_block_id', '=', sql<string>`any(${blockIds}::uuid[])`)
    .select([
      'link.source_block_id as source',
      'link.kind',
      'link.target_id as target',
      'link.url',
      'link.in_text as inText',
      'link.is_explicit as isExplicit',
    ])
    .execute()
  const rows = links.flatMap((link) =>
    asCopied(link, copies).map((copied) => ({ ...copied, id: newUuid(tx.now), source: copies.get(link.source) })),
  )
  if (rows.length === 0) return
  await sql`
    insert into link (id, organization_id, source_block_id, kind, target_id, url, in_text, is_explicit, created_by_id, created_at)
    select id, ${viewer.organizationId}::uuid, source, kind, target, url, "inText", "isExplicit",
      ${authorIdOf(viewer)}::uuid, ${tx.now}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as copied(id uuid, source uuid, kind text, target uuid, url text, "inText" boolean, "isExplicit" boolean)
    on conflict do nothing`.execute(tx.unscoped)
}

type CopiedLink = Pick<Link, 'kind' | 'url' | 'inText' | 'isExplicit'> & { readonly target: string | null }

function asCopied(link: CopiedLink, copies: Copies): CopiedLink[] {
  const target = link.target === null ? undefined : copies.get(link.target)
  if (target === undefined || !link.isExplicit) return [link]
  const made = { ...link, target, inText: false }
  return link.inText ? [{ ...link, isExplicit: false }, made] : [made]
}
