import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseCookie, stringifySetCookie } from 'cookie'
import type { CookieJar, CookieName } from '../platform/context.ts'
import type { Settings } from '../platform/settings.ts'
import { type OriginRule, requestHost } from './origins.ts'

/** Any value will do: a page of another origin cannot send the header before the server has allowed that origin. */
export const csrfHeader = 'x-ocean-csrf'

type CookieSettings = Settings['cookies']
type Headers = Pick<IncomingMessage, 'headers'>

/** Why the cookies of a request over HTTP count for nothing: another site's page may have made a browser send it. */
export function cookieRefusal({ headers }: Headers, allowsOrigin: OriginRule): string | null {
  if ((headers[csrfHeader] ?? '') === '') return `Cookies are credentials only beside the header ${csrfHeader}.`
  const { origin, host } = headers
  return origin === undefined || allowsOrigin(origin, requestHost(host)) ? null : STRANGE_ORIGIN
}

/** The same of a socket, whose opening has no headers of a page's own, but in a browser always its origin. */
export function socketCookieRefusal({ headers }: Headers, allowsOrigin: OriginRule): string | null {
  const { origin, host } = headers
  return origin !== undefined && allowsOrigin(origin, requestHost(host)) ? null : STRANGE_ORIGIN
}

const STRANGE_ORIGIN = 'Cookies are credentials only on pages of an allowed origin.'

/** All that a request brought under a name, in its order, without what is empty; more than one where another site of the domain planted one. */
export function cookieValues({ headers }: Headers, settings: CookieSettings, name: CookieName): readonly string[] {
  const onTheWire = wireName(settings, name)
  const pairs = headers.cookie?.split(';') ?? []
  return pairs.map((pair) => parseCookie(pair)[onTheWire] ?? '').filter((value) => value !== '')
}

/** The jar of one request and its answer; `refusal` is why the request's cookies count for nothing, if they do. */
export function openCookieJar(
  { request, response, refusal }: { request: Headers; response: ServerResponse; refusal: string | null },
  settings: CookieSettings,
): CookieJar {
  const mayWrite = refusal === null
  const written = new Map<CookieName, string>()
  const set = (name: CookieName, value: string, maxAge: number) => {
    const { isSecure: secure, sameSite } = settings
    const attributes = { path: '/', httpOnly: true, secure, sameSite, maxAge }
    written.set(name, stringifySetCookie({ name: wireName(settings, name), value, ...attributes }))
    response.setHeader('set-cookie', [...written.values()])
  }
  return {
    mayWrite,
    read: (name) => {
      const [value, ...others] = mayWrite ? cookieValues(request, settings, name) : []
      return value === undefined || others.length > 0 ? null : value
    },
    write: (name, value, maxAgeSeconds) => {
      if (refusal !== null) throw new Error(`A cookie was written against the rule: ${refusal}`)
      set(name, value, Math.floor(maxAgeSeconds))
    },
    clear: (name) => {
      if (mayWrite) set(name, '', 0)
    },
  }
}

/** With the prefix, browsers take the cookie only from this very host over https (RFC 6265bis, 4.1.3.2). */
function wireName({ isSecure }: CookieSettings, name: CookieName): string {
  return `${isSecure ? '__Host-' : ''}ocean-${name}`
}
