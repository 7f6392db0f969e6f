import { linkKey, type TextLink } from '../../../lib/text-links.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Action } from '../../../platform/access.ts'
import { type ActingViewer, authorIdOf, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { AccessMoved, InvalidInput, NotFound, UserError } from '../../../platform/errors.ts'
import { pass, requireViewer } from '../../../platform/gate.ts'
import { createOnce } from '../../../platform/idempotency.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { type BlockRow, findBlock } from '../blocks/block.reads.ts'
import { getBlock } from '../blocks/block.service.ts'
import { expectStanding } from '../blocks/placement.service.ts'
import { onPage } from '../pages/page.events.ts'
import { findPage, type PageRow } from '../pages/page.reads.ts'
import { findLink, LINK_TARGET, type LinkRow } from './link.reads.ts'

/** How many links are made beside its text from one block at most. */
export const MAX_EXPLICIT_LINKS = 100

/** The block's text says the link: it goes when the text says it no more. Nothing was changed. */
export class LinkStandsInText extends UserError {
  readonly code = 'LINK_STANDS_IN_TEXT'
  constructor() {
    super('The text of the block says this link. Take it out of the text.')
  }
}

/** A link to make from a block. */
export interface CreateLink {
  readonly sourceBlockId: string
  readonly target: TextLink
  readonly idempotencyKey: string | null
}

/** Where a link starts: a block, and its page as the gate found it. */
interface Source {
  readonly block: BlockRow
  readonly page: PageRow
}

/**
 * Makes a link beside the text; one that is there already, by whomever, is answered as it is.
 * @throws {NotFound | Forbidden | InvalidInput | IdempotencyKeyReused}
 */
export async function createLink(ctx: Context, input: CreateLink): Promise<LinkRow> {
  const source = await getBlock(ctx, input.sourceBlockId, 'link.create')
  await demandTarget(ctx, input.target)
  const id = await createOnce(ctx, 'createLink', input, async (tx, viewer) => {
    const links = await lockLinks(tx, source)
    audit(ctx, tx, { action: 'link.create', target: encodeTypeId('block', source.block.id) })
    const known = links.find((link) => linkKey(link) === linkKey(input.target))
    if (known?.isExplicit === true) return known.id
    if (links.filter(({ isExplicit }) => isExplicit).length >= MAX_EXPLICIT_LINKS) throw new InvalidInput([tooMany])
    tellOf(tx, viewer, source)
    if (known === undefined) return insert(tx, viewer, input)
    await tx.unscoped
      .updateTable('link')
      .set({ is_explicit: true })
      .where('id', '=', known.id)
      .where('organization_id', '=', viewer.organizationId)
      .execute()
    return known.id
  })
  return (await getLink(ctx, id, 'block.read')).link
}

const tooMany = {
  path: ['sourceBlockId'],
  message: `${MAX_EXPLICIT_LINKS} links were made from the block, which is the most`,
}

/** Takes a link away that was made beside the text. @throws {NotFound | Forbidden | LinkStandsInText} */
export async function deleteLink(ctx: Context, id: string): Promise<{ readonly id: string }> {
  const target = encodeTypeId('link', id)
  const source = await getLink(ctx, id, 'link.delete')
  await transact(ctx, async (tx) => {
    const viewer = requireViewer(ctx)
    const standing = (await lockLinks(tx, source)).find((one) => one.id === id)
    if (standing === undefined) throw new NotFound('link', 'link.delete', target)
    if (standing.inText) throw new LinkStandsInText()
    const gone = tx.unscoped.deleteFrom('link').where('id', '=', id)
    await gone.where('organization_id', '=', viewer.organizationId).execute()
    tellOf(tx, viewer, source)
    audit(ctx, tx, { action: 'link.delete', target })
  })
  return { id }
}

/** The gate: a link the viewer may do this with, which goes by the page it starts from. @throws {NotFound | Forbidden} */
async function getLink(ctx: Context, id: string, action: Action): Promise<Source & { readonly link: LinkRow }> {
  const link = await findLink(ctx, id)
  const block = link === null ? null : await findBlock(ctx, link.sourceBlockId)
  const page = block === null ? null : await findPage(ctx, block.pageId)
  const all = link === null || block === null || page === null ? null : { ...page, link, block }
  const { link: found, block: source, ...its } = pass(ctx, 'link', all, action, encodeTypeId('link', id))
  return { link: found, block: source, page: its }
}

/** What is linked to has to be there for whoever links: else links would tell what is. @throws {NotFound} */
async function demandTarget(ctx: Context, { kind, targetId }: TextLink): Promise<void> {
  if (targetId === null) return
  const target = kind === 'PAGE' ? await findPage(ctx, targetId) : await findBlock(ctx, targetId)
  if (target !== null) return
  throw new NotFound('page or block', 'link.create', encodeTypeId(kind === 'PAGE' ? 'page' : 'block', targetId))
}

/** Holds the row of a block, which is where it was at the gate, and answers its links. @throws {AccessMoved} */
async function lockLinks(tx: Transaction, { block, page }: Source) {
  const blocks = tx.db.from('block').select('block.id').where('block.id', '=', block.id)
  const held = await blocks.where('block.page_id', '=', page.id).forNoKeyUpdate().executeTakeFirst()
  if (held === undefined) throw new AccessMoved()
  await expectStanding(tx, page)
  return tx.db
    .from('link')
    .select(['link.id', 'link.kind', 'link.target_id as targetId', 'link.url'])
    .select(['link.in_text as inText', 'link.is_explicit as isExplicit'])
    .where('link.source_block_id', '=', block.id)
    .execute()
}

async function insert(tx: Transaction, viewer: ActingViewer, { sourceBlockId, target }: CreateLink): Promise<string> {
  const { id } = await tx.unscoped
    .insertInto('link')
    .values({
      id: newUuid(tx.now),
      organization_id: viewer.organizationId,
      source_block_id: sourceBlockId,
      kind: target.kind,
      target_id: target.targetId,
      url: target.url,
      in_text: false,
      is_explicit: true,
      created_by_id: authorIdOf(viewer),
      created_at: tx.now,
    })
    .onConflict((conflict) => conflict.expression(LINK_TARGET).doUpdateSet({ is_explicit: true }))
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

function tellOf(tx: Transaction, { organizationId }: ActingViewer, { block, page }: Source): void {
  tx.record(onPage({ organizationId, pageId: page.id }, { type: 'BlockUpdated', blockId: block.id }))
}
