import { sql } from 'kysely'
import { joined, placesOf, type Snippet, type Stretch, snippetOf } from '../../../lib/search-snippet.ts'
import { folded } from '../../../lib/search-words.ts'
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
const [OPEN, CLOSE] = ['\u0001', '\u0002']

/** The part of a text to show among what was found, with the words highlighted that it was found by. */
export async function findSnippet(ctx: Context, shown: ShownText): Promise<Snippet> {
  const text = shown.text.normalize('NFC')
  const from = Math.max(0, (text.length <= MAX_READ ? 0 : firstPlace(text, shown)) - LEAD)
  const part = text.slice(from, from + MAX_READ).toWellFormed()
  // As long as the part, and without what a parser could take for markup.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const plain = folded(part).replace(/[\u0000-\u001f<>&]/g, ' ')
  const query = anyOf(shown.words.filter(({ isSpaced, exact, near }) => isSpaced && (exact ?? near) !== null))
  const spaced = query === '' ? [] : ((await load(ctx, spacedMarks, { id: shown.id, plain, query })) ?? [])
  const unspaced = shown.words.filter(({ isSpaced }) => !isSpaced).map((word) => word.text)
  const marks = joined([...spaced, ...placesOf(plain, unspaced)])
  const snippet = snippetOf(part, marks, Math.max(0, shown.start - from))
  return from > 0 && !snippet.text.startsWith('…') ? shifted(snippet) : snippet
}

function shifted({ text, highlights }: Snippet): Snippet {
  return { text: `…${text}`, highlights: highlights.map(({ start, end }) => ({ start: start + 1, end: end + 1 })) }
}

/** Where a long text first has something like one of the words; else where it is nearest by meaning. */
function firstPlace(text: string, { words, start }: ShownText): number {
  const comparable = folded(text)
  const places = words.map((word) => comparable.indexOf(word.text.slice(0, 5))).filter((place) => place >= 0)
  return places.length === 0 ? start : Math.min(...places)
}

interface Marked {
  readonly id: string
  readonly plain: string
  readonly query: string
}

/** Where the words of a query stand in texts, in whatever form the language of each gives them. */
const spacedMarks = defineLoader<Marked, Stretch[]>({
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

function marksIn(marked: string, plain: string): Stretch[] {
  const marks: Stretch[] = []
  let bare = ''
  for (const [index, piece] of marked.split(OPEN).entries()) {
    const [word = '', rest = ''] = index === 0 ? ['', piece] : piece.split(CLOSE)
    if (word !== '') marks.push({ start: bare.length, end: bare.length + word.length })
    bare += word + rest
  }
  // Were anything left out, the places would be those of another text.
  return bare === plain ? marks : []
}
