/** Whether a database can keep a text as it is: no NUL characters, no halves of surrogate pairs. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** Something in an input, and what is wrong with it. */
export interface InputFault {
  readonly path: readonly string[]
  readonly message: string
}

/** Deeper ones would take the stack of whatever walks them. */
const MAX_DEPTH = 100

/** What of an input no database column can hold as it came: NUL characters, halves of surrogate pairs, JSON beyond all reason. */
export function unstorableIn(value: unknown, path: readonly string[] = []): InputFault[] {
  if (typeof value === 'string')
    return isStorable(value) ? [] : [{ path, message: 'holds characters that are not text' }]
  if (typeof value !== 'object' || value === null) return []
  if (path.length > MAX_DEPTH) return [{ path: path.slice(0, 2), message: 'is nested too deep' }]
  return Object.entries(value).flatMap(([key, part]) => {
    // Rules that copy an object would drop this key without a word.
    if (!isStorable(key) || key === '__proto__') return [{ path: [...path, key], message: 'is no name for a key' }]
    return unstorableIn(part, [...path, key])
  })
}
