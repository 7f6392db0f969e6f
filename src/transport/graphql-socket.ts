import type { Server } from 'graphql-ws'
import type { WebSocket } from 'ws'
import type { Log } from '../platform/log.ts'

const INTERNAL_ERROR = 1011
// Written and not yet sent; a peer that does not read is not read from beyond it.
const MAX_UNSENT_BYTES = 1024 * 1024

/**
 * Speaks the protocol on one socket until that closes; `busy` holds its operations under way. A socket that leaves a ping
 * unanswered for a whole period is terminated, and one whose peer does not read what it asked for is not read from until
 * it does. What fails is logged here: the peer learns a close code and nothing else.
 */
export function serveSocket<Connection>(
  protocol: Server<Connection>,
  socket: WebSocket,
  connection: Connection,
  { pingMillis, log, busy }: { pingMillis: number; log: Log; busy: Set<Promise<void>> },
): void {
  // ws closes the socket itself, with the code of what the peer did wrong; without a listener the process would end.
  socket.on('error', (error) => log.debug({ err: error }, 'a socket broke'))
  const stopPings = keepAlive(socket, pingMillis)
  const fail = (error: unknown) => {
    log.error({ err: error }, 'a socket failed')
    socket.close(INTERNAL_ERROR, 'Internal error')
  }
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) => send(socket, text),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (receive) =>
        socket.on('message', (bytes) => {
          const operation = receive(String(bytes)).catch(fail)
          busy.add(operation)
          void operation.then(() => busy.delete(operation))
        }),
    },
    connection,
  )
  socket.once('close', (code, reason) => {
    stopPings()
    closed(code, String(reason)).catch(fail)
  })
}

/** Resolves when the frame has left, which is what slows a subscription down to its reader; a broken socket takes all. */
function send(socket: WebSocket, text: string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return Promise.resolve()
  return new Promise((resolve) => {
    socket.send(text, () => {
      onSent(socket)
      resolve()
    })
    slowDown(socket)
  })
}

/** Stops reading, and with it new work, while too much is unsent. */
function slowDown(socket: WebSocket): void {
  if (socket.bufferedAmount > MAX_UNSENT_BYTES) socket.pause()
}

function onSent(socket: WebSocket): void {
  if (socket.isPaused && socket.bufferedAmount <= MAX_UNSENT_BYTES) socket.resume()
}

function keepAlive(socket: WebSocket, pingMillis: number): () => void {
  let answered = true
  socket.on('pong', () => {
    answered = true
  })
  const timer = setInterval(() => {
    if (!answered) return socket.terminate()
    answered = false
    socket.ping()
  }, pingMillis)
  return () => clearInterval(timer)
}
