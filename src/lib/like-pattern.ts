/** A pattern for `like` and `ilike` that finds the text as it is, whatever wildcards it holds. */
export function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`
}
