const rules: readonly (readonly [RegExp, string])[] = [
  [/\p{Lu}/u, 'an upper-case letter'],
  [/\p{Ll}/u, 'a lower-case letter'],
  [/\p{Nd}/u, 'a digit'],
  [/[^\p{L}\p{Nd}]/u, 'a special character'],
]

/** What a password lacks to be accepted, in words; empty when it is good enough. Length is checked elsewhere. */
export function missingFromPassword(password: string): readonly string[] {
  return rules.filter(([pattern]) => !pattern.test(password)).map(([, name]) => name)
}
