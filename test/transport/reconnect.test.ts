import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ApolloClient, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { subscriptionExchange, Client as UrqlClient } from '@urql/core'
import { print } from 'graphql'
import { type Client, createClient, type Sink } from 'graphql-ws'
import { describe, expect, onTestFinished, vi } from 'vitest'
import { newSeed, seededRandom } from '../contracts/channels-rig.ts'
import { PageEventsDocument, type PageEventsSubscription } from '../gql/graphql.ts'
import { startFaultProxy } from '../kit/fault-proxy.ts'
import { test, write } from '../kit/test.ts'

// The README's own lines, run as they stand there, by a client whose connection is cut again and again.

const CUTS = 6
const BLOCKS_BETWEEN_CUTS = 12
/** What Apollo's cache must know of a union. */
const possibleTypes = { PageEvent: ['BlockCreated', 'ResyncRequired', 'SubscriptionEnded'] }

type Tools = {
  readonly createClient: typeof createClient
  readonly url: string
  readonly accessToken: () => string
}

/** What the block of the README that is marked `js resume` makes of these: the client that resumes. */
function resumingClient(tools: Tools): Client {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const [, block] = /^```js resume\n(.*?)^```$/ms.exec(readme) ?? []
  const [importLine, ...lines] = block?.split('\n') ?? []
  expect(importLine).toBe("import { createClient } from 'graphql-ws'")
  const run = new Function(...Object.keys(tools), `${lines.join('\n')}\nreturn resuming`)
  return run(...Object.values(tools))
}

type Variables = { pageId: string; after: string }
type Follow = (
  client: Client,
  variables: Variables,
  onEvent: (event: Data) => void,
  onEnd: (why: unknown) => void,
) => void
type Data = PageEventsSubscription | null | undefined

const follows: Record<string, Follow> = {
  'graphql-ws': (client, variables, onEvent, onEnd) => {
    const sink: Sink<{ data?: Data }> = {
      next: ({ data }) => onEvent(data),
      error: onEnd,
      complete: () => onEnd('end'),
    }
    client.subscribe({ query: print(PageEventsDocument), variables }, sink as Sink)
  },
  '@apollo/client': (client, variables, onEvent, onEnd) => {
    const apollo = new ApolloClient({ cache: new InMemoryCache({ possibleTypes }), link: new GraphQLWsLink(client) })
    onTestFinished(() => apollo.stop())
    const events = apollo.subscribe({ query: PageEventsDocument, variables })
    events.subscribe({ next: ({ data }) => onEvent(data), error: onEnd, complete: () => onEnd('end') })
  },
  '@urql/core': (client, variables, onEvent, onEnd) => {
    const exchange = subscriptionExchange({
      forwardSubscription: ({ query = '', variables: sent }) => ({
        subscribe: (sink) => ({
          unsubscribe: client.subscribe({ query, variables: sent as Record<string, unknown> }, sink as Sink),
        }),
      }),
    })
    const urql = new UrqlClient({ url: 'unused:', preferGetMethod: false, exchanges: [exchange] })
    const events = urql.subscription(PageEventsDocument, variables)
    events.subscribe(({ data, error }) => (error === undefined ? onEvent(data) : onEnd(error)))
  },
}

describe.for(Object.keys(follows))('%s, set up as the README says', (name) => {
  test('comes back by itself after every cut, misses nothing and repeats nothing', { timeout: 90_000 }, async ({
    server,
    alice,
    page,
  }) => {
    const random = seededRandom(newSeed('cuts'))
    const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port: Number(new URL(server.url).port) } })
    let connections = 0
    const client = resumingClient({
      // Its own waiting, of seconds, would only make the test long.
      createClient: (options) =>
        createClient({ ...options, retryWait: () => delay(random() * 30), on: { connected: () => connections++ } }),
      url: `ws://127.0.0.1:${proxy.port}/graphql`,
      accessToken: () => alice.tokens.accessToken,
    })
    onTestFinished(async () => {
      await client.dispose()
      await proxy.close()
    })
    const arrived: unknown[] = []
    const ends: unknown[] = []
    const onEvent = (data: Data) => arrived.push(textOf(data))
    follows[name]?.(client, { pageId: page.id, after: page.eventsCursor }, onEvent, (why) => ends.push(why))

    const written: string[] = []
    for (let round = 0; round < CUTS; round++) {
      await vi.waitUntil(() => connections > round, { timeout: 20_000 })
      const cutting = delay(random() * 60).then(() => proxy.cut())
      for (let index = 0; index < BLOCKS_BETWEEN_CUTS; index++) {
        written.push(`${round}.${index}`)
        await write(alice, page.id, `${round}.${index}`)
      }
      await cutting
    }

    await vi.waitUntil(() => arrived.length >= written.length, { timeout: 20_000 })
    await write(alice, page.id, 'last')
    await vi.waitUntil(() => arrived.includes('last'), { timeout: 20_000 })
    expect(arrived).toEqual([...written, 'last'])
    expect(connections).toBeGreaterThan(CUTS)
    expect(ends).toEqual([])
  })
})

function textOf(data: Data): unknown {
  const event = data?.pageEvents
  return event?.__typename === 'BlockCreated' ? event.block?.text : event
}
