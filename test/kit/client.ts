import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { type ExecutionResult, print } from 'graphql'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'

/** How long a subscription handle waits for an event when the test does not say. */
const EVENT_LIMIT_MILLIS = 5_000

/** A response as it came over the wire. */
export interface Response<Data> {
  readonly status: number
  readonly data?: Data | null
  readonly errors?: readonly {
    message: string
    path?: readonly (string | number)[]
    extensions: Record<string, unknown>
  }[]
  readonly extensions?: Record<string, unknown>
}

/** A live subscription. */
export interface Subscription<Data> {
  /** The next event. @throws when none comes within the limit, or the subscription has ended */
  next(options?: { within?: number }): Promise<Data>
  /** Resolves when the server completes it. @throws when it does not within the limit */
  ended(options?: { within?: number }): Promise<void>
  /** Everything that has arrived and was not asked for yet. */
  pending(): readonly ExecutionResult<Data>[]
  /** Unsubscribes. */
  stop(): void
}

/** The data of a mutation that did not fail. */
export type Done<Data> = { readonly [Field in keyof Data]: NonNullable<Data[Field]> }

/** Someone with a connection to a server: HTTP for operations, one WebSocket for subscriptions. */
export interface Client {
  readonly url: string
  /** Sends any document and answers what came back, errors and all. */
  send<Data, Variables>(
    document: TypedDocumentNode<Data, Variables> | string,
    variables?: Variables,
  ): Promise<Response<Data>>
  /** Sends a document and answers its data. @throws when there are errors */
  query<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data>
  /** Sends a mutation and answers its data, whose fields are null only beside an error. @throws when there are errors */
  mutate<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Done<Data>>
  subscribe<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Subscription<Data>
  close(): Promise<void>
}

/** Makes a client; `accessToken` is asked before each request, so that it can be refreshed. */
export function createTestClient(url: string, accessToken: () => string | null = () => null): Client {
  const endpoint = `${url}/graphql`
  const authorization = (): Record<string, string> => {
    const token = accessToken()
    return token === null ? {} : { authorization: `Bearer ${token}` }
  }
  const socket = createClient({
    url: endpoint.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: authorization,
    retryAttempts: 0,
    lazyCloseTimeout: 0,
  })
  const send: Client['send'] = async (document, variables) => {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...authorization() },
      body: JSON.stringify({ query: typeof document === 'string' ? document : print(document), variables }),
    })
    return { status: response.status, ...(await response.json()) }
  }
  const query: Client['query'] = async (document, variables) => {
    const { status, data, errors } = await send(document, variables)
    if (errors !== undefined || data === null || data === undefined) {
      throw new Error(`The operation failed with ${status}: ${JSON.stringify(errors)}`)
    }
    return data
  }
  return {
    url,
    send,
    query,
    mutate: async (document, variables) => {
      const data = await query(document, variables)
      if (isDone(data)) return data
      throw new Error(`The mutation answered null and no error: ${JSON.stringify(data)}`)
    },
    subscribe: (document, variables) =>
      listen((sink) =>
        socket.subscribe({ query: print(document), variables: variables as Record<string, unknown> }, sink as never),
      ),
    close: async () => socket.dispose(),
  }
}

function isDone<Data>(data: Data): data is Data & Done<Data> {
  return Object.values(data as object).every((field) => field !== null)
}

interface Sink<Data> {
  next(result: ExecutionResult<Data>): void
  error(reason: unknown): void
  complete(): void
}

function listen<Data>(start: (sink: Sink<Data>) => () => void): Subscription<Data> {
  const arrived: ExecutionResult<Data>[] = []
  let end: { reason: unknown } | undefined
  // Whoever waits, the longest first, each for something of their own.
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const look of waiting) look()
  }
  const finish = (reason: unknown) => {
    end ??= { reason }
    wake()
  }
  const stop = start({
    next: (result) => {
      arrived.push(result)
      wake()
    },
    error: finish,
    complete: () => finish(undefined),
  })
  const wait = <Value>(take: () => Value | undefined, within: number, what: string) =>
    new Promise<Value>((resolve, reject) => {
      const leave = () => {
        clearTimeout(limit)
        waiting.delete(look)
      }
      const look = () => {
        const value = take()
        if (value === undefined) return
        leave()
        resolve(value)
      }
      const limit = setTimeout(() => {
        leave()
        reject(new Error(`${what} did not come within ${within} ms`))
      }, within)
      waiting.add(look)
      look()
    })
  return {
    stop,
    pending: () => arrived,
    next: async ({ within = EVENT_LIMIT_MILLIS } = {}) => {
      const result = await wait(() => arrived.shift() ?? end, within, 'The event')
      if ('reason' in result) throw new Error(`The subscription ended: ${JSON.stringify(result.reason)}`)
      if (result.errors !== undefined || !result.data)
        throw new Error(`The event failed: ${JSON.stringify(result.errors)}`)
      return result.data
    },
    ended: async ({ within = EVENT_LIMIT_MILLIS } = {}) => {
      const { reason } = await wait(() => end, within, 'The end of the subscription')
      if (reason !== undefined) throw new Error(`The subscription failed: ${JSON.stringify(reason)}`)
    },
  }
}
