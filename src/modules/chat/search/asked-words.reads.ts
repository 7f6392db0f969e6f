import { type RawBuilder, sql } from 'kysely'
import { type QuestionWord, questionWords } from '../../../lib/question-words.ts'
import { folded, pairsIn, transposed } from '../../../lib/search-words.ts'
import type { Context } from '../../../platform/context.ts'

/** A word of a search, and by which queries it is found in the organization. */
export interface AskedWord {
  /** As it is written in a text of its own language, folded. */
  readonly text: string
  /** Tsqueries: as it was written, in the forms each language in use gives it; and what is nearly it, or begins with it. */
  readonly exact: string | null
  readonly near: string | null
  /** Texts of the organization it is in as it was written, up to `COUNTED`: for how to look, and nothing the viewer is to see. */
  readonly count: number
  /** Those of them that the viewer may read. */
  readonly readableCount: number
  readonly isSpaced: boolean
}

/** How far texts with a word are counted: of a word in more than that it does not matter in how many. */
export const COUNTED = 1_000
// Words that are looked at beside one that is in no text: the nearest, and the shortest that begin with it; and how many of
// those that are in a text the viewer may read are taken. Some are in none any more: what somebody wrote letter by letter was there in every part.
const NEAR_WORDS = 12
const BEGINNING_WORDS = 32
const TAKEN_WORDS = 8
/** Of a longer word without spaces, which is hardly one, nothing is tried beside it. */
const MAX_NEAR_PAIRS = 8
/** Of pg_trgm, from 0 to 1: `budgte` and `budget` have 0.4. */
const LEAST_SIMILARITY = 0.35

/**
 * The words of a search, none when nothing in it can be looked for; and how they are found. The last one may be the
 * beginning of a word: somebody may still be typing it. `homes` are the ids of where the viewer may read: what a word weighs and
 * whether others are tried beside it goes by what stands there, or weights would tell what stands elsewhere.
 */
export async function askedWords(
  { platform, db }: Context,
  text: string,
  homes: RawBuilder<unknown>,
): Promise<AskedWord[]> {
  const words = wordsIn(text)
  const spaced = words.map(({ text, isSpaced }) => (isSpaced ? text : null))
  const pairs = words.map((word) => (word.isSpaced ? null : pairsQuery(word.text)))
  const swapped = words.map((word) => (word.isSpaced ? transposed(word.text).join(' ') : null))
  const last = words.findLastIndex(({ isSpaced }) => isSpaced) + 1
  if (words.length === 0 || db.organizationId === null) return []
  const organizationId = sql`${db.organizationId}::uuid`
  const nextLanguage = (after: ReturnType<typeof sql>) => sql`(
    select next.language from search_text as next where next.organization_id = ${organizationId} and ${after}
    order by next.language limit 1)`
  const { rows } = await sql<Pick<AskedWord, 'exact' | 'near' | 'count' | 'readableCount'>>`
    with recursive home (id) as materialized (${homes}),
    used (language) as (
      select ${nextLanguage(sql`true`)}
      union all
      select ${nextLanguage(sql`next.language > used.language`)} from used where used.language is not null
    ),
    language as materialized (select language::regconfig from used where language is not null union select 'simple'),
    given as (
      select * from unnest(${spaced}::text[], ${pairs}::text[], ${swapped}::text[])
        with ordinality as given(text, pairs, swapped, place)
    )
    select asked.exact, near.query as near, counted.count, counted."readableCount"
    from given
    cross join lateral (select coalesce(given.pairs, ${formsOf(sql`given.text`)}) as exact) as asked
    cross join lateral (
      select count(*), count(*) filter (where home_id in (select id from home)) as "readableCount" from (
        select home_id from search_text
        where organization_id = ${organizationId} and words @@ asked.exact::tsquery limit ${COUNTED}
      ) as text
    ) as counted
    left join lateral (
      with candidate as (
        (select word, false as begins, similarity(word, given.text) as rank from search_word
          where organization_id = ${organizationId} and word % given.text and counted."readableCount" = 0
            and similarity(word, given.text) >= ${LEAST_SIMILARITY}
          order by rank desc, word limit ${NEAR_WORDS})
        union all
        (select word, false, 1 from search_word
          where organization_id = ${organizationId} and word = any(string_to_array(given.swapped, ' '))
            and counted."readableCount" = 0)
        union all
        (select word, true, -length(word) from search_word
          where organization_id = ${organizationId} and (counted."readableCount" = 0 or given.place = ${last})
            and word > given.text and word < given.text || chr(1114111)
          order by length(word), word limit ${BEGINNING_WORDS})
      ),
      alive as (
        select candidate.*, form.query
        from candidate cross join lateral (select ${formsOf(sql`candidate.word`)} as query) as form
        -- Not whether one exists: to find the first, Postgres would rather begin to read the table than the index.
        where (
          select bool_or(home_id in (select id from home)) from (
            select home_id from search_text
            where organization_id = ${organizationId} and words @@ form.query::tsquery limit ${COUNTED}
          ) as text
        )
      )
      -- What a word begins with is no slip of it: whoever has typed further did not mean that.
      select string_agg(taken.query, ' | ') as query from (
        select query from alive where begins or not exists (select from alive where begins)
        order by rank desc, word limit ${TAKEN_WORDS}
      ) as taken
    ) as near on given.text is not null
    order by given.place`.execute(platform.database.unscoped)
  return rows.flatMap((row, index) =>
    words.slice(index, index + 1).map((word) => {
      const near = word.isSpaced || row.readableCount > 0 ? row.near : nearPairsQuery(word.text)
      return { ...row, ...word, near }
    }),
  )
}

/** What people ask with is left out, unless there is nothing else. */
function wordsIn(text: string): QuestionWord[] {
  const telling = questionWords(text)
  const words = telling.length > 0 ? telling : questionWords(text, { alsoStopWords: true })
  return words.map((word) => ({ ...word, text: folded(word.text.normalize('NFC')) }))
}

/** What a word is in the languages of the organization's texts, as one tsquery; null where it is in none. */
function formsOf(word: ReturnType<typeof sql>) {
  // As text, since there is no aggregate that joins queries; it is written so that it can be read again.
  return sql<string | null>`(
    select string_agg(distinct '(' || form.query::text || ')', ' | ')
    from language cross join lateral (select plainto_tsquery(language.language, ${word}) as query offset 0) as form
    where numnode(form.query) > 0
  )`
}

/** A character alone is the beginning of a pair, or stands at the end. */
function pairsQuery(word: string): string {
  const pairs = pairsIn(word)
  return pairs.length === 0 ? `${quoted(word)}:*` : pairs.map(quoted).join(' & ')
}

/** All but two neighbouring pairs, which one character that is another or too many takes away; null for a word of one pair. */
function nearPairsQuery(word: string): string | null {
  const pairs = pairsIn(word)
  if (pairs.length < 2 || pairs.length > MAX_NEAR_PAIRS) return null
  const taken = pairs.length === 2 ? 1 : 2
  const starts = pairs.slice(taken - 1).keys()
  const rests = [...starts].map((start) => pairs.filter((_, index) => index < start || index >= start + taken))
  return rests.map((rest) => `(${rest.map(quoted).join(' & ')})`).join(' | ')
}

function quoted(pair: string): string {
  return `'${pair.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
