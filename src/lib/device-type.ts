/** What kind of device a client runs on, as far as its User-Agent tells. */
export const deviceTypes = ['DESKTOP', 'MOBILE', 'TABLET', 'OTHER'] as const
export type DeviceType = (typeof deviceTypes)[number]

/** The kind of device of a User-Agent: a guess to show people, and nothing to decide by. */
export function deviceTypeOf(userAgent: string | null): DeviceType {
  if (userAgent === null) return 'OTHER'
  // Android says Mobile on telephones alone; an iPad that asks for desktop sites is not told from a Mac.
  if (/iPad|Tablet|PlayBook|Silk|Android(?!.*Mobile)/i.test(userAgent)) return 'TABLET'
  if (/iPhone|iPod|Mobile|Windows Phone/i.test(userAgent)) return 'MOBILE'
  return /Windows NT|Macintosh|X11|CrOS|Linux/i.test(userAgent) ? 'DESKTOP' : 'OTHER'
}
