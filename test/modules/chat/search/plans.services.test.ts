import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { SearchFilter } from '../../../gql/graphql.ts'
import { indexed } from '../../../kit/inside.ts'
import { type Person, signUp, uuidIn } from '../../../kit/people.ts'
import { startServer, type TestServer } from '../../../kit/server.ts'
import { makeTag, mark } from '../../../kit/tags.ts'
import { ask, openChat, write } from '../../../kit/test.ts'
import { make } from '../../ocean/pages/stage.ts'
import { createProject } from '../../projects/stage.ts'
import { searched, type Wishes } from './stage.ts'
import { noteStatements, tablesScanned } from './statements.ts'

// How a database with many organizations answers the searches of a small one: each statement of each search is explained
// as it was sent.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

interface Stage {
  readonly server: TestServer
  readonly alice: Person
  readonly projectId: string
  readonly tagId: string
  readonly sent: ReturnType<typeof noteStatements>
}

/** What a row of a copy is called, of these columns. */
const renamed: Readonly<Record<string, readonly string[]>> = {
  page: ['id'],
  block: ['id', 'page_id'],
  page_tag: ['page_id'],
  chat_session: ['id'],
  chat_participant: ['session_id'],
  message: ['id', 'session_id'],
  search_text: ['subject_id', 'home_id'],
  search_chunk: ['id', 'subject_id', 'home_id'],
}

/** Copies all that is in an organization into it or into another one, so many times, with its index and without a trigger. */
async function copy({ app }: TestServer, from: Person, to: Person, times: number): Promise<void> {
  await app.platform.database.unscoped.transaction().execute(async (tx) => {
    await sql`set local session_replication_role = replica`.execute(tx)
    const [source, target] = [uuidIn(from.organizationId), uuidIn(to.organizationId)]
    for (const [table, ids] of Object.entries(renamed)) {
      // A digest, made a UUID by its version and variant (RFC 9562, section 5.8).
      const digest = (id: string) => sql`overlay(overlay(md5(original.${sql.ref(id)}::text || ${target} || copy)
        placing '8' from 13) placing '8' from 17)::uuid`
      const names = ids.map((id) => sql`${sql.lit(id)}, ${digest(id)}`)
      const rank = table === 'page' ? sql`, 'rank', original.rank || copy` : sql``
      await sql`
        insert into ${sql.table(table)}
        select (jsonb_populate_record(original, jsonb_build_object('organization_id', ${target}::text, ${sql.join(names)} ${rank}))).*
        from ${sql.table(table)} as original cross join generate_series(1, ${sql.lit(times)}) as copy
        where original.organization_id = ${source}::uuid`.execute(tx)
    }
    await sql`
      insert into search_vector
      select ${target}::uuid, model_id, hash, vector from search_vector where organization_id = ${source}::uuid
      on conflict do nothing`.execute(tx)
    await sql`
      insert into search_word
      select ${target}::uuid, substr(md5(word::text), 1, 12) from generate_series(1, ${sql.lit(times * 20)}) as word
      on conflict do nothing`.execute(tx)
  })
}

let stage: Stage
beforeAll(async () => {
  const server = await startServer()
  const [alice, giant] = [await signUp(server, 'Alice'), await signUp(server, 'Giant')]
  const projectId = await createProject(alice, { name: 'Harbour' })
  const tag = await makeTag(alice, 'deep')
  for (let number = 0; number < 5; number += 1) {
    const page = await make(alice, {
      title: `Notes of the harbour ${number}`,
      projectId: number > 2 ? projectId : null,
    })
    if (number === 0) await mark(alice, page, tag)
    const texts = Array.from(
      { length: 10 },
      (_, index) => `The system of harbour works, part${number}x${index} 员工每年`,
    )
    await write(alice, page.id, ...texts, '没有用完的假期可以保留', 'Die Häuser am Hafen')
  }
  for (const word of ['system', 'anchor']) {
    await ask(alice, await openChat(alice), 'scenario/words-3', `Which ${word} of the harbour?`)
  }
  await indexed(server, alice)
  await copy(server, alice, giant, 300)
  await copy(server, alice, alice, 25)
  await write(alice, (await make(alice, { title: 'Kaleidoscope' })).id, 'A kaleidoscope of glass')
  await indexed(server, alice)
  await sql`analyze`.execute(server.app.platform.database.unscoped)
  stage = { server, alice, projectId, tagId: tag.id, sent: noteStatements(server) }
  await giant.close()
})
afterAll(async () => {
  await stage?.alice.close()
  await stage?.server.close()
  vi.resetConfig()
})

