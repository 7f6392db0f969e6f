import type { Person } from '../../kit/people.ts'
import { type Posted, post } from '../../kit/post.ts'
import type { TestServer } from '../../kit/server.ts'

/** Who does it, and to what. */
export interface Scene {
  readonly server: TestServer
  readonly alice: Person
  readonly pageId: string
}

/** A use of a mutation, and what the trail says of it. */
export interface Deed {
  readonly action: string
  /** Null for what must not tell whom it concerns. */
  readonly target: RegExp | null
  /** By whom the trail says that it was done, and where: the person in their organization unless told otherwise. */
  readonly by?: 'a newcomer' | 'the person, elsewhere' | 'the person, in none' | 'nobody'
  readonly run: (scene: Scene) => Promise<Posted>
}

/** Asks as the person of the scene. */
export function as<Data, Variables>(
  { server, alice }: Scene,
  operation: Pick<Parameters<typeof post<Data, Variables>>[1], 'document' | 'variables'>,
): Promise<Posted> {
  return post(server.url, { ...operation, authorization: `Bearer ${alice.tokens.accessToken}` })
}
