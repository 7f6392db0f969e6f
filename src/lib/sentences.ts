const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })
/** A full stop after one of these, or after an initial, ends no sentence. */
const abbreviation =
  /(?:^|[\s(])(?:\p{Lu}|mr|mrs|ms|dr|prof|st|no|nos|vs|cf|approx|e\.g|i\.e|etc|inc|ltd|jr|sr)\.\s+$/iu

/** The sentences of a text, each a substring of it without the spaces around it, cut at `maxLength` characters. */
export function sentencesOf(text: string, maxLength = 400): string[] {
  const sentences: string[] = []
  let open = ''
  for (const { segment } of segmenter.segment(text)) {
    open += segment
    if (abbreviation.test(open.slice(-16))) continue
    sentences.push(...cut(open.trim(), maxLength))
    open = ''
  }
  sentences.push(...cut(open.trim(), maxLength))
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
