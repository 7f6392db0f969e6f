import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import { readArticles } from '../src/sample-workspace.ts'

// One organization with very many blocks, for measuring searches. The texts are those of the sample workspace, again and
// again. The vectors are random, since only the time is of interest.

/** One of so many pages is in the project of the guest. */
const PAGES_A_GUEST_PAGE = 20

/** Makes pages with so many blocks, by SQL; a node indexes them, and then the chunks get random vectors. */
export async function furnish(client: Client, blockCount: number): Promise<void> {
  const { userId, organizationId } = await firstMember(client)
  const startedAt = performance.now()
  let made = 0
  for (let copy = 0; made < blockCount; copy++) {
    for (const { title, blocks } of readArticles()) {
      const texts = blocks.slice(0, blockCount - made).map(({ text }) => text)
      if (texts.length === 0) break
      const { rows: pages } = await client.query(
        `insert into page (id, organization_id, title, rank, language, created_by_id, updated_by_id, version, depth, created_at, updated_at)
        values (gen_random_uuid(), $1, $2, gen_random_uuid()::text, 'en', $3, $3, 1, 1, now(), now()) returning id`,
        [organizationId, copy === 0 ? title : `${title} ${copy + 1}`, userId],
      )
      await client.query(
        `insert into block (id, organization_id, page_id, depth, type, content, aside, text, text_version, is_linking_due,
          position, created_by_id, updated_by_id, version, created_at, updated_at)
        select gen_random_uuid(), $1, $2, 1, 'PARAGRAPH', '{}', '{}', text, 1, false, lpad(place::text, 6, '0'), $3, $3, 1, now(), now()
        from unnest($4::text[]) with ordinality as given(text, place)`,
        [organizationId, (pages[0] as { id: string }).id, userId, texts],
      )
      made += texts.length
    }
  }
  await untilNone(client, 'select count(*) as count from text_change')
  process.stdout.write(`${made} blocks are indexed, ${((performance.now() - startedAt) / 1_000).toFixed(0)} s\n`)
  await embedAtRandom(client)
  await client.query('vacuum analyze')
}

async function firstMember(client: Client): Promise<{ userId: string; organizationId: string }> {
  const { rows } = await client.query(
    'select user_id as "userId", organization_id as "organizationId" from membership order by joined_at limit 1',
  )
  return rows[0] as { userId: string; organizationId: string }
}

/** Makes somebody a guest of the organization, in a private project with a twentieth of the pages. Answers its id. */
export async function invite(client: Client, email: string): Promise<string> {
  const { userId, organizationId } = await firstMember(client)
  const made = 'gen_random_uuid(), $1'
  const guest = '(select id from "user" where email = $2)'
  await client.query(
    `with project as (
      insert into project (id, organization_id, name, created_by_id, created_at, updated_at, settings, visibility)
      values (${made}, 'Guests', $3, now(), now(), '{}', 'PRIVATE') returning id
    ), member as (
      insert into project_member (id, organization_id, project_id, user_id, role, created_at)
      select ${made}, id, ${guest}, 'VIEWER', now() from project
    ), membership as (
      insert into membership (id, organization_id, user_id, role, joined_at) values (${made}, ${guest}, 'GUEST', now())
    )
    update page set project_id = project.id from project where page.id in (
      select id from (select id, row_number() over (order by rank) as number from page where organization_id = $1) as numbered
      where number % ${PAGES_A_GUEST_PAGE} = 0
    )`,
    [organizationId, email, userId],
  )
  await client.query('vacuum analyze')
  return organizationId
}

async function embedAtRandom(client: Client): Promise<void> {
  const modelId = process.env.MODEL_ID ?? (await firstModel(client))
  await client.query('set session_replication_role = replica')
  await client.query(
    `insert into search_vector (organization_id, model_id, hash, vector)
    select distinct organization_id, $1, hash, (
      select decode(string_agg(lpad(to_hex((random() * 255)::int), 2, '0') || '00003d', ''), 'hex') from generate_series(1, 512) where chunk.id is not null
    ) from search_chunk as chunk where model_id is null on conflict do nothing`,
    [modelId],
  )
  await client.query(
    `update search_chunk set model_id = $1, signs = (
      select string_agg((random() > 0.5)::int::text, '')::bit varying from generate_series(1, 512) where search_chunk.id is not null
    ) where model_id is null`,
    [modelId],
  )
}

async function firstModel(client: Client): Promise<string> {
  for (;;) {
    const { rows } = await client.query('select model_id from search_chunk where model_id is not null limit 1')
    if (rows[0] !== undefined) return (rows[0] as { model_id: string }).model_id
    await delay(200)
  }
}

async function untilNone(client: Client, query: string): Promise<void> {
  for (;;) {
    const { rows } = await client.query(query)
    if (Number((rows[0] as { count: string }).count) === 0) return
    await delay(500)
  }
}

/** Searches by what they look like. */
export type Queries = Readonly<Record<(typeof queryKinds)[number], readonly string[]>>

/** Whole questions; words of the texts, rare and common, some together; words with a slip; and unfinished ones. */
export const queryKinds = ['questions', 'words', 'slips', 'beginnings'] as const

const common = 'population government economy exports climate water border total percent years energy area'.split(' ')

/** Makes sets of searches that have no text in common, so that nothing is known of one when it is measured. */
export async function queriesOf(client: Client, { sets, each }: { sets: number; each: number }): Promise<Queries[]> {
  const corpus = JSON.parse(readFileSync(new URL('../test/corpora/search-queries.json', import.meta.url), 'utf8')) as {
    paraphrases: { query: string }[]
  }
  const { rows } = await client.query(
    `select word from search_word where word ~ '^[a-z]{5,}$' order by md5(word) limit ${sets * each * 5}`,
  )
  const words = rows.map(({ word }: { word: string }) => word)
  const next = () => words.shift() ?? ''
  const many = (make: (index: number) => string) => Array.from({ length: each }, (_, index) => make(index))
  return Array.from({ length: sets }, () => ({
    questions: many((index) => `${corpus.paraphrases[index % corpus.paraphrases.length]?.query} ${next()}`),
    words: many((index) => [index % 2 === 0 ? common[index % common.length] : next(), next()].join(' ')),
    // Two letters in the other order.
    slips: many(() => next().replace(/^(..)(.)(.)/, '$1$3$2')),
    beginnings: many(() => next().slice(0, 4)),
  }))
}
