import type { Span } from './span.ts'

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })
/** A full stop after one of these, or after an initial, ends no sentence. */
const abbreviation =
  /(?:^|[\s(])(?:\p{Lu}|mr|mrs|ms|dr|prof|st|no|nos|vs|cf|approx|e\.g|i\.e|etc|inc|ltd|jr|sr)\.\s+$/iu
/** Longer than any abbreviation with the space behind it. */
const ABBREVIATION_REACH = 16

/** Where the sentences of a text stand, each with the spaces behind it, so that together they are the whole of it. */
export function* sentenceSpans(text: string): Generator<Span> {
  let start = 0
  for (const { segment, index } of segmenter.segment(text)) {
    const end = index + segment.length
    if (abbreviation.test(text.slice(Math.max(start, end - ABBREVIATION_REACH), end))) continue
    yield { start, end }
    start = end
  }
  if (start < text.length) yield { start, end: text.length }
}

/** The sentences of a text, each a substring of it without the spaces around it, cut at `maxLength` characters. */
export function sentencesOf(text: string, maxLength = 400): string[] {
  const sentences = [...sentenceSpans(text)].flatMap(({ start, end }) => cut(text.slice(start, end).trim(), maxLength))
  return sentences.filter((sentence) => /[\p{L}\p{N}]/u.test(sentence))
}

/** Pieces of a sentence that nobody would quote whole, at spaces where there are any. */
function cut(sentence: string, maxLength: number): string[] {
  const pieces: string[] = []
  let rest = sentence
  while (rest.length > maxLength) {
    const space = rest.lastIndexOf(' ', maxLength)
    // Not between the halves of one character.
    const hard = rest.slice(0, maxLength).isWellFormed() ? maxLength : maxLength - 1
    const at = space > maxLength / 2 ? space : hard
    pieces.push(rest.slice(0, at).trimEnd())
    rest = rest.slice(at).trimStart()
  }
  return [...pieces, rest]
}
