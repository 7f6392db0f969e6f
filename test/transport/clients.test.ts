import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { fetchExchange, subscriptionExchange, Client as UrqlClient } from '@urql/core'
import { type DocumentNode, OperationTypeNode, print } from 'graphql'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createSocketClient, type Sink } from 'graphql-ws'
import { describe, expect } from 'vitest'
import WebSocket from 'ws'
import {
  CreatePageDocument,
  type CreatePageMutation,
  PageEventsDocument,
  type PageEventsSubscription,
  ViewerDocument,
  type ViewerQuery,
} from '../gql/graphql.ts'
import type { Person } from '../kit/people.ts'
import { test, write } from '../kit/test.ts'

// Each client is set up as its documentation says, and knows nothing of this server but its address and a token.

interface Operations {
  viewer(): Promise<ViewerQuery | undefined | null>
  createPage(title: string): Promise<CreatePageMutation | undefined | null>
  /** Watches a page from a cursor and resolves with the first event. */
  firstEvent(pageId: string, after: string): Promise<PageEventsSubscription | undefined | null>
  close(): Promise<void>
}

const clients: Record<string, (person: Person) => Operations | Promise<Operations>> = {
  '@apollo/client': apollo,
  '@urql/core': urql,
  'graphql-ws': socketOnly,
  'graphql-sse': sseOnly,
}

describe.for(Object.keys(clients))('%s', (name) => {
  test('queries, mutates and subscribes', async ({ alice, page }) => {
    const client = await clients[name]?.(alice)
    if (client === undefined) throw new Error(`No client ${name}`)
    try {
      const read = await client.viewer()
      expect(read?.viewer?.actor.id).toBe(alice.userId)

      const made = await client.createPage(`Made by ${name}`)
      expect(made?.createPage).toMatchObject({ __typename: 'Page', title: `Made by ${name}` })

      const event = client.firstEvent(page.id, page.eventsCursor)
      await write(alice, page.id, `Seen by ${name}`)
      expect((await event)?.pageEvents).toMatchObject({
        __typename: 'BlockCreated',
        cursor: expect.any(String),
        block: { text: `Seen by ${name}`, createdBy: { id: alice.userId } },
      })
    } finally {
      await client.close()
    }
  })
})

function addresses(person: Person) {
  const url = `${person.url}/graphql`
  return { url, socketUrl: url.replace(/^http/, 'ws'), authorization: `Bearer ${person.tokens.accessToken}` }
}

function socketOf(person: Person) {
  const { socketUrl, authorization } = addresses(person)
  return createSocketClient({
    url: socketUrl,
    webSocketImpl: WebSocket,
    connectionParams: () => ({ Authorization: authorization }),
  })
}

async function apollo(person: Person): Promise<Operations> {
  const { url, authorization } = addresses(person)
  const socket = socketOf(person)
  const client = new ApolloClient({
    cache: new InMemoryCache({ possibleTypes: await possibleTypesOf(person) }),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: url, headers: { authorization } }),
    ),
  })
  return {
    viewer: async () => (await client.query({ query: ViewerDocument })).data,
    createPage: async (title) =>
      (await client.mutate({ mutation: CreatePageDocument, variables: { input: { title } } })).data,
    firstEvent: (pageId, after) =>
      new Promise((resolve, reject) => {
        const events = client.subscribe({ query: PageEventsDocument, variables: { pageId, after } })
        const watching = events.subscribe({
          next: ({ data }) => {
            watching.unsubscribe()
            resolve(data)
          },
          error: reject,
        })
      }),
    close: async () => {
      client.stop()
      await socket.dispose()
    },
  }
}

/** What Apollo's cache must know of unions and interfaces, as its documentation fetches it. */
async function possibleTypesOf(person: Person): Promise<Record<string, string[]>> {
  const { data } = await person.send<
    { __schema: { types: { name: string; possibleTypes: { name: string }[] | null }[] } },
    object
  >('{ __schema { types { name possibleTypes { name } } } }')
  const types = data?.__schema.types ?? []
  return Object.fromEntries(
    types.map(({ name, possibleTypes }) => [name, (possibleTypes ?? []).map((type) => type.name)]),
  )
}

function urql(person: Person): Operations {
  const { url, authorization } = addresses(person)
  const socket = socketOf(person)
  const client = new UrqlClient({
    url,
    preferGetMethod: false,
    fetchOptions: () => ({ headers: { authorization } }),
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ ...request, query: request.query ?? '' }, sink as Sink),
          }),
        }),
      }),
    ],
  })
  return {
    viewer: async () => (await client.query(ViewerDocument, {}).toPromise()).data,
    createPage: async (title) => (await client.mutation(CreatePageDocument, { input: { title } }).toPromise()).data,
    firstEvent: (pageId, after) =>
      new Promise((resolve, reject) => {
        const events = client.subscription(PageEventsDocument, { pageId, after })
        const watching = events.subscribe(({ data, error }) => {
          watching.unsubscribe()
          if (error === undefined) resolve(data)
          else reject(error)
        })
      }),
    close: async () => socket.dispose(),
  }
}

function socketOnly(person: Person): Operations {
  return iterating(socketOf(person))
}

function sseOnly(person: Person): Operations {
  const { url, authorization } = addresses(person)
  return iterating(createSseClient({ url, headers: { authorization } }))
}

interface Iterating {
  iterate(request: { query: string; variables?: Record<string, unknown> }): AsyncIterable<unknown>
  dispose(): void | Promise<void>
}

function iterating(client: Iterating): Operations {
  const run = <Data>(document: DocumentNode, variables: Record<string, unknown> = {}) =>
    first<Data>(client.iterate({ query: print(document), variables }))
  return {
    viewer: () => run<ViewerQuery>(ViewerDocument),
    createPage: (title) => run<CreatePageMutation>(CreatePageDocument, { input: { title } }),
    firstEvent: (pageId, after) => run<PageEventsSubscription>(PageEventsDocument, { pageId, after }),
    close: async () => client.dispose(),
  }
}

/** The data of the first result; leaving the loop unsubscribes. */
async function first<Data>(results: AsyncIterable<unknown>): Promise<Data | null | undefined> {
  for await (const result of results) {
    const { data, errors } = result as { data?: Data | null; errors?: readonly unknown[] }
    if (errors !== undefined) throw new Error(`The operation failed: ${JSON.stringify(errors)}`)
    return data
  }
  throw new Error('No result came')
}
