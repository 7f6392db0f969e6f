import { type DocumentNode, print } from 'graphql'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import type { Actor } from './strangers-stage.ts'

/** A way in. */
export type Door = 'http' | 'socket' | 'events'

const ANSWER_LIMIT_MILLIS = 10_000

/** The doors that an operation can go through. */
export function doorsFor(operation: 'query' | 'mutation' | 'subscription'): readonly Door[] {
  return operation === 'subscription' ? ['socket', 'events'] : ['http', 'socket']
}

/** Everything an actor is told, as text, until the answer is over. @throws when it is not within 10 s */
export async function ask(actor: Actor, door: Door, document: DocumentNode, variables: object): Promise<string> {
  if (door === 'http') return JSON.stringify(await actor.client.send(print(document), variables))
  return door === 'socket' ? askSocket(actor, document, variables) : askEvents(actor, document, variables)
}

// A connection for each call: one that is refused says so to its own call.
function askSocket(actor: Actor, document: DocumentNode, variables: object): Promise<string> {
  const told: unknown[] = []
  const socket = createClient({
    url: `${actor.client.url}/graphql`.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: authorizationOf(actor),
    retryAttempts: 0,
    lazyCloseTimeout: 0,
  })
  const limit = AbortSignal.timeout(ANSWER_LIMIT_MILLIS)
  return new Promise<string>((resolve, reject) => {
    limit.addEventListener('abort', () => reject(new Error(`No end after ${JSON.stringify(told)}`)))
    socket.subscribe(
      { query: print(document), variables: { ...variables } },
      {
        next: (result) => void told.push(result),
        complete: () => resolve(JSON.stringify(told)),
        error: (reason) => resolve(`${JSON.stringify(told)} ${reasonOf(reason)}`),
      },
    )
  }).finally(() => socket.dispose())
}

function reasonOf(reason: unknown): string {
  if (typeof reason !== 'object' || reason === null || !('code' in reason)) return JSON.stringify(reason)
  return `closed with ${reason.code}`
}

function authorizationOf({ accessToken }: Actor): Record<string, string> {
  return accessToken === null ? {} : { authorization: `Bearer ${accessToken}` }
}

async function askEvents(actor: Actor, document: DocumentNode, variables: object): Promise<string> {
  const response = await fetch(`${actor.client.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...authorizationOf(actor),
    },
    body: JSON.stringify({ query: print(document), variables }),
    signal: AbortSignal.timeout(ANSWER_LIMIT_MILLIS),
  })
  return `${response.status} ${await response.text()}`
}
