import { ask, startMeasuredServer } from './server.ts'

// Server CPU of who somebody is, with the memory of verified tokens and the cache, against the same server with both
// emptied before each request, in one run: alternating rounds, median of 5. The database is embedded and so part of the
// CPU, and asked in both whether the session lives.

const ROUNDS = 5
const REQUESTS = 400
const WARM_UP = 200
const TARGET_RATIO = 2
const QUERY = '{ viewer { actor { displayName } organization { name } role } }'

const server = await startMeasuredServer({ script: 'viewer-server.ts' })
try {
  const token = await signUp()
  for (const mode of ['with', 'without'] as const) await costOf(mode, token, WARM_UP)
  const before = await counts()
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({ cached: await costOf('with', token, REQUESTS), uncached: await costOf('without', token, REQUESTS) })
  }
  const after = await counts()
  const cached = median(rounds.map((round) => round.cached))
  const uncached = median(rounds.map((round) => round.uncached))
  const ratio = uncached / cached
  const hits = {
    tokens: after.tokens.hits - before.tokens.hits,
    viewer: (after.cache.viewer?.memoryHits ?? 0) - (before.cache.viewer?.memoryHits ?? 0),
    role: (after.cache.role?.memoryHits ?? 0) - (before.cache.role?.memoryHits ?? 0),
  }
  process.stdout.write(`CPU a request: ${cached.toFixed(2)} ms with caches, ${uncached.toFixed(2)} ms without\n`)
  process.stdout.write(
    `Hits in ${ROUNDS * REQUESTS} requests with caches: ${hits.tokens} tokens, ${hits.viewer} viewers, ${hits.role} roles\n`,
  )
  const ok = ratio >= TARGET_RATIO && Object.values(hits).every((count) => count >= ROUNDS * REQUESTS)
  process.stdout.write(
    `${JSON.stringify({ name: 'viewer', ours: cached, peers: { uncached }, ratio, target: TARGET_RATIO, hits, ok })}\n`,
  )
} finally {
  await server.close()
}

async function signUp(): Promise<string> {
  const input = '{ email: "bench@example.org", password: "Correct-Horse-1", displayName: "Bench" }'
  const query = `mutation { register(input: ${input}) { ... on AuthPayload { accessToken } } }`
  const { register } = (await ask(server.url, query, null)) as { register: { accessToken: string } }
  return register.accessToken
}

/** Server CPU of one request, in milliseconds. */
async function costOf(mode: 'with' | 'without', token: string, requests: number): Promise<number> {
  await server.tell(mode)
  const before = server.cpuMillis()
  for (let sent = 0; sent < requests; sent++) await ask(server.url, QUERY, token)
  return (server.cpuMillis() - before) / requests
}

async function counts() {
  return (await server.tell('counts')) as {
    tokens: { hits: number }
    cache: Readonly<Record<string, { memoryHits: number } | undefined>>
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
