import {
  CreateAgentDocument,
  type CreateAgentInput,
  CreateApiKeyDocument,
  type CreateApiKeyInput,
  IssueAgentTokenDocument,
} from '../gql/graphql.ts'
import { type Client, createTestClient } from './client.ts'
import type { Person } from './people.ts'

/** What most programs of a test may do. */
export const pageWriting = ['page.read', 'page.create', 'block.read', 'block.create']

/** A person's key: its TypeID, and the secret that a program sends. */
export interface Key {
  readonly id: string
  readonly secret: string
}

/** Makes a key that may write pages, unless told otherwise. */
export async function makeKey(person: Person, input: Partial<CreateApiKeyInput> = {}): Promise<Key> {
  const { createApiKey: made } = await person.mutate(CreateApiKeyDocument, {
    input: { name: 'A key', permissions: pageWriting, ...input },
  })
  if (made.__typename !== 'CreatedApiKey') throw new Error(`The key came to ${JSON.stringify(made)}`)
  return { id: made.apiKey.id, secret: made.secret }
}

/** Makes an agent that may write pages, unless told otherwise. */
export async function makeAgent(person: Person, input: Partial<CreateAgentInput> = {}): Promise<{ id: string }> {
  const { createAgent: made } = await person.mutate(CreateAgentDocument, {
    input: {
      displayName: 'An agent',
      kind: 'CUSTOM',
      trustLevel: 'WRITE',
      permissions: pageWriting,
      ...input,
    },
  })
  if (made.__typename !== 'Agent') throw new Error(`The agent came to ${JSON.stringify(made)}`)
  return made
}

/** Issues a token of an agent's. */
export async function tokenOf(person: Person, agent: { id: string }, ttlSeconds?: number): Promise<string> {
  const { issueAgentToken: issued } = await person.mutate(IssueAgentTokenDocument, {
    input: { agentId: agent.id, ...(ttlSeconds !== undefined && { ttlSeconds }) },
  })
  if (issued.__typename !== 'AgentToken') throw new Error(`The token came to ${JSON.stringify(issued)}`)
  return issued.token
}

/** A client that acts with the secret of a key or the token of an agent. */
export function programOf({ url }: Pick<Person, 'url'>, secret: string): Client {
  return createTestClient(url, () => secret)
}
