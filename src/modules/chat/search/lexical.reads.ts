import { type RawBuilder, sql } from 'kysely'
import type { Context } from '../../../platform/context.ts'
import { type AskedWord, COUNTED } from './asked-words.reads.ts'
import { type Homes, isHome, isWithin, type SearchFilter } from './search-scope.reads.ts'
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
const MAX_MATCHES = 600
/** Titles are few, and a word in one tells more. */
const MAX_TITLES = 150

/**
 * Texts with the words that stood where the viewer may read, those of rarer words first. A word that is in very many texts finds
 * them only together with another, unless it is alone.
 */
export async function findLexical(
  ctx: Context,
  words: readonly AskedWord[],
  homes: Homes,
  filter: SearchFilter,
  kinds: readonly SearchKind[],
): Promise<LexicalMatch[]> {
  const { platform, db } = ctx
  const telling = words.filter(({ exact, near }) => exact !== null || near !== null)
  if (telling.length === 0 || db.organizationId === null) return []
  const within = isWithin('text', isHome(sql`text.home_id`, homes, sql`select id from home`), filter, kinds)
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
    with home (id) as materialized (${homes.query}),
    found as materialized (
      select * from (${sql.join(recalled, sql` union all `)}) as candidate limit ${MAX_MATCHES + MAX_TITLES}
    )
    select subject_id as id, kind, home_id as "homeId", length,
      ${bitsOf(words.map(({ exact }) => exact))} as exact, ${bitsOf(words.map(({ near }) => near))} as near
    from found`.execute(platform.database.unscoped)
  // Some are found by several of the queries.
  return [...new Map(rows.map((row) => [row.id, row])).values()]
}

/** A bit for each of the queries that a text has. */
function bitsOf(queries: readonly (string | null)[]): RawBuilder<unknown> {
  const bits = queries.flatMap((query, place) => {
    return query === null ? [] : [sql`((words @@ ${query}::tsquery)::int << ${sql.lit(place)})`]
  })
  return bits.length === 0 ? sql`0` : sql.join(bits, sql` | `)
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
