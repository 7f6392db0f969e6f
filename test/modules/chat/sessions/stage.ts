import {
  AddChatParticipantDocument,
  ArchiveChatSessionDocument,
  type ChatEventsSubscription,
  ChatSessionDocument,
  DeleteChatSessionDocument,
  RemoveChatParticipantDocument,
  UpdateChatSessionDocument,
  type UpdateChatSessionInput,
} from '../../../gql/graphql.ts'
import type { Subscription } from '../../../kit/client.ts'
import type { Person } from '../../../kit/people.ts'

/** Changes a session. */
export async function update(person: Person, input: UpdateChatSessionInput) {
  return (await person.mutate(UpdateChatSessionDocument, { input })).updateChatSession
}

/** Archives a session, or brings it back. */
export async function archive(person: Person, id: string, archived = true) {
  return (await person.mutate(ArchiveChatSessionDocument, { input: { id, archived } })).archiveChatSession
}

/** Deletes a session. */
export async function erase(person: Person, id: string) {
  return (await person.mutate(DeleteChatSessionDocument, { input: { id } })).deleteChatSession
}

/** Lets somebody take part. */
export async function add(person: Person, id: string, { userId }: Pick<Person, 'userId'>) {
  return (await person.mutate(AddChatParticipantDocument, { input: { id, userId } })).addChatParticipant
}

/** Takes somebody out. */
export async function remove(person: Person, id: string, { userId }: Pick<Person, 'userId'>) {
  return (await person.mutate(RemoveChatParticipantDocument, { input: { id, userId } })).removeChatParticipant
}

/** A session as somebody sees it. */
export async function look(person: Person, id: string) {
  return (await person.query(ChatSessionDocument, { id })).chatSession
}

/** Who takes part, as somebody sees it; sorted. */
export async function peopleIn(person: Person, id: string): Promise<string[] | undefined> {
  return (await look(person, id))?.participants.map((one) => one.id).sort()
}

/** All that a stream says until its end, which is the last. */
export async function untilEnd(events: Subscription<ChatEventsSubscription>) {
  const told: ChatEventsSubscription['chatEvents'][] = []
  while (told.at(-1)?.__typename !== 'SubscriptionEnded') told.push((await events.next()).chatEvents)
  return told
}
