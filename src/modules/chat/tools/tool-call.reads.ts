import type { Context } from '../../../platform/context.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'
import { findPage } from '../../ocean/pages/page.reads.ts'
import { findProject } from '../../projects/project.reads.ts'
import { findChatSession } from '../sessions/chat-session.reads.ts'
import type { ToolCallStatus, ToolSources } from './tool-call.entity.ts'

/** A call of a tool as the graph shows it. */
export interface ToolCallRow {
  readonly id: string
  readonly sessionId: string
  readonly messageId: string
  readonly name: string
  readonly input: unknown
  readonly digest: string
  readonly tapeLength: number
  readonly status: ToolCallStatus
  readonly output: unknown
  readonly sources: ToolSources
  readonly askedById: string
  readonly askedWithKeyId: string | null
  readonly expiresAt: Date | null
  readonly decidedById: string | null
  readonly createdAt: Date
  readonly endedAt: Date | null
}

const columns = [
  'tool_call.id',
  'tool_call.session_id as sessionId',
  'tool_call.message_id as messageId',
  'tool_call.name',
  'tool_call.input',
  'tool_call.digest',
  'tool_call.tape_length as tapeLength',
  'tool_call.status',
  'tool_call.output',
  'tool_call.sources',
  'tool_call.asked_by_id as askedById',
  'tool_call.asked_with_key_id as askedWithKeyId',
  'tool_call.expires_at as expiresAt',
  'tool_call.decided_by_id as decidedById',
  'tool_call.created_at as createdAt',
  'tool_call.ended_at as endedAt',
] as const

const toolCallById = defineLoader<string, ToolCallRow>({
  name: 'toolCallById',
  batch: async (db, ids) => {
    const rows = await db.from('tool_call').select(columns).where('tool_call.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

const toolCallsByMessage = defineLoader<string, readonly ToolCallRow[]>({
  name: 'toolCallsByMessage',
  batch: async (db, messageIds) => {
    const query = db.from('tool_call').select(columns).where('tool_call.message_id', 'in', messageIds)
    return Map.groupBy(await query.orderBy('tool_call.id').execute(), ({ messageId }) => messageId)
  },
})

/** Finds a call in a session the viewer takes part in, or null. */
export async function findToolCall(ctx: Context, id: string): Promise<ToolCallRow | null> {
  const call = await load(ctx, toolCallById, id)
  return call !== null && (await findChatSession(ctx, call.sessionId)) !== null ? call : null
}

/** The calls of a message the viewer has read already, in order. */
export async function listToolCalls(ctx: Context, messageId: string): Promise<readonly ToolCallRow[]> {
  return (await load(ctx, toolCallsByMessage, messageId)) ?? []
}

/** Whether the viewer may read, today, all that the outcome of a call was read from. */
export async function mayReadOutcome(ctx: Context, { sources }: ToolCallRow): Promise<boolean> {
  const found = await Promise.all([
    ...sources.pageIds.map((id) => findPage(ctx, id)),
    ...sources.projectIds.map((id) => findProject(ctx, id)),
  ])
  return found.every((one) => one !== null)
}
