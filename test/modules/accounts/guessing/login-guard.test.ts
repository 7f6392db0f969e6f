import { print } from 'graphql'
import { test as base, describe, expect, vi } from 'vitest'
import { forgetFailures } from '../../../../src/modules/accounts/guessing/login-failure.jobs.ts'
import {
  AccountLocked,
  admitAttempt,
  limitRegistrations,
  limitResets,
  limitVerifications,
} from '../../../../src/modules/accounts/guessing/login-guard.service.ts'
import { createContext } from '../../../../src/platform/context.ts'
import { transact } from '../../../../src/platform/database/transact.ts'
import { RateLimited } from '../../../../src/platform/errors.ts'
import { newUuid } from '../../../../src/platform/uuid.ts'
import { LoginDocument, RegisterDocument } from '../../../gql/graphql.ts'
import { type MovableClock, standingClock } from '../../../kit/fakes.ts'
import { realLimits } from '../../../kit/lane.ts'
import { type Person, signUp } from '../../../kit/people.ts'
import { startServer, type TestServer } from '../../../kit/server.ts'
import { openSocket } from '../../../transport/raw-socket.ts'
import { type Answer, ask } from '../../../transport/wire.ts'

interface Stage {
  readonly server: TestServer
  /** Stands at a full hour when a test begins, so that every limit is whole. */
  readonly clock: MovableClock
  readonly alice: Person
}

const test = base.extend<{ guarded: Pick<Stage, 'server' | 'clock'>; stage: Stage }>({
  guarded: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
    async ({}, use) => {
      const clock = standingClock()
      const environment = { ...realLimits, TRUSTED_PROXIES: '127.0.0.1' }
      const server = await startServer({ clock, environment })
      await use({ server, clock })
      await server.close()
    },
    { scope: 'file' },
  ],
  stage: async ({ guarded }, use) => {
    const { server, clock } = guarded
    clock.advance({ seconds: 3_600 - ((clock.now().getTime() / 1_000) % 3_600) })
    const alice = await signUp(server, 'Alice')
    await use({ server, clock, alice })
    await alice.close()
  },
})

const wrong = 'Wrong-Horse-1'
let used = 0

/** Of somebody who was not here before. */
function newAddress(): string {
  used += 1
  return `198.18.${Math.floor(used / 256)}.${used % 256}`
}

const newName = () => `nobody-${newAddress()}@example.org`

/** One attempt to sign in through a trusted proxy, from a new address unless given. */
function attempt({ server }: Stage, identifier: string, password: string, address = newAddress(), accept?: string) {
  const body = { query: print(LoginDocument), variables: { input: { identifier, password } } }
  return ask(server.url, { body, headers: { 'x-forwarded-for': address, ...(accept && { accept }) } })
}

/** What an attempt came to: the type of its result or the code of its error. */
function outcomeOf({ body }: Answer): unknown {
  const login = body.data?.login as { __typename: string } | null | undefined
  return login?.__typename ?? body.errors?.[0]?.extensions?.code
}

async function outcomesOf(answers: readonly Promise<Answer>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const answer of await Promise.all(answers)) {
    const outcome = String(outcomeOf(answer))
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}

const times = <Made>(count: number, make: (index: number) => Made) => Array.from({ length: count }, (_, i) => make(i))

function contextFrom({ server }: Stage, address: string | null) {
  const { platform } = server.app
  return createContext(platform, {
    viewer: { kind: 'anonymous', reason: null },
    request: { id: newUuid(platform.clock.now()), address, userAgent: null },
    signal: new AbortController().signal,
  })
}

