/** Scripts that have no spaces between words, by their ISO 15924 codes. */
export const unspacedScripts = ['Han', 'Hira', 'Kana', 'Thai', 'Laoo', 'Khmr', 'Mymr'] as const

/** Those in which words are looked for by their characters: also that of Korean, where particles cling to the words. */
export const pairedScripts = [...unspacedScripts, 'Hang'] as const

/** What stands in a character class for the characters of scripts, with those that several share: the long vowel of kana. */
export function inClass(scripts: readonly string[]): string {
  return scripts.map((script) => `\\p{scx=${script}}`).join('')
}
