import { mkdirSync, writeFileSync } from 'node:fs'
import { encodeTypeId } from '../src/lib/typeid.ts'
import { openScratchDatabase } from './scratch-database.ts'
import { furnish, invite, type Queries, queriesOf, queryKinds } from './search-workspace.ts'
import { ask, startMeasuredServer } from './server.ts'

// Searches of one organization with 100,000 blocks on a real Postgres, one after the other, by a member who may read all of
// it and by a guest who may read a twentieth. The plans of one search are kept in `plans/search.txt`.

const BLOCKS = Number(process.env.BLOCKS ?? 100_000)
/** Of each kind of query, in each mode. */
const SEARCHES = 60
const TARGET_MILLIS = 80
const PASSWORD = 'Correct-Horse-1'
const plansFolder = new URL('plans/', import.meta.url)
const modes = ['LEXICAL', 'SEMANTIC', 'HYBRID'] as const

interface Asker {
  readonly url: string
  readonly token: string
}

const database = await openScratchDatabase()
try {
  const server = await startMeasuredServer({ environment: database.environment, script: './search-server.ts' })
  try {
    const { url } = server
    const member = { url, token: await signUp(url, 'member@example.org') }
    const guest = await signUp(url, 'guest@example.org')
    await furnish(database.client, BLOCKS)
    const organizationId = await invite(database.client, 'guest@example.org')
    const askers = { member, guest: { url, token: await switchTo(url, guest, organizationId) } }
    const sets = await queriesOf(database.client, { sets: modes.length * 2 + 1, each: SEARCHES })
    const warming = sets.pop()
    const p95: Record<string, number> = {}
    for (const [who, asker] of Object.entries(askers)) {
      for (const mode of modes) {
        for (const query of warming?.questions.slice(0, 10) ?? []) await searched(asker, query, mode)
        const before = server.cpuMillis()
        const times = await timesOf(asker, mode, sets.pop())
        const cpuMillis = (server.cpuMillis() - before) / (SEARCHES * queryKinds.length)
        for (const [kind, took] of times) p95[`${who} ${mode} ${kind}`] = quantile(took, 0.95)
        const all = times.flatMap(([, took]) => took).toSorted((one, other) => one - other)
        p95[`${who} ${mode}`] = quantile(all, 0.95)
        process.stdout.write(`${who}, ${mode}: ${line(all)}, ${cpuMillis.toFixed(1)} ms CPU of the node\n`)
        for (const [kind, took] of times) process.stdout.write(`  ${kind}: ${line(took)}\n`)
      }
    }
    await server.tell('note')
    await searched(member, warming?.questions.at(-1) ?? '', 'HYBRID')
    mkdirSync(plansFolder, { recursive: true })
    writeFileSync(new URL('search.txt', plansFolder), `${String(await server.tell('plans'))}\n`)
    const [lexical = Infinity, hybrid = Infinity] = [p95['member LEXICAL'], p95['member HYBRID']]
    const ok = lexical <= TARGET_MILLIS && hybrid <= TARGET_MILLIS
    process.stdout.write(
      `${JSON.stringify({ name: 'search', ours: hybrid, peers: p95, ratio: hybrid / TARGET_MILLIS, target: TARGET_MILLIS, ok })}\n`,
    )
  } finally {
    await server.close()
  }
} finally {
  await database.drop()
}

async function signUp(url: string, email: string): Promise<string> {
  const input = `{ email: "${email}", password: "${PASSWORD}", displayName: "Bench" }`
  const { register } = await ask(
    url,
    `mutation { register(input: ${input}) { ... on AuthPayload { accessToken } } }`,
    null,
  )
  return (register as { accessToken: string }).accessToken
}

async function switchTo(url: string, token: string, organizationUuid: string): Promise<string> {
  const id = encodeTypeId('organization', organizationUuid)
  const document = `mutation { switchOrganization(input: { organizationId: "${id}" }) { ... on AuthPayload { accessToken } } }`
  const { switchOrganization } = await ask(url, document, token)
  return (switchOrganization as { accessToken: string }).accessToken
}

/** How long the searches of a set took, by kind, each sorted. */
async function timesOf(asker: Asker, mode: string, queries: Queries | undefined): Promise<[string, number[]][]> {
  const times: [string, number[]][] = []
  for (const kind of queryKinds) {
    const took: number[] = []
    for (const query of queries?.[kind] ?? []) took.push(await searched(asker, query, mode))
    times.push([kind, took.toSorted((one, other) => one - other)])
  }
  return times
}

async function searched({ url, token }: Asker, query: string, mode: string): Promise<number> {
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
