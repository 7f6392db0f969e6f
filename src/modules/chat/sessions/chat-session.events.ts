import { z } from 'zod'
import type { NewChannelEvent } from '../../../platform/channels/log.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { projectChannel } from '../../projects/project.events.ts'

/** What is said on a session's channel: ids only, since every reader loads what they may see with today's rights. */
const chatChannelEvents = z.discriminatedUnion('type', [
  /** `isAnswer`: its text is still to come. */
  z.object({ type: z.literal('MessageCreated'), messageId: z.uuid(), isAnswer: z.boolean() }),
  z.object({ type: z.literal('MessageFinished'), messageId: z.uuid() }),
  /** `tapeLength`: how much of the answer's tape comes before it. */
  z.object({ type: z.literal('ToolCallStarted'), messageId: z.uuid(), toolCallId: z.uuid(), tapeLength: z.int() }),
  z.object({ type: z.literal('ToolCallFinished'), messageId: z.uuid(), toolCallId: z.uuid(), tapeLength: z.int() }),
  /** `isMove`: who may watch is to be asked again. */
  z.object({ type: z.literal('SessionUpdated'), isMove: z.boolean() }),
  z.object({ type: z.literal('SessionDeleted') }),
])

/** The channel of a session's live events. */
export function chatChannel(organizationId: string, sessionId: string): string {
  return `${organizationId}/chat/${sessionId}`
}

/** Says that a message was added to a session. */
export function messageCreated(channel: string, messageId: string, isAnswer: boolean): NewChannelEvent {
  return { channel, type: 'MessageCreated', payload: { messageId, isAnswer } }
}

/** Says that an answer will not change any more, whatever became of it. */
export function messageFinished(channel: string, messageId: string): NewChannelEvent {
  return { channel, type: 'MessageFinished', payload: { messageId } }
}

/** Which call of a tool, of which answer. */
interface ToolCalled {
  readonly messageId: string
  readonly toolCallId: string
  readonly tapeLength: number
}

/** Says that a model wants something done: at once, or once somebody has approved it. */
export function toolCallStarted(channel: string, called: ToolCalled): NewChannelEvent {
  return { channel, type: 'ToolCallStarted', payload: { ...called } }
}

/** Says that a call of a tool will not change any more, whatever became of it. */
export function toolCallFinished(channel: string, called: ToolCalled): NewChannelEvent {
  return { channel, type: 'ToolCallFinished', payload: { ...called } }
}

/** Says that the session itself changed, and whether that may have shut somebody out. */
export function sessionUpdated(channel: string, { isMove }: { readonly isMove: boolean }): NewChannelEvent {
  return { channel, type: 'SessionUpdated', payload: { isMove } }
}

/** Says that the session is gone: the last thing said on its channel. */
export function sessionDeleted(channel: string): NewChannelEvent {
  return { channel, type: 'SessionDeleted', payload: {} }
}

/** What is said of a session on its project's channel. */
export type ProjectChatChange = 'ChatSessionAdded' | 'ChatSessionChanged' | 'ChatSessionRemoved'

/** Tells these people, of all who watch the project of a session, what became of that; nobody if it is in none. */
export function tellProjectOfSession(
  tx: Transaction,
  { id, projectId }: { readonly id: string; readonly projectId: string | null },
  type: ProjectChatChange,
  userIds: readonly string[],
): void {
  const { organizationId } = tx.db
  if (projectId === null || organizationId === null || userIds.length === 0) return
  tx.record({
    channel: projectChannel(organizationId, projectId),
    type,
    payload: { sessionId: id, userIds: [...userIds] },
  })
}

/** An event as it was recorded, perhaps by older code; null when it is none that this code knows. */
export function chatChannelEvent(event: Pick<NewChannelEvent, 'type' | 'payload'>) {
  return chatChannelEvents.safeParse({ ...event.payload, type: event.type }).data ?? null
}
