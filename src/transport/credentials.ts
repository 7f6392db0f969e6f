import { authenticate } from '../modules/accounts/devices/authentication.service.ts'
import type { Platform, Viewer } from '../platform/context.ts'

/** What a request or a socket came with. */
export interface Presented {
  /** Of the header, or of the `connection_init` payload. */
  readonly authorization: string | null
  readonly accessCookies: readonly string[]
  /** Why cookies count for nothing here; null when they do count. */
  readonly cookieRefusal: string | null
}

/** What a caller is to be taken for: an `Authorization`, or nobody, with the reason if something was presented. */
export interface Credentials {
  readonly authorization: string | null
  readonly refusal: string | null
}

/** An `Authorization` wins, whatever it is worth. Else it is the access cookie, where cookies count and there is but one. */
export function credentialsOf({ authorization, accessCookies, cookieRefusal }: Presented): Credentials {
  if (authorization !== null && authorization !== '') return { authorization, refusal: null }
  const [token, ...others] = accessCookies
  if (token === undefined) return { authorization: null, refusal: null }
  const refused = (refusal: string) => ({ authorization: null, refusal })
  if (cookieRefusal !== null) return refused(cookieRefusal)
  // One of them was planted, and nothing tells which.
  if (others.length > 0) return refused('The access cookie came more than once.')
  if (/\s/.test(token)) return refused('The access cookie is not a token.')
  return { authorization: `Bearer ${token}`, refusal: null }
}

/** Who credentials speak for; bad or stale ones are anonymous, with the reason. */
export async function viewerOf(platform: Platform, { authorization, refusal }: Credentials): Promise<Viewer> {
  return refusal === null ? authenticate(platform, authorization) : { kind: 'anonymous', reason: refusal }
}
