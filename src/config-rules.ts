import ipaddr from 'ipaddr.js'
import proxyAddr from 'proxy-addr'
import { z } from 'zod'
import { secretBytes } from './lib/secret.ts'
import { parseSender, smtpSettings } from './platform/mailer.ts'

// What a variable of the environment may be.

/** A URL of these protocols. */
export const urlOf = (protocols: RegExp, wanted: string) =>
  z.string().refine((text) => isUrl(text, protocols), `is not a ${wanted} URL`)
/** How to make a secret. */
export const secretAdvice = 'make one with: openssl rand -base64 32'
/** A secret of 32 bytes. */
export const secret = z.string().transform((text, check) => {
  const bytes = secretBytes(text)
  if (bytes !== null) return bytes
  check.addIssue(`is not 32 bytes in base64 or hex; ${secretAdvice}`)
  return z.NEVER
})

/** A whole number in a range; may be left out. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'is not a number')
    .transform(Number)
    .refine((number) => number >= min && number <= max, `is not ${min} to ${max}`)
    .optional()
/** Parts with commas between; empty ones are left out. */
export const commaSeparated = z.string().transform((list) =>
  list
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean),
)

/** Whether a text is a URL of https. */
export function isHttps(url: string): boolean {
  return URL.canParse(url) && new URL(url).protocol === 'https:'
}

/** Whether a text is a URL of these protocols, with a host. */
export function isUrl(text: string, protocols: RegExp): boolean {
  try {
    const { protocol, hostname, username, password, pathname, searchParams } = new URL(text)
    // Drivers decode what stands before the @ and behind the host, and would trip over a % that begins no code.
    decodeURIComponent(username + password + pathname)
    // Postgres also takes the directory of a socket: postgres:///name?host=/run/postgresql
    return protocols.test(protocol) && (hostname !== '' || searchParams.has('host'))
  } catch {
    return false
  }
}

/** Whether a URL has neither credentials nor a query nor a hash. */
export function isPlain(text: string): boolean {
  if (!URL.canParse(text)) return true
  const { username, password } = new URL(text)
  return username === '' && password === '' && !/[?#]/.test(text)
}

/** Whether a text is one address to send from. */
export function isSender(text: string): boolean {
  return isTaken(() => parseSender(text))
}

/** Whether a text is a URL of a mail server. */
export function isSmtpUrl(text: string): boolean {
  return isTaken(() => smtpSettings(text, 0))
}

function isTaken(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false
  }
}

/** An origin as browsers send it. That of an app in a web view, such as `capacitor://localhost`, is its address. */
export function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { origin, protocol, hostname, host } = new URL(text)
  return origin === text || (origin === 'null' && hostname !== '' && text === `${protocol}//${host}`)
}

/** An address, or a network in CIDR notation that is not all there is. */
export function isNetwork(text: string): boolean {
  return (ipaddr.isValid(text) || ipaddr.isValidCIDR(text)) && isTaken(() => proxyAddr.compile(text))
}