const searches = /search_(text|word|chunk|vector)|"?(block|message|page)"?/
const large = ['search_text', 'search_word', 'search_chunk', 'search_vector', 'block', 'message', 'page']

const asked = new Set<string>()

/** Demands that a search reads none of the large tables from end to end, and that its statements are those of a search. */
async function expectIndexed(query: string, wishes: Wishes): Promise<void> {
  const { server, alice, sent } = stage
  sent(searches)
  await searched(alice, query, { first: 20, ...wishes })
  const statements = sent(searches)
  const isSent = query !== '?' && wishes.mode !== 'SEMANTIC'
  if (isSent) expect(statements.length).toBeGreaterThan(2)
  for (const statement of statements) {
    for (const table of large) if (new RegExp(`\\b${table}\\b`).test(statement.text)) asked.add(table)
    const scanned = (await tablesScanned(server, statement)).filter((table) => large.includes(table))
    expect([query, wishes, statement.text, scanned]).toEqual([query, wishes, statement.text, []])
  }
}

const queries = {
  'common words': 'system of the harbour',
  'a rare word': 'kaleidoscope',
  'a rare word beside common ones': 'kaleidoscope system harbour works',
  'the beginning of a word': 'kaleid',
  'the beginning of many words': 'a',
  'a mistyped word': 'kaleidosocpe harbuor',
  'a word that is nowhere': 'zzyzx',
  'a question': 'How do the works of the harbour system anchor?',
  'Chinese words': '假期 员工',
  'one Chinese character': '假',
  'a Chinese word that is nearly there': '没用完的',
  'German words': 'Haus Hafen',
  'only stop words': 'the of and',
  'an address': 'https://example.org/harbour/system',
  'as many words as are looked for':
    'one two three four five six seven eight nine ten harbour system works part glass die',
  nothing: '?',
}
for (const mode of ['LEXICAL', 'SEMANTIC', 'HYBRID'] as const) {
  for (const [name, query] of Object.entries(queries)) {
    test(`${mode}: ${name}`, async () => {
      await expectIndexed(query, { mode })
    })
  }
}

function filters({ alice, projectId, tagId }: Stage): SearchFilter[] {
  const times = { updatedSince: '2026-01-01T00:00:00Z', updatedUntil: '2099-01-01T00:00:00Z' }
  const author = { createdById: alice.userId }
  return [
    ...[{ types: ['PAGE' as const] }, { types: ['BLOCK' as const] }, { types: ['MESSAGE' as const] }],
    ...[{ projectId }, { tagId }, author, { isArchived: true }, { isArchived: false }],
    ...[{ updatedSince: times.updatedSince }, { updatedUntil: times.updatedUntil }, times],
    { types: ['BLOCK', 'PAGE'], projectId, tagId, isArchived: false, ...author, ...times },
  ]
}

test('whatever the search is narrowed by', async () => {
  for (const filter of filters(stage)) {
    for (const mode of ['LEXICAL', 'SEMANTIC', 'HYBRID'] as const) {
      for (const query of ['harbour system', 'kaleid', '假期']) await expectIndexed(query, { mode, filter })
    }
  }
})

test('a search that is gone on with', async () => {
  for (const mode of ['LEXICAL', 'SEMANTIC', 'HYBRID'] as const) {
    const { pageInfo } = await searched(stage.alice, 'harbour system', { mode, first: 5 })
    await expectIndexed('harbour system', { mode, after: pageInfo.endCursor ?? null })
  }
})

test('none of the large tables was forgotten', () => {
  expect(asked).toEqual(new Set(large))
})

test('a statement that does read a table from end to end is noticed', async () => {
  const scan = { text: "select id from block where text like '%' || $1", values: ['kaleidoscope'] }
  expect(await tablesScanned(stage.server, scan)).toEqual(['block'])
})
