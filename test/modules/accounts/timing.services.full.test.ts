import { type DocumentNode, print } from 'graphql'
import { test as base, expect } from 'vitest'
import { createAccount, nameKey } from '../../../src/modules/accounts/users/user.service.ts'
import { owaspPasswordCost } from '../../../src/platform/crypto/passwords.ts'
import { transact } from '../../../src/platform/database/transact.ts'
import { newUuid } from '../../../src/platform/uuid.ts'
import {
  LoginDocument,
  RegisterDocument,
  RequestPasswordResetDocument,
  ResendVerificationDocument,
} from '../../gql/graphql.ts'
import { contextOf } from '../../kit/inside.ts'
import { createRandom, type Random } from '../../kit/random.ts'
import { startServer, type TestServer } from '../../kit/server.ts'

const OF_EACH_KIND = 200
const WARM_UP = 20
/** With 200 of each kind, equal times come to 0.52 on average, and above 0.6 once in a thousand runs. */
const MAX_AUC = 0.65
const password = 'Correct-Horse-1'

const test = base.extend<{ guarded: TestServer }>({
  guarded: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
    async ({}, use) => {
      const environment = { EMAIL_VERIFICATION: 'required', TRUSTED_PROXIES: '127.0.0.1' }
      const server = await startServer({ environment, passwordCost: owaspPasswordCost })
      await use(server)
      await server.close()
    },
    { scope: 'file' },
  ],
})

/** One way to ask about an address that must not tell whether it is known. */
interface Question {
  readonly name: string
  readonly document: DocumentNode
  readonly inputFor: (email: string) => object
  /** Makes addresses known. */
  readonly seed: (server: TestServer, emails: readonly string[]) => Promise<void>
}

const questions: readonly Question[] = [
  {
    name: 'login',
    document: LoginDocument,
    inputFor: (identifier) => ({ identifier, password: 'Wrong-Horse-1' }),
    seed: (server, emails) => seedAccounts(server, emails, true),
  },
  {
    name: 'register',
    document: RegisterDocument,
    inputFor: (email) => ({ email, password, displayName: 'Some Body' }),
    seed: (server, emails) => seedAccounts(server, emails, true),
  },
  {
    name: 'requestPasswordReset',
    document: RequestPasswordResetDocument,
    inputFor: (email) => ({ email }),
    seed: (server, emails) => seedAccounts(server, emails, true),
  },
  {
    name: 'resendVerification',
    document: ResendVerificationDocument,
    inputFor: (email) => ({ email }),
    seed: async (server, emails) => {
      await seedAccounts(
        server,
        emails.filter((_, index) => index % 2 === 0),
        false,
      )
      await seedRegistrations(
        server,
        emails.filter((_, index) => index % 2 === 1),
      )
    },
  },
]

test.for(questions)(
  '$name answers the same bytes in the same time whether or not an address is known',
  { timeout: 600_000 },
  async ({ name, document, inputFor, seed }, { guarded: server }) => {
    const random = createRandom()
    const addresses = { known: addressesOf(name, 'known'), other: addressesOf(name, 'other') }
    await seed(server, addresses.known)
    const order = shuffled([...addresses.known, ...addresses.other], random)
    const bodies = new Map<string, string>()
    const times = { known: [] as number[], other: [] as number[] }
    for (const [index, email] of order.entries()) {
      const { millis, answer } = await timed(server, print(document), inputFor(email))
      // What is told by mail may be told late: it must not be what the next one waits for.
      await server.app.platform.jobs.idle(15_000)
      bodies.set(answer.replaceAll(email, '<address>'), email)
      if (index >= WARM_UP) times[email.includes('known') ? 'known' : 'other'].push(millis)
    }
    const auc = aucOf(times.known, times.other)
    const medians = `known ${median(times.known).toFixed(1)} ms, unknown ${median(times.other).toFixed(1)} ms`
    console.log(`${name}: AUC ${auc.toFixed(3)}, ${medians} (seed ${random.seed})`)
    expect([...bodies.keys()], `seed ${random.seed}`).toHaveLength(1)
    expect(auc, `seed ${random.seed}`).toBeLessThan(MAX_AUC)
  },
)

/** Both kinds are equally long, so that no byte more is read or written for one. */
function addressesOf(name: string, kind: 'known' | 'other'): string[] {
  return Array.from(
    { length: OF_EACH_KIND + WARM_UP / 2 },
    (_, index) => `${kind}-${String(index).padStart(3, '0')}-${name.toLowerCase()}@example.org`,
  )
}

let asked = 0

/** One request from an address that asked nothing before, and its time until the last byte. */
async function timed({ url }: TestServer, query: string, input: object): Promise<{ millis: number; answer: string }> {
  asked += 1
  const address = `198.18.${Math.floor(asked / 250)}.${1 + (asked % 250)}`
  const body = JSON.stringify({ query, variables: { input } })
  const headers = { 'content-type': 'application/json', accept: 'application/json', 'x-forwarded-for': address }
  const startedAt = performance.now()
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body })
  const text = await response.text()
  return { millis: performance.now() - startedAt, answer: `${response.status} ${text}` }
}

async function seedAccounts(server: TestServer, emails: readonly string[], isVerified: boolean): Promise<void> {
  const passwordHash = await server.app.platform.passwords.hash(password)
  await transact(await contextOf(server, null), async (tx) => {
    for (const email of emails) {
      const account = { email, username: null, displayName: 'Some Body', passwordHash }
      createAccount(tx, { ...account, emailVerifiedAt: isVerified ? tx.now : null })
    }
  })
}

async function seedRegistrations(server: TestServer, emails: readonly string[]): Promise<void> {
  const { platform } = server.app
  const now = platform.clock.now()
  const passwordHash = await platform.passwords.hash(password)
  const times = { created_at: now, expires_at: new Date(now.getTime() + 86_400_000) }
  await platform.database.unscoped
    .insertInto('registration')
    .values(
      emails.map((email) => ({
        id: newUuid(now),
        email,
        email_key: nameKey(email),
        username: null,
        display_name: 'Some Body',
        password_hash: passwordHash,
        ...times,
      })),
    )
    .execute()
}

/**
 * How well the best single threshold tells one list from another: the chance that one of the first is above one of the
 * second (Mann-Whitney), folded, so that 0.5 is not at all and 1 is always.
 */
function aucOf(first: readonly number[], second: readonly number[]): number {
  let above = 0
  for (const a of first) for (const b of second) above += a > b ? 1 : a === b ? 0.5 : 0
  const auc = above / (first.length * second.length)
  return Math.max(auc, 1 - auc)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const keyed = items.map((item) => ({ item, key: random.below(2 ** 31) }))
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}
