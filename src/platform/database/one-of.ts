/** The expression of a check that a column holds one of these texts; both come from the code, never from outside. */
export function oneOf(column: string, values: readonly string[]): string {
  return `${column} in (${values.map((value) => `'${value}'`).join(', ')})`
}
