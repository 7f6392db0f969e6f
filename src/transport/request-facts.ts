import type { IncomingMessage } from 'node:http'
import proxyAddr from 'proxy-addr'
import { canonicalAddress } from '../lib/address-group.ts'
import type { Clock } from '../platform/clock.ts'
import type { RequestFacts } from '../platform/context.ts'
import { newUuid } from '../platform/uuid.ts'

/** Whether a caller's own request id can be taken over: nothing in it can do harm in logs and headers. */
export function isHarmlessId(id: unknown): id is string {
  return typeof id === 'string' && /^[\w-]{8,64}$/.test(id)
}

/** Whether what an address says of the one before it is believed. */
export type TrustRule = (address: string) => boolean

/** The rule for a list of addresses and networks. @throws {TypeError} for what is neither, and for a network of all */
export function trustRule(proxies: readonly string[]): TrustRule {
  const isListed = proxyAddr.compile([...proxies])
  // The compiled rule also reads the short and octal forms of IPv4, which no proxy writes.
  return (address) => canonicalAddress(address) !== null && isListed(address, 0)
}

/**
 * Facts of an incoming request. The address is the last one in the chain of `X-Forwarded-For` that a trusted peer vouches
 * for; of what such a peer forwards, nothing but the address is believed.
 */
export function requestFacts(request: IncomingMessage, clock: Clock, isTrusted: TrustRule): RequestFacts {
  const given = request.headers['x-request-id']
  return {
    id: isHarmlessId(given) ? given : newUuid(clock.now()),
    address: addressOf(request, isTrusted),
    userAgent: request.headers['user-agent'] ?? null,
  }
}

/** The chain from the peer on ends at the first that is not trusted; where that is garbage, the one before it counts. */
function addressOf(request: IncomingMessage, isTrusted: TrustRule): string | null {
  // A peer that has gone already has no address.
  if (request.socket.remoteAddress === undefined) return null
  const chain = proxyAddr.all(request, isTrusted).map(canonicalAddress)
  return chain.findLast((address) => address !== null) ?? null
}
