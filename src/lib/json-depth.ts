/** How many levels of objects and lists a JSON value has: none for a scalar, one for an empty object. */
export function jsonDepth(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(jsonDepth))
}
