import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Thought } from '../../../lib/answer-tape.ts'
import type { TokenUsage } from '../../../lib/token-usage.ts'
import type { JsonObject } from '../../../platform/channels/channel.entity.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { notingTextChanges } from '../../../platform/database/text-change.entity.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'
import type { Reading } from '../generations/meter.service.ts'
import { ChatSession } from '../sessions/chat-session.entity.ts'

export const messageRoles = ['USER', 'ASSISTANT'] as const
export type MessageRole = (typeof messageRoles)[number]

export const messageStatuses = ['STREAMING', 'COMPLETED', 'FAILED', 'CANCELLED', 'INTERRUPTED'] as const
export type MessageStatus = (typeof messageStatuses)[number]

/** A quotation, and where it is from. */
export interface Citation {
  readonly pageId: string
  readonly blockId: string
  readonly quote: string
}

/** A stretch of an answer by one model; it ends where the next one begins. */
export interface Segment {
  /** UTF-16 units of the text that come before it. */
  readonly at: number
  readonly providerId: string
  readonly modelId: string
}

/** The name of the constraint that lets one answer be written at a time. */
export const oneAnswerAtATime = 'message_one_streaming_unique'

export const MessageSchema = defineEntity({
  name: 'Message',
  tableName: 'message',
  indexes: [
    { properties: ['session', 'id'] },
    { properties: ['session', 'parentId'] },
    { properties: ['branchId', 'id'] },
    {
      name: oneAnswerAtATime,
      expression: `create unique index "${oneAnswerAtATime}" on "message" ("session_id") where "status" = 'STREAMING'`,
    },
    {
      name: 'message_lease_index',
      expression: `create index "message_lease_index" on "message" ("lease_until") where "status" = 'STREAMING'`,
    },
  ],
  // Not while it is being written.
  triggers: [notingTextChanges('MESSAGE', ['content', 'status'], `new.status <> 'STREAMING'`)],
  properties: {
    id: p.uuid().primary(),
    // The index is for what an organization's end deletes.
    organization: () => p.manyToOne(Organization).mapToPk().index(),
    session: () => p.manyToOne(ChatSession).mapToPk(),
    /**
     * What it follows: an answer its question, a question the answer before it; null for what nothing went before. Not a foreign
     * key: messages go with their session, all at once.
     */
    parentId: p.uuid().nullable(),
    /**
     * The first message of a run in which each follows the one before: what follows a message as the first does is in the run of
     * that, any other begins one.
     */
    branchId: p.uuid(),
    role: p.string().length(16).$type<MessageRole>(),
    /** A person, or an agent; null for what a model wrote. */
    authorId: p.uuid().nullable(),
    /** Of an answer that is being written: as far as it was checkpointed. */
    content: p.text(),
    citations: p.json<readonly Citation[]>(),
    /** With the content it is the tape of an answer: see `lib/answer-tape.ts`. */
    thoughts: p.json<readonly Thought[]>().defaultRaw("'[]'"),
    segments: p.json<readonly Segment[]>().defaultRaw("'[]'"),
    /** Of all steps of an answer together; null where no provider said. */
    usage: p.json<TokenUsage>().nullable(),
    /** The list of prices it is charged by; null where it costs nothing. */
    priceVersion: p.string().length(128).nullable(),
    /** How far an answer that costs something has come; null where it costs nothing. */
    reading: p.json<Reading>().nullable(),
    /** What front ends keep with a question; nothing here acts on it. */
    metadata: p.json<JsonObject>().defaultRaw("'{}'"),
    status: p.string().length(16).$type<MessageStatus>(),
    /** Why it failed or broke off, for programs; null unless it did. */
    failureCode: p.string().length(32).nullable(),
    modelId: p.string().length(128).nullable(),
    /** Of the writers of an answer the one with the highest number is the rightful one. */
    fence: p.integer(),
    /** Until when the writer is taken to be alive; null unless one writes. */
    leaseUntil: p.datetime().nullable(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
})

/** One thing said in a session. */
export class Message extends MessageSchema.class {}
MessageSchema.setClass(Message)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    message: Table<typeof MessageSchema>
  }
}
