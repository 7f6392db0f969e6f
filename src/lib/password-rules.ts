import { createRequire } from 'node:module'

// Loaded when the first password is judged and not at every start, which its 50,000 words would slow down.
const require = createRequire(import.meta.url)
const commonPasswords = (): typeof import('fxa-common-password-list') => require('fxa-common-password-list')

/** What a password is judged by. */
export interface PasswordDemands {
  /** `classes` asks for four kinds of characters; `length` for none (ASVS 6.2.5), so that the lists alone decide. */
  readonly rules: 'classes' | 'length'
  /** What others know of the account, as typed: e-mail address, username, display name. */
  readonly ownWords: readonly string[]
}

/** Why a password is refused; `missing` names kinds of characters, in words, and is empty for the other reasons. */
export interface PasswordWeakness {
  readonly reason: 'MISSING_CHARACTERS' | 'COMMON' | 'OWN_WORDS'
  readonly missing: readonly string[]
}

const characterClasses: readonly (readonly [RegExp, string])[] = [
  [/\p{Lu}/u, 'an upper-case letter'],
  [/\p{Ll}/u, 'a lower-case letter'],
  [/\p{Nd}/u, 'a digit'],
  [/[^\p{L}\p{Nd}]/u, 'a special character'],
]

// "Aa1!Aa1!": what is repeated may be as long as it takes to have all four classes.
const REPETITION = /^(.{1,4})\1+$/su
// What remains beside own words has to be worth a password of the least length.
const LEAST_REST = 8
// Shorter ones ("of", "ann") are inside too many words of others.
const LEAST_OWN_WORD = 4

/** Why this password is too easy to guess, or null. Length is checked elsewhere. */
export function weaknessOf(password: string, { rules, ownWords }: PasswordDemands): PasswordWeakness | null {
  const missing = rules === 'classes' ? missingFrom(password) : []
  if (missing.length > 0) return { reason: 'MISSING_CHARACTERS', missing }
  const folded = fold(password)
  if (isCommon(password, folded)) return { reason: 'COMMON', missing: [] }
  if (isOfOwnWords(folded, ownWords)) return { reason: 'OWN_WORDS', missing: [] }
  return null
}

function missingFrom(password: string): readonly string[] {
  return characterClasses.filter(([pattern]) => !pattern.test(password)).map(([, name]) => name)
}

/** As typed, or dressed up: in other case, with punctuation or digits around it, or by being said several times. */
function isCommon(password: string, folded: string): boolean {
  const core = trimmedTo(/[\p{L}\p{Nd}]/u, folded)
  const word = trimmedTo(/\p{L}/u, folded)
  const candidates = new Set([password, folded, core, word, ...shortWord(word)])
  return REPETITION.test(folded) || [...candidates].some((candidate) => commonPasswords().test(candidate))
}

/** The list begins at 8 characters: "qwerty" and "dragon" are on it with the digits most people put behind them. */
function shortWord(word: string): readonly string[] {
  return /^\p{L}{6,7}$/u.test(word) ? ['1', '12', '123'].map((digits) => word + digits) : []
}

/** The text from the first to the last character that matches; in one pass, since it may be a thousand others. */
function trimmedTo(wanted: RegExp, text: string): string {
  const characters = [...text]
  const isWanted = (character: string) => wanted.test(character)
  const first = characters.findIndex(isWanted)
  return first < 0 ? '' : characters.slice(first, characters.findLastIndex(isWanted) + 1).join('')
}

/** Whether own words are its main part: without all of them fewer than 8 characters remain, and some were there. */
function isOfOwnWords(folded: string, ownWords: readonly string[]): boolean {
  const words = [...new Set(ownWords.flatMap(wordsOf))].sort((a, b) => b.length - a.length)
  const rest = words.reduce((text, word) => text.replaceAll(word, ''), folded)
  return rest !== folded && [...rest].length < LEAST_REST
}

/** Of an address its local part and the names of its domain but the last; of everything also its words. */
function wordsOf(text: string): readonly string[] {
  const [local = '', domain = ''] = fold(text).split('@')
  const names = domain.split('.').slice(0, -1)
  const parts = [local, ...names].flatMap((part) => [part, ...part.split(/[^\p{L}\p{Nd}]+/u)])
  return parts.map((part) => part.trim()).filter((part) => [...part].length >= LEAST_OWN_WORD)
}

/** Full-width letters and other dress of the same text count as the text. */
function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}
