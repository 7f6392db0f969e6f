import { type RawBuilder, sql } from 'kysely'
import type { BlockType } from '../../../lib/block-content.ts'
import type { QuestionWord } from '../../../lib/question-words.ts'
import type { Context } from '../../../platform/context.ts'
import { isGrantedTo } from '../../../platform/gate.ts'
import { readableBlocks } from '../../ocean/blocks/block.reads.ts'
import { readablePages } from '../../ocean/pages/page.reads.ts'

// Every table below is reached through `readablePages` and `readableBlocks`, which are bound to what the viewer may read. Only
// the statement around them, for which they have no form, runs on the connection itself.

/** A word of a question and how much it says, from 0 to 1: the fewer blocks it stands in, the more. */
export interface WeighedWord extends QuestionWord {
  readonly weight: number
}

/** A block that may answer a question, with what stands over it. */
export interface Passage {
  readonly blockId: string
  readonly pageId: string
  readonly title: string
  /** The nearest heading above it; empty when there is none. */
  readonly heading: string
  readonly type: BlockType
  readonly text: string
}

/** How much a word counts where it stands. */
export const placeWeights = { text: 1, heading: 0.8, title: 0.7 }

const MAX_PASSAGES = 40
// What one question may cost, whatever stands in the pages: a word that is in more blocks than this tells none apart.
const MAX_HITS = 1_000
const MAX_TITLES = 20
// Far enough for an answer that uses none of the question's words: "It is 16 weeks." on the page "Parental leave".
const BLOCKS_OF_TITLE = 30
const BLOCKS_UNDER_HEADING = 6
const HEADING_REACH = 30
// A word nobody wrote may be decoration or the very point: it counts, less than one that is rare.
const UNKNOWN_WEIGHT = 0.6

/**
 * What the words of a question weigh in the viewer's pages. Words that are in too many blocks are left out unless there
 * are no others, as are those that the English dictionary takes for no words.
 */
export async function weighWords(ctx: Context, words: readonly QuestionWord[]): Promise<WeighedWord[]> {
  if (!mayRead(ctx) || words.length === 0) return []
  const spaced = words.filter((word) => word.isSpaced).map((word) => word.text)
  const hits = readableBlocks(ctx.db)
    .where(sql<boolean>`to_tsvector('english', block.text) @@ word.query`)
    .select(sql`1`.as('one'))
    .limit(MAX_HITS + 1)
  const { rows } = await sql<{ text: string; count: number }>`
    select given.text, (select count(*) from (${hits}) as hit) as count
    from unnest(${spaced}::text[]) as given(text)
    cross join lateral (select plainto_tsquery('english', given.text) as query offset 0) as word
    where numnode(word.query) > 0`.execute(ctx.platform.database.unscoped)
  const counts = new Map(rows.map(({ text, count }) => [text, count]))
  const weighed = words.flatMap((word) => {
    // Without an index that finds them, other scripts are not counted: their longer words are the rarer ones.
    if (!word.isSpaced) return [{ ...word, weight: [...word.text].length > 1 ? 0.7 : 0.3, count: 0 }]
    const count = counts.get(word.text)
    if (count === undefined) return []
    return [{ ...word, weight: count === 0 ? UNKNOWN_WEIGHT : 1 / Math.log2(1 + count), count }]
  })
  const telling = weighed.filter(({ count }) => count <= MAX_HITS)
  return (telling.length > 0 ? telling : weighed).map(({ text, isSpaced, weight }) => ({ text, isSpaced, weight }))
}

/** The blocks the viewer may read that are nearest to the words, at most 40, nearest first; headings are none. */
export async function findPassages(ctx: Context, words: readonly WeighedWord[]): Promise<Passage[]> {
  if (!mayRead(ctx) || words.length === 0) return []
  const matched = matchingBlocks(ctx, words)
  const { rows } = await sql<Passage>`
    with word as materialized (${wordRows(words)}),
    hit as materialized (${matched}),
    near as (select id from hit union ${blocksUnderHeadings(ctx)} union ${blocksOfTitles(ctx, words)})
    select passage.id as "blockId", passage.page_id as "pageId", page.title, above.heading, passage.type, passage.text
    from near
    join (${readableBlocks(ctx.db).selectAll('block')}) as passage on passage.id = near.id
    join (${readablePages(ctx.db).select(['page.id', 'page.title'])}) as page on page.id = passage.page_id
    cross join lateral (${headingAbove(ctx)}) as above
    cross join lateral (
      select to_tsvector('english', passage.text) as body, to_tsvector('english', above.heading) as heading,
        to_tsvector('english', page.title) as title offset 0
    ) as vector
    cross join lateral (
      select sum(word.weight * case
        when coalesce(vector.body @@ word.query, position(word.text in passage.text) > 0)
          then ${placeWeights.text}::float8
        when coalesce(vector.heading @@ word.query, position(word.text in above.heading) > 0)
          then ${placeWeights.heading}::float8
        when coalesce(vector.title @@ word.query, position(word.text in page.title) > 0)
          then ${placeWeights.title}::float8
        else 0 end) as rank
      from word
    ) as ranked
    where passage.type not like 'HEADING%' and passage.text <> '' and ranked.rank > 0
    order by ranked.rank desc, passage.page_id desc, passage.position, passage.id
    limit ${MAX_PASSAGES}`.execute(ctx.platform.database.unscoped)
  return rows
}

