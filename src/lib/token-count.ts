/** How many tokens a text comes to. */
export interface TokenCount {
  readonly tokens: number
  /** As the model itself counts; otherwise an estimate that is rather too high. */
  readonly isExact: boolean
}

/**
 * UTF-16 units in a row that the encoding may take as one piece: it takes time by the square of such a piece, two seconds for
 * 64 KiB of one letter. No word is as long; what is longer is counted in pieces, and rather too high.
 */
const LONGEST_RUN = 96
/** Signs, spaces and the ends of lines are one kind: the encoding takes signs together with the slashes and ends behind them. */
const LONG_RUN = new RegExp(
  ['[\\p{L}\\p{M}]', '[^\\p{L}\\p{N}]'].map((kind) => `${kind}{${LONGEST_RUN + 1},}`).join('|'),
  'gu',
)

/** Other encodings split most texts into up to so many more tokens than OpenAI's. */
export const MARGIN = 1.4

/** The models that OpenAI's tiktoken names for o200k, those since GPT-4o, and those of one's own that are made of them. */
const COUNTED_BY_O200K = /^(?:ft:)?(?:(?:chat)?gpt-(?:4o|4\.[15]|[5-9]|[1-9]\d)|o[1-9])(?![a-z\d])/

/** Whether OpenAI's model of this name, without the provider, reads texts as they are counted here. */
export function isCountedExactly(openAiName: string): boolean {
  return COUNTED_BY_O200K.test(openAiName)
}

/** Counts by the encoding of OpenAI's models since GPT-4o (o200k), which is read when first needed. */
export async function countTokens(text: string, isO200k: boolean): Promise<TokenCount> {
  const { countTokens: count } = await import('gpt-tokenizer/encoding/o200k_base')
  // What looks like a sign of the model's own is text: nobody may put one in.
  const countOf = (piece: string) => count(piece, { disallowedSpecial: new Set() })
  let tokens = 0
  let isWhole = true
  let at = 0
  for (const { 0: run, index } of text.matchAll(LONG_RUN)) {
    tokens += countOf(text.slice(at, index))
    for (let start = 0; start < run.length; start += LONGEST_RUN)
      tokens += countOf(run.slice(start, start + LONGEST_RUN))
    at = index + run.length
    isWhole = false
  }
  tokens += countOf(text.slice(at))
  if (isO200k) return { tokens, isExact: isWhole }
  // No encoding has more tokens than bytes.
  return { tokens: Math.min(Math.ceil(tokens * MARGIN), Buffer.byteLength(text)), isExact: false }
}
