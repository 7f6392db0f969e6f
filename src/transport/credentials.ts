import { authenticate, type Shown } from '../modules/accounts/devices/authentication.service.ts'
import type { Platform, RequestFacts, Viewer } from '../platform/context.ts'

/** What a request or a socket came with. */
export interface Presented {
  /** Of the header, or of the `connection_init` payload. */
  readonly authorization: string | null
  /** Of the header `x-api-key`, or of the payload. */
  readonly apiKey: string | null
  readonly accessCookies: readonly string[]
  /** Why cookies count for nothing here; null when they do count. */
  readonly cookieRefusal: string | null
}

/** What a caller is to be taken for: what they show, or nobody, with the reason if something was presented. */
export interface Credentials extends Shown {
  readonly refusal: string | null
}

/**
 * An `Authorization` or an `x-api-key` wins, whatever it is worth; both are refused, since nothing tells which is meant. Else
 * it is the access cookie, where cookies count and there is but one.
 */
export function credentialsOf({ authorization, apiKey, accessCookies, cookieRefusal }: Presented): Credentials {
  const refused = (refusal: string) => ({ authorization: null, apiKey: null, refusal })
  const hasAuthorization = authorization !== null && authorization !== ''
  if (apiKey !== null && apiKey !== '') {
    if (hasAuthorization) return refused('Both Authorization and x-api-key were sent. Send one of them.')
    return { authorization: null, apiKey, refusal: null }
  }
  if (hasAuthorization) return { authorization, apiKey: null, refusal: null }
  const [token, ...others] = accessCookies
  if (token === undefined) return { authorization: null, apiKey: null, refusal: null }
  if (cookieRefusal !== null) return refused(cookieRefusal)
  // One of them was planted, and nothing tells which.
  if (others.length > 0) return refused('The access cookie came more than once.')
  if (/\s/.test(token)) return refused('The access cookie is not a token.')
  return { authorization: `Bearer ${token}`, apiKey: null, refusal: null }
}

/** Who credentials speak for; bad or stale ones are anonymous, with the reason. */
export async function viewerOf(
  platform: Platform,
  { refusal, ...shown }: Credentials,
  request: RequestFacts,
): Promise<Viewer> {
  return refusal === null ? authenticate(platform, shown, request) : { kind: 'anonymous', reason: refusal }
}
