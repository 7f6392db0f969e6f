import { createClient, type Client as SocketClient } from 'graphql-ws'
import WebSocket from 'ws'
import type { Client } from '../kit/client.ts'

/** A way in. */
export type Door = 'http' | 'socket' | 'events'

/** Somebody at the doors, with their one socket. */
export interface Caller {
  readonly client: Client
  readonly accessToken: string | null
  readonly socket: SocketClient
}

const ANSWER_LIMIT_MILLIS = 10_000

/** The doors that an operation can go through. */
export function doorsFor(operation: 'query' | 'mutation' | 'subscription'): readonly Door[] {
  return operation === 'subscription' ? ['socket', 'events'] : ['http', 'socket']
}

/** A caller who shows this token, or none. Their socket stays open between calls; one that is refused says so to each. */
export function callerOf(client: Client, accessToken: string | null): Caller {
  const socket = createClient({
    url: `${client.url}/graphql`.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: authorizationOf(accessToken),
    retryAttempts: 0,
    lazyCloseTimeout: 600_000,
  })
  return { client, accessToken, socket }
}

/** Everything a caller is told, as text, until the answer is over. @throws when it is not within 10 s */
export async function ask(caller: Caller, door: Door, query: string, variables: object): Promise<string> {
  if (door === 'http') return JSON.stringify(await caller.client.send(query, variables))
  return door === 'socket' ? askSocket(caller, query, variables) : askEvents(caller, query, variables)
}

/** Listens to a subscription by the socket; `told` grows, whether or not there is an end. */
export function listen(caller: Caller, query: string, variables: object): { told: string[]; stop: () => void } {
  const told: string[] = []
  const stop = caller.socket.subscribe(
    { query, variables: { ...variables } },
    {
      next: (result) => void told.push(JSON.stringify(result)),
      complete: () => undefined,
      error: (reason) => void told.push(reasonOf(reason)),
    },
  )
  return { told, stop }
}

function askSocket({ socket }: Caller, query: string, variables: object): Promise<string> {
  const told: unknown[] = []
  return new Promise<string>((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`No end after ${JSON.stringify(told)}`)), ANSWER_LIMIT_MILLIS)
    const end = (answer: string) => {
      clearTimeout(limit)
      resolve(answer)
    }
    socket.subscribe(
      { query, variables: { ...variables } },
      {
        next: (result) => void told.push(result),
        complete: () => end(JSON.stringify(told)),
        error: (reason) => end(`${JSON.stringify(told)} ${reasonOf(reason)}`),
      },
    )
  })
}

function reasonOf(reason: unknown): string {
  if (typeof reason !== 'object' || reason === null || !('code' in reason)) return JSON.stringify(reason)
  return `closed with ${reason.code}`
}

function authorizationOf(accessToken: string | null): Record<string, string> {
  return accessToken === null ? {} : { authorization: `Bearer ${accessToken}` }
}

async function askEvents({ client, accessToken }: Caller, query: string, variables: object): Promise<string> {
  const response = await fetch(`${client.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...authorizationOf(accessToken),
    },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(ANSWER_LIMIT_MILLIS),
  })
  return `${response.status} ${await response.text()}`
}