/**
 * Which of the words stand in each of the texts, as indexes of `words`. English words match in all their forms. No table
 * is read.
 */
export async function matchWords(
  ctx: Context,
  texts: readonly string[],
  words: readonly WeighedWord[],
): Promise<ReadonlySet<number>[]> {
  const found = texts.map(() => new Set<number>())
  if (texts.length === 0 || words.length === 0) return found
  const { rows } = await sql<{ text: number; word: number }>`
    with word as materialized (${wordRows(words)}),
    given as materialized (
      select ordinality::int - 1 as index, text, to_tsvector('english', text) as vector
      from unnest(${texts}::text[]) with ordinality as given(text, ordinality)
    )
    select given.index as text, word.index as word
    from given join word on coalesce(given.vector @@ word.query, position(word.text in given.text) > 0)
  `.execute(ctx.platform.database.unscoped)
  for (const { text, word } of rows) found[text]?.add(word)
  return found
}

function mayRead(ctx: Context): boolean {
  return isGrantedTo(ctx, 'page.read') && isGrantedTo(ctx, 'block.read')
}

/** The words as rows; those of scripts without spaces have no query. */
function wordRows(words: readonly WeighedWord[]): RawBuilder<unknown> {
  const [texts, spaced, weights] = [
    words.map(({ text }) => text),
    words.map(({ isSpaced }) => isSpaced),
    words.map(({ weight }) => weight),
  ]
  return sql`
    select ordinality::int - 1 as index, text, weight, case when spaced then plainto_tsquery('english', text) end as query
    from unnest(${texts}::text[], ${spaced}::bool[], ${weights}::float8[])
      with ordinality as given(text, spaced, weight, ordinality)`
}

/** Any of the words, for the index. Quoted, they are only ever words, and this parser refuses nothing. */
function anyOf(words: readonly WeighedWord[]): RawBuilder<unknown> {
  const spaced = words.filter(({ isSpaced }) => isSpaced).map(({ text }) => `"${text.replaceAll('"', ' ')}"`)
  return sql`websearch_to_tsquery('english', ${spaced.join(' or ')})`
}

function unspacedOf(words: readonly WeighedWord[]): string[] {
  return words.filter(({ isSpaced }) => !isSpaced).map(({ text }) => text)
}

/** Blocks whose own text has one of the words. */
function matchingBlocks(ctx: Context, words: readonly WeighedWord[]): RawBuilder<unknown> {
  const blocks = readableBlocks(ctx.db).select(['block.id', 'block.page_id', 'block.position', 'block.type'])
  const spaced = blocks.where(sql<boolean>`to_tsvector('english', block.text) @@ ${anyOf(words)}`).limit(MAX_HITS)
  const unspaced = unspacedOf(words)
  if (unspaced.length === 0) return sql`${spaced}`
  const written = blocks.where(sql<boolean>`exists (
    select from unnest(${unspaced}::text[]) as given(text) where position(given.text in block.text) > 0)`)
  return sql`${spaced} union ${written.limit(MAX_HITS)}`
}

function blocksUnderHeadings(ctx: Context): RawBuilder<unknown> {
  const below = ctx.db
    .from('block')
    .select('block.id')
    .where(sql<boolean>`block.page_id = hit.page_id and (block.position, block.id) > (hit.position, hit.id)`)
    .orderBy('block.position')
    .orderBy('block.id')
    .limit(BLOCKS_UNDER_HEADING)
  return sql`select below.id from hit cross join lateral (${below}) as below where hit.type like 'HEADING%'`
}

function blocksOfTitles(ctx: Context, words: readonly WeighedWord[]): RawBuilder<unknown> {
  const titled = readablePages(ctx.db)
    .select('page.id')
    .where(sql<boolean>`(to_tsvector('english', page.title) @@ ${anyOf(words)} or exists (
      select from unnest(${unspacedOf(words)}::text[]) as given(text) where position(given.text in page.title) > 0))`)
    .orderBy(sql`ts_rank(to_tsvector('english', page.title), ${anyOf(words)})`, 'desc')
    .orderBy('page.id', 'desc')
    .limit(MAX_TITLES)
  const first = ctx.db
    .from('block')
    .select('block.id')
    .where(sql<boolean>`block.page_id = titled.id`)
    .orderBy('block.position')
    .orderBy('block.id')
    .limit(BLOCKS_OF_TITLE)
  return sql`select first.id from (${titled}) as titled cross join lateral (${first}) as first`
}

/** The text of the nearest heading above `passage`, in one row: empty when none is near. */
function headingAbove(ctx: Context): RawBuilder<unknown> {
  const before = ctx.db
    .from('block')
    .select(['block.type', 'block.text', 'block.position', 'block.id'])
    .where(
      sql<boolean>`block.page_id = passage.page_id and (block.position, block.id) < (passage.position, passage.id)`,
    )
    .orderBy('block.position', 'desc')
    .orderBy('block.id', 'desc')
    .limit(HEADING_REACH)
  return sql`
    select coalesce((
      select text from (${before}) as before where type like 'HEADING%' order by position desc, id desc limit 1
    ), '') as heading offset 0`
}