describe('of one address', () => {
  test('the 11th login in a minute is told when to come back, and others are not concerned', async ({ stage }) => {
    const { clock, alice } = stage
    const address = newAddress()
    clock.advance({ seconds: 20 })
    const first = times(10, () => attempt(stage, newName(), wrong, address))
    expect(await outcomesOf(first)).toEqual({ InvalidCredentials: 10 })
    const limited = await attempt(stage, alice.email, alice.password, address)
    expect([limited.status, limited.headers['retry-after']]).toEqual([429, '40'])
    expect(limited.body).toMatchObject({
      data: { login: null },
      errors: [{ path: ['login'], extensions: { code: 'RATE_LIMITED', family: 'API_429', retryAfterSeconds: 40 } }],
    })
    expect(outcomeOf(await attempt(stage, alice.email, alice.password))).toBe('AuthPayload')
    clock.advance({ seconds: 39.999 })
    expect(outcomeOf(await attempt(stage, alice.email, alice.password, address))).toBe('RATE_LIMITED')
    clock.advance({ seconds: 0.001 })
    expect(outcomeOf(await attempt(stage, alice.email, alice.password, address))).toBe('AuthPayload')
  })

  test('every door says so in its own way', async ({ stage }) => {
    const { server } = stage
    const address = newAddress()
    const extensions = { code: 'RATE_LIMITED', family: 'API_429', retryAfterSeconds: 60 }
    await Promise.all(times(10, () => attempt(stage, newName(), wrong, address)))
    for (const accept of ['application/json', 'application/graphql-response+json', '*/*']) {
      const { status, headers, body } = await attempt(stage, newName(), wrong, address, accept)
      expect([status, headers['retry-after'], body.errors]).toMatchObject([429, '60', [{ extensions }]])
    }
    const stream = await attempt(stage, newName(), wrong, address, 'text/event-stream')
    expect(stream.status).toBe(200)
    expect(stream.text).toContain('"retryAfterSeconds":60')

    const socket = await openSocket(server.url, { headers: { 'x-forwarded-for': address } })
    socket.send({ type: 'connection_init' })
    await socket.next()
    socket.subscribe('1', LoginDocument, { input: { identifier: newName(), password: wrong } })
    expect(await socket.next('1')).toMatchObject({
      payload: { data: { login: null }, errors: [{ extensions }] },
    })
    socket.ws.close()
  })

  test('the 11th login under one name in 15 minutes is refused, and other names are not concerned', async ({
    stage,
  }) => {
    const { clock, alice } = stage
    const address = newAddress()
    for (let minute = 0; minute < 10; minute++) {
      expect(outcomeOf(await attempt(stage, alice.email, alice.password, address))).toBe('AuthPayload')
      clock.advance({ minutes: 1 })
    }
    const limited = await attempt(stage, ` ${alice.email.toUpperCase()}`, alice.password, address)
    expect([limited.status, limited.headers['retry-after']]).toEqual([429, '300'])
    expect(outcomeOf(await attempt(stage, newName(), wrong, address))).toBe('InvalidCredentials')
    expect(outcomeOf(await attempt(stage, alice.email, alice.password))).toBe('AuthPayload')
    clock.advance({ minutes: 5 })
    expect(outcomeOf(await attempt(stage, alice.email, alice.password, address))).toBe('AuthPayload')
  })

  test('better-auth CVE-2026-45364: 200 spellings of one /64 share a budget', async ({ stage }) => {
    const site = `2001:db8:${used.toString(16)}:7`
    const spellings = times(200, (index) => {
      const host = (index + 1).toString(16)
      const spelling =
        [`${site}::${host}`, `${site}:0:0:0:${host.padStart(4, '0')}`, `${site}::${host}:1`][index % 3] ?? ''
      return index % 2 === 0 ? spelling : spelling.toUpperCase()
    })
    expect(new Set(spellings).size).toBe(200)
    const outcomes = await outcomesOf(spellings.map((address) => attempt(stage, newName(), wrong, address)))
    expect(outcomes).toEqual({ InvalidCredentials: 10, RATE_LIMITED: 190 })
    expect(outcomeOf(await attempt(stage, newName(), wrong, `${site.slice(0, -1)}8::1`))).toBe('InvalidCredentials')
  })

  test('who forwards an address of their own choosing is limited by the last that the proxy saw', async ({ stage }) => {
    const address = newAddress()
    const outcomes = await outcomesOf(times(20, () => attempt(stage, newName(), wrong, `${newAddress()}, ${address}`)))
    expect(outcomes).toEqual({ InvalidCredentials: 10, RATE_LIMITED: 10 })
  })

  test('the 6th registration in an hour is refused', async ({ stage }) => {
    const { server, clock } = stage
    const address = newAddress()
    const register = () => {
      const input = { email: newName(), password: 'Correct-Horse-1', displayName: 'New Comer' }
      const body = { query: print(RegisterDocument), variables: { input } }
      return ask(server.url, { body, headers: { 'x-forwarded-for': address } })
    }
    for (const answer of await Promise.all(times(5, register))) expect(answer.body.errors).toBeUndefined()
    clock.advance({ minutes: 30 })
    const limited = await register()
    expect([limited.status, limited.headers['retry-after'], limited.body.data]).toEqual([
      429,
      '1800',
      { register: null },
    ])
    clock.advance({ minutes: 30 })
    expect((await register()).body.errors).toBeUndefined()
  })

  test('resets and verifications are counted by the hour, verifications of an account too', async ({ stage }) => {
    const refusedFrom = async (limit: (index: number) => Promise<void>) => {
      for (let index = 0; ; index++) {
        const refusal = await limit(index).catch((error: unknown) => error)
        if (refusal === undefined) continue
        expect(refusal).toBeInstanceOf(RateLimited)
        return index
      }
    }
    const ctx = contextFrom(stage, newAddress())
    expect(await refusedFrom(() => limitResets(ctx))).toBe(3)
    expect(await refusedFrom(() => limitRegistrations(ctx))).toBe(5)
    expect(await refusedFrom(() => limitVerifications(ctx, newName()))).toBe(30)
    const email = newName()
    const spellings = [email, email.toUpperCase(), ` ${email}`]
    const fromAnywhere = (index: number) =>
      limitVerifications(contextFrom(stage, newAddress()), spellings[index % 3] ?? '')
    expect(await refusedFrom(fromAnywhere)).toBe(3)
    expect(await refusedFrom(() => limitResets(contextFrom(stage, null)))).toBe(3)
  })
})

