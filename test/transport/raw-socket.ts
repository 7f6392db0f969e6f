import { once } from 'node:events'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { print } from 'graphql'
import WebSocket from 'ws'
import { expectNoLeak, type WireError } from './wire.ts'

/** A frame of the protocol as it came over the wire. */
export interface Frame {
  readonly type: string
  readonly id?: string
  /** An execution result of `next`, a list of errors of `error`. */
  readonly payload?: { readonly data?: Record<string, unknown> | null; readonly errors?: readonly WireError[] } & object
}

/** A socket that speaks frame by frame, and wrongly when told to. */
export interface RawSocket {
  readonly ws: WebSocket
  send(frame: object | string | Uint8Array): void
  /** Starts an operation. */
  subscribe<Variables>(
    id: string,
    document: TypedDocumentNode<unknown, Variables> | string,
    variables?: Variables,
  ): void
  /** The next frame, or the next one of an operation; others are kept. @throws when none comes within 5 s */
  next(id?: string): Promise<Frame>
  /** What has arrived and was not asked for. */
  pending(): readonly Frame[]
  /** Resolves when the socket has closed. @throws when it has not within 10 s */
  readonly closed: Promise<{ code: number; reason: string }>
}

const FRAME_LIMIT_MILLIS = 5_000
const CLOSE_LIMIT_MILLIS = 10_000

/** Opens a socket without a word. @throws with the status when the server refuses the upgrade */
export async function openSocket(
  url: string,
  {
    path = '/graphql',
    protocol = 'graphql-transport-ws',
    origin,
    cookie,
    headers: extra = {},
  }: { path?: string; protocol?: string; origin?: string; cookie?: string; headers?: Record<string, string> } = {},
): Promise<RawSocket> {
  const headers = Object.entries({ ...extra, origin, cookie }).filter(([, value]) => value !== undefined)
  const ws = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, protocol, { headers: Object.fromEntries(headers) })
  const frames: Frame[] = []
  ws.on('message', (bytes) => {
    expectNoLeak(String(bytes))
    frames.push(JSON.parse(String(bytes)))
  })
  const closed = within(CLOSE_LIMIT_MILLIS, 'The close', once(ws, 'close')).then(([code, reason]) => {
    expectNoLeak(String(reason))
    return { code: code as number, reason: String(reason) }
  })
  closed.catch(() => undefined)
  const refused = once(ws, 'unexpected-response').then(([, response]) => {
    throw new Error(`Refused with ${response.statusCode}`)
  })
  await Promise.race([once(ws, 'open'), refused])
  ws.on('error', () => undefined) // told by `closed`
  const take = (id: string | undefined) => {
    const index = frames.findIndex((frame) => id === undefined || frame.id === id)
    return index < 0 ? undefined : frames.splice(index, 1)[0]
  }
  const send = (frame: object | string | Uint8Array) =>
    ws.send(typeof frame === 'string' || frame instanceof Uint8Array ? frame : JSON.stringify(frame))
  return {
    ws,
    send,
    closed,
    pending: () => frames,
    subscribe: (id, document, variables) => {
      const query = typeof document === 'string' ? document : print(document)
      send({ id, type: 'subscribe', payload: { query, variables } })
    },
    next: async (id) => {
      for (const limit = AbortSignal.timeout(FRAME_LIMIT_MILLIS); ; ) {
        const frame = take(id)
        if (frame !== undefined) return frame
        await once(ws, 'message', { signal: limit }).catch(() => {
          throw new Error(`No frame ${id ?? ''} came, but ${JSON.stringify(frames)}`)
        })
      }
    },
  }
}

/** Opens a socket and signs in on it; without a token as nobody in particular. */
export async function signedIn(url: string, accessToken?: string): Promise<RawSocket> {
  const socket = await openSocket(url)
  const payload = accessToken === undefined ? undefined : { Authorization: `Bearer ${accessToken}` }
  socket.send({ type: 'connection_init', payload })
  const ack = await socket.next()
  if (ack.type !== 'connection_ack') throw new Error(`Not acknowledged but ${JSON.stringify(ack)}`)
  return socket
}

async function within<Result>(millis: number, what: string, promise: Promise<Result>): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${what} did not come within ${millis} ms`)), millis)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
