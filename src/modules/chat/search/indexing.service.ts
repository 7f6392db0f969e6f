import { setImmediate } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { searchConfiguration } from '../../../lib/search-language.ts'
import { type SearchTerms, searchTerms } from '../../../lib/search-words.ts'
import type { Database } from '../../../platform/database/database.ts'
import { createTurns, drawInTurn, type Turns } from '../../../platform/database/in-turn.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import { type Chunk, chunked, keepChunks } from './chunking.service.ts'
import { lockSources, readSources, type SourceText } from './search-source.reads.ts'
import type { SearchKind } from './search-text.entity.ts'
import { shareWords } from './search-word.jobs.ts'

/** Of the texts of one transaction together, in UTF-16 units, unless a single one is longer. */
const PORTION_LENGTH = 100_000

/** Of one organization changes are drawn from so many times as many. */
const DRAWN_FROM_FACTOR = 4
/** The change of a row that is only being made; ids begin at 1. */
const NOT_INDEXED = 0

/** The changes of one row that are due; `id` is the newest of them. */
interface Change {
  readonly id: number
  readonly ids: readonly number[]
  readonly kind: string
  readonly subjectId: string
}

/** A text that is to be found from now on. */
export interface IndexedText extends SourceText {
  readonly changeId: number
  readonly configuration: string
  readonly terms: SearchTerms
  readonly chunks: readonly Chunk[]
}

/** Changes of one transaction, and what their rows say; a row without a text is gone, or nothing to be found yet. */
interface Portion {
  readonly changes: readonly Change[]
  readonly sources: ReadonlyMap<string, SourceText>
}

/** What an indexer that goes on and on keeps in mind. */
export interface IndexOptions {
  /** Rows that are left for later. */
  readonly except?: readonly string[]
  /** Kept from one call to the next, so that organizations take turns. */
  readonly turns?: Turns
  /** Of a row that cannot be indexed; its changes stay. Without it the first error is thrown. */
  readonly onFailure?: (subjectId: string, error: unknown) => void
  readonly signal?: AbortSignal
}

/**
 * Makes what is found of rows that changed, up to so many changes, what they say now: in portions, each in a transaction of
 * its own in which its changes are forgotten. Organizations take turns. Several may do so at once. Answers how many changes that were and could not be; 0 when
 * nothing is due, or others are at what is.
 */
export async function indexChanges(
  { unscoped }: Database,
  limit: number,
  { except = [], turns = createTurns(), onFailure, signal }: IndexOptions = {},
): Promise<number> {
  const changes = await dueChanges(unscoped, limit, except, turns)
  const idsOf = (kind: SearchKind) => changes.filter((change) => change.kind === kind).map((change) => change.subjectId)
  // After the changes, so that a text is never older than what is noted of it. If it is newer, a later change follows.
  const read = await readSources(unscoped, { PAGE: idsOf('PAGE'), BLOCK: idsOf('BLOCK'), MESSAGE: idsOf('MESSAGE') })
  const sources = new Map(read.map((source) => [source.id, source]))
  let done = 0
  const tryOut = async (portion: Portion): Promise<void> => {
    if (signal?.aborted) return
    try {
      done += await indexPortion(unscoped, portion)
    } catch (error) {
      const [first, ...others] = portion.changes
      if (first === undefined || onFailure === undefined) throw error
      // Each alone, so that those that are not to blame are through.
      if (others.length > 0) for (const change of portion.changes) await tryOut({ ...portion, changes: [change] })
      else {
        done += first.ids.length
        onFailure(first.subjectId, error)
      }
    }
  }
  for (const portion of portionsOf(changes, sources)) await tryOut({ changes: portion, sources })
  return done
}

/** The work on the texts is done before the transaction, which others may have to wait for. Answers how many changes. */
async function indexPortion(unscoped: Kysely<Tables>, { changes, sources }: Portion): Promise<number> {
  const texts: IndexedText[] = []
  for (const change of changes) {
    const source = sources.get(change.subjectId)
    if (source !== undefined) texts.push(await indexed(change, source))
  }
  return unscoped.transaction().execute(async (tx) => {
    await shareWords(tx)
    const there = await lockSources(tx, texts)
    const taken = await takeChanges(
      tx,
      changes.filter(({ subjectId }) => there.has(subjectId) || !sources.has(subjectId)),
    )
    await forget(
      tx,
      changes.filter(({ id, subjectId }) => taken.has(id) && !sources.has(subjectId)),
    )
    const kept = texts.filter(({ changeId }) => taken.has(changeId))
    if (kept.length > 0) await keep(tx, kept)
    return taken.size
  })
}

async function keep(tx: Kysely<Tables>, texts: readonly IndexedText[]): Promise<void> {
  await noteBlocksOfChangedPages(tx, texts)
  await keepTexts(tx, texts)
  await keepWords(tx, texts)
  await keepChunks(tx, texts)
}

/** Some of them, by row. Nothing is locked: whether others have been at one is seen when it is taken. */
async function dueChanges(unscoped: Kysely<Tables>, limit: number, except: readonly string[], turns: Turns) {
  const drawn = await drawInTurn<{ id: number; kind: string; subject_id: string }>(
    unscoped,
    {
      table: 'text_change',
      columns: ['id', 'kind', 'subject_id'],
      where: sql`waiting.subject_id <> all(${except}::uuid[])`,
      limit,
      drawnFrom: limit * DRAWN_FROM_FACTOR,
    },
    turns,
  )
  const rows = drawn.toSorted((one, other) => one.id - other.id)
  const bySubject = Map.groupBy(rows, ({ subject_id }) => subject_id)
  return [...bySubject].flatMap(([subjectId, noted]): Change[] =>
    noted.slice(-1).map(({ id, kind }) => ({ id, ids: noted.map((one) => one.id), kind, subjectId })),
  )
}

