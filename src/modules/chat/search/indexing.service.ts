import { type Kysely, sql } from 'kysely'
import { searchConfiguration } from '../../../lib/search-language.ts'
import { type SearchTerms, searchTerms } from '../../../lib/search-words.ts'
import type { Database } from '../../../platform/database/database.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import { keepChunks } from './chunking.service.ts'
import { readSources, type SourceText } from './search-source.reads.ts'
import { type SearchKind, searchKinds } from './search-text.entity.ts'

/** What is indexed of one text, in UTF-16 units: of a longer one only its beginning is found. */
export const MAX_INDEXED_LENGTH = 100_000

/** A change that was noted, the newest of its row among those that were taken. */
interface Change {
  readonly id: number
  readonly kind: SearchKind
  readonly subjectId: string
}

/** A text that is to be found from now on. */
export interface IndexedText extends SourceText {
  readonly changeId: number
  readonly configuration: string
  readonly terms: SearchTerms
}

/**
 * Makes what is found of the rows that changed first what they say now, up to so many changes, in one transaction: with it
 * the changes are forgotten. Several may do so at once. Answers how many changes that were; 0 when nothing is due.
 */
export async function indexChanges({ unscoped }: Database, limit: number): Promise<number> {
  return unscoped.transaction().execute(async (tx) => {
    const { taken, changes } = await takeChanges(tx, limit)
    if (taken === 0) return 0
    const idsOf = (kind: SearchKind) =>
      changes.filter((change) => change.kind === kind).map((change) => change.subjectId)
    const ids = { PAGE: idsOf('PAGE'), BLOCK: idsOf('BLOCK'), MESSAGE: idsOf('MESSAGE') }
    const sources = new Map((await readSources(tx, ids)).map((source) => [source.id, source]))
    const texts = changes.flatMap((change) => {
      const source = sources.get(change.subjectId)
      return source === undefined ? [] : [indexed(change, source)]
    })
    await forget(
      tx,
      changes.filter(({ subjectId }) => !sources.has(subjectId)),
    )
    if (texts.length > 0) await keep(tx, texts)
    return taken
  })
}

/** Puts the change that is due first behind the others: it cannot be indexed, and they do not wait for it. */
export async function postponeChange({ unscoped }: Database): Promise<void> {
  await sql`
    with first as (
      delete from text_change where id in (select id from text_change order by id limit 1 for update skip locked)
      returning organization_id, kind, subject_id
    )
    insert into text_change (organization_id, kind, subject_id) select * from first`.execute(unscoped)
}

async function keep(tx: Kysely<Tables>, texts: readonly IndexedText[]): Promise<void> {
  await noteBlocksOfChangedPages(tx, texts)
  await keepTexts(tx, texts)
  await keepWords(tx, texts)
  await keepChunks(tx, texts)
}

/** Changes that others are at are left to them. Sorted by row, so that two who meet never wait for each other. */
async function takeChanges(tx: Kysely<Tables>, limit: number) {
  const first = tx.selectFrom('text_change').select('id').orderBy('id').limit(limit).forUpdate().skipLocked()
  const rows = await tx
    .deleteFrom('text_change')
    .where('id', 'in', first)
    .returning(['id', 'kind', 'subject_id as subjectId'])
    .execute()
  const newest = new Map<string, Change>()
  for (const { id, kind, subjectId } of rows) {
    if (!isKind(kind)) continue
    if (id > (newest.get(subjectId)?.id ?? 0)) newest.set(subjectId, { id, kind, subjectId })
  }
  const changes = [...newest.values()].toSorted((one, other) => (one.subjectId < other.subjectId ? -1 : 1))
  return { taken: rows.length, changes }
}

function isKind(kind: string): kind is SearchKind {
  return searchKinds.some((known) => known === kind)
}

function indexed({ id: changeId }: Change, source: SourceText): IndexedText {
  const text = source.text.slice(0, MAX_INDEXED_LENGTH).toWellFormed()
  const configuration = searchConfiguration(source.language, text)
  return { ...source, text, changeId, configuration, terms: searchTerms(text) }
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
  await sql`
    insert into text_change (organization_id, kind, subject_id)
    select block.organization_id, 'BLOCK', block.id
    from ${rowsOf(pages)}
    join search_text as known on known.subject_id = text.subject_id and known.change_id < text.change_id
      and (known.language <> text.language or known.words <> ${wordsOf})
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