describe('five wrong passwords in a row', () => {
  test('lock a name, known or not, with the same bytes, and no password is checked', async ({ stage }) => {
    const { server, alice, clock } = stage
    const verify = vi.spyOn(server.app.platform.passwords, 'verify')
    const [known, unknown] = [alice.email, newName()]
    const texts = async (name: string, passwords: readonly string[]) => {
      const answers: Answer[] = []
      for (const password of passwords) answers.push(await attempt(stage, name, password))
      return answers.map(({ status, text }) => [status, text])
    }
    const passwords = [...times(5, () => wrong), alice.password, wrong]
    const answers = await texts(known, passwords)
    expect(await texts(unknown, passwords)).toEqual(answers)
    expect(answers.slice(0, 5).every(([, text]) => String(text).includes('INVALID_CREDENTIALS'))).toBe(true)
    const locked = { __typename: 'AccountLocked', code: 'ACCOUNT_LOCKED', retryAfterSeconds: 60 }
    for (const [, text] of answers.slice(5)) expect(JSON.parse(String(text)).data.login).toMatchObject(locked)
    expect(verify).toHaveBeenCalledTimes(10)
    verify.mockRestore()

    // Every spelling that finds the account is locked with it.
    for (const name of [known.toUpperCase(), ` ${known} `]) {
      expect(outcomeOf(await attempt(stage, name, alice.password))).toBe('AccountLocked')
    }
    clock.advance({ seconds: 60 })
    expect(outcomeOf(await attempt(stage, known, alice.password))).toBe('AuthPayload')
  })

  test('lock it for longer each time, up to an hour, until the right one clears it', async ({ stage }) => {
    const { clock, alice } = stage
    const restOf = async () => {
      const { body } = await attempt(stage, alice.email, alice.password)
      return (body.data?.login as { retryAfterSeconds?: number } | undefined)?.retryAfterSeconds
    }
    for (let failure = 0; failure < 4; failure++) await attempt(stage, alice.email, wrong)
    const rests: unknown[] = []
    for (let failure = 0; failure < 8; failure++) {
      expect(outcomeOf(await attempt(stage, alice.email, wrong))).toBe('InvalidCredentials')
      const rest = (await restOf()) ?? 0
      rests.push(rest)
      // Knocking at a locked door does not keep it locked.
      clock.advance({ seconds: rest - 1 })
      expect(await restOf()).toBe(1)
      clock.advance({ seconds: 1 })
    }
    expect(rests).toEqual([60, 120, 240, 480, 960, 1_920, 3_600, 3_600])

    expect(outcomeOf(await attempt(stage, alice.email, alice.password))).toBe('AuthPayload')
    const again = times(5, () => attempt(stage, alice.email, wrong))
    expect(await outcomesOf(again)).toEqual({ InvalidCredentials: 5 })
    expect(await restOf()).toBe(60)
  })

  test('are no more when there are 50 at once', async ({ stage }) => {
    const { alice } = stage
    for (const name of [alice.email, newName()]) {
      const outcomes = await outcomesOf(times(50, () => attempt(stage, name, wrong)))
      expect(outcomes).toEqual({ InvalidCredentials: 5, AccountLocked: 45 })
    }
  })

  test('are not in a row when the right one is among them', async ({ stage }) => {
    const { alice } = stage
    for (let round = 0; round < 3; round++) {
      for (let failure = 0; failure < 4; failure++) await attempt(stage, alice.email, wrong)
      expect(outcomeOf(await attempt(stage, alice.email, alice.password))).toBe('AuthPayload')
    }
  })

  test('are forgotten after a day, and then deleted', async ({ stage }) => {
    const { server, clock, alice } = stage
    const { database, jobs } = server.app.platform
    const count = async () => (await database.unscoped.selectFrom('login_failure').select('key').execute()).length
    const forget = async () => {
      await database.unscoped.transaction().execute((tx) => jobs.enqueue(tx, forgetFailures, {}))
      jobs.wake([forgetFailures.name])
      await jobs.idle(15_000)
    }
    clock.advance({ days: 1 })
    await forget()
    expect(await count()).toBe(0)
    for (let failure = 0; failure < 4; failure++) await attempt(stage, alice.email, wrong)
    clock.advance({ seconds: 86_399 })
    await forget()
    expect(await count()).toBe(1)
    clock.advance({ seconds: 1 })
    const later = times(5, () => attempt(stage, alice.email, wrong))
    expect(await outcomesOf(later)).toEqual({ InvalidCredentials: 5 })
    expect(outcomeOf(await attempt(stage, alice.email, wrong))).toBe('AccountLocked')
  })
})

