import { type BlockContent, type BlockType, textlessTypes } from '../../../lib/block-content.ts'
import { type Conversion, convert, foldedRuns } from '../../../lib/block-conversion.ts'
import { appendRuns, replaceText } from '../../../lib/rich-text.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import { type ActingViewer, authorIdOf, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { EditConflict, UserError } from '../../../platform/errors.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { audit } from '../../audit/audit.service.ts'
import { noteTexts } from '../links/linking.service.ts'
import { onPage } from '../pages/page.events.ts'
import type { BlockRow } from './block.reads.ts'
import { getBlock } from './block.service.ts'
import { blaming, changeText } from './block-text.service.ts'
import { findStanding, lockPages } from './placement.service.ts'

/** The type shows no text, and the block has some, or would have; nothing was changed. */
export class WouldLoseText extends UserError {
  readonly code = 'WOULD_LOSE_TEXT'
  constructor() {
    super('A block of that type shows no text, and this one says something. Take that away first.')
  }
}

/** What a block is to become. */
export interface ConvertBlock {
  readonly id: string
  readonly type: BlockType
  /** The fields of the new content that are said, and no others. */
  readonly content: BlockContent
  readonly expectedVersion: number | null
}

/**
 * Makes a block one of another type; see `lib/block-conversion.ts` for what becomes of what it has. Its id, children,
 * links and author stay.
 * @throws {NotFound | Forbidden | EditConflict | WouldLoseText | InvalidInput} the last when its text gets too long
 */
export async function convertBlock(ctx: Context, input: ConvertBlock): Promise<BlockRow> {
  const { id, type, expectedVersion } = input
  const { page } = await getBlock(ctx, id, 'block.convert')
  const target = encodeTypeId('block', id)
  await transact(ctx, async (tx) => {
    const viewer = requireViewer(ctx)
    await lockPages(tx, viewer, page)
    const block = await findStanding(tx, page.id, id, { isLocked: true })
    if (expectedVersion !== null && block.version !== expectedVersion) throw new EditConflict(target)
    const conversion = convert(block, type, input.content)
    if (textlessTypes.has(type) && conversion.text !== '') throw new WouldLoseText()
    if (conversion.text !== block.text) {
      await changeText(ctx, tx, viewer, { blockId: id, page }, (state) =>
        blaming('type', () => retold(state, conversion)),
      )
    }
    await store(tx, viewer, block, type, conversion)
    // In code what is written out is not followed.
    const isLinkedAnew = (type === 'CODE') !== (block.type === 'CODE')
    if (isLinkedAnew) await noteTexts(tx, { organizationId: viewer.organizationId, blockIds: [id] })
    const place = { organizationId: viewer.organizationId, pageId: page.id }
    tx.record(onPage(place, { type: 'BlockConverted', blockId: id }))
    audit(ctx, tx, { action: 'block.convert', target })
  })
  return (await getBlock(ctx, id, 'block.read')).block
}

function retold(state: Uint8Array, conversion: Conversion) {
  return conversion.folded.length === 0
    ? replaceText(state, conversion.text)
    : appendRuns(state, foldedRuns(conversion))
}

async function store(
  tx: Transaction,
  viewer: ActingViewer,
  { id }: BlockRow,
  type: BlockType,
  { content, aside }: Conversion,
): Promise<void> {
  await tx.unscoped
    .updateTable('block')
    .set((on) => ({
      type,
      content,
      aside,
      version: on('version', '+', 1),
      updated_at: tx.now,
      updated_by_id: authorIdOf(viewer),
    }))
    .where('id', '=', id)
    .where('organization_id', '=', viewer.organizationId)
    .execute()
}
