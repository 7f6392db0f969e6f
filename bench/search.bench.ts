import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import { readArticles } from '../src/sample-workspace.ts'
import { openScratchDatabase } from './scratch-database.ts'
import { ask, startMeasuredServer } from './server.ts'

// Searches of one organization with 100,000 blocks on a real Postgres, one after the other: words of its own texts, rare and
// common, and whole questions. The vectors are random, since only the time is of interest. The plans of one search are kept in
// `plans/search.txt`.

const BLOCKS = Number(process.env.BLOCKS ?? 100_000)
const SEARCHES = 300
const TARGET_MILLIS = 80
const plansFolder = new URL('plans/', import.meta.url)
const modes = ['LEXICAL', 'SEMANTIC', 'HYBRID'] as const

const database = await openScratchDatabase()
try {
  const server = await startMeasuredServer({ environment: database.environment, script: './search-server.ts' })
  try {
    const token = await signUp(server.url)
    await furnish(database.client)
    const queries = await queriesOf(database.client)
    const times: Record<string, readonly number[]> = {}
    const cpuMillis: Record<string, number> = {}
    for (const mode of modes) {
      for (const query of queries.slice(0, 30)) await searched(server.url, token, query, mode)
      const before = server.cpuMillis()
      const took: number[] = []
      for (const query of queries) took.push(await searched(server.url, token, query, mode))
      times[mode] = took.toSorted((one, other) => one - other)
      cpuMillis[mode] = (server.cpuMillis() - before) / queries.length
      process.stdout.write(`${mode}: ${line(times[mode] ?? [])}, ${cpuMillis[mode]?.toFixed(1)} ms CPU of the node\n`)
    }
    await server.tell('note')
    await searched(server.url, token, queries[0] ?? '', 'HYBRID')
    mkdirSync(plansFolder, { recursive: true })
    writeFileSync(new URL('search.txt', plansFolder), `${String(await server.tell('plans'))}\n`)
    const figures = Object.fromEntries(modes.map((mode) => [mode, quantile(times[mode] ?? [], 0.95)]))
    const ok = (figures.LEXICAL ?? Infinity) <= TARGET_MILLIS && (figures.HYBRID ?? Infinity) <= TARGET_MILLIS
    const ours = figures.HYBRID
    process.stdout.write(
      `${JSON.stringify({ name: 'search', ours, peers: figures, ratio: (ours ?? 0) / TARGET_MILLIS, target: TARGET_MILLIS, ok })}\n`,
    )
  } finally {
    await server.close()
  }
} finally {
  await database.drop()
}

async function signUp(url: string): Promise<string> {
  const input = '{ email: "bench@example.org", password: "Correct-Horse-1", displayName: "Bench" }'
  const { register } = await ask(
    url,
    `mutation { register(input: ${input}) { ... on AuthPayload { accessToken } } }`,
    null,
  )
  return (register as { accessToken: string }).accessToken
}

/** Pages and blocks, by SQL; the node indexes them, and then the chunks get random vectors. */
async function furnish(client: Client): Promise<void> {
  const { rows } = await client.query(
    'select id as user_id, (select id from organization limit 1) as organization_id from "user"',
  )
  const [{ user_id: userId, organization_id: organizationId }] = rows as [{ user_id: string; organization_id: string }]
  const startedAt = performance.now()
  let made = 0
  for (let copy = 0; made < BLOCKS; copy++) {
    for (const { title, blocks } of readArticles()) {
      const texts = blocks.slice(0, BLOCKS - made).map(({ text }) => text)
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

/** Questions of the corpus, and words of the texts: rare ones, common ones, some together. */
async function queriesOf(client: Client): Promise<string[]> {
  const corpus = JSON.parse(readFileSync(new URL('../test/corpora/search-queries.json', import.meta.url), 'utf8')) as {
    paraphrases: { query: string }[]
  }
  const { rows } = await client.query(
    'select word from search_word where length(word) > 3 order by md5(word) limit 2000',
  )
  const words = rows.map(({ word }: { word: string }) => word)
  const common = 'population government economy exports climate water border total percent years energy area'.split(' ')
  const mixed = Array.from({ length: SEARCHES - corpus.paraphrases.length }, (_, index) => {
    const own = words.slice(index * 3, index * 3 + (index % 3) + 1)
    return [...(index % 2 === 0 ? [common[index % common.length]] : []), ...own].join(' ')
  })
  return [...corpus.paraphrases.map(({ query }) => query), ...common, ...mixed].slice(0, SEARCHES)
}

async function searched(url: string, token: string, query: string, mode: string): Promise<number> {
  const document = `{ search(query: ${JSON.stringify(query)}, mode: ${mode}, first: 20) { nodes { score matchedBy snippet node { __typename ... on Block { id text } ... on Page { id title } } } facets { types { type count } } } }`
  const startedAt = performance.now()
  await ask(url, document, token)
  return performance.now() - startedAt
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function line(sorted: readonly number[]): string {
  return [0.5, 0.95, 0.99].map((share) => `p${share * 100} ${quantile(sorted, share).toFixed(1)} ms`).join(', ')
}
