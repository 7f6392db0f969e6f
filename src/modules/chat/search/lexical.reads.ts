import { sql } from 'kysely'
import type { Context } from '../../../platform/context.ts'
import { type AskedWord, COUNTED } from './asked-words.reads.ts'
import { homesIn, isWithin, type SearchFilter } from './search-scope.reads.ts'
import type { SearchKind } from './search-text.entity.ts'

/** A text that has some of the words of a search. */
export interface LexicalMatch {
  readonly id: string
  readonly kind: SearchKind
  /** Where it stood when it was indexed. */
  readonly homeId: string
  /** Which of the words it has, by a bit for each: as they were written, and nearly so. */
  readonly exact: number
  readonly near: number
  /** How many words it has in all. */
  readonly length: number
}

/** Texts that are looked at closely for one search. */
const MAX_MATCHES = 1_200
/** Titles are few, and a word in one tells more. */
const MAX_TITLES = 300

/**
 * Texts with the words that stood where the viewer may read, those of rarer words first. A word that is in very many texts finds
 * them only together with another, unless it is alone.
 */
export async function findLexical(
  ctx: Context,
  words: readonly AskedWord[],
  filter: SearchFilter,
  kinds: readonly SearchKind[],
): Promise<LexicalMatch[]> {
  const { platform, db } = ctx
  const telling = words.filter(({ exact, near }) => exact !== null || near !== null)
  if (telling.length === 0 || db.organizationId === null) return []
  const within = isWithin('text', sql`select id from home`, filter, kinds)
  const matching = (query: string, isTitle: boolean, limit: number) => sql`(
    select text.subject_id, text.kind, text.home_id, text.words, text.length from search_text as text
    where text.organization_id = ${db.organizationId}::uuid and text.words @@ ${query}::tsquery
      and ${isTitle ? sql`text.kind = 'PAGE'` : sql`text.kind <> 'PAGE'`} and ${within}
    limit ${limit})`
  const recalled = [
    matching(anyOf(telling), true, MAX_TITLES),
    ...recallOf(telling).map((query) => matching(query, false, MAX_MATCHES)),
  ]
  const { rows } = await sql<LexicalMatch>`
    with home (id) as materialized (${homesIn(ctx, filter, kinds)}),
    asked as materialized (
      select ordinality::int - 1 as place, exact::tsquery, near::tsquery
      from unnest(${words.map(({ exact }) => exact)}::text[], ${words.map(({ near }) => near)}::text[])
        with ordinality as asked(exact, near, ordinality)
    ),
    found as materialized (
      select * from (${sql.join(recalled, sql` union all `)}) as candidate limit ${MAX_MATCHES + MAX_TITLES}
    )
    select found.subject_id as id, found.kind, found.home_id as "homeId", found.length, bits.exact, bits.near
    from found cross join lateral (
      select coalesce(bit_or(1 << asked.place) filter (where found.words @@ asked.exact), 0) as exact,
        coalesce(bit_or(1 << asked.place) filter (where found.words @@ asked.near), 0) as near
      from asked
    ) as bits`.execute(platform.database.unscoped)
  // Some are found by several of the queries.
  return [...new Map(rows.map((row) => [row.id, row])).values()]
}

/** The queries whose texts are looked at, the most telling first. */
function recallOf(words: readonly AskedWord[]): string[] {
  const byRarity = words.toSorted((one, other) => one.count - other.count)
  const rare: AskedWord[] = []
  let texts = 0
  for (const word of byRarity) {
    texts += word.count
    if (texts > MAX_MATCHES || word.count >= COUNTED) break
    rare.push(word)
  }
  const common = byRarity.slice(rare.length)
  const queries = rare.length === 0 ? [] : [anyOf(rare)]
  if (common.length > 0) queries.push(common.map(queryOf).join(' & '))
  if (common.length > 2) queries.push(pairsOf(common).join(' | '))
  // What has one of them alone, as far as there is room.
  if (common.length > 0 && words.length > 1) queries.push(anyOf(words))
  return queries
}

function pairsOf(words: readonly AskedWord[]): string[] {
  return words.flatMap((one, index) => words.slice(index + 1).map((other) => `(${queryOf(one)} & ${queryOf(other)})`))
}

/** A tsquery of several. */
export function anyOf(words: readonly AskedWord[]): string {
  return words.map(queryOf).join(' | ')
}

function queryOf({ exact, near }: AskedWord): string {
  return `(${[exact, near].filter((query) => query !== null).join(' | ')})`
}
