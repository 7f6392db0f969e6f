/** The values of an enum, each with its description, as the schema builder takes them. */
export function describedValues<Name extends string>(
  descriptions: Readonly<Record<Name, string>>,
): Record<Name, { description: string }> {
  const entries = Object.entries<string>(descriptions).map(([name, description]) => [name, { description }])
  return Object.fromEntries(entries) as Record<Name, { description: string }>
}
