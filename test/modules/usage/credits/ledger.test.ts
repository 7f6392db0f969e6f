import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { bookAllowances } from '../../../../src/modules/usage/credits/credits.jobs.ts'
import { SetOrganizationTierDocument, StopGenerationDocument, type Tier } from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'
import { type Person, signIn, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { openChat } from '../../../kit/test.ts'
import {
  booksOf,
  creditsOf,
  endMonth,
  expectSoundBooks,
  grant,
  lastAnswer,
  MONTHLY,
  send,
  sendAndWait,
  test,
} from '../stage.ts'

/** What an organization gets a month that pays for more, as nothing here says otherwise. */
const PRO = 100_000_000n

/** Books allowances by the job, as its schedule would have it. */
async function book({ app }: TestServer, times = 1): Promise<void> {
  const { database, jobs } = app.platform
  await database.unscoped.transaction().execute(async (tx) => {
    for (let time = 0; time < times; time += 1) await jobs.enqueue(tx, bookAllowances, {})
  })
  jobs.wake([bookAllowances.name])
  await jobs.idle(15_000)
}

/** Asks in a session of its own, and answers what that cost. */
async function spend(person: Client): Promise<bigint> {
  const answer = await sendAndWait(person, (await openChat(person)).id)
  return BigInt(answer.costMillionths ?? 0)
}

async function setTier(admin: Client, { organizationId }: Pick<Person, 'organizationId'>, tier: Tier): Promise<void> {
  const input = { id: organizationId, tier }
  const { setOrganizationTier: set } = await admin.mutate(SetOrganizationTierDocument, { input })
  if (set.__typename !== 'OrganizationTier') throw new Error(`The tier came to ${JSON.stringify(set)}`)
}

describe('the allowance of a month', () => {
  test('is shown before anything was booked, and booked with the first answer', async ({ clocked, alice }) => {
    expect(await creditsOf(alice)).toMatchObject({ available: MONTHLY, allowance: MONTHLY, granted: 0n, held: 0n })
    expect(await booksOf(clocked, alice)).toMatchObject({ issued: 0n, balance: { allowance: 0n } })
    const cost = await spend(alice)
    expect(cost).toBeGreaterThan(0n)
    expect(await booksOf(clocked, alice)).toMatchObject({ issued: MONTHLY, balance: { allowance: MONTHLY - cost } })
    expect(await creditsOf(alice)).toMatchObject({ allowance: MONTHLY - cost })
    await expectSoundBooks(clocked, alice)
  })

  test('comes once, however many ask first', async ({ clocked, alice, bob }) => {
    const askers = [alice, bob, alice, bob]
    const costs = await Promise.all(askers.map(spend))
    const spent = costs.reduce((all, cost) => all + cost, 0n)
    expect(await booksOf(clocked, alice)).toMatchObject({ issued: MONTHLY, balance: { allowance: MONTHLY - spent } })
    await expectSoundBooks(clocked, alice)
  })

  test('lapses with it, as far as it is left, and the next one comes with the next answer', async ({
    clocked,
    alice,
  }) => {
    const first = await spend(alice)
    endMonth(clocked)
    const later = await signIn(clocked, alice.email)
    expect(await creditsOf(later)).toMatchObject({ allowance: MONTHLY, available: MONTHLY })
    const second = await spend(later)
    expect(await booksOf(clocked, alice)).toMatchObject({
      issued: MONTHLY * 2n,
      lapsed: MONTHLY - first,
      balance: { allowance: MONTHLY - second },
    })
    await expectSoundBooks(clocked, alice)
    await later.close()
  })

  test('is booked by the job for organizations that have a balance, once however often it runs', async ({
    clocked,
    admin,
    alice,
    stranger,
  }) => {
    const spent = await spend(alice)
    await grant(admin, alice, 500n)
    endMonth(clocked)
    await book(clocked, 3)
    const booked = {
      issued: MONTHLY * 2n + 500n,
      lapsed: MONTHLY - spent,
      balance: { allowance: MONTHLY, granted: 500n },
    }
    expect(await booksOf(clocked, alice)).toMatchObject(booked)
    await book(clocked)
    expect(await booksOf(clocked, alice)).toMatchObject(booked)
    expect(await booksOf(clocked, stranger)).toMatchObject({ issued: 0n })
    await expectSoundBooks(clocked, alice)
  })

  test('is booked once by many nodes that run the job at once, while answers are begun', async ({ clocked, alice }) => {
    const spent = await spend(alice)
    endMonth(clocked)
    const later = await signIn(clocked, alice.email)
    const { signal } = new AbortController()
    const runs = Array.from({ length: 5 }, () => bookAllowances.run(clocked.app.platform, {}, signal))
    const [cost] = await Promise.all([spend(later), ...runs])
    expect(await booksOf(clocked, alice)).toMatchObject({
      issued: MONTHLY * 2n,
      lapsed: MONTHLY - spent,
      balance: { allowance: MONTHLY - cost },
    })
    await expectSoundBooks(clocked, alice)
    await later.close()
  })

  test('of whoever pays for more in mid-month grows by the difference at once, and once', async ({
    clocked,
    admin,
    alice,
  }) => {
    const spent = await spend(alice)
    await setTier(admin, alice, 'PRO')
    expect(await creditsOf(alice)).toMatchObject({ allowance: PRO - spent, monthlyAllowanceMillionths: String(PRO) })
    await book(clocked)
    expect(await booksOf(clocked, alice)).toMatchObject({ issued: PRO, balance: { allowance: PRO - spent } })
    for (const tier of ['FREE', 'PRO'] as const) {
      await setTier(admin, alice, tier)
      await book(clocked)
    }
    expect(await booksOf(clocked, alice)).toMatchObject({ issued: PRO, lapsed: 0n })
    await expectSoundBooks(clocked, alice)
  })

  test('of whoever pays for less stays as it is until the month is over', async ({ clocked, admin, alice }) => {
    await setTier(admin, alice, 'PRO')
    const spent = await spend(alice)
    await setTier(admin, alice, 'FREE')
    await book(clocked)
    expect(await creditsOf(alice)).toMatchObject({
      allowance: PRO - spent,
      monthlyAllowanceMillionths: String(MONTHLY),
    })
    endMonth(clocked)
    await book(clocked)
    const later = await signIn(clocked, alice.email)
    expect(await creditsOf(later)).toMatchObject({ allowance: MONTHLY })
    expect(await booksOf(clocked, alice)).toMatchObject({ issued: PRO + MONTHLY, lapsed: PRO - spent })
    await expectSoundBooks(clocked, alice)
    await later.close()
  })

  test('that is held over the end of the month lapses then, and does not come back', async ({ clocked, alice }) => {
    // Longer than this test may take, and shorter than what is held stays so.
    endMonth(clocked, 60)
    const person = await signIn(clocked, alice.email)
    const session = await openChat(person)
    const sent = await send(person, session.id, { model: 'scenario/slow-50' })
    if (sent.__typename !== 'SentMessage') throw new Error(JSON.stringify(sent))
    await expect.poll(async () => (await lastAnswer(person, session.id)).content).not.toBe('')
    const { held } = await creditsOf(person)
    expect(held).toBeGreaterThan(0n)
    endMonth(clocked)
    await book(clocked)
    expect(await creditsOf(person)).toMatchObject({ allowance: MONTHLY, held })
    await person.mutate(StopGenerationDocument, { input: { messageId: sent.answer.id } })
    const cost = BigInt((await lastAnswer(person, session.id)).costMillionths ?? 0)
    expect(cost).toBeGreaterThan(0n)
    expect(cost).toBeLessThan(held)
    expect(await creditsOf(person)).toMatchObject({ allowance: MONTHLY, held: 0n })
    expect(await booksOf(clocked, alice)).toMatchObject({ issued: MONTHLY * 2n, lapsed: MONTHLY - cost })
    await expectSoundBooks(clocked, alice)
    await person.close()
  })
})

describe('the database itself refuses', () => {
  /** Inserts sides of one move by hand. */
  async function insert(
    { app }: TestServer,
    { organizationId }: Pick<Person, 'organizationId'>,
    { move, reference, sides }: { move: string; reference: string; sides: Readonly<Record<string, bigint>> },
  ): Promise<void> {
    const rows = Object.entries(sides).map(
      ([account, amount]) =>
        sql`('00000000-0000-4000-8000-000000000001', ${account}, ${uuidIn(organizationId)}, ${move}, ${reference}, ${amount}, now())`,
    )
    await sql`
      insert into credit_entry (transaction_id, account, organization_id, move, reference, amount, created_at)
      values ${sql.join(rows)}`.execute(app.platform.database.unscoped)
  }

  test('a move that does not come to nothing', async ({ clocked, alice }) => {
    const grantOf = (sides: Readonly<Record<string, bigint>>) =>
      insert(clocked, alice, { move: 'GRANT', reference: 'by hand', sides })
    await expect(grantOf({ GRANTED: 5n })).rejects.toThrow('a move of credits does not come to nothing')
    await expect(grantOf({ GRANTED: 5n, ISSUED: -4n })).rejects.toThrow('a move of credits does not come to nothing')
    await expect(grantOf({ GRANTED: 0n })).rejects.toThrow('credit_entry_amount_check')
    expect(await booksOf(clocked, alice)).toMatchObject({ issued: 0n, total: 0n })
  })

  test('a change of an entry', async ({ clocked, admin, alice }) => {
    await grant(admin, alice, 500n)
    const { unscoped } = clocked.app.platform.database
    const change = sql`update credit_entry set amount = amount * 2 where organization_id = ${uuidIn(alice.organizationId)}`
    await expect(change.execute(unscoped)).rejects.toThrow('credit_entry is insert-only')
    await expectSoundBooks(clocked, alice)
  })

  test('a balance below nothing', async ({ clocked, admin, alice }) => {
    await grant(admin, alice, 500n)
    const { unscoped } = clocked.app.platform.database
    for (const column of ['allowance', 'granted', 'held']) {
      const change = sql`update credit_balance set ${sql.ref(column)} = -1 where organization_id = ${uuidIn(alice.organizationId)}`
      await expect(change.execute(unscoped)).rejects.toThrow('credit_balance_never_negative')
    }
    await expectSoundBooks(clocked, alice)
  })

  test('to give back twice what was held, and to hold, settle or give an allowance twice', async ({
    clocked,
    alice,
  }) => {
    const answer = await sendAndWait(alice, (await openChat(alice)).id)
    const reference = answer.id
    const once = 'credit_entry_once_unique'
    for (const [move, sides, constraint] of [
      ['EXPIRE', { HELD: -7n, GRANTED: 7n }, 'credit_entry_given_back_once_unique'],
      ['HOLD', { HELD: 7n, ALLOWANCE: -7n }, once],
      ['SETTLE', { SPENT: 7n, ALLOWANCE: -7n }, once],
    ] as const)
      await expect(insert(clocked, alice, { move, reference, sides }), move).rejects.toThrow(constraint)
    const month = clocked.clock.now().toISOString().slice(0, 7)
    const again = { move: 'ALLOWANCE', reference: `${month}/${MONTHLY}`, sides: { ALLOWANCE: 7n, ISSUED: -7n } }
    await expect(insert(clocked, alice, again)).rejects.toThrow(once)
    await expectSoundBooks(clocked, alice)
  })

  test('to charge more than was held, or less than nothing', async ({ clocked, alice }) => {
    const answer = await sendAndWait(alice, (await openChat(alice)).id)
    const { unscoped } = clocked.app.platform.database
    for (const cost of [-1n, 1_000_000_000n]) {
      const change = sql`update charge set cost = ${cost} where message_id = ${uuidIn(answer.id)}`
      await expect(change.execute(unscoped)).rejects.toThrow('charge_never_more_than_held')
    }
    await expectSoundBooks(clocked, alice)
  })
})
