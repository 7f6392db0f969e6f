import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExecutionArgs, GraphQLError } from 'graphql'
import { handleProtocols, makeServer, type ServerOptions, type SubscribePayload } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import { maskError } from '../graphql/errors.ts'
import { executeOperation, subscribeOperation } from '../graphql/execution.ts'
import {
  type AnonymousViewer,
  createContext,
  type Platform,
  type RequestFacts,
  type Viewer,
} from '../platform/context.ts'
import { Unauthenticated } from '../platform/errors.ts'
import { schema } from '../schema.ts'
import { cookieValues, socketCookieRefusal } from './cookies.ts'
import { credentialsOf, type Presented, viewerOf } from './credentials.ts'
import { serveSocket } from './graphql-socket.ts'
import { type OriginRule, requestHost } from './origins.ts'
import { isHarmlessId, requestFacts, type TrustRule } from './request-facts.ts'
import { graphqlPath, MAX_MESSAGE_BYTES, type Yoga } from './yoga.ts'

/** What the server keeps of one socket. */
interface Connection {
  readonly socket: WebSocket
  readonly platform: Platform
  readonly facts: RequestFacts
  readonly cookies: Omit<Presented, 'authorization' | 'apiKey'>
  /** Aborts when the socket has closed. */
  readonly gone: AbortController
  /** Its operations under way. */
  readonly busy: Set<Promise<void>>
  /** Who `connection_init` spoke for. */
  viewer?: Viewer
}

/** What the door works with; `pingMillis` is 12 s unless given. */
export interface WebSocketDoorOptions {
  readonly yoga: Yoga
  readonly allowsOrigin: OriginRule
  readonly isTrusted: TrustRule
  readonly stopping: AbortSignal
  readonly pingMillis?: number
}

/** The WebSocket door, `graphql-transport-ws` on the path of the HTTP door. */
export interface WebSocketDoor {
  /** Lets operations under way finish for 2 s, then closes every socket with 1012, which tells clients to come back. */
  close(): Promise<void>
}

const INIT_WAIT_MILLIS = 3_000
const PING_MILLIS = 12_000
const FINISH_MILLIS = 2_000
const CLOSE_WAIT_MILLIS = 2_000
const SERVICE_RESTART = 1012
// Clients come back with fresh parameters.
const FORBIDDEN = 4403
// And after this they stay away.
const UNAUTHORIZED = 4401
/** In which what is open on a socket says that the session has ended. */
const FAREWELL_MILLIS = 500
const TRY_AGAIN_LATER = 1013

/** Opens the door on a server's upgrades. */
export function openWebSocketDoor(server: Server, platform: Platform, options: WebSocketDoorOptions): WebSocketDoor {
  const { yoga, allowsOrigin, isTrusted, stopping, pingMillis = PING_MILLIS } = options
  const { log, clock, settings } = platform
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, handleProtocols })
  const protocol = makeServer(protocolOptions(platform, yoga))
  const connections = new Set<Connection>()
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy())
    const { origin, host } = request.headers
    if (stopping.aborted) return refuse(stream, '503 Service Unavailable')
    if (request.url?.split('?', 1)[0] !== graphqlPath) return refuse(stream, '404 Not Found')
    if (origin !== undefined && !allowsOrigin(origin, requestHost(host))) return refuse(stream, '403 Forbidden')
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const connection: Connection = {
        socket,
        platform: platformOf(platform, socket),
        facts: requestFacts(request, clock, isTrusted),
        cookies: {
          accessCookies: cookieValues(request, settings.cookies, 'access'),
          cookieRefusal: socketCookieRefusal(request, allowsOrigin),
        },
        gone: new AbortController(),
        busy: new Set(),
      }
      connections.add(connection)
      socket.once('close', () => connections.delete(connection))
      serveSocket(protocol, socket, connection, { pingMillis, log, busy: connection.busy })
    })
  })
  return {
    close: async () => {
      await finished(
        [...connections].flatMap(({ busy }) => [...busy]),
        FINISH_MILLIS,
      )
      await closeAll(sockets.clients)
    },
  }
}

/** The platform as one socket has it: once access through it has lapsed, finding that out also closes it. */
function platformOf(platform: Platform, socket: WebSocket): Platform {
  const closeIfLapsed = (viewer: Viewer) => {
    if (viewer.kind === 'anonymous' && viewer.isLapsed === true) socket.close(FORBIDDEN, 'Forbidden')
  }
  return {
    ...platform,
    currentViewer: async (earlier, projectId) => {
      const viewer = await platform.currentViewer(earlier, projectId)
      closeIfLapsed(viewer)
      return viewer
    },
    watchAccess: (viewer, watcher, signal) => {
      const ended = (nobody: AnonymousViewer) => {
        // First, so that nothing is told to be over that clients are to take up again.
        closeIfLapsed(nobody)
        watcher.ended(nobody)
      }
      return platform.watchAccess(viewer, { ...watcher, ended }, signal)
    },
  }
}

