import { sql } from 'kysely'
import { expect } from 'vitest'
import { nextMonth } from '../../../src/lib/credits.ts'
import type { Platform } from '../../../src/platform/context.ts'
import type { Job } from '../../../src/platform/jobs.ts'
import {
  type ChatSessionQuery,
  GrantCreditsDocument,
  OrganizationDocument,
  SendMessageDocument,
  type SendMessageInput,
} from '../../gql/graphql.ts'
import { test as base } from '../../kit/administrators.ts'
import { lastMessage, untilEnded } from '../../kit/chat.ts'
import type { Client } from '../../kit/client.ts'
import { type Person, uuidIn } from '../../kit/people.ts'
import { startServer, type TestServer } from '../../kit/server.ts'

/** Prices of the scripted models here, in credits a million tokens: so many millionths of one for each token. */
export const rates = { input: 2n, cachedInput: 1n, output: 5n, reasoning: 7n }

/** What an organization that pays nothing gets a month here: little, so that tests can use it up. */
export const MONTHLY = 1_000_000n

/** `test` on a server of the file's own where scripted models cost something, with an administrator of the platform. */
export const test = base.extend<{ clocked: TestServer }>({
  clocked: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
    async ({}, use) => {
      const server = await startPaidServer()
      await use(server)
      await server.close()
    },
    { scope: 'file' },
  ],
})

/** Starts a server where scripted models cost something, but for those of `free`. */
export async function startPaidServer(environment: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const server = await startServer({
    environment: {
      MODEL_PRICES: `scenario/*=${rates.input}/${rates.cachedInput}/${rates.output}/${rates.reasoning};scenario/words-7=free`,
      MONTHLY_CREDITS_FREE: '1',
      ...environment,
    },
  })
  // A month that ends by itself would do so in the middle of a test.
  if (leftOfMonth(server) < 3_600_000) endMonth(server)
  return server
}

/** Moves the clock over the end of the month, or to so many seconds before it; whoever was signed in has to do so again. */
export function endMonth(server: TestServer, secondsBefore = -1): void {
  server.clock.advance({ seconds: leftOfMonth(server) / 1_000 - secondsBefore })
}

function leftOfMonth({ clock }: TestServer): number {
  return nextMonth(clock.now()).getTime() - clock.now().getTime()
}

/** The credits of a person's organization. */
export async function creditsOf(person: Client) {
  const { organization } = await person.query(OrganizationDocument, {})
  if (!organization?.credits) throw new Error('There are no credits to see')
  const { availableMillionths, allowanceMillionths, grantedMillionths, heldMillionths, ...rules } = organization.credits
  return {
    ...rules,
    available: BigInt(availableMillionths),
    allowance: BigInt(allowanceMillionths),
    granted: BigInt(grantedMillionths),
    held: BigInt(heldMillionths),
  }
}

/** Gives a person's organization credits. */
export async function grant(admin: Client, person: Pick<Person, 'organizationId'>, amount: bigint) {
  const input = { organizationId: person.organizationId, amountMillionths: String(amount) }
  const { grantCredits } = await admin.mutate(GrantCreditsDocument, { input })
  if (grantCredits.__typename !== 'CreditBalance') throw new Error(`The grant came to ${JSON.stringify(grantCredits)}`)
  return grantCredits
}

/** How a scripted model is asked so that the most it can cost is `100 * output` and its prompt. */
export const short = { maxTokens: 100, tools: [] }

/** Asks, and answers whatever came of it. */
export async function send(person: Client, sessionId: string, input: Partial<SendMessageInput> = {}) {
  const asked = { sessionId, content: 'Anything?', model: 'scenario/words-10', settings: short, ...input }
  return (await person.mutate(SendMessageDocument, { input: asked })).sendMessage
}

/** Asks, waits for the end of the answer, and answers it as it stays. */
export async function sendAndWait(person: Client, sessionId: string, input: Partial<SendMessageInput> = {}) {
  const sent = await send(person, sessionId, input)
  if (sent.__typename !== 'SentMessage') throw new Error(`The question came to ${JSON.stringify(sent)}`)
  await untilEnded(person, sessionId)
  return lastAnswer(person, sessionId)
}

/** The newest message of a session, which is there. */
export async function lastAnswer(person: Client, sessionId: string): Promise<Message> {
  const message = await lastMessage(person, sessionId)
  if (message === undefined) throw new Error('There is no answer')
  return message
}

type Message = NonNullable<ChatSessionQuery['chatSession']>['messages']['nodes'][number]

/** What an organization's books say: sums of entries by account, what does not come to nothing, and the balance. */
export async function booksOf(server: TestServer, { organizationId }: Pick<Person, 'organizationId'>) {
  const { unscoped } = server.app.platform.database
  const id = uuidIn(organizationId)
  const accounts = await sql<{ account: string; sum: string }>`
    select account, sum(amount)::text as sum from credit_entry where organization_id = ${id} group by account`.execute(
    unscoped,
  )
  const unbalanced = await sql`
    select transaction_id from credit_entry where organization_id = ${id}
    group by transaction_id having sum(amount) <> 0`.execute(unscoped)
  const balances = await sql<{ allowance: string; granted: string; held: string }>`
    select allowance::text, granted::text, held::text from credit_balance where organization_id = ${id}`.execute(
    unscoped,
  )
  const charges = await sql<{ cost: string; held: string }>`
    select coalesce(sum(cost), 0)::text as cost,
      coalesce(sum(held_allowance + held_granted) filter (where status = 'HELD'), 0)::text as held
    from charge where organization_id = ${id}`.execute(unscoped)
  const sums = new Map(accounts.rows.map(({ account, sum }) => [account, BigInt(sum)]))
  const of = (account: string) => sums.get(account) ?? 0n
  return {
    unbalanced: unbalanced.rows.length,
    total: [...sums.values()].reduce((all, sum) => all + sum, 0n),
    entries: { allowance: of('ALLOWANCE'), granted: of('GRANTED'), held: of('HELD'), spent: of('SPENT') },
    issued: -of('ISSUED'),
    lapsed: of('LAPSED'),
    balance: {
      allowance: BigInt(balances.rows[0]?.allowance ?? 0),
      granted: BigInt(balances.rows[0]?.granted ?? 0),
      held: BigInt(balances.rows[0]?.held ?? 0),
    },
    charged: BigInt(charges.rows[0]?.cost ?? 0),
    heldByCharges: BigInt(charges.rows[0]?.held ?? 0),
  }
}

/** Demands that an organization's books agree with each other, and with what its answers were charged. */
export async function expectSoundBooks(server: TestServer, person: Pick<Person, 'organizationId'>): Promise<void> {
  const books = await booksOf(server, person)
  const { spent, ...held } = books.entries
  expect(books.unbalanced).toBe(0)
  expect(books.total).toBe(0n)
  expect(held).toEqual(books.balance)
  expect(spent).toBe(books.charged)
  expect(books.balance.held).toBe(books.heldByCharges)
  for (const amount of Object.values(books.balance)) expect(amount).toBeGreaterThanOrEqual(0n)
}

/** Has a job run, and waits for its end. */
export async function runJob(server: TestServer, job: Job<Platform, Record<string, never>>): Promise<void> {
  const { database, jobs } = server.app.platform
  await database.unscoped.transaction().execute((tx) => jobs.enqueue(tx, job, {}))
  jobs.wake([job.name])
  await jobs.idle(15_000)
}
