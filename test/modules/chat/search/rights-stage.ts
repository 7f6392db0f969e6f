import { expect } from 'vitest'
import type { Client } from '../../../kit/client.ts'
import type { Person } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { ask, createPage, openChat, write } from '../../../kit/test.ts'
import { createProject } from '../../projects/stage.ts'
import { searched, type Wishes } from './stage.ts'

/** What is looked for, and stands in what `lighthouse` and `chat` make. */
export const query = 'lighthouse'

/** Who takes part. */
export interface World {
  readonly clocked: TestServer
  readonly alice: Person
  readonly bob: Person
}

/** The ids of what somebody finds, sorted: all that is counted is shown. */
export async function found(person: Client, wishes: Wishes = {}): Promise<string[]> {
  const { edges, totalCount, facets } = await searched(person, query, wishes)
  const sum = (counts: readonly { readonly count: number }[]) => counts.reduce((all, { count }) => all + count, 0)
  expect([totalCount, sum(facets.types), sum(facets.projects)]).toEqual(Array(3).fill(edges.length))
  return edges.map(({ node }) => node.node.id).toSorted()
}

/** A private project of hers. */
export async function inPrivate(alice: Person): Promise<string> {
  return createProject(alice, { name: 'Hidden', visibility: 'PRIVATE' })
}

/** A page with a block that has the word, and another of the same. */
export async function lighthouse(alice: Person, projectId: string | null = null) {
  const page = await createPage(alice, 'Lighthouse', projectId)
  const [block = ''] = await write(alice, page.id, 'The lighthouse is white.', 'Its lamp turns.')
  return { page: page.id, block }
}

/** A session of both, in which the word was said twice. */
export async function chat({ alice, bob }: World, projectId: string | null = null): Promise<string> {
  const session = await openChat(alice, { projectId, participantIds: [bob.userId] })
  for (const question of ['Which lighthouse?', 'A white lighthouse?'])
    await ask(alice, session, 'scenario/words-0', question)
  return session.id
}
