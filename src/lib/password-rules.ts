/** stub */
export interface PasswordWeakness {
  readonly reason: 'MISSING_CHARACTERS' | 'COMMON' | 'OWN_WORDS'
  readonly missing: readonly string[]
}
const rules: readonly (readonly [RegExp, string])[] = [
  [/\p{Lu}/u, 'an upper-case letter'],
  [/\p{Ll}/u, 'a lower-case letter'],
  [/\p{Nd}/u, 'a digit'],
  [/[^\p{L}\p{Nd}]/u, 'a special character'],
]
/** stub */
export function weaknessOf(
  password: string,
  _o: { rules: string; ownWords: readonly string[] },
): PasswordWeakness | null {
  const missing = rules.filter(([pattern]) => !pattern.test(password)).map(([, name]) => name)
  return missing.length === 0 ? null : { reason: 'MISSING_CHARACTERS', missing }
}
