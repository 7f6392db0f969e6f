import { sql } from 'kysely'
import { joined, placesOf, type Snippet, snippetOf } from '../../../lib/search-snippet.ts'
import { folded, pairsIn, spacedPart } from '../../../lib/search-words.ts'
import type { Span } from '../../../lib/span.ts'
import type { Context } from '../../../platform/context.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'
import type { AskedWord } from './asked-words.reads.ts'
import { anyOf } from './lexical.reads.ts'

/** A text that was found, and by which words; those of one search are read in one statement. */
export interface ShownText {
  readonly id: string
  readonly text: string
  readonly words: readonly AskedWord[]
  /** Where it is nearest by meaning. */
  readonly start: number
}

/** What is looked through for words to highlight, in UTF-16 units. */
const MAX_READ = 10_000
/** Read before the first place that looks like it. */
const LEAD = 1_000
/** Characters of a word that is at least somewhat like another. */
const LEAST_BEGINNING = 3
/** How much of a word is looked for, where there is no more of it: few times, since the text may be long. */
const BEGINNINGS = [1, 0.75, 0.5]
/** The parser leaves out what has 2,047 bytes, words and gaps alike; a unit has three at most. */
const tooLong = /(\S{600})\S|(\s{600})\s/g
const lexeme = /'((?:[^']|'')+)'/g
const [OPEN, CLOSE] = ['\u0001', '\u0002']

/** The part of a text to show among what was found, with the words highlighted that it was found by. */
export async function findSnippet(ctx: Context, shown: ShownText): Promise<Snippet> {
  const text = shown.text.normalize('NFC')
  const from = Math.max(0, (text.length <= MAX_READ ? 0 : firstPlace(text, shown)) - LEAD)
  const part = text.slice(from, from + MAX_READ).toWellFormed()
  const comparable = folded(part)
  const query = anyOf(shown.words.filter(({ isSpaced, exact, near }) => isSpaced && (exact ?? near) !== null))
  const spaced =
    query === '' ? [] : ((await load(ctx, spacedMarks, { id: shown.id, plain: parsable(comparable), query })) ?? [])
  const others = shown.words.filter(({ isSpaced }) => !isSpaced)
  const unspaced = others.flatMap(({ text, near }) => (near === null ? [text] : pairsIn(text)))
  const marks = joined([...spaced, ...placesOf(comparable, unspaced)])
  const snippet = snippetOf(part, marks, Math.max(0, shown.start - from))
  return from > 0 && !snippet.text.startsWith('…') ? shifted(snippet) : snippet
}

function shifted({ text, highlights }: Snippet): Snippet {
  return { text: `…${text}`, highlights: highlights.map(({ start, end }) => ({ start: start + 1, end: end + 1 })) }
}

/** As long as the text, without what a parser could take for markup, and with nothing in it that is too long for it. */
function parsable(comparable: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const plain = spacedPart(comparable).replace(/[\u0000-\u001f<>&]/g, ' ')
  return plain.replace(tooLong, (_, word?: string, gap?: string) => (word === undefined ? `${gap}+` : `${word} `))
}

/** Where a long text first has what is most like one of the words; else where it is nearest by meaning. */
function firstPlace(text: string, { words, start }: ShownText): number {
  const comparable = folded(text)
  const places = words.map((word) => likestPlace(comparable, word)).filter((place) => place >= 0)
  return places.length === 0 ? start : Math.min(...places)
}

/** Of a word, in any form it is found in, or else of more or less of its beginning; -1 when there is none in the text. */
function likestPlace(text: string, { text: word, exact, near }: AskedWord): number {
  const stems = [...`${exact} ${near}`.matchAll(lexeme)].map(([, stem = '']) => stem)
  const forms = [word, ...stems].toSorted((one, other) => other.length - one.length)
  for (const share of BEGINNINGS) {
    const beginnings = forms.map((form) => form.slice(0, Math.max(LEAST_BEGINNING, Math.ceil(form.length * share))))
    const found = beginnings.map((beginning) => text.indexOf(beginning)).filter((place) => place >= 0)
    if (found.length > 0) return Math.min(...found)
  }
  return -1
}

interface Marked {
  readonly id: string
  readonly plain: string
  readonly query: string
}

/** Where the words of a query stand in texts, in whatever form the language of each gives them. */
const spacedMarks = defineLoader<Marked, Span[]>({
  name: 'spacedMarks',
  identity: ({ id, query }) => `${id} ${query}`,
  batch: async (db, keys) => {
    const column = (of: (key: Marked) => string) => keys.map(of)
    const options = `HighlightAll=true, StartSel=${OPEN}, StopSel=${CLOSE}`
    const rows = await db
      .from('search_text')
      .innerJoin(
        sql<{ id: string; plain: string; query: string }>`unnest(
          ${column(({ id }) => id)}::uuid[], ${column(({ plain }) => plain)}::text[], ${column(({ query }) => query)}::text[]
        )`.as<'given'>(sql`given(id, plain, query)`),
        (join) => join.onRef('given.id', '=', 'search_text.subject_id'),
      )
      .select(['given.id', 'given.query'])
      .select(
        sql<string>`ts_headline(search_text.language::regconfig, given.plain, given.query::tsquery, ${options})`.as(
          'marked',
        ),
      )
      .execute()
    const marked = new Map(rows.map((row) => [`${row.id} ${row.query}`, row.marked]))
    return new Map(keys.map((key) => [key, marksIn(marked.get(`${key.id} ${key.query}`) ?? '', key.plain)] as const))
  },
})

function marksIn(marked: string, plain: string): Span[] {
  const marks: Span[] = []
  let bare = ''
  for (const [index, piece] of marked.split(OPEN).entries()) {
    const [word = '', rest = ''] = index === 0 ? ['', piece] : piece.split(CLOSE)
    if (word !== '') marks.push({ start: bare.length, end: bare.length + word.length })
    bare += word + rest
  }
  // Were anything left out, the places would be those of another text.
  return bare === plain ? marks : []
}
