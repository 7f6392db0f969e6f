import { encodeTypeId } from '../../../lib/typeid.ts'
import { authorIdOf, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { AccessMoved, InvalidInput, NotFound } from '../../../platform/errors.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { audit } from '../../audit/audit.service.ts'
import { tellProjectOf, tellWatchers } from '../pages/page.events.ts'
import type { PageRow } from '../pages/page.reads.ts'
import { getPage } from '../pages/page.service.ts'
import { findTag } from './tag.reads.ts'

/** How many tags a page bears at most. */
export const MAX_PAGE_TAGS = 50

/** Which tag, on which page. */
export interface PageTagging {
  readonly pageId: string
  readonly tagId: string
}

/** Marks a page with a tag; one that bears it already stays as it is. @throws {NotFound | Forbidden | InvalidInput} */
export function tagPage(ctx: Context, tagging: PageTagging): Promise<PageRow> {
  return changeTags(ctx, tagging, async (tx) => {
    const { pageId, tagId } = tagging
    const tag = tx.db.from('tag').select('tag.id').where('tag.id', '=', tagId)
    // Until the commit it cannot be deleted.
    const isThere = (await tag.forKeyShare().executeTakeFirst()) !== undefined
    if (!isThere) throw noTag(tagId)
    const marks = await tx.db
      .from('page_tag')
      .select('page_tag.tag_id')
      .where('page_tag.page_id', '=', pageId)
      .execute()
    if (marks.some((mark) => mark.tag_id === tagId)) return false
    if (marks.length >= MAX_PAGE_TAGS) {
      throw new InvalidInput([{ path: ['tagId'], message: `the page bears ${MAX_PAGE_TAGS} tags, which is the most` }])
    }
    const organizationId = requireViewer(ctx).organizationId
    const mark = { page_id: pageId, tag_id: tagId, organization_id: organizationId, created_at: tx.now }
    await tx.unscoped.insertInto('page_tag').values(mark).execute()
    return true
  })
}

/** Takes a tag off a page; one that does not bear it stays as it is. @throws {NotFound | Forbidden} */
export function untagPage(ctx: Context, tagging: PageTagging): Promise<PageRow> {
  return changeTags(ctx, tagging, async (tx) => {
    const { numDeletedRows } = await tx.unscoped
      .deleteFrom('page_tag')
      .where('page_id', '=', tagging.pageId)
      .where('tag_id', '=', tagging.tagId)
      .where('organization_id', '=', requireViewer(ctx).organizationId)
      .executeTakeFirst()
    return numDeletedRows > 0n
  })
}

/** Changes a page's tags under the lock of its row; `change` says whether it did anything. */
async function changeTags(
  ctx: Context,
  { pageId, tagId }: PageTagging,
  change: (tx: Transaction) => Promise<boolean>,
): Promise<PageRow> {
  const page = await getPage(ctx, pageId, 'page.tag')
  if ((await findTag(ctx, tagId)) === null) throw noTag(tagId)
  await transact(ctx, async (tx) => {
    await lockPage(tx, page)
    if (await change(tx)) await touch(ctx, tx, page)
    audit(ctx, tx, { action: 'page.tag', target: encodeTypeId('page', pageId) })
  })
  return getPage(ctx, pageId, 'page.read')
}

/** Holds the row of a page, which is where it was at the gate. @throws {NotFound | AccessMoved} */
async function lockPage(tx: Transaction, { id, projectId }: PageRow): Promise<void> {
  const pages = tx.db.from('page').where('page.id', '=', id).select(['page.project_id', 'page.archived_at'])
  const held = await pages.forNoKeyUpdate().executeTakeFirst()
  if (held === undefined) throw new NotFound('page', 'page.tag', encodeTypeId('page', id))
  if (held.project_id !== projectId || held.archived_at !== null) throw new AccessMoved()
}

/** Tells whoever watches the page, or its project. */
async function touch(ctx: Context, tx: Transaction, page: PageRow): Promise<void> {
  const viewer = requireViewer(ctx)
  await tx.unscoped
    .updateTable('page')
    .set((on) => ({ version: on('version', '+', 1), updated_at: tx.now, updated_by_id: authorIdOf(viewer) }))
    .where('id', '=', page.id)
    .where('organization_id', '=', viewer.organizationId)
    .execute()
  tellWatchers(tx, page)
  tellProjectOf(tx, page, 'PageChanged')
}

function noTag(id: string): NotFound {
  return new NotFound('tag', 'page.tag', encodeTypeId('tag', id))
}
