import { sql } from 'kysely'
import { searchConfiguration } from '../../../lib/search-language.ts'
import { searchTerms } from '../../../lib/search-words.ts'
import type { Context } from '../../../platform/context.ts'
import type { AskedWord } from '../search/asked-words.reads.ts'

// No table is read here.

/** A word of a question and how much it says, from 0 to 1: the fewer texts that the viewer may read it stands in, the more. */
export interface WeighedWord {
  /** Null in scripts without spaces, which have no words that are none. */
  readonly spaced: string | null
  /** The tsquery that finds it. */
  readonly query: string
  /** Whether that finds what is only spelled nearly so: nobody wrote the word itself. */
  readonly isGuess: boolean
  readonly weight: number
}

/** Something written, in the language whose forms its words have: BCP 47, where somebody said it. */
export interface Written {
  readonly text: string
  readonly language: string | null
}

// A word nobody wrote may be decoration or the very point: it counts, less than one that is rare.
const UNKNOWN_WEIGHT = 0.6

/** What the words of a question weigh; those that cannot be looked for are left out. */
export function weighed(words: readonly AskedWord[]): WeighedWord[] {
  return words.flatMap(({ text, isSpaced, exact, near, count }) => {
    const guess = count === 0 ? near : null
    const query = guess ?? exact
    if (query === null) return []
    const weight = count === 0 ? UNKNOWN_WEIGHT : 1 / Math.log2(1 + count)
    return [{ spaced: isSpaced ? text : null, query, isGuess: guess !== null, weight }]
  })
}

/** Which of the words stand in each of the texts, in the forms of its language, as indexes of `words`. */
export async function matchWords(
  { platform }: Context,
  texts: readonly Written[],
  words: readonly WeighedWord[],
): Promise<ReadonlySet<number>[]> {
  const found = texts.map(() => new Set<number>())
  if (texts.length === 0 || words.length === 0) return found
  const terms = texts.map(({ text }) => searchTerms(text))
  const { rows } = await sql<{ text: number; word: number }>`
    with word as materialized (
      select ordinality::int - 1 as index, query::tsquery
      from unnest(${words.map(({ query }) => query)}::text[]) with ordinality as word(query, ordinality)
    ),
    given as materialized (
      select ordinality::int - 1 as index,
        to_tsvector(language::regconfig, spaced) || array_to_tsvector(string_to_array(pairs, ' ')) as words
      from unnest(${texts.map(configurationOf)}::text[], ${terms.map(({ spaced }) => spaced)}::text[],
        ${terms.map(({ pairs }) => pairs.join(' '))}::text[]) with ordinality as given(language, spaced, pairs, ordinality)
    )
    select given.index as text, word.index as word from given join word on given.words @@ word.query
  `.execute(platform.database.unscoped)
  for (const { text, word } of rows) found[text]?.add(word)
  return found
}

/** Which of the words say nothing by themselves in the language of each of the texts, like "the" in English. */
export async function emptyWords(
  { platform }: Context,
  texts: readonly Written[],
  words: readonly WeighedWord[],
): Promise<ReadonlySet<number>[]> {
  const languages = texts.map(configurationOf)
  const { rows } = await sql<{ language: string; word: number }>`
    select language, place::int - 1 as word
    from unnest(${[...new Set(languages)]}::text[]) as language
    cross join unnest(${words.map(({ spaced }) => spaced)}::text[]) with ordinality as word(spaced, place)
    where numnode(plainto_tsquery(language::regconfig, spaced)) = 0`.execute(platform.database.unscoped)
  const empty = Map.groupBy(rows, ({ language }) => language)
  return languages.map((language) => new Set(empty.get(language)?.map(({ word }) => word)))
}

function configurationOf({ language, text }: Written): string {
  return searchConfiguration(language, text)
}
