import { setTimeout as delay } from 'node:timers/promises'
import { ask, post, startMeasuredServer } from './server.ts'

// What 200 people who sign in at once do to somebody who is signed in: hashes at full cost, each from an address of its own
// behind a trusted proxy, while a probe asks every 10 ms. The queue of hashes refuses some; all others get in.

const LOGINS = 200
/** Accounts made at once: fewer than the queue of hashes holds. */
const BATCH = 40
const PROBE_MILLIS = 10
const QUIET_MILLIS = 3_000
const password = 'Correct-Horse-1'

const server = await startMeasuredServer({ environment: { TRUSTED_PROXIES: '127.0.0.1' } })
try {
  const { accessToken } = await register(0)
  for (let made = 1; made <= LOGINS; made += BATCH) {
    await Promise.all(Array.from({ length: Math.min(BATCH, LOGINS + 1 - made) }, (_, index) => register(made + index)))
  }
  const probes = { viewer: () => viewer(accessToken), health }
  const quiet = await probed(probes, () => delay(QUIET_MILLIS))
  const startedAt = performance.now()
  const loaded = await probed(probes, () => Promise.all(Array.from({ length: LOGINS }, (_, index) => login(index + 1))))
  const tookMillis = performance.now() - startedAt
  const counts = Object.fromEntries(
    ['in', 'refused', 'failed'].map((kind) => [kind, loaded.result.filter((outcome) => outcome === kind).length]),
  )

  const words = `${counts.in} got in, ${counts.refused} were told to come back, ${counts.failed} failed`
  process.stdout.write(`${LOGINS} logins in ${tookMillis.toFixed(0)} ms: ${words}\n`)
  for (const name of ['viewer', 'health'] as const) {
    process.stdout.write(`${name}: ${line(quiet.times[name])} without load, ${line(loaded.times[name])} under it\n`)
  }
  const figures = { tookMillis, ...counts, quiet: figuresOf(quiet.times), loaded: figuresOf(loaded.times) }
  const ok = counts.failed === 0 && quiet.failures + loaded.failures === 0
  process.stdout.write(`${JSON.stringify({ name: 'logins', ...figures, ok })}\n`)
} finally {
  await server.close()
}

function addressOf(number: number) {
  return { 'x-forwarded-for': `198.18.${Math.floor(number / 250)}.${1 + (number % 250)}` }
}

async function register(number: number): Promise<{ accessToken: string }> {
  const input = `{ email: "login-${number}@example.org", password: "${password}", displayName: "Bench" }`
  const query = `mutation { register(input: ${input}) { ... on AuthPayload { accessToken } } }`
  const { body } = await post(server.url, query, addressOf(number))
  const { register: made } = (body.data ?? {}) as { register?: { accessToken?: string } }
  if (made?.accessToken === undefined) throw new Error(JSON.stringify(body))
  return { accessToken: made.accessToken }
}

/** `refused`: told clearly that the server is busy and when to come back. */
async function login(number: number): Promise<'in' | 'refused' | 'failed'> {
  const input = `{ identifier: "login-${number}@example.org", password: "${password}" }`
  try {
    const { status, retryAfter, body } = await post(
      server.url,
      `mutation { login(input: ${input}) { __typename } }`,
      // Others than those that registered.
      addressOf(number + 1_000),
    )
    if ((body.data?.login as { __typename?: string } | null)?.__typename === 'AuthPayload') return 'in'
    const isBusy = body.errors?.[0]?.extensions?.code === 'SERVICE_UNAVAILABLE'
    return isBusy && status === 503 && Number(retryAfter) > 0 ? 'refused' : 'failed'
  } catch {
    return 'failed'
  }
}

async function viewer(accessToken: string): Promise<void> {
  await ask(server.url, '{ viewer { role } }', accessToken)
}

async function health(): Promise<void> {
  const response = await fetch(`${server.url}/health`)
  await response.text()
  if (response.status !== 200) throw new Error(`/health answered ${response.status}`)
}

type Probes<Name extends string> = Readonly<Record<Name, () => Promise<void>>>

/** Runs the probes every 10 ms, each whether or not the one before it has come back, for as long as something takes. */
async function probed<Name extends string, Result>(probes: Probes<Name>, run: () => Promise<Result>) {
  const names = Object.keys(probes) as Name[]
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>
  let failures = 0
  const open = new Set<Promise<void>>()
  const ask = async (name: Name) => {
    const startedAt = performance.now()
    try {
      await probes[name]()
      times[name].push(performance.now() - startedAt)
    } catch {
      failures += 1
    }
  }
  const timer = setInterval(() => {
    for (const name of names) {
      const asked: Promise<void> = ask(name).finally(() => open.delete(asked))
      open.add(asked)
    }
  }, PROBE_MILLIS)
  const result = await run()
  clearInterval(timer)
  await Promise.all(open)
  return { result, times, failures }
}

function figuresOf<Name extends string>(times: Readonly<Record<Name, readonly number[]>>) {
  return Object.fromEntries(Object.entries<readonly number[]>(times).map(([name, all]) => [name, quantiles(all)]))
}

/** In milliseconds. */
function quantiles(times: readonly number[]) {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
  return { count: times.length, p50: at(0.5), p99: at(0.99), max: at(1) }
}

function line(times: readonly number[]): string {
  const { count, p50, p99, max } = quantiles(times)
  return `p50 ${p50.toFixed(1)} p99 ${p99.toFixed(1)} max ${max.toFixed(1)} ms (${count})`
}
