import type { IncomingMessage } from 'node:http'
import type { Clock } from '../platform/clock.ts'
import type { RequestFacts } from '../platform/context.ts'
import { newUuid } from '../platform/uuid.ts'

/** Whether a caller's own request id can be taken over: nothing in it can do harm in logs and headers. */
export function isHarmlessId(id: unknown): id is string {
  return typeof id === 'string' && /^[\w-]{8,64}$/.test(id)
}

/** Facts of an incoming request. The address is the peer's: behind a proxy, the proxy's. */
export function requestFacts(request: IncomingMessage, clock: Clock): RequestFacts {
  const given = request.headers['x-request-id']
  return {
    id: isHarmlessId(given) ? given : newUuid(clock.now()),
    address: request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? null,
    userAgent: request.headers['user-agent'] ?? null,
  }
}
