import { hash } from 'node:crypto'
import { sentenceSpans } from './sentences.ts'
import type { Span } from './span.ts'
import { inClass, unspacedScripts } from './unspaced-scripts.ts'

// What is searched by meaning is a part of a text, since a vector of a long one means a little of everything.

/** Chunks of one text; what is behind them is found by its words alone. */
export const MAX_CHUNKS = 200
const MAX_WORDS = 60
/** Of scripts without spaces: how many characters say as much as a word of the others. */
const CHARACTERS_A_WORD = 2

const character = inClass(unspacedScripts)
/** A character of a script without spaces, or a word; of what is too long for one (an address, a key) a part. */
const token = new RegExp(`[${character}]|[^\\s${character}]{1,30}`, 'gu')
const unspaced = new RegExp(`^[${character}]`, 'u')

/**
 * The parts of a text that are embedded: whole sentences, as many as have 60 words together, or about 120 characters of a
 * script without spaces. A longer sentence is cut. They follow each other without the spaces between them, and none is
 * without a letter or a digit.
 */
export function chunksOf(text: string): Span[] {
  const chunks: Span[] = []
  let open: Piece | null = null
  const close = () => {
    if (open !== null && /[\p{L}\p{N}]/u.test(text.slice(open.start, open.end))) {
      chunks.push({ start: open.start, end: open.end })
    }
  }
  for (const piece of piecesOf(text)) {
    if (open !== null && open.words + piece.words <= MAX_WORDS) {
      open = { start: open.start, end: piece.end, words: open.words + piece.words }
      continue
    }
    close()
    if (chunks.length === MAX_CHUNKS) return chunks
    open = piece
  }
  close()
  return chunks
}

/** What a model is given of a chunk: what it stands under is said as well, as far as it is under something. */
export function embeddedText({ title, text }: { readonly title: string | null; readonly text: string }): string {
  return title === null || title === '' ? text : `${title}: ${text}`
}

/** What an embedded text is known by: the first 16 bytes of its SHA-256. */
export function chunkHash(embedded: string): Buffer {
  return hash('sha256', embedded, 'buffer').subarray(0, 16)
}

interface Piece extends Span {
  readonly words: number
}

/** Sentences, and parts of those that are too long; what is only space is none. */
function* piecesOf(text: string): Generator<Piece> {
  for (const sentence of sentenceSpans(text)) {
    let open: Piece | null = null
    for (const { 0: part, index } of text.slice(sentence.start, sentence.end).matchAll(token)) {
      const start = sentence.start + index
      const end = start + part.length
      const words = unspaced.test(part) ? 1 / CHARACTERS_A_WORD : 1
      if (open !== null && open.words + words <= MAX_WORDS) {
        open = { start: open.start, end, words: open.words + words }
        continue
      }
      if (open !== null) yield open
      open = { start, end, words }
    }
    if (open !== null) yield open
  }
}
