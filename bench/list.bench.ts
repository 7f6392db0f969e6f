import { ask, startMeasuredServer } from './server.ts'

// Server CPU of a list of 50 pages with their authors against a list of 5, in one run: alternating rounds, median of 5.
// Ten times the rows should cost well under ten times as much, since the statements are the same.

const ROUNDS = 5
const REQUESTS = 300
const TARGET_RATIO = 5

const server = await startMeasuredServer()
try {
  const token = await signUp()
  for (let made = 0; made < 50; made++) await ask(server.url, createPage(made), token)
  await costOf(50, token)
  await costOf(5, token)
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({ fifty: await costOf(50, token), five: await costOf(5, token) })
  }
  const fifty = median(rounds.map((round) => round.fifty))
  const five = median(rounds.map((round) => round.five))
  const ratio = fifty / five
  process.stdout.write(`CPU a request: 50 pages ${fifty.toFixed(2)} ms, 5 pages ${five.toFixed(2)} ms\n`)
  process.stdout.write(
    `${JSON.stringify({ name: 'list', ours: fifty, peers: { five }, ratio, target: TARGET_RATIO, ok: ratio <= TARGET_RATIO })}\n`,
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

function createPage(number: number): string {
  return `mutation { createPage(input: { title: "Page ${number}" }) { ... on Page { id } } }`
}

/** Server CPU of one request for a list of this size, in milliseconds. */
async function costOf(size: number, token: string): Promise<number> {
  const query = `{ pages(first: ${size}) { nodes { id title createdAt createdBy { id displayName } } } }`
  const before = server.cpuMillis()
  for (let sent = 0; sent < REQUESTS; sent++) await ask(server.url, query, token)
  return (server.cpuMillis() - before) / REQUESTS
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