/** Closes a socket whose session ends, once what is open on it has said so. Who is no longer a member can still sign in elsewhere. */
function watchSession(connection: Connection, viewer: Viewer): void {
  if (viewer.kind === 'anonymous') return
  const { platform, socket, busy, gone } = connection
  platform.watchAccess(
    viewer,
    {
      ended: (nobody) => {
        if (nobody.isRemoved === true) return
        void finished([...busy], FAREWELL_MILLIS).then(() => socket.close(UNAUTHORIZED, 'Unauthorized'))
      },
    },
    gone.signal,
  )
}

/** Resolves when all have ended, or after the limit. */
async function finished(operations: readonly Promise<void>[], limitMillis: number): Promise<void> {
  const soon = new AbortController()
  const limit = delay(limitMillis, undefined, { signal: soon.signal }).catch(() => undefined)
  await Promise.race([Promise.all(operations), limit])
  soon.abort()
}

async function closeAll(sockets: ReadonlySet<WebSocket>): Promise<void> {
  const deadline = setTimeout(() => {
    for (const socket of sockets) socket.terminate()
  }, CLOSE_WAIT_MILLIS)
  const closing = [...sockets].map((socket) => {
    const closed = once(socket, 'close')
    socket.close(SERVICE_RESTART, 'Service restart')
    return closed
  })
  await Promise.all(closing)
  clearTimeout(deadline)
}

function refuse(stream: Duplex, status: string): void {
  stream.once('finish', () => stream.destroy())
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

type Parameters = Record<string, unknown>

function protocolOptions(platform: Platform, yoga: Yoga): ServerOptions<Parameters, Connection> {
  return {
    connectionInitWaitTimeout: INIT_WAIT_MILLIS,
    onConnect: async ({ connectionParams, extra }) => {
      try {
        const credentials = credentialsOf({ ...presentedIn(connectionParams), ...extra.cookies })
        const viewer = await viewerOf(platform, credentials, extra.facts)
        extra.viewer = viewer
        watchSession(extra, viewer)
        return viewer.kind !== 'anonymous' || viewer.reason === null
      } catch (error) {
        platform.log.error({ err: error, requestId: extra.facts.id }, 'a caller could not be authenticated')
        // Of the codes of a failure this is the one after which clients try again.
        extra.socket.close(TRY_AGAIN_LATER, 'Try again later')
        return false
      }
    },
    onClose: ({ extra }) => extra.gone.abort(),
    // An exception here would drop the whole socket with everything on it: each becomes an error of its operation.
    onSubscribe: async ({ extra }, _id, payload) => {
      try {
        return await argumentsOf(yoga, extra, payload)
      } catch (error) {
        return [maskError(error, factsOf(extra, payload), platform.log)]
      }
    },
    onError: ({ extra }, _id, payload, errors) =>
      errors.map((error) => maskError(error, factsOf(extra, payload), platform.log).toJSON()),
    execute: executeOperation,
    subscribe: subscribeOperation,
  }
}

/** One operation of a socket: parsed, valid, and with a context of its own. */
async function argumentsOf(
  yoga: Yoga,
  connection: Connection,
  payload: SubscribePayload,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  if (connection.viewer === undefined) throw new Error('Subscribed before connected')
  const engine = yoga.getEnveloped({})
  const document = engine.parse(payload.query)
  const invalid = engine.validate(schema, document)
  if (invalid.length > 0) return invalid as readonly GraphQLError[]
  const { platform } = connection
  const viewer = await platform.currentViewer(connection.viewer)
  // Not as nobody: what it did could not be answered.
  if (viewer.kind === 'anonymous' && viewer.isLapsed === true) throw new Unauthenticated()
  const contextValue = createContext(platform, {
    viewer,
    request: factsOf(connection, payload),
    signal: connection.gone.signal,
  })
  return {
    schema,
    document,
    contextValue,
    variableValues: payload.variables ?? null,
    operationName: payload.operationName ?? null,
  }
}

/** A client may name each of its operations; the id of one that it does not is the socket's. */
function factsOf({ facts }: Connection, { extensions }: Pick<SubscribePayload, 'extensions'>): RequestFacts {
  return isHarmlessId(extensions?.requestId) ? { ...facts, id: extensions.requestId } : facts
}

/**
 * Browsers cannot set headers on a socket, so the credentials come in the `connection_init` payload, in any case: as
 * `authorization`, or as `x-api-key`, which may be written `apiKey`.
 */
function presentedIn(
  parameters: Readonly<Record<string, unknown>> | undefined,
): Pick<Presented, 'authorization' | 'apiKey'> {
  const named = (...names: readonly string[]) => {
    const sent = Object.entries(parameters ?? {}).filter(([name]) => names.includes(name.toLowerCase()))
    const texts = sent.map(([, value]) => value).filter((value) => typeof value === 'string')
    return texts.length > 1 ? texts.join() : (texts[0] ?? null)
  }
  return { authorization: named('authorization'), apiKey: named('x-api-key', 'apikey') }
}
