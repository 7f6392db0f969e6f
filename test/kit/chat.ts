import { expect } from 'vitest'
import {
  ChatEventsDocument,
  type ChatEventsSubscription,
  ChatSessionDocument,
  SendMessageDocument,
  type SendMessageInput,
} from '../gql/graphql.ts'
import type { Client } from './client.ts'
import type { Person } from './people.ts'

type Event = ChatEventsSubscription['chatEvents']

/** What a watcher was told. */
export interface Seen {
  /** Kinds of events, repeats in a row once. */
  readonly kinds: string[]
  readonly texts: Map<string, string>
  /** What was thought, by message. */
  readonly thoughts: Map<string, string>
  /** Every cursor, and the lengths of the text and of the thought told before it. */
  readonly places: { readonly cursor: string; readonly length: number; readonly thoughtLength: number }[]
  /** Where each stretch of text began. */
  readonly indexes: number[]
}

/** What a watcher goes on from, and what it was told of the text before that. */
export interface Resumption {
  readonly after: string | null
  readonly known?: string
  readonly knownThought?: string
}

/** Follows a session until an answer has ended, putting texts together as the manual says. */
export async function watch(person: Person, sessionId: string, { after, ...known }: Resumption): Promise<Seen> {
  const events = person.subscribe(ChatEventsDocument, { sessionId, after })
  const seen: Seen = { kinds: [], texts: new Map(), thoughts: new Map(), places: [], indexes: [] }
  try {
    for (let isEnded = false; !isEnded; ) {
      const { chatEvents } = await events.next({ within: 20_000 })
      note(seen, chatEvents, known)
      isEnded = chatEvents.__typename === 'MessageFinished'
    }
  } finally {
    events.stop()
  }
  return seen
}

function note(seen: Seen, event: Event, { known = '', knownThought = '' }: Omit<Resumption, 'after'>): void {
  if (seen.kinds.at(-1) !== event.__typename) seen.kinds.push(event.__typename)
  if (event.__typename === 'MessageDelta') {
    const isText = event.kind === 'TEXT'
    const told = isText ? seen.texts : seen.thoughts
    const before = told.get(event.messageId) ?? (isText ? known : knownThought)
    expect(event.index).toBeLessThanOrEqual(before.length)
    if (isText) seen.indexes.push(event.index)
    told.set(event.messageId, before.slice(0, event.index) + event.text)
  }
  const length = [...seen.texts.values()].at(-1)?.length ?? 0
  const thoughtLength = [...seen.thoughts.values()].at(-1)?.length ?? 0
  if ('cursor' in event) seen.places.push({ cursor: event.cursor, length, thoughtLength })
}

/** Asks, and waits for the end of the answer; by default for a short one. Answers the ids of both. */
export async function askAndWait(
  person: Person,
  input: Omit<SendMessageInput, 'content'> & { readonly content?: string },
) {
  const { sendMessage: sent } = await person.mutate(SendMessageDocument, {
    input: { model: 'scenario/words-1', content: 'Anything?', ...input },
  })
  if (sent.__typename !== 'SentMessage') throw new Error(`The question came to ${JSON.stringify(sent)}`)
  await untilEnded(person, input.sessionId)
  return { question: sent.question.id, answer: sent.answer.id }
}

/** Waits until no answer is written in a session any more. */
export async function untilEnded(person: Client, sessionId: string): Promise<void> {
  await expect.poll(async () => (await lastMessage(person, sessionId))?.status).not.toBe('STREAMING')
}

/** The newest message of a session. */
export async function lastMessage(person: Client, id: string) {
  const { chatSession } = await person.query(ChatSessionDocument, { id, last: 1 })
  return chatSession?.messages.nodes[0]
}
