import { setTimeout as pause } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { readTape, type Thought, tapeOf } from '../../../lib/answer-tape.ts'
import type { TokenUsage } from '../../../lib/token-usage.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Platform } from '../../../platform/context.ts'
import { jsonb } from '../../../platform/database/jsonb.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { systemContext } from '../../../platform/system-context.ts'
import { settleCharge } from '../../usage/charges/settlement.service.ts'
import type { Citation, MessageStatus, Segment } from '../messages/message.entity.ts'
import { chatChannel, messageFinished } from '../sessions/chat-session.events.ts'
import { cancelToolCalls } from '../tools/tool-call.service.ts'
import { type Reading, spentBy } from './meter.service.ts'

/** An answer that is being written, and as whom: a writer with an older fence has lost it. */
export interface Generation {
  readonly messageId: string
  readonly fence: number
}

/** An answer as far as it has come. */
export interface Draft {
  readonly content: string
  readonly thoughts: readonly Thought[]
  readonly citations: readonly Citation[]
  readonly segments: readonly Segment[]
  readonly usage: TokenUsage | null
  /** Null where the answer costs nothing. */
  readonly reading: Reading | null
}

/** What became of an answer; what is left out of its draft stays as it was checkpointed. */
export interface GenerationEnd {
  readonly status: Exclude<MessageStatus, 'STREAMING'>
  readonly failureCode?: string
  readonly draft: Pick<Draft, 'content' | 'thoughts' | 'usage' | 'reading'> & Partial<Draft>
}

const OTHERS_END_MILLIS = 5_000
const OTHERS_PAUSE_MILLIS = 50

/** Whatever else belongs in the transaction of an end. */
type Beside = (tx: Transaction) => void

/** Writes an answer so far to the database and says that its writer is alive; false when it is no longer its own. */
export async function checkpoint(
  { database, clock, settings }: Pick<Platform, 'database' | 'clock' | 'settings'>,
  generation: Generation,
  draft: Draft,
  sql: Kysely<Tables> = database.unscoped,
): Promise<boolean> {
  const now = clock.now()
  const { numUpdatedRows } = await sql
    .updateTable('message')
    .set({ ...columnsOf(draft), updated_at: now, lease_until: after(now, settings.generations.leaseMillis) })
    .where('id', '=', generation.messageId)
    .where('fence', '=', generation.fence)
    .where('status', '=', 'STREAMING')
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** What a draft says, by column; what it does not say is left as it is. */
function columnsOf({ content, thoughts, citations, segments, usage, reading }: GenerationEnd['draft']) {
  return {
    content,
    thoughts: jsonb(thoughts),
    ...(citations !== undefined && { citations: jsonb(citations) }),
    ...(segments !== undefined && { segments: jsonb(segments) }),
    usage: usage === null ? null : jsonb(usage),
    reading: reading === null ? null : jsonb(reading),
  }
}

/**
 * The one end of an answer: compare and swap, with what it is charged and its event. False when somebody else has ended it or
 * taken it over.
 */
export async function finishGeneration(
  platform: Platform,
  generation: Generation,
  end: GenerationEnd,
  beside: Beside = () => undefined,
): Promise<boolean> {
  const { messageId, fence } = generation
  const { draft } = end
  const spent = await spentBy(tapeOf({ text: draft.content, thoughts: draft.thoughts }), draft.reading, draft.usage)
  const hasEnded = await transact(systemContext(platform), async (tx) => {
    const row = await tx.unscoped
      .updateTable('message')
      .set({
        ...columnsOf({ ...draft, usage: spent.usage }),
        status: end.status,
        failure_code: end.failureCode ?? null,
        lease_until: null,
        updated_at: tx.now,
      })
      .where('id', '=', messageId)
      .where('fence', '=', fence)
      .where('status', '=', 'STREAMING')
      .returning(['organization_id as organizationId', 'session_id as sessionId'])
      .executeTakeFirst()
    if (row === undefined) return false
    await cancelToolCalls(tx, messageId)
    tx.record(messageFinished(chatChannel(row.organizationId, row.sessionId), messageId))
    beside(tx)
    const { organizationId } = row
    tx.last(() => settleCharge(tx, platform, { messageId, organizationId }, spent))
    return true
  })
  if (hasEnded) await platform.liveTexts.end(messageId, fence)
  return hasEnded
}

/**
 * Ends an answer whoever writes it: the writer is fenced off first, then the text so far is taken from its stream, so that
 * nobody has been shown more than what stays. False when it had ended already, or is `onlyExpired` and its writer alive.
 */
export async function takeOver(
  platform: Platform,
  messageId: string,
  status: 'CANCELLED' | 'INTERRUPTED',
  { onlyExpired = false, beside }: { readonly onlyExpired?: boolean; readonly beside?: Beside } = {},
): Promise<boolean> {
  const { database, clock, settings, liveTexts } = platform
  const now = clock.now()
  const taking = database.unscoped
    .updateTable('message')
    .set((on) => ({ fence: on('fence', '+', 1), lease_until: after(now, settings.generations.leaseMillis) }))
    .where('id', '=', messageId)
    .where('status', '=', 'STREAMING')
    .returning(['fence', 'content', 'thoughts', 'usage', 'reading'])
  const taken = await (onlyExpired ? taking.where('lease_until', '<=', now) : taking).executeTakeFirst()
  if (taken === undefined) return false
  const saved = tapeOf({ text: taken.content, thoughts: taken.thoughts })
  const streamed = await liveTexts.seal(messageId, taken.fence, saved.length)
  const { text, thoughts } = readTape(saved + streamed)
  const end = { status, draft: { content: text, thoughts, usage: taken.usage, reading: taken.reading } }
  if (await finishGeneration(platform, { messageId, fence: taken.fence }, end, beside)) return true
  await untilEnded(platform, messageId)
  return false
}

/** Somebody else has taken it over meanwhile: whoever asked for its end is answered when that has come. */
async function untilEnded({ database, clock }: Platform, messageId: string): Promise<void> {
  const giveUpAt = clock.now().getTime() + OTHERS_END_MILLIS
  while (clock.now().getTime() < giveUpAt) {
    const query = database.unscoped.selectFrom('message').select('status').where('id', '=', messageId)
    if ((await query.executeTakeFirst())?.status !== 'STREAMING') return
    await pause(OTHERS_PAUSE_MILLIS)
  }
}

/** The tapes of answers that are being written, as far as the database has them. */
export async function readCheckpoints(sql: Kysely<Tables>, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql.selectFrom('message').select(['id', 'content', 'thoughts']).where('id', 'in', ids).execute()
  return new Map(rows.map(({ id, content, thoughts }) => [id, tapeOf({ text: content, thoughts })]))
}

/** Who the answer's log lines are about. */
export function generationName(messageId: string): string {
  return encodeTypeId('message', messageId)
}

function after(now: Date, millis: number): Date {
  return new Date(now.getTime() + millis)
}
