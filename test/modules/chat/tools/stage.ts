import { expect } from 'vitest'
import {
  ApproveToolCallDocument,
  RejectToolCallDocument,
  SendMessageDocument,
  type SendMessageInput,
} from '../../../gql/graphql.ts'
import { lastMessage, untilEnded } from '../../../kit/chat.ts'
import type { Client } from '../../../kit/client.ts'
import { uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'

/** What a scripted model does in one step: it wants this done, or writes this. */
export type Step = readonly { readonly name: string; readonly input?: unknown }[] | string

type Asking = Omit<SendMessageInput, 'sessionId' | 'content'>

/** Has a model do these steps in a session; answers the id of its message. */
export async function have(person: Client, sessionId: string, steps: readonly Step[], asking: Asking = {}) {
  const input = { sessionId, content: JSON.stringify(steps), model: 'scenario/tools', ...asking }
  const { sendMessage: sent } = await person.mutate(SendMessageDocument, { input })
  if (sent.__typename !== 'SentMessage') throw new Error(`The question came to ${JSON.stringify(sent)}`)
  return sent.answer.id
}

/** The same, and waits for the end; answers the message as it stays. */
export async function haveDone(person: Client, sessionId: string, steps: readonly Step[], asking: Asking = {}) {
  await have(person, sessionId, steps, asking)
  return ended(person, sessionId)
}

/** Waits for the end of the answer that is being written, and answers it as it stays. */
export async function ended(person: Client, sessionId: string) {
  await untilEnded(person, sessionId)
  const message = await lastMessage(person, sessionId)
  if (message === undefined) throw new Error('There is no answer')
  return message
}

type Message = Awaited<ReturnType<typeof ended>>

/** What a message wanted done, and what came of it, in order. */
export function callsIn({ parts }: Pick<Message, 'parts'>) {
  const calls = parts.flatMap((part) => (part.__typename === 'ToolCallPart' ? [part.toolCall] : []))
  return calls.map((call): typeof call & { output?: unknown } => {
    const result = parts.find((part) => part.__typename === 'ToolResultPart' && part.toolCall.id === call.id)
    return { ...call, ...(result?.__typename === 'ToolResultPart' && result.toolCall) }
  })
}

/** What came of the first thing a message wanted done. */
export function outputIn<Output>(message: Pick<Message, 'parts'>): Output {
  const [call] = callsIn(message)
  if (call === undefined) throw new Error('Nothing was to be done')
  return call.output as Output
}

/** Waits until a model wants something that has to be approved, and answers that. */
export async function untilAsked(person: Client, sessionId: string) {
  const find = async () => {
    const message = await lastMessage(person, sessionId)
    return message === undefined ? undefined : callsIn(message).find(({ status }) => status === 'AWAITING_APPROVAL')
  }
  await expect.poll(find).toBeDefined()
  const call = await find()
  if (call === undefined) throw new Error('Nothing has to be approved any more')
  return call
}

/** What somebody would approve or reject. */
export interface Asked {
  readonly id: string
  readonly digest: string
}

/** Lets a call be done. */
export async function approve(person: Client, { id, digest }: Asked) {
  return (await person.mutate(ApproveToolCallDocument, { input: { id, digest } })).approveToolCall
}

/** Keeps a call from being done. */
export async function reject(person: Client, { id, digest }: Asked) {
  return (await person.mutate(RejectToolCallDocument, { input: { id, digest } })).rejectToolCall
}

/** As if somebody had decided about a call, and the nudge to look at that had been lost. */
export async function decide(server: TestServer, id: string, verdict: 'APPROVED' | 'REJECTED'): Promise<void> {
  const { unscoped } = server.app.platform.database
  await unscoped.updateTable('tool_call').set({ status: verdict }).where('id', '=', uuidIn(id)).execute()
}
