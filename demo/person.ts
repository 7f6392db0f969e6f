import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { documentOf, type Operations, type Subscriptions } from './operations.ts'

/** Somebody with the clients everybody can have: fetch, and graphql-ws. */
export interface Person {
  readonly name: string
  /** How often a WebSocket was opened. */
  readonly connections: number
  /** What every later request and socket shows. */
  signedIn(accessToken: string | null): void
  /** Sends a query or mutation and answers its field. @throws when there are errors, or nothing came within 10 s */
  ask<Name extends keyof Operations>(name: Name, variables: Operations[Name][1]): Promise<Operations[Name][0]>
  /**
   * Follows a subscription through cut connections, until `hear` answers that it was enough.
   * @throws when `hear` does, or the subscription ends before, or 20 s are over
   */
  follow<Name extends keyof Subscriptions>(
    name: Name,
    variables: Subscriptions[Name][1],
    hear: (event: Subscriptions[Name][0]) => boolean,
  ): Promise<void>
  /** Cuts the socket as a dead network does; graphql-ws comes back by itself, once what is answered here was called. */
  cut(): () => void
  close(): Promise<void>
}

const ASK_LIMIT_MILLIS = 10_000
const FOLLOW_LIMIT_MILLIS = 20_000
const RETRIES = 3

/** A person who is not signed in yet. `url` is where the server listens, without a path. */
export function createPerson(url: string, name: string): Person {
  const endpoint = `${url}/graphql`
  let token: string | null = null
  let current: WebSocket | undefined
  let connections = 0
  let away = Promise.withResolvers<void>()
  away.resolve()
  const credentials = (): Record<string, string> => (token === null ? {} : { authorization: `Bearer ${token}` })
  const socket = createClient({
    url: endpoint.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: credentials,
    lazyCloseTimeout: 0,
    retryAttempts: RETRIES,
    shouldRetry: () => true,
    retryWait: () => away.promise,
    on: {
      opened: (opened) => {
        connections += 1
        current = opened as WebSocket
      },
    },
  })
  return {
    name,
    get connections() {
      return connections
    },
    signedIn: (accessToken) => {
      token = accessToken
    },
    ask: async (operation, variables) => {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', ...credentials() },
        body: JSON.stringify({ query: documentOf(operation), variables }),
        signal: AbortSignal.timeout(ASK_LIMIT_MILLIS),
      })
      const { data, errors } = await response.json()
      if (errors !== undefined) throw new Error(`${name}'s ${operation} failed: ${JSON.stringify(errors)}`)
      return data[operation]
    },
    follow: (subscription, variables, hear) =>
      new Promise((resolve, reject) => {
        const fail = (reason: unknown) => {
          clearTimeout(limit)
          stop()
          reject(reason instanceof Error ? reason : new Error(`${name}'s ${subscription} ended: ${said(reason)}`))
        }
        // graphql-ws reads it again at each reconnect.
        const place = { ...variables }
        const next = ({ data, errors }: { data?: Record<string, unknown> | null | undefined; errors?: unknown }) => {
          if (!data || errors !== undefined) return fail(errors)
          const event = data[subscription] as Subscriptions[typeof subscription][0]
          if ('cursor' in event) place.after = event.cursor
          try {
            if (!hear(event)) return
          } catch (error) {
            return fail(error)
          }
          clearTimeout(limit)
          stop()
          resolve()
        }
        const late = () => fail(new Error(`${name} heard too little from ${subscription} within 20 s`))
        const limit = setTimeout(late, FOLLOW_LIMIT_MILLIS)
        const stop = socket.subscribe(
          { query: documentOf(subscription), variables: place },
          { next, error: fail, complete: () => fail('the server completed it') },
        )
      }),
    cut: () => {
      away = Promise.withResolvers()
      current?.terminate()
      return away.resolve
    },
    close: async () => {
      away.resolve()
      await socket.dispose()
    },
  }
}

function said(reason: unknown): string {
  if (typeof reason === 'string') return reason
  // A CloseEvent shows nothing of itself in JSON.
  const isClose = typeof reason === 'object' && reason !== null && 'code' in reason
  return isClose ? `its socket closed with ${reason.code}` : JSON.stringify(reason)
}
