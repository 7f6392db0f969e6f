import ipaddr from 'ipaddr.js'

// RFC 4291, 2.5.4: what a network hands out to one site is 64 bits; the rest of the address is the site's to choose.
const SITE_PARTS = 4
const PARTS = 8

/** What all callers share whose address is not known. */
const UNKNOWN = 'unknown'

/**
 * The one spelling of an address: IPv4 in four decimal parts, also where it came mapped into IPv6, else IPv6 as of RFC
 * 5952 without its zone. Null for what is no address, such as the short and octal forms of IPv4.
 */
export function canonicalAddress(text: string): string | null {
  const address = parse(text)
  if (address === null) return null
  return address instanceof ipaddr.IPv6 ? new ipaddr.IPv6(address.parts).toString() : address.toString()
}

/**
 * What counts as one caller to limits, however it is spelled: an IPv4 address, the /64 of an IPv6 address, or `unknown`
 * for null and for what is no address.
 */
export function addressGroup(address: string | null): string {
  const parsed = address === null ? null : parse(address)
  if (parsed === null) return UNKNOWN
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString()
  const site = [...parsed.parts.slice(0, SITE_PARTS), ...Array<number>(PARTS - SITE_PARTS).fill(0)]
  return `${new ipaddr.IPv6(site).toString()}/64`
}

function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  if (!ipaddr.IPv6.isValid(text)) return null
  const address = ipaddr.IPv6.parse(text)
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}
