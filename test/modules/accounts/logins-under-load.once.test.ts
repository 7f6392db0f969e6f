import { createHook } from 'node:async_hooks'
import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { print } from 'graphql'
import { expect, test } from 'vitest'
import { createAccount } from '../../../src/modules/accounts/users/user.service.ts'
import type { Platform } from '../../../src/platform/context.ts'
import { owaspPasswordCost } from '../../../src/platform/crypto/passwords.ts'
import { transact } from '../../../src/platform/database/transact.ts'
import { LoginDocument } from '../../gql/graphql.ts'
import { contextOf } from '../../kit/inside.ts'
import { startServer, type TestServer } from '../../kit/server.ts'
import { type Answer, ask } from '../../transport/wire.ts'

const LOGINS = 100
const AT_ONCE = Math.max(1, Math.min(2, availableParallelism() - 1))
const WAITING = 64
const PROBE_MILLIS = 10
const password = 'Correct-Horse-1'
// Dear enough that most have come before those that may wait are through.
const passwordCost = { ...owaspPasswordCost, iterations: 4 }

const emailOf = (number: number) => `crowd-${number}@example.org`

test('of 100 logins at once each gets in or is told to come back, and the server answers meanwhile', {
  timeout: 120_000,
}, async () => {
  await using opened = new AsyncDisposableStack()
  const environment = { TRUSTED_PROXIES: '127.0.0.1' }
  const server = opened.adopt(await startServer({ passwordCost, environment }), (started) => started.close())
  await seedCrowd(server)
  const calls = countCalls(server.app.platform)
  const hashes = countHashes()
  opened.defer(hashes.stop)

  const probes = new AbortController()
  const probing = probe(server.url, probes.signal)
  const answers = await Promise.all(Array.from({ length: LOGINS }, (_, number) => login(server.url, number)))
  probes.abort()

  const refused = answers.filter(({ body }) => body.data?.login === null)
  const entered = answers.filter(({ body }) => typeOf(body.data?.login) === 'AuthPayload')
  expect(entered.length + refused.length).toBe(LOGINS)
  // By the queue of hashes, or on a slow machine by that of the database.
  for (const { status, headers, body } of refused) {
    expect([status, headers['retry-after']]).toEqual([503, '1'])
    expect(new Set(body.errors?.map(({ extensions }) => extensions?.code))).toEqual(new Set(['SERVICE_UNAVAILABLE']))
  }
  expect(hashes.most(), 'hashes at once').toBe(AT_ONCE)
  expect(calls.most(), 'hashed or waiting').toBeLessThanOrEqual(AT_ONCE + WAITING)
  const statuses = await probing
  console.log(`${entered.length} in, ${refused.length} refused; ${calls.most()} at most, ${statuses.length} probes`)
  expect(statuses.length).toBeGreaterThan(0)
  expect(statuses.filter((status) => status !== 200)).toEqual([])
  // Nobody holds on to a place in the queue.
  expect((await login(server.url, 0)).body.data?.login).toMatchObject({ __typename: 'AuthPayload' })
})

const typeOf = (result: unknown) => (result as { __typename?: string } | null)?.__typename

/** Accounts that share one hash: making it a hundred times would take longer than the test. */
async function seedCrowd(server: TestServer): Promise<void> {
  const passwordHash = await server.app.platform.passwords.hash(password)
  await transact(await contextOf(server, null), async (tx) => {
    for (let number = 0; number < LOGINS; number++) {
      const account = { email: emailOf(number), username: null, displayName: 'One of many', passwordHash }
      createAccount(tx, { ...account, emailVerifiedAt: tx.now })
    }
  })
}

/** One login from an address of its own. */
function login(url: string, number: number): Promise<Answer> {
  const input = { identifier: emailOf(number), password }
  const headers = { 'x-forwarded-for': `198.18.0.${number}` }
  return ask(url, { body: { query: print(LoginDocument), variables: { input } }, headers })
}

/** The most hashes that argon2 had under way, as Node sees them: none of ours is asked. */
function countHashes() {
  const running = new Set<number>()
  let most = 0
  const hook = createHook({
    init: (id, type) => {
      if (!type.startsWith('argon2')) return
      running.add(id)
      most = Math.max(most, running.size)
    },
    before: (id) => void running.delete(id),
  }).enable()
  return { most: () => most, stop: () => void hook.disable() }
}

/** The most passwords that were under way or waiting; those that are refused are so at once, and do not count. */
function countCalls(platform: Platform) {
  const { passwords } = platform
  let [calls, most] = [0, 0]
  const verify: typeof passwords.verify = async (hash, text) => {
    calls += 1
    setImmediate(() => {
      most = Math.max(most, calls)
    })
    try {
      return await passwords.verify(hash, text)
    } finally {
      calls -= 1
    }
  }
  Object.assign(platform, { passwords: { ...passwords, verify } })
  return { most: () => most }
}

/** Asks again and again whether the server runs; answers the statuses. */
async function probe(url: string, signal: AbortSignal): Promise<number[]> {
  const statuses: number[] = []
  while (!signal.aborted) {
    statuses.push((await ask(url, { method: 'GET', path: '/health' })).status)
    await delay(PROBE_MILLIS)
  }
  return statuses
}
