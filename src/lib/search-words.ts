import { inClass, pairedScripts } from './unspaced-scripts.ts'

/** What a text is found by: its words, and of scripts without spaces its pairs of neighbouring characters. */
export interface SearchTerms {
  /**
   * The text, folded, without what is in scripts that have no spaces, and the parts of addresses, paths and versions once
   * more: for a full-text parser.
   */
  readonly spaced: string
  /** Each word of it once, folded; those that nobody would mistype are left out: of one or two characters, and very long. */
  readonly words: readonly string[]
  /** Each pair once, and the last character of each run alone: what begins with a character is found by it. */
  readonly pairs: readonly string[]
  /** How many words and pairs there are, with repetitions. */
  readonly length: number
}

/** The longest word that is told from others. */
export const MAX_WORD_LENGTH = 40

const unspaced = new RegExp(`[[${inClass(pairedScripts)}]&&[\\p{L}\\p{M}\\p{Nl}]]+`, 'gv')
const word = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu
/** Joiners stand within words. */
const noWord = /[^\0-\x7f\p{L}\p{M}\p{N}\u200c\u200d]+/gu
/** What a full-text parser takes for one word though it has several: addresses, paths and versions. */
const compound = /[\p{L}\p{M}\p{N}][-@.:/_+~\p{L}\p{M}\p{N}]*/gu
const separators = /[-@.:/_+~]+/g
const isCompound = /[-@.:/_+~][^-@.:/_+~]/

/**
 * A text in composed form as it is compared: lower case, Latin letters without accents, wide forms made narrow. Each
 * character stays as long as it was, so that places in the result are places in the text.
 */
export function folded(text: string): string {
  return text.replace(/[A-Z]+/g, (ascii) => ascii.toLowerCase()).replace(foldable, foldedCharacter)
}

/** Not ASCII, nor one of the many characters of Chinese, Japanese and Korean that have one form only. */
const foldable = /[^\0-\x7f\u3041-\u30fe\u3400-\u9fff\uac00-\ud7a3]/gu

function foldedCharacter(character: string): string {
  const plain = character.normalize('NFKC').toLowerCase()
  const [letter = '', ...marks] = plain.normalize('NFD')
  const bare = marks.length > 0 && /\p{sc=Latn}/u.test(letter) ? letter : plain
  return bare.length === character.length ? bare : character
}

/**
 * A folded text of the same length in which only words of scripts with spaces are left, and ASCII: where the database sorts by
 * bytes, its parser takes any other character for a letter, a quotation mark beside a word or an emoji.
 */
export function spacedPart(comparable: string): string {
  return comparable.replace(unspaced, blank).replace(noWord, blank)
}

function blank(text: string): string {
  return ' '.repeat(text.length)
}

/** What a text is found by. */
export function searchTerms(text: string): SearchTerms {
  const comparable = folded(text.normalize('NFC'))
  const runs = [...comparable.matchAll(unspaced)].map(([run]) => charactersOf(run))
  const apart = spacedPart(comparable)
  const compounds = [...apart.matchAll(compound)].map(([found]) => found).filter((found) => isCompound.test(found))
  const parts = compounds.map((found) => found.replace(separators, ' '))
  const spaced = [apart, ...parts].join(' ')
  const words = [...apart.matchAll(word)].map(([found]) => found)
  return {
    spaced,
    words: [...new Set(words.filter(({ length }) => length > 2 && length <= MAX_WORD_LENGTH))],
    pairs: [...new Set(runs.flatMap((run) => [...pairsOf(run), run.at(-1) ?? '']))],
    length: words.length + runs.reduce((sum, run) => sum + run.length, 0),
  }
}

/**
 * A word with each two neighbouring letters in the other order: of a short one hardly anything else would be like it. None for
 * one of two characters, and for a very long one.
 */
export function transposed(spacedWord: string): string[] {
  const letters = charactersOf(spacedWord)
  if (letters.length < 3 || spacedWord.length > MAX_WORD_LENGTH) return []
  const swapped = letters.slice(1).map((letter, index) => {
    const before = letters.slice(0, index).join('')
    return `${before}${letter}${letters[index]}${letters.slice(index + 2).join('')}`
  })
  return [...new Set(swapped)].filter((word) => word !== spacedWord)
}

/** The pairs that all have to be in a text for this word of a script without spaces to be in it; none for one character. */
export function pairsIn(unspacedWord: string): string[] {
  return pairsOf(charactersOf(folded(unspacedWord.normalize('NFC'))))
}

function pairsOf(run: readonly string[]): string[] {
  return run.slice(1).map((character, index) => `${run[index]}${character}`)
}

function charactersOf(run: string): string[] {
  return [...run]
}
