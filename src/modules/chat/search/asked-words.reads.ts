import { sql } from 'kysely'
import { type QuestionWord, questionWords } from '../../../lib/question-words.ts'
import { folded, pairsIn, transposed } from '../../../lib/search-words.ts'
import type { Context } from '../../../platform/context.ts'
import { type Homes, isHome } from './search-scope.reads.ts'
import type { SearchKind } from './search-text.entity.ts'

/** A word of a search, and by which queries it is found in the organization. */
export interface AskedWord {
  /** As it is written in a text of its own language, folded. */
  readonly text: string
  /** Tsqueries: as it was written, in the forms each language in use gives it; and what is nearly it, or begins with it. */
  readonly exact: string | null
  readonly near: string | null
  /** Texts it is in as it was written, up to `COUNTED`, of those that the viewer may read. */
  readonly count: number
  readonly isSpaced: boolean
}

/** How far texts with a word are counted: of a word in more than that it does not matter in how many. */
export const COUNTED = 500
/** Words that are taken beside one: the nearest, or the shortest that begin with it. */
const TAKEN_WORDS = 8
/**
 * Words of the organization that are looked at until as many are found in a text that the viewer may read. So many are alike only
 * where somebody wrote them for it; were it fewer, what others wrote would crowd out what one may read, and tell of itself.
 */
const MAX_CANDIDATES = 1_000
/** The first words of a search and the last one: for more it would cost a database that has one session too much. */
const MENDED_WORDS = 4
/** Fewer letters begin too many words. */
const LEAST_BEGINNING = 2
/** From so many letters on, a word may be cut off behind the stem by which it is found: `populat` of `popul`. */
const LEAST_BEHIND_STEM = 4
/** Of a longer word without spaces, which is hardly one, nothing is tried beside it. */
const MAX_NEAR_PAIRS = 8
/** Of pg_trgm, from 0 to 1: `budgte` and `budget` have 0.4. */
const LEAST_SIMILARITY = 0.35

/**
 * The words of a search, none when nothing in it can be looked for; and how they are found. The last one may be the
 * beginning of a word: somebody may still be typing it. `homes` are where the viewer may read, and `kinds` what: what
 * a word weighs and whether others are tried beside it goes by that alone, or weights would tell what else there is.
 */
export async function askedWords(
  { platform, db }: Context,
  text: string,
  homes: Homes,
  kinds: readonly SearchKind[],
): Promise<AskedWord[]> {
  const words = wordsIn(text)
  const spaced = words.map(({ text, isSpaced }) => (isSpaced ? text : null))
  const pairs = words.map((word) => (word.isSpaced ? null : pairsQuery(word.text)))
  const swapped = words.map((word) => (word.isSpaced ? transposed(word.text).join(' ') : null))
  const last = words.findLastIndex(({ isSpaced }) => isSpaced) + 1
  const beginnings = words.map(({ text }, index) => {
    return index + 1 === last && text.length >= LEAST_BEGINNING ? `${quoted(text)}:*` : null
  })
  if (words.length === 0 || db.organizationId === null) return []
  const texts = {
    organizationId: sql`${db.organizationId}::uuid`,
    isReadable: sql`kind = any(${kinds}::text[]) and ${isHome(sql`home_id`, homes, sql`select id from home`)}`,
  }
  const { rows } = await sql<Pick<AskedWord, 'exact' | 'near' | 'count'>>`
    with recursive home (id) as materialized (${homes.query}), ${languagesOf(texts)},
    given as (
      select * from unnest(${spaced}::text[], ${pairs}::text[], ${swapped}::text[], ${beginnings}::text[])
        with ordinality as given(text, pairs, swapped, beginning, place)
    )
    select asked.exact, counted.count,
      coalesce(nullif(concat_ws(' | ', begun.query, longer.query), ''), slips.query) as near
    from given
    cross join lateral (select coalesce(given.pairs, ${formsOf(sql`given.text`)}) as exact) as asked
    cross join lateral (select ${countOf(texts, sql`asked.exact`)} as count) as counted
    cross join lateral (
      select case when ${countOf(texts, sql`given.beginning`)} > 0 then given.beginning end as query
    ) as begun
    left join lateral (${taken(texts, longerWords(texts))}) as longer on true
    left join lateral (${taken(texts, alikeWords(texts, last))}) as slips on true
    order by given.place`.execute(platform.database.unscoped)
  return rows.flatMap((row, index) =>
    words.slice(index, index + 1).map((word) => {
      const near = word.isSpaced || row.count > 0 ? row.near : nearPairsQuery(word.text)
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

type Sql = ReturnType<typeof sql>

/** The texts of an organization that the viewer may read. */
interface Texts {
  readonly organizationId: Sql
  /** Over `search_text`. */
  readonly isReadable: Sql
}

/** The table `language` of the languages that texts of the organization are in. */
function languagesOf({ organizationId }: Texts): Sql {
  const next = (after: Sql) => sql`(
    select next.language from search_text as next where next.organization_id = ${organizationId} and ${after}
    order by next.language limit 1)`
  return sql`
    used (language) as (
      select ${next(sql`true`)}
      union all
      select ${next(sql`next.language > used.language`)} from used where used.language is not null
    ),
    language as materialized (select language::regconfig from used where language is not null union select 'simple')`
}

/** In how many of the texts a query is, as far as they are counted. */
function countOf({ organizationId, isReadable }: Texts, query: Sql): Sql {
  // Also for whether it is in one: to find the first, Postgres would rather begin to read the table than the index.
  return sql`(
    select count(*) from (
      select from search_text
      where organization_id = ${organizationId} and words @@ ${query}::tsquery and ${isReadable} limit ${COUNTED}
    ) as text
  )`
}

/** The query for the first of these words that are in one of the texts: they are looked at in their order until enough are found. */
function taken(texts: Texts, candidates: Sql): Sql {
  return sql`
    select string_agg(alive.query, ' | ') as query from (
      select form.query
      from (${candidates} limit ${MAX_CANDIDATES}) as candidate
      cross join lateral (select ${formsOf(sql`candidate.word`)} as query offset 0) as form
      where ${countOf(texts, sql`form.query`)} > 0 limit ${TAKEN_WORDS}
    ) as alive`
}

/** Words that begin with the given one, the shortest first. */
function longerWords({ organizationId }: Texts): Sql {
  return sql`
    select word from search_word
    where organization_id = ${organizationId} and given.beginning is not null
      and length(given.text) >= ${LEAST_BEHIND_STEM} and word > given.text and word < given.text || chr(1114111)
    order by length(word), word`
}

/** Words that the given one may be a slip of, the nearest first: what a word begins with is no slip of it. */
function alikeWords({ organizationId }: Texts, last: number): Sql {
  return sql`
    select word from (
      select word, similarity(word, given.text) as rank from search_word
      where organization_id = ${organizationId} and word % given.text
        and similarity(word, given.text) >= ${LEAST_SIMILARITY}
      union all
      select word, 1 from search_word
      where organization_id = ${organizationId} and word = any(string_to_array(given.swapped, ' '))
    ) as alike
    where counted.count = 0 and begun.query is null and longer.query is null
      and (given.place <= ${MENDED_WORDS} or given.place = ${last})
    order by rank desc, word`
}

/** What a word is in the languages of the organization's texts, as one tsquery; null where it is in none. */
function formsOf(word: Sql) {
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
