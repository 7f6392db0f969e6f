import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { expect } from 'vitest'
import { holdCharge, InsufficientCredits } from '../../../../src/modules/usage/charges/hold.service.ts'
import { settleCharge } from '../../../../src/modules/usage/charges/settlement.service.ts'
import { bringUpToDate } from '../../../../src/modules/usage/credits/credits.service.ts'
import { holdBalance, moveCredits } from '../../../../src/modules/usage/credits/ledger.service.ts'
import { type Transaction, transact } from '../../../../src/platform/database/transact.ts'
import { systemContext } from '../../../../src/platform/system-context.ts'
import { newUuid } from '../../../../src/platform/uuid.ts'
import { signUp, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { booksOf, expectSoundBooks, MONTHLY, rates, test } from '../stage.ts'

// Answers begin and end, credits are granted, months pass and holds expire, many at once and at random, and any of it may
// crash before its commit, or never come to its end. Whatever happens the books agree, and nothing is spent twice.

const RUNS = process.env.FULL === '1' ? 60 : 6
const SEED = Number(process.env.SEED ?? randomInt(2 ** 31))

const crash = fc.boolean()
const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('hold' as const), share: fc.integer({ min: 1, max: 60 }), crash }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(),
      percent: fc.integer({ min: 0, max: 150 }),
      crash,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('grant' as const), share: fc.integer({ min: 1, max: 50 }), crash }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('expire' as const), crash }) },
)
type Operation = typeof operation extends fc.Arbitrary<infer One> ? One : never
/** What happens at once, and how much time passes after it: minutes, or to another month. */
const batch = fc.record({
  operations: fc.array(operation, { minLength: 1, maxLength: 12 }),
  minutesAfter: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.constant(3) },
    { weight: 1, arbitrary: fc.constant(60 * 24 * 31) },
  ),
})

class Crash extends Error {}

interface Stage {
  readonly server: TestServer
  readonly organizationId: string
  /** Those that were held for, and how much. */
  readonly held: { readonly messageId: string; readonly most: bigint }[]
}

async function act(stage: Stage, operation: Operation): Promise<void> {
  const { server, organizationId, held } = stage
  const { platform } = server.app
  const run = (work: (tx: Transaction) => Promise<void>) =>
    transact(systemContext(platform), async (tx) => {
      tx.last(() => work(tx))
      if (operation.crash) tx.last(() => Promise.reject(new Crash()))
    })
  switch (operation.kind) {
    case 'hold': {
      const messageId = newUuid(platform.clock.now())
      const most = (MONTHLY * BigInt(operation.share)) / 100n
      const budget = { version: 'a test', rates: new Map([['scenario/words', rates]]), most }
      const place = {
        organizationId,
        sessionId: newUuid(platform.clock.now()),
        projectId: null,
        modelId: 'scenario/words',
      }
      const charge = { ...place, messageId, actorId: organizationId, isAgent: false, budget }
      await run((tx) => holdCharge(tx, platform, charge))
      held.push({ messageId, most })
      return
    }
    case 'settle': {
      const one = held[operation.which % Math.max(1, held.length)]
      if (one === undefined) return
      const cost = (one.most * BigInt(operation.percent)) / 100n
      const spent = { cost, unfinished: null, usage: null }
      return run((tx) => settleCharge(tx, platform, { messageId: one.messageId, organizationId }, spent))
    }
    case 'grant': {
      const amount = (MONTHLY * BigInt(operation.share)) / 100n
      const reference = newUuid(platform.clock.now())
      return run(async (tx) => {
        const balance = await holdBalance(tx, platform, organizationId)
        await moveCredits(tx, balance, { move: 'GRANT', reference, sides: { ISSUED: -amount, GRANTED: amount } })
      })
    }
    case 'expire':
      return operation.crash ? run(() => Promise.resolve()) : bringUpToDate(systemContext(platform), organizationId)
  }
}

/** What may come of an operation: it had not enough, or it crashed. */
function isLawful(error: unknown): boolean {
  return error instanceof InsufficientCredits || error instanceof Crash
}

test(`whatever happens at once, and whatever crashes, the books agree (seed ${SEED})`, { timeout: 300_000 }, async ({
  clocked,
}) => {
  const { unscoped } = clocked.app.platform.database
  const tried = new Map<string, number>()
  const scenario = async (batches: readonly { operations: readonly Operation[]; minutesAfter: number }[]) => {
    const person = await signUp(clocked, 'Storm')
    const stage: Stage = { server: clocked, organizationId: uuidIn(person.organizationId), held: [] }
    for (const { operations, minutesAfter } of batches) {
      const outcomes = await Promise.allSettled(operations.map((operation) => act(stage, operation)))
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.status === 'rejected' && !isLawful(outcome.reason)) throw outcome.reason
        const key = `${operations[index]?.kind} ${outcome.status === 'rejected' ? outcome.reason.constructor.name : 'done'}`
        tried.set(key, (tried.get(key) ?? 0) + 1)
      }
      await expectSoundBooks(clocked, person)
      clocked.clock.advance({ minutes: minutesAfter })
    }
    // Whoever crashed for good leaves nothing held once their time is over.
    clocked.clock.advance({ minutes: 10 })
    await bringUpToDate(systemContext(clocked.app.platform), stage.organizationId)
    await expectSoundBooks(clocked, person)
    const { balance, entries, issued, lapsed } = await booksOf(clocked, person)
    expect(balance.held).toBe(0n)
    expect(issued).toBe(balance.allowance + balance.granted + entries.spent + lapsed)
    const open = await unscoped
      .selectFrom('charge')
      .select('message_id')
      .where('organization_id', '=', stage.organizationId)
      .where('status', '=', 'HELD')
      .execute()
    expect(open).toEqual([])
    await person.close()
  }
  await fc.assert(fc.asyncProperty(fc.array(batch, { minLength: 10, maxLength: 25 }), scenario), {
    seed: SEED,
    numRuns: RUNS,
    endOnFailure: true,
  })
  console.log(
    `books: seed ${SEED}, ${[...tried]
      .map(([what, times]) => `${times} ${what}`)
      .toSorted()
      .join(', ')}`,
  )
})
