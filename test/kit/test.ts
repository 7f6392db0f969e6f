import { test as base } from 'vitest'
import { onPage } from '../../src/modules/ocean/pages/page.events.ts'
import { appendEvents, type NewChannelEvent } from '../../src/platform/channels/log.ts'
import {
  CreateBlocksDocument,
  CreateChatSessionDocument,
  type CreateChatSessionInput,
  CreatePageDocument,
  SendMessageDocument,
} from '../gql/graphql.ts'
import { type Client, createTestClient } from './client.ts'
import { type Person, signUp, signUpInto, uuidIn } from './people.ts'
import { startServer, type TestServer } from './server.ts'

/** What a test can ask for by name; made when asked for, and gone after the test. */
export interface World {
  /** The worker's server, shared by its files: a test that needs one of its own calls `startServer`. */
  readonly server: TestServer
  /** Nobody in particular. */
  readonly anonymous: Client
  /** The owner of an organization. */
  readonly alice: Person
  /** An editor in alice's organization. */
  readonly bob: Person
  /** The owner of another organization. */
  readonly stranger: Person
  /** An empty page of alice's. */
  readonly page: { readonly id: string; readonly eventsCursor: string }
}

/** `test` with a real server and people. */
export const test = base.extend<Omit<World, 'server'> & { server: TestServer }>({
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
    async ({}, use) => {
      const server = await startServer()
      await use(server)
      await server.close()
    },
    { scope: 'worker' },
  ],
  anonymous: async ({ server }, use) => {
    const client = createTestClient(server.url)
    await use(client)
    await client.close()
  },
  alice: async ({ server }, use) => usePerson(await signUp(server, 'Alice'), use),
  bob: async ({ server, alice }, use) => usePerson(await signUpInto(server, alice, 'Bob', 'EDITOR'), use),
  stranger: async ({ server }, use) => usePerson(await signUp(server, 'Stranger'), use),
  page: async ({ alice }, use) => use(await createPage(alice, 'A page')),
})

async function usePerson(person: Person, use: (person: Person) => Promise<void>): Promise<void> {
  await use(person)
  await person.close()
}

/** Makes an empty page, at the top of the organization unless told otherwise. */
export async function createPage(
  person: Person,
  title: string,
  projectId: string | null = null,
): Promise<{ id: string; eventsCursor: string }> {
  const { createPage: page } = await person.mutate(CreatePageDocument, { input: { title, projectId } })
  if (page.__typename !== 'Page') throw new Error(`The page came to ${JSON.stringify(page)}`)
  return page
}

/** Appends paragraphs to a page and answers their ids. */
export async function write(person: Person, pageId: string, ...texts: string[]): Promise<string[]> {
  const input = { pageId, blocks: texts.map((text) => ({ text })) }
  const { createBlocks } = await person.mutate(CreateBlocksDocument, { input })
  if (createBlocks.__typename !== 'CreatedBlocks') throw new Error(`The blocks came to ${JSON.stringify(createBlocks)}`)
  return createBlocks.blocks.map((block) => block.id)
}

/** Opens a chat session that nobody else sees. */
export async function openChat(
  person: Client,
  input: CreateChatSessionInput = {},
): Promise<{ id: string; eventsCursor: string }> {
  const { createChatSession: session } = await person.mutate(CreateChatSessionDocument, { input })
  if (session.__typename !== 'ChatSession') throw new Error(`The session came to ${JSON.stringify(session)}`)
  return session
}

/** Asks a model something and answers the id of the answer, which may still be being written. */
export async function ask(
  person: Person,
  session: { id: string },
  model: string,
  content = 'Anything?',
): Promise<string> {
  const { sendMessage: sent } = await person.mutate(SendMessageDocument, {
    input: { sessionId: session.id, model, content },
  })
  if (sent.__typename !== 'SentMessage') throw new Error(`The question came to ${JSON.stringify(sent)}`)
  return sent.answer.id
}

/** Records an event as a node would that nobody here talks to. */
export async function record(server: TestServer, event: NewChannelEvent): Promise<void> {
  const { database, nudges, clock } = server.app.platform
  nudges.publish(await appendEvents(database.unscoped, [event], clock.now()))
}

/** The event of a block, by its UUID, that was made on a page. */
export function blockCreated(person: Person, page: { id: string }, blockId: string): NewChannelEvent {
  const place = { organizationId: uuidIn(person.organizationId), pageId: uuidIn(page.id) }
  return onPage(place, { type: 'BlockCreated', blockId })
}
