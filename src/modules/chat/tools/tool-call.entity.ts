import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'
import { ChatSession } from '../sessions/chat-session.entity.ts'

export const toolCallStatuses = [
  'AWAITING_APPROVAL',
  'APPROVED',
  'RUNNING',
  'COMPLETED',
  'FAILED',
  'REJECTED',
  'EXPIRED',
  'CANCELLED',
] as const
export type ToolCallStatus = (typeof toolCallStatuses)[number]

/** What an outcome was read from: whoever may not read all of it does not see the outcome. */
export interface ToolSources {
  readonly pageIds: readonly string[]
  readonly projectIds: readonly string[]
}

export const ToolCallSchema = defineEntity({
  name: 'ToolCall',
  tableName: 'tool_call',
  indexes: [{ properties: ['messageId', 'id'] }],
  properties: {
    id: p.uuid().primary(),
    // The index is for what an organization's end deletes.
    organization: () => p.manyToOne(Organization).mapToPk().index(),
    session: () => p.manyToOne(ChatSession).mapToPk().index(),
    /** The answer. Not a foreign key: calls go with their session, all at once. */
    messageId: p.uuid(),
    name: p.string().length(64),
    /** As the model wrote it, in bounds; null when it was no JSON. Never changed: an approval is for exactly this. */
    input: p.json<unknown>().nullable(),
    /** SHA-256 of the name and the input, in hex. */
    digest: p.string().length(64),
    /** How much of the answer's tape comes before it: see `lib/answer-tape.ts`. */
    tapeLength: p.integer(),
    status: p.string().length(32).$type<ToolCallStatus>(),
    /** Null until it has ended. */
    output: p.json<unknown>().nullable(),
    sources: p.json<ToolSources>(),
    /** Who is answered, and so who may approve it: a person or an agent. */
    askedById: p.uuid(),
    /** The key it was asked with; null for a person and an agent, who are named by `askedById`. */
    askedWithKeyId: p.uuid().nullable(),
    /** Until when it can be approved; null where nobody has to. */
    expiresAt: p.datetime().nullable(),
    /** Who approved or rejected it: a person or an agent. */
    decidedById: p.uuid().nullable(),
    createdAt: p.datetime(),
    endedAt: p.datetime().nullable(),
  },
})

/** Something that a model wanted done while it wrote an answer. */
export class ToolCall extends ToolCallSchema.class {}
ToolCallSchema.setClass(ToolCall)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    tool_call: Table<typeof ToolCallSchema>
  }
}
