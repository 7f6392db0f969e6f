import { type RawBuilder, sql } from 'kysely'
import type { BlockType } from '../../../lib/block-content.ts'
import type { Context } from '../../../platform/context.ts'
import { isGrantedTo } from '../../../platform/gate.ts'
import { readablePages } from '../../ocean/pages/page.reads.ts'
import type { SearchHit } from '../search/search.service.ts'
import type { WeighedWord, Written } from './word.reads.ts'

// Every table below is reached through `readablePages` and `ctx.db`, which are bound to what the viewer may read, or by the
// ids of what was found through them. Only the statement around them, for which they have no form, runs on the connection.

/** A block that may answer a question, with what stands over it. */
export interface Passage extends Written {
  readonly blockId: string
  readonly pageId: string
  readonly title: string
  /** The nearest heading above it; empty when there is none. */
  readonly heading: string
  readonly type: BlockType
  /** Where what is near by meaning begins in its text; null when nothing in it or over it was found so. */
  readonly nearFrom: number | null
}

/** How much a word counts where it stands. */
export const placeWeights = { text: 1, heading: 0.8, title: 0.7 }

const MAX_PASSAGES = 60
// What one question may cost, whatever stands in the pages.
const MAX_HITS = 200
const MAX_NEAR = 8
const MAX_TITLES = 20
// Far enough for an answer that uses none of the question's words: "It is 16 weeks." on the page "Parental leave".
const BLOCKS_OF_TITLE = 30
const BLOCKS_UNDER_HEADING = 6
const HEADING_REACH = 30

/**
 * The blocks that may answer, at most 60: those nearest by meaning, then those that have the words of the question in or over
 * them, best first. Headings are none, but what stands under one that was found is; so is what begins a page whose title has
 * one of the words.
 */
export async function findPassages(
  ctx: Context,
  hits: readonly SearchHit[],
  words: readonly WeighedWord[],
): Promise<Passage[]> {
  if (!isGrantedTo(ctx, 'page.read') || !isGrantedTo(ctx, 'block.read') || hits.length === 0) return []
  const { rows } = await sql<Passage>`
    with word as materialized (
      select query::tsquery, weight from unnest(${words.map(({ query }) => query)}::text[],
        ${words.map(({ weight }) => weight)}::float8[]) as word(query, weight)
    ),
    hit as materialized (${foundBlocks(ctx, hits)}),
    candidate as materialized (
      select id, min(near_place) as near_place, min(near_from) as near_from from (
        select id, near_place, near_from from hit
        union all ${blocksUnderHeadings(ctx)}
        union all ${blocksOfTitles(ctx, hits)}
      ) as found group by id
    )
    select passage.id as "blockId", passage.page_id as "pageId", page.title, coalesce(above.text, '') as heading,
      passage.type, passage.text, page.language, candidate.near_from as "nearFrom"
    from candidate
    join (${ctx.db.from('block').selectAll('block')}) as passage on passage.id = candidate.id
    join (${readablePages(ctx.db).selectAll('page')}) as page on page.id = passage.page_id
    left join lateral (${headingAbove(ctx)}) as above on true
    left join search_text as own on own.subject_id = passage.id
    left join search_text as over on over.subject_id = above.id
    left join search_text as titled on titled.subject_id = page.id
    cross join lateral (
      select coalesce(sum(word.weight * case
        when own.words @@ word.query then ${placeWeights.text}::float8
        when over.words @@ word.query then ${placeWeights.heading}::float8
        when titled.words @@ word.query then ${placeWeights.title}::float8 end), 0) as rank
      from word
    ) as ranked
    where passage.type not like 'HEADING%' and passage.text <> '' 
      and (ranked.rank > 0 or candidate.near_place is not null)
    order by candidate.near_place, ranked.rank desc, passage.page_id desc, passage.position
    limit ${MAX_PASSAGES}`.execute(ctx.platform.database.unscoped)
  return rows
}

/** The blocks that were found, those nearest by meaning among them. */
function foundBlocks({ db }: Context, hits: readonly SearchHit[]): RawBuilder<unknown> {
  const blocks = hits.filter(({ kind }) => kind === 'BLOCK')
  const near = blocks
    .filter(({ semantic }) => (semantic ?? 0) > 0)
    .toSorted((one, other) => (other.semantic ?? 0) - (one.semantic ?? 0))
    .slice(0, MAX_NEAR)
  const found = [...new Set([...near, ...blocks].slice(0, MAX_HITS))]
  return sql`
    select block.id, block.page_id, block.position, block.type, given.near_from,
      case when given.near_from is not null then given.place end as near_place
    from unnest(${found.map(({ id }) => id)}::uuid[], ${found.map((_, place) => near[place]?.start ?? null)}::int[])
      with ordinality as given(id, near_from, place)
    join (${db.from('block').selectAll('block')}) as block on block.id = given.id`
}

function blocksUnderHeadings({ db }: Context): RawBuilder<unknown> {
  const below = db
    .from('block')
    .select('block.id')
    .where(sql<boolean>`block.page_id = hit.page_id and block.position > hit.position`)
    .orderBy('block.position')
    .limit(BLOCKS_UNDER_HEADING)
  return sql`
    select below.id, hit.near_place, case when hit.near_place is not null then 0 end
    from hit cross join lateral (${below}) as below where hit.type like 'HEADING%'`
}

function blocksOfTitles({ db }: Context, hits: readonly SearchHit[]): RawBuilder<unknown> {
  const pageIds = hits.filter(({ kind }) => kind === 'PAGE').map(({ id }) => id)
  const first = db
    .from('block')
    .select('block.id')
    .where(sql<boolean>`block.page_id = titled.id`)
    .orderBy('block.position')
    .limit(BLOCKS_OF_TITLE)
  return sql`
    select first.id, null, null from (
      select title.subject_id as id
      from search_text as title
      cross join lateral (select sum(word.weight) as rank from word where title.words @@ word.query) as ranked
      where title.subject_id = any(${pageIds}::uuid[]) and ranked.rank > 0
      order by ranked.rank desc, title.subject_id desc limit ${MAX_TITLES}
    ) as titled cross join lateral (${first}) as first`
}

/** The nearest heading above `passage`, if one is near. */
function headingAbove({ db }: Context): RawBuilder<unknown> {
  const before = db
    .from('block')
    .select(['block.id', 'block.type', 'block.text', 'block.position'])
    .where(sql<boolean>`block.page_id = passage.page_id and block.position < passage.position`)
    .orderBy('block.position', 'desc')
    .limit(HEADING_REACH)
  return sql`
    select before.id, before.text from (${before}) as before where before.type like 'HEADING%'
    order by before.position desc limit 1`
}
