import { type Kysely, type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import type { Platform } from '../../../platform/context.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import { defineJob } from '../../../platform/jobs.ts'

/** Words that are looked at together, each of which costs as many look-ups as the organization has languages. */
const WORDS_A_STATEMENT = 500
/** Of a word that is in more texts than this nobody needs to know more; and the database takes its index to count so far. */
const COUNTED = 1_000
/** Of the advisory lock: its bytes say "words". */
const LOCK = 0x776f726473

interface WordKey {
  readonly organizationId: string
  readonly word: string
}

interface Slice {
  readonly last: WordKey | null
  /** By organization. */
  readonly unused: ReadonlyMap<string, readonly string[]>
}

/**
 * Forgets the words that are in no text of their organization any more, in no form that one of its languages gives them: those
 * of deleted texts, and what stood there for a moment while somebody typed. It may run on several nodes at once, and again.
 */
export const forgetWords = defineJob({
  name: 'chat.forget-words',
  schema: z.object({}),
  expireSeconds: 3_600,
  schedule: '17 3 * * *',
  run: async ({ database: { unscoped } }: Platform, _payload, signal) => {
    for (let after: WordKey | null = null; !signal.aborted; ) {
      const { last, unused }: Slice = await lookAt(unscoped, after)
      for (const [organizationId, words] of unused) await forget(unscoped, organizationId, words)
      if (last === null) return
      after = last
    }
  },
})

/**
 * Keeps words from being forgotten until the transaction ends: one that is there already is not written once more, and must
 * not go before its text is seen. To be called before anything is written.
 */
export async function shareWords(tx: Kysely<Tables>): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(${LOCK}::bigint)`.execute(tx)
}

/** Of the words behind one: which are in no text. Without a lock, since it takes its time. */
async function lookAt(db: Kysely<Tables>, after: WordKey | null): Promise<Slice> {
  const behind =
    after === null ? sql`true` : sql`(organization_id, word) > (${after.organizationId}::uuid, ${after.word})`
  const { rows } = await sql<WordKey & { isUnused: boolean }>`
    with slice as materialized (
      select organization_id, word from search_word where ${behind} order by organization_id, word
      limit ${WORDS_A_STATEMENT}
    ), language as materialized (
      ${languagesOf(sql`organization_id in (select organization_id from slice)`)}
      union select distinct organization_id, 'simple'::regconfig from slice
    )
    select organization_id as "organizationId", word, ${isUnused(sql`slice`)} as "isUnused"
    from slice order by organization_id, word`.execute(db)
  const unused = Map.groupBy(
    rows.filter((row) => row.isUnused),
    ({ organizationId }) => organizationId,
  )
  const words = [...unused].map(([id, found]) => [id, found.map(({ word }) => word)] as const)
  return { last: rows.at(-1) ?? null, unused: new Map(words) }
}

/** Those that are still in no text once nobody is writing one, until which the others wait. */
async function forget(db: Kysely<Tables>, organizationId: string, words: readonly string[]): Promise<void> {
  await db.transaction().execute(async (tx) => {
    // A statement of its own: what is seen by the next one is what is there then.
    await sql`select pg_advisory_xact_lock(${LOCK}::bigint)`.execute(tx)
    await sql`
      with language as materialized (
        ${languagesOf(sql`organization_id = ${organizationId}`)} union select ${organizationId}::uuid, 'simple'::regconfig
      )
      delete from search_word where organization_id = ${organizationId} and word = any(${words}::text[])
        and ${isUnused(sql`search_word`)}`.execute(tx)
  })
}

function languagesOf(which: RawBuilder<unknown>) {
  return sql`select distinct organization_id, language::regconfig as language from search_text where ${which}`
}

/** As a word is looked for; one that a language takes for no word ("the") is in no text by that language. */
function isUnused(row: RawBuilder<unknown>) {
  return sql<boolean>`not exists (
    select from language
    cross join lateral (select plainto_tsquery(language.language, ${row}.word) as query offset 0) as form
    cross join lateral (
      select count(*) as count from (
        select from search_text as text
        where text.organization_id = ${row}.organization_id and text.words @@ form.query limit ${COUNTED}
      ) as text
    ) as counted
    where language.organization_id = ${row}.organization_id and numnode(form.query) > 0 and counted.count > 0
  )`
}