describe('a device that signed in before', () => {
  const device = '01980a3e-0000-7000-8000-000000000001'

  test('gets in while strangers keep the name locked, and is counted by itself', async ({ stage }) => {
    const name = newName()
    const admit = (deviceId: string | null, tried = name) =>
      admitAttempt(contextFrom(stage, newAddress()), { name: tried, deviceId })
    for (let failure = 0; failure < 5; failure++) await admit(null)
    await expect(admit(null)).rejects.toBeInstanceOf(AccountLocked)
    const outcomes = await Promise.allSettled(times(50, () => admit(device)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
    await expect(admit(device, name.toUpperCase())).rejects.toMatchObject({ retryAfterSeconds: 60 })
    await admit('01980a3e-0000-7000-8000-000000000002')
  })

  test('cannot be locked out, or stood for, by a name that is typed to look like it', async ({ stage }) => {
    const name = newName()
    for (let failure = 0; failure < 5; failure++) {
      for (const tried of [`${device} ${name}`, `${name} ${device}`, `${device}${name}`]) {
        await admitAttempt(contextFrom(stage, newAddress()), { name: tried, deviceId: null })
      }
    }
    await admitAttempt(contextFrom(stage, newAddress()), { name, deviceId: device })
  })
})

test('a success that is rolled back clears nothing', async ({ stage }) => {
  const name = newName()
  const ctx = contextFrom(stage, newAddress())
  for (let failure = 0; failure < 4; failure++) await admitAttempt(ctx, { name, deviceId: null })
  const last = await admitAttempt(ctx, { name, deviceId: null })
  const rolledBack = transact(ctx, async (tx) => {
    await last.succeeded(tx)
    throw new Error('no session')
  })
  await expect(rolledBack).rejects.toThrow('no session')
  await expect(admitAttempt(ctx, { name, deviceId: null })).rejects.toBeInstanceOf(AccountLocked)
  await transact(ctx, (tx) => last.succeeded(tx))
  await admitAttempt(ctx, { name, deviceId: null })
})
