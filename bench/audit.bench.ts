import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { ask, startMeasuredServer } from './server.ts'

// Sixteen writers in one organization against sixteen in as many: what the trail costs in waiting for each other. On a real
// Postgres and Redis (TEST_DATABASE_URL, TEST_REDIS_URL), through the public door, in alternating rounds, median of 5. Sealing
// goes on meanwhile: the oldest row that waited for its seal is printed too.

const WRITERS = 16
const ROUNDS = 5
const ROUND_MILLIS = 3_000
const TARGET_RATIO = 0.7
const LOOK_MILLIS = 50
const password = 'Correct-Horse-1'

const { TEST_DATABASE_URL, TEST_REDIS_URL } = process.env
if (!TEST_DATABASE_URL || !TEST_REDIS_URL) throw new Error('Set TEST_DATABASE_URL and TEST_REDIS_URL')
const name = `ocean_bench_${process.pid}`
const databaseUrl = Object.assign(new URL(TEST_DATABASE_URL), { pathname: `/${name}` }).href
const environment = {
  DATABASE_URL: databaseUrl,
  REDIS_URL: TEST_REDIS_URL,
  PUBLIC_URL: 'http://ocean-graph.test',
  SIGNING_KEY_SECRET: Buffer.alloc(32, 's').toString('base64'),
  REFRESH_TOKEN_SECRET: Buffer.alloc(32, 'r').toString('base64'),
  LOGIN_ATTEMPTS: '1000000',
  REGISTRATIONS_PER_HOUR: '1000000',
}

await administer(`create database ${name}`)
try {
  await migrate()
  const server = await startMeasuredServer({ environment })
  const sql = new Client({ connectionString: databaseUrl })
  await sql.connect()
  try {
    const sixteen = await signUpAll('apart')
    const one = await gatherIn(sql, await signUpAll('together'))
    await throughput(server.url, sixteen)
    await throughput(server.url, one)
    const oldest = watchOldest(sql)
    const rounds = []
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push({ sixteen: await throughput(server.url, sixteen), one: await throughput(server.url, one) })
    }
    const oldestMillis = await oldest.stop()
    const inOne = median(rounds.map((round) => round.one))
    const inSixteen = median(rounds.map((round) => round.sixteen))
    const ratio = inOne / inSixteen
    const apart = `${inSixteen.toFixed(0)}/s in ${WRITERS} organizations`
    process.stdout.write(`${WRITERS} writers: ${inOne.toFixed(0)}/s in one organization, ${apart}\n`)
    process.stdout.write(`the oldest row that waited for its seal: ${oldestMillis.toFixed(0)} ms\n`)
    const figures = { name: 'audit', ours: inOne, peers: { inSixteen }, ratio, oldestMillis, target: TARGET_RATIO }
    process.stdout.write(`${JSON.stringify({ ...figures, ok: ratio >= TARGET_RATIO })}\n`)
  } finally {
    await sql.end()
    await server.close()
  }

  async function signUpAll(kind: string): Promise<string[]> {
    const tokens: string[] = []
    for (let made = 0; made < WRITERS; made++) {
      const input = `{ email: "${kind}-${made}@example.org", password: "${password}", displayName: "Bench" }`
      const query = `mutation { register(input: ${input}) { ... on AuthPayload { accessToken } } }`
      const { register } = (await ask(server.url, query, null)) as { register: { accessToken: string } }
      tokens.push(register.accessToken)
    }
    return tokens
  }

  /** Makes them editors of one organization; a token names the one its session acts in, so they sign in again. */
  async function gatherIn(sql: Client, tokens: readonly string[]): Promise<string[]> {
    const members = `select id from "user" where email like 'together-%'`
    const first = `(select organization_id from membership where user_id in (${members}) order by id limit 1)`
    await sql.query(`update membership set organization_id = ${first}, role = 'EDITOR' where user_id in (${members})`)
    await sql.query(`update "user" set access_epoch = access_epoch + 1 where id in (${members})`)
    const again: string[] = []
    for (const made of tokens.keys()) {
      const input = `{ identifier: "together-${made}@example.org", password: "${password}" }`
      const query = `mutation { login(input: ${input}) { ... on AuthPayload { accessToken } } }`
      const { login } = (await ask(server.url, query, null)) as { login: { accessToken: string } }
      again.push(login.accessToken)
    }
    return again
  }
} finally {
  await administer(`drop database ${name} with (force)`)
}

/** Mutations a second of writers that each send the next once the last is answered. */
async function throughput(url: string, tokens: readonly string[]): Promise<number> {
  const startedAt = performance.now()
  let done = 0
  const write = async (token: string) => {
    while (performance.now() - startedAt < ROUND_MILLIS) {
      const { createPage } = await ask(
        url,
        'mutation { createPage(input: { title: "x" }) { ... on Page { id } } }',
        token,
      )
      if (!(createPage as { id?: string } | null)?.id) throw new Error(JSON.stringify(createPage))
      done += 1
    }
  }
  await Promise.all(tokens.map(write))
  return (done * 1_000) / (performance.now() - startedAt)
}

/** The age of the oldest row that waits for its seal, looked at every 50 ms. */
function watchOldest(sql: Client) {
  const stopping = new AbortController()
  const watch = async () => {
    let oldest = 0
    while (!stopping.signal.aborted) {
      const { rows } = await sql.query<{ millis: number | null }>(
        `select extract(epoch from clock_timestamp() - min(e.at))::float8 * 1000 as millis
         from audit_pending p join audit_event e on e.id = p.event_id`,
      )
      oldest = Math.max(oldest, rows[0]?.millis ?? 0)
      await delay(LOOK_MILLIS)
    }
    return oldest
  }
  const watching = watch()
  return {
    stop: () => {
      stopping.abort()
      return watching
    },
  }
}

async function migrate(): Promise<void> {
  const script = fileURLToPath(new URL('../src/migrate.ts', import.meta.url))
  const child = spawn(process.execPath, [script], { env: environment, stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error('The database could not be migrated')
}

async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: TEST_DATABASE_URL })
  await client.connect()
  await client.query(statement)
  await client.end()
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
