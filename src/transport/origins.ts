/** Whether a browser on a page of this origin may call this host. */
export type OriginRule = (origin: string, host: string | null) => boolean

/** Pages of the server itself, and those listed; a null list (embedded) admits every page of this machine. */
export function originRule(listed: readonly string[] | null): OriginRule {
  const known = new Set(listed ?? [])
  return (origin, host) => {
    if (known.has(origin)) return true
    if (!URL.canParse(origin)) return false
    const url = new URL(origin)
    if (host !== null && url.host === host) return true
    return listed === null && url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  }
}

/** The host a request was sent to, as its `Host` header says. */
export function requestHost(header: string | null | undefined): string | null {
  return header === undefined || header === '' ? null : header
}
