import { defineEntity, p } from '@mikro-orm/postgresql'
import type { JsonObject } from '../../../platform/channels/channel.entity.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'
import { User } from '../../accounts/users/user.entity.ts'
import { Project } from '../../projects/project.entity.ts'

/** Whether a tool that changes something asks first. */
export const toolApprovals = ['ASK', 'ALLOW'] as const
export type ToolApproval = (typeof toolApprovals)[number]

export const ChatSessionSchema = defineEntity({
  name: 'ChatSession',
  tableName: 'chat_session',
  indexes: [{ properties: ['organization', 'id'] }, { properties: ['project', 'id'] }],
  properties: {
    id: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    project: () => p.manyToOne(Project).mapToPk().nullable(),
    title: p.string().length(200).nullable(),
    /** What answers here unless a message asks for another; null for the server's default. */
    modelId: p.string().length(128).nullable(),
    /** What front ends keep for the session; nothing here acts on it. */
    context: p.json<JsonObject>().defaultRaw("'{}'"),
    /** A person, or an agent. */
    createdById: p.uuid(),
    version: p.integer().version(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    /** While it stands only reading is left. */
    archivedAt: p.datetime().nullable(),
  },
})

/** A conversation of some people with a model. */
export class ChatSession extends ChatSessionSchema.class {}
ChatSessionSchema.setClass(ChatSession)

export const ChatParticipantSchema = defineEntity({
  name: 'ChatParticipant',
  tableName: 'chat_participant',
  indexes: [{ properties: ['user', 'session'] }],
  properties: {
    session: () => p.manyToOne(ChatSession).mapToPk().primary(),
    user: () => p.manyToOne(User).mapToPk().primary(),
    // The index is for what the end of an organization, or of a membership, deletes.
    organization: () => p.manyToOne(Organization).mapToPk().index(),
    joinedAt: p.datetime(),
    /** For what is done in their name. */
    toolApproval: p.string().length(8).$type<ToolApproval>().defaultRaw("'ASK'"),
  },
})

/** Somebody who sees a session; nobody else does. */
export class ChatParticipant extends ChatParticipantSchema.class {}
ChatParticipantSchema.setClass(ChatParticipant)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    chat_session: Table<typeof ChatSessionSchema>
    chat_participant: Table<typeof ChatParticipantSchema>
  }
}
