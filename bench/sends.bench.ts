import { setTimeout as delay } from 'node:timers/promises'
import { openScratchDatabase } from './scratch-database.ts'
import { ask, startMeasuredServer } from './server.ts'

// Sixteen who ask in one organization, once a model that costs something and once one that costs nothing and is the same
// otherwise: what it costs that all their credits are in one place, held before each answer and settled behind it. On a real
// Postgres and Redis (TEST_DATABASE_URL, TEST_REDIS_URL), through the public door, in alternating rounds, median of 7.

const ASKERS = 16
const SESSIONS_EACH = 24
const ROUNDS = 7
const ROUND_MILLIS = 3_000
const TARGET_RATIO = 0.7
const SETTLE_MILLIS = 15_000
/** The same script by two ids, of which one has a price. */
const priced = 'scenario/words-1'
const free = 'scenario/words-01'

const scratch = await openScratchDatabase()
try {
  const server = await startMeasuredServer({
    environment: {
      ...scratch.environment,
      EMAIL_VERIFICATION: 'optional',
      EMBEDDINGS: 'off',
      SCENARIO_MODELS: 'on',
      MODEL_PRICES: `${priced}=1/0.5/2`,
      MONTHLY_CREDITS_FREE: '1000000',
    },
  })
  try {
    const token = await signUp(server.url)
    const sessions = await Promise.all(Array.from({ length: ASKERS }, () => openSessions(server.url, token)))
    const round = (model: string) => throughput({ url: server.url, token, sessions, model })
    await round(free)
    await round(priced)
    const rounds = []
    for (let made = 0; made < ROUNDS; made++) rounds.push({ with: await round(priced), without: await round(free) })
    const withLedger = median(rounds.map((each) => each.with))
    const without = median(rounds.map((each) => each.without))
    const ratio = withLedger / without
    const books = await readBooks()
    process.stdout.write(
      `${ASKERS} asking in one organization: ${withLedger.toFixed(0)} answers a second with the ledger, `,
    )
    process.stdout.write(`${without.toFixed(0)} without, ratio ${ratio.toFixed(2)}\n`)
    process.stdout.write(`the books after ${books.answers} answers: ${JSON.stringify(books)}\n`)
    const figures = { name: 'sends', ours: withLedger, peers: { without }, ratio, target: TARGET_RATIO }
    const isSound = books.total === '0' && books.held === '0' && books.spent === books.charged
    process.stdout.write(`${JSON.stringify({ ...figures, ok: ratio >= TARGET_RATIO && isSound })}\n`)
  } finally {
    await server.close()
  }
} finally {
  await scratch.drop()
}

async function signUp(url: string): Promise<string> {
  const input = '{ email: "asker@example.org", password: "Correct-Horse-1", displayName: "Bench" }'
  const query = `mutation { register(input: ${input}) { ... on AuthPayload { accessToken } } }`
  return ((await ask(url, query, null)) as { register: { accessToken: string } }).register.accessToken
}

async function openSessions(url: string, token: string): Promise<string[]> {
  const ids: string[] = []
  for (let made = 0; made < SESSIONS_EACH; made++) {
    const query = 'mutation { createChatSession(input: {}) { ... on ChatSession { id } } }'
    ids.push(((await ask(url, query, token)) as { createChatSession: { id: string } }).createChatSession.id)
  }
  return ids
}

interface Round {
  readonly url: string
  readonly token: string
  readonly sessions: readonly (readonly string[])[]
  readonly model: string
}

/** Answers a second that come to their end, of askers who each ask the next once the last is begun. */
async function throughput({ url, token, sessions, model }: Round): Promise<number> {
  const startedAt = performance.now()
  let done = 0
  const askAll = async (own: readonly string[]) => {
    for (let asked = 0; performance.now() - startedAt < ROUND_MILLIS; asked++) {
      const sessionId = own[asked % own.length]
      const input = `{ sessionId: "${sessionId}", content: "How deep?", model: "${model}", settings: { maxTokens: 100, tools: [] } }`
      const query = `mutation { sendMessage(input: ${input}) { __typename ... on SentMessage { answer { id } } } }`
      const { sendMessage } = (await ask(url, query, token)) as { sendMessage: { __typename: string } }
      if (sendMessage.__typename === 'SentMessage') done += 1
      // What was asked there before is still being answered: as any front end would, later.
      else if (sendMessage.__typename !== 'GenerationInProgress') throw new Error(JSON.stringify(sendMessage))
    }
  }
  await Promise.all(sessions.map(askAll))
  await untilAllEnded()
  return (done * 1_000) / (performance.now() - startedAt)
}

async function untilAllEnded(): Promise<void> {
  const giveUpAt = performance.now() + SETTLE_MILLIS
  while (performance.now() < giveUpAt) {
    const { rows } = await scratch.client.query<{ open: number }>(
      `select count(*)::int as open from charge where status = 'HELD'`,
    )
    if (rows[0]?.open === 0) return
    await delay(10)
  }
  throw new Error('Not all answers have come to their end')
}

async function readBooks() {
  const { rows } = await scratch.client.query<Record<'answers' | 'total' | 'held' | 'spent' | 'charged', string>>(
    `select (select count(*) from charge)::text as answers,
       (select coalesce(sum(amount), 0) from credit_entry)::text as total,
       (select coalesce(sum(held), 0) from credit_balance)::text as held,
       (select coalesce(sum(amount), 0) from credit_entry where account = 'SPENT')::text as spent,
       (select coalesce(sum(cost), 0) from charge)::text as charged`,
  )
  const [books] = rows
  if (books === undefined) throw new Error('There are no books')
  return books
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
