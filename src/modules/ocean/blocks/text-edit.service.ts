import { type BlockContent, type BlockType, textlessTypes } from '../../../lib/block-content.ts'
import { canonicalJson } from '../../../lib/hash.ts'
import { applyEdit, IncompleteEdit, replaceText, stateVectorOf, type TextChange } from '../../../lib/rich-text.ts'
import { type ActingViewer, authorIdOf, type Context } from '../../../platform/context.ts'
import { jsonb } from '../../../platform/database/jsonb.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { EditConflict, InvalidInput, UserError } from '../../../platform/errors.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { audit } from '../../audit/audit.service.ts'
import { onPage } from '../pages/page.events.ts'
import type { PageRow } from '../pages/page.reads.ts'
import type { BlockRow } from './block.reads.ts'
import { getBlock } from './block.service.ts'
import { blaming, blockTarget, changeText, touchPage } from './block-text.service.ts'
import { expectStanding, findStanding } from './placement.service.ts'

/** An update builds on changes that never came here: nothing of it was taken. */
export class MissingDependencies extends UserError {
  readonly code = 'MISSING_DEPENDENCIES'
  /** What the document here has seen: its Yjs state vector, in base64. */
  readonly stateVector: string
  constructor(stateVector: Uint8Array) {
    super('This builds on changes that are not here. Send all that is not in the state vector.')
    this.stateVector = Buffer.from(stateVector).toString('base64')
  }
}

/** What a client did to a text. */
export interface EditBlockText {
  readonly id: string
  /** A Yjs update. */
  readonly update: Uint8Array
}

/**
 * Merges what a client did into a block's text. What is known already changes nothing: an update whose answer was lost can
 * be sent again.
 * @throws {NotFound | Forbidden | InvalidInput | MissingDependencies}
 */
export async function editBlockText(ctx: Context, { id, update }: EditBlockText): Promise<BlockRow> {
  const { page } = await getBlock(ctx, id, 'block.edit_text')
  await transact(ctx, async (tx) => {
    const viewer = requireViewer(ctx)
    await touchPage(tx, viewer, page)
    await changeText(ctx, tx, viewer, { blockId: id, page, isTyping: true }, (state, { type }) => {
      refuseTextless('update', type)
      return merged(state, update)
    })
  })
  return (await getBlock(ctx, id, 'block.read')).block
}

function merged(state: Uint8Array, update: Uint8Array): TextChange {
  return blaming('update', () => {
    try {
      return applyEdit(state, update)
    } catch (error) {
      if (error instanceof IncompleteEdit) throw new MissingDependencies(stateVectorOf(state))
      throw error
    }
  })
}

/** What is to be different about a block; null stays as it is. */
export interface UpdateBlock {
  readonly id: string
  /** Checks what was given by the rules of a type. @throws {InvalidInput} */
  readonly contentFor: ((type: BlockType) => BlockContent) | null
  readonly text: string | null
  readonly expectedVersion: number | null
  readonly expectedTextVersion: number | null
}

/**
 * Replaces the content of a block as a whole, and its text where it differs: who types elsewhere in it goes on.
 * @throws {NotFound | Forbidden | InvalidInput | EditConflict}
 */
export async function updateBlock(ctx: Context, input: UpdateBlock): Promise<BlockRow> {
  const { id, contentFor } = input
  const { page } = await getBlock(ctx, id, 'block.update')
  if (input.text !== null) await getBlock(ctx, id, 'block.edit_text')
  await transact(ctx, async (tx) => {
    const viewer = requireViewer(ctx)
    await touchPage(tx, viewer, page)
    const block = await findStanding(tx, page.id, id, { isLocked: true })
    expectVersions(block, input)
    const content = contentFor === null ? null : contentFor(block.type)
    // A change of the text asks for itself where the page stands.
    if (input.text === null) await expectStanding(tx, page)
    else await setText(ctx, tx, viewer, page, id, input.text)
    if (content !== null && canonicalJson(content) !== canonicalJson(block.content))
      await setContent(ctx, tx, viewer, block, content)
  })
  return (await getBlock(ctx, id, 'block.read')).block
}

function expectVersions({ id, version, textVersion }: BlockRow, expected: UpdateBlock): void {
  const { expectedVersion = null, expectedTextVersion = null } = expected
  const isOther = expectedVersion !== null && expectedVersion !== version
  const isOtherText = expectedTextVersion !== null && expectedTextVersion !== textVersion
  if (isOther || isOtherText) throw new EditConflict(blockTarget(id))
}

async function setText(
  ctx: Context,
  tx: Transaction,
  viewer: ActingViewer,
  page: PageRow,
  blockId: string,
  text: string,
): Promise<void> {
  await changeText(ctx, tx, viewer, { blockId, page, isTyping: true }, (state, { type }) => {
    if (text !== '') refuseTextless('text', type)
    return blaming('text', () => replaceText(state, text))
  })
}

async function setContent(
  ctx: Context,
  tx: Transaction,
  viewer: ActingViewer,
  { id, pageId }: BlockRow,
  content: BlockContent,
): Promise<void> {
  const { organizationId } = viewer
  await tx.unscoped
    .updateTable('block')
    .set((on) => ({
      content: jsonb(content),
      version: on('version', '+', 1),
      updated_at: tx.now,
      updated_by_id: authorIdOf(viewer),
    }))
    .where('id', '=', id)
    .where('organization_id', '=', organizationId)
    .execute()
  tx.record(onPage({ organizationId, pageId }, { type: 'BlockUpdated', blockId: id }))
  audit(ctx, tx, { action: 'block.update', target: blockTarget(id) })
}

function refuseTextless(field: string, type: BlockType): void {
  if (textlessTypes.has(type)) throw new InvalidInput([{ path: [field], message: 'this type has none' }])
}
