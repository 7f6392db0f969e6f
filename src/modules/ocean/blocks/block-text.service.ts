import type { BlockType } from '../../../lib/block-content.ts'
import { seedState, type TextChange, UnfitEdit } from '../../../lib/rich-text.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import { type ActingViewer, authorIdOf, type Context } from '../../../platform/context.ts'
import { jsonb } from '../../../platform/database/jsonb.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { AccessMoved, InvalidInput } from '../../../platform/errors.ts'
import { audit } from '../../audit/audit.service.ts'
import { noteTyping } from '../links/linking.service.ts'
import { onPage } from '../pages/page.events.ts'
import type { PageRow } from '../pages/page.reads.ts'
import type { TextEditors } from './block-text.entity.ts'

/** Whose text is to change: a block, and its page as the gate found it. */
export interface TextPlace {
  readonly blockId: string
  readonly page: Pick<PageRow, 'id' | 'projectId'>
  /** The text is all that changes: the trail gets one row for each actor, block and minute. Else the caller writes one. */
  readonly isTyping?: boolean
}

/** A block's text while it is locked. */
export interface LockedText {
  readonly type: BlockType
  readonly text: string
  readonly textVersion: number
  /** Of the whole block; a change of its text leaves it as it is. */
  readonly version: number
  /** A job is on its way that looks for links in it. */
  readonly isLinkingDue: boolean
}

/** A change of a text, and the version the text has by it. */
export interface NotedChange extends TextChange {
  readonly textVersion: number
}

/**
 * Changes the text of a block under the lock of its row, which is held until the commit; whoever changes structure as well
 * has locked the page before. Watchers of the page hear of it. `edit` is given the document; when it changes nothing,
 * nothing is written.
 * @throws {AccessMoved} when the block or its page is no longer there: the gate is to be asked again
 */
export async function changeText(
  ctx: Context,
  tx: Transaction,
  viewer: ActingViewer,
  { blockId, page, isTyping = false }: TextPlace,
  edit: (state: Uint8Array, block: LockedText) => TextChange,
): Promise<NotedChange> {
  const { organizationId } = viewer
  const { state, editors, ...block } = await lockText(tx, blockId, page)
  const change = edit(state, block)
  if (!change.isChanged) return { ...change, textVersion: block.textVersion }
  const textVersion = block.textVersion + 1
  const noted = isTyping ? editorsWith(editors, actorIdOf(viewer), tx.now) : null
  await tx.unscoped
    .with('written', (on) =>
      on
        .updateTable('block')
        .set({
          text: change.text,
          text_version: textVersion,
          is_linking_due: true,
          updated_by_id: authorIdOf(viewer),
          updated_at: tx.now,
        })
        .where('id', '=', blockId)
        .where('organization_id', '=', organizationId),
    )
    .insertInto('block_text')
    .values({
      block_id: blockId,
      organization_id: organizationId,
      state: Buffer.from(change.state),
      editors: jsonb<TextEditors>(noted ?? editors ?? { minute: 0, ids: [] }),
    })
    .onConflict((conflict) =>
      conflict
        .column('block_id')
        .doUpdateSet((on) => ({ state: on.ref('excluded.state'), editors: on.ref('excluded.editors') }))
        .where('block_text.organization_id', '=', organizationId),
    )
    .execute()
  if (!block.isLinkingDue) await noteTyping(tx, organizationId, blockId)
  if (noted !== null && noted !== editors) audit(ctx, tx, { action: 'block.edit_text', target: blockTarget(blockId) })
  const update = Buffer.from(change.update).toString('base64')
  tx.record(onPage({ organizationId, pageId: page.id }, { type: 'BlockTextChanged', blockId, update, textVersion }))
  return { ...change, textVersion }
}

interface Document {
  readonly state: Uint8Array
  readonly editors: TextEditors | null
  /** Whether a job is on its way already that looks for links in it. */
  readonly isLinkingDue: boolean
}

/**
 * A block's text with its document, under the lock of its row. @throws {AccessMoved} when the block or its page is no
 * longer there
 */
export async function lockText(
  tx: Transaction,
  blockId: string,
  page: TextPlace['page'],
): Promise<LockedText & Document> {
  const block = await tx.db
    .from('block')
    .select(['block.type', 'block.text', 'block.text_version as textVersion', 'block.version'])
    .select('block.is_linking_due as isLinkingDue')
    .where('block.id', '=', blockId)
    .where('block.page_id', '=', page.id)
    .forUpdate()
    .executeTakeFirst()
  if (block === undefined) throw new AccessMoved()
  const { state, editors } = await readDocument(tx, blockId, page)
  return { ...block, state: state ?? seedState(blockId, block.text), editors }
}

/** Runs a change of a document for which an input's field is to blame when it cannot be made. @throws {InvalidInput} */
export function blaming<Result>(field: string, change: () => Result): Result {
  try {
    return change()
  } catch (error) {
    if (error instanceof UnfitEdit) throw new InvalidInput([{ path: [field], message: error.message }])
    throw error
  }
}

/** The id of a block as the trail and conflicts name it. */
export function blockTarget(blockId: string): string {
  return encodeTypeId('block', blockId)
}

const TOUCH_AFTER_MILLIS = 60_000

/**
 * Notes on the page who types on it, once a minute at most: its row is the lock of its structure. Belongs before
 * `changeText`. Whoever holds the lock just now notes themselves.
 */
export async function touchPage(tx: Transaction, viewer: ActingViewer, page: PageRow): Promise<void> {
  if (tx.now.getTime() - page.updatedAt.getTime() < TOUCH_AFTER_MILLIS) return
  const free = tx.db.from('page').select('page.id').where('page.id', '=', page.id).forNoKeyUpdate().skipLocked()
  await tx.unscoped
    .updateTable('page')
    .set({ updated_at: tx.now, updated_by_id: authorIdOf(viewer) })
    .where('id', 'in', free)
    .where('organization_id', '=', viewer.organizationId)
    .execute()
}

// In a statement of its own: one that waited for the lock would show what was there before the wait.
async function readDocument(tx: Transaction, blockId: string, page: TextPlace['page']) {
  const found = await tx.db
    .from('page')
    .leftJoin('block_text', (join) =>
      join.on('block_text.block_id', '=', blockId).onRef('block_text.organization_id', '=', 'page.organization_id'),
    )
    .select(['block_text.state', 'block_text.editors'])
    .where('page.id', '=', page.id)
    .where('page.project_id', 'is not distinct from', page.projectId)
    .where('page.archived_at', 'is', null)
    .executeTakeFirst()
  if (found === undefined) throw new AccessMoved()
  return found
}

/** Who edited in this minute, with one more; the same when they are known. */
function editorsWith(editors: TextEditors | null, id: string, now: Date): TextEditors {
  const minute = Math.floor(now.getTime() / 60_000)
  if (editors === null || editors.minute !== minute) return { minute, ids: [id] }
  return editors.ids.includes(id) ? editors : { minute, ids: [...editors.ids, id] }
}

/** Whom the trail names: keys have names of their own. */
function actorIdOf(viewer: ActingViewer): string {
  return viewer.kind === 'api_key' ? viewer.apiKeyId : authorIdOf(viewer)
}
