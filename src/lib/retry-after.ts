/**
 * The seconds that a `Retry-After` header asks for (RFC 9110 §10.2.3: whole seconds, or a date), never less than 0; of
 * several headers `retry-after-ms`, which some providers add, is the most exact. Null when it asks for nothing readable.
 */
export function retryAfterSeconds(headers: Readonly<Record<string, string | undefined>>, now: Date): number | null {
  const millis = headers['retry-after-ms']?.trim() ?? ''
  if (/^\d{1,9}(\.\d{1,6})?$/.test(millis)) return Number(millis) / 1_000
  const text = headers['retry-after']?.trim() ?? ''
  if (/^\d{1,9}(\.\d{1,6})?$/.test(text)) return Number(text)
  // Dates of other forms than those of HTTP would be read as well: `1` is a year.
  const at = /^[A-Z][a-z]{2,8}, .{8,40}GMT$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? null : Math.max(0, (at - now.getTime()) / 1_000)
}