/** Each sorted by row, so that two who meet never wait for each other. */
function portionsOf(changes: readonly Change[], sources: ReadonlyMap<string, SourceText>): Change[][] {
  const portions: Change[][] = []
  let length = Number.POSITIVE_INFINITY
  for (const change of changes) {
    const added = sources.get(change.subjectId)?.text.length ?? 0
    const open = portions.at(-1)
    if (open !== undefined && length + added <= PORTION_LENGTH) {
      open.push(change)
      length += added
    } else {
      portions.push([change])
      length = added
    }
  }
  return portions.map((portion) => portion.toSorted((one, other) => (one.subjectId < other.subjectId ? -1 : 1)))
}

/** Takes what nobody else is at, and answers which: the newest change of a row is nobody's, or its text is theirs. */
async function takeChanges(tx: Kysely<Tables>, changes: readonly Change[]): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ id: number }>`
    delete from text_change where id in (
      select id from text_change where id = any(${changes.flatMap(({ ids }) => ids)}::bigint[])
      order by id for update skip locked
    ) returning id`.execute(tx)
  return new Set(rows.map(({ id }) => id))
}

async function indexed({ id: changeId }: Change, source: SourceText): Promise<IndexedText> {
  const configuration = searchConfiguration(source.language, source.text)
  // Requests are answered in between.
  await setImmediate()
  const terms = searchTerms(source.text)
  await setImmediate()
  return { ...source, changeId, configuration, terms, chunks: chunked(source) }
}

/** Of what is gone; unless somebody has indexed a later change of it meanwhile. */
async function forget(tx: Kysely<Tables>, gone: readonly Change[]): Promise<void> {
  if (gone.length === 0) return
  await sql`
    delete from search_text using unnest(${gone.map(({ subjectId }) => subjectId)}::uuid[], ${gone.map(({ id }) => id)}::bigint[])
      as gone(subject_id, change_id)
    where search_text.subject_id = gone.subject_id and search_text.change_id < gone.change_id`.execute(tx)
}

// The words of titles are found as they are written as well, words like "the" among them: a page may be called so.
const wordsOf = sql`
  to_tsvector(text.language::regconfig, text.spaced) || array_to_tsvector(string_to_array(text.pairs, ' '))
    || case when text.kind = 'PAGE' then to_tsvector('simple', text.spaced) else ''::tsvector end`

/** The texts as rows. */
function rowsOf(texts: readonly IndexedText[]) {
  const column = <Value>(of: (text: IndexedText) => Value) => texts.map(of)
  return sql`unnest(
    ${column(({ id }) => id)}::uuid[], ${column(({ organizationId }) => organizationId)}::uuid[],
    ${column(({ kind }) => kind)}::text[], ${column(({ homeId }) => homeId)}::uuid[],
    ${column(({ configuration }) => configuration)}::text[], ${column(({ terms }) => terms.spaced)}::text[],
    ${column(({ terms }) => terms.pairs.join(' '))}::text[], ${column(({ terms }) => terms.length)}::int[],
    ${column(({ changeId }) => changeId)}::bigint[]
  ) as text(subject_id, organization_id, kind, home_id, language, spaced, pairs, length, change_id)`
}

async function keepTexts(tx: Kysely<Tables>, texts: readonly IndexedText[]): Promise<void> {
  await sql`
    insert into search_text (subject_id, organization_id, kind, home_id, language, words, length, change_id)
    select text.subject_id, text.organization_id, text.kind, text.home_id, text.language, ${wordsOf}, text.length,
      text.change_id
    from ${rowsOf(texts)}
    on conflict (subject_id) do update set home_id = excluded.home_id, language = excluded.language,
      words = excluded.words, length = excluded.length, change_id = excluded.change_id
    where search_text.change_id < excluded.change_id`.execute(tx)
}

/** A page's title and language count for all that stands on it: before the new ones replace them. */
async function noteBlocksOfChangedPages(tx: Kysely<Tables>, texts: readonly IndexedText[]): Promise<void> {
  const pages = texts.filter(({ kind }) => kind === 'PAGE')
  if (pages.length === 0) return
  // Whoever else is just making the first row of one is waited for: what they make of it would not be seen to change.
  await sql`
    insert into search_text (subject_id, organization_id, kind, home_id, language, words, length, change_id)
    select subject_id, organization_id, kind, home_id, language, '', 0, ${NOT_INDEXED} from ${rowsOf(pages)}
    on conflict do nothing`.execute(tx)
  await sql`
    insert into text_change (organization_id, kind, subject_id)
    select block.organization_id, 'BLOCK', block.id
    from ${rowsOf(pages)}
    join search_text as known on known.subject_id = text.subject_id and known.change_id < text.change_id
      and known.change_id <> ${NOT_INDEXED} and (known.language <> text.language or known.words <> ${wordsOf})
    join block on block.page_id = text.subject_id`.execute(tx)
}

async function keepWords(tx: Kysely<Tables>, texts: readonly IndexedText[]): Promise<void> {
  const words = new Map<string, { organizationId: string; word: string }>()
  for (const { organizationId, terms } of texts)
    for (const word of terms.words) words.set(`${organizationId} ${word}`, { organizationId, word })
  // Sorted, so that two who meet never wait for each other.
  const sorted = [...words.entries()].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, entry]) => entry)
  if (sorted.length === 0) return
  await sql`
    insert into search_word (organization_id, word)
    select * from unnest(${sorted.map(({ organizationId }) => organizationId)}::uuid[],
      ${sorted.map(({ word }) => word)}::text[])
    on conflict do nothing`.execute(tx)
}
