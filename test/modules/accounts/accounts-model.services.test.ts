import { expect, test } from 'vitest'
import { standingClock } from '../../kit/fakes.ts'
import { uuidIn } from '../../kit/people.ts'
import { createRandom } from '../../kit/random.ts'
import { startServer } from '../../kit/server.ts'
import { emailOf, emptyModel, livingOf, predict, type Step } from './accounts-model.ts'
import { createPlayer } from './accounts-player.ts'
import { nextSteps } from './accounts-steps.ts'

// A seed from a failure goes in as SEED; the whole number of steps is for FULL=1.
const steps = process.env.FULL === '1' ? 5_000 : 500
const told = 20

test(`${steps} random steps of several people come to what a small model of accounts says`, {
  timeout: 1_800_000,
}, async () => {
  const random = createRandom(process.env.SEED ? Number(process.env.SEED) : undefined)
  console.log(`accounts model: seed ${random.seed}, ${steps} steps`)
  const clock = standingClock()
  await using opened = new AsyncDisposableStack()
  const server = opened.adopt(await startServer({ clock }), (started) => started.close())
  const model = emptyModel()
  const player = createPlayer(server, clock)

  const log: string[] = []
  const outcomes = new Map<string, number>()
  const planned: Step[] = []
  for (let done = 0; done < steps; done++) {
    // So that no two things happen at once: the order of sessions is that of their use.
    clock.advance({ seconds: 1 })
    const now = clock.now().getTime()
    while (planned.length === 0) planned.push(...nextSteps(model, random, now))
    const step = planned.shift() ?? ({ do: 'wait', minutes: 1 } as const)
    const expected = predict(model, step, now)
    const observed = await player.perform(step)
    log.push(`${done} ${new Date(now).toISOString()} ${JSON.stringify(step)} → ${observed}`)
    const kind = `${step.do}: ${observed.replace(/ \S*\d\S*/g, '')}`
    outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1)
    if (observed !== expected) {
      throw new Error(`Seed ${random.seed}: not ${expected} in the last of\n${log.slice(-told).join('\n')}`)
    }
  }
  console.log(
    [...outcomes]
      .sort()
      .map(([kind, count]) => `${kind} ${count}`)
      .join('\n'),
  )

  const people = new Set(model.accounts.map(({ person }) => emailOf(person)))
  const { unscoped } = server.app.platform.database
  await server.app.platform.jobs.idle(15_000)
  const rows = await unscoped
    .selectFrom('device_session')
    .select(['id', 'refresh_counter', 'revoked_at', 'expires_at'])
    .execute()
  const now = clock.now().getTime()
  const living = new Map(
    rows
      .filter((row) => row.revoked_at === null && row.expires_at.getTime() > now)
      .map((row) => [row.id, row.refresh_counter]),
  )
  const inModel = model.accounts.map((account) =>
    livingOf(account, now).map(({ number, counter }) => [number, counter]),
  )
  const inDatabase = model.accounts.map((account) =>
    account.sessions.flatMap(({ number }) => {
      const counter = living.get(uuidIn(player.sessionIds[number] ?? ''))
      return counter === undefined ? [] : [[number, counter]]
    }),
  )
  expect(inDatabase, `seed ${random.seed}`).toEqual(inModel)
  expect(living.size, `seed ${random.seed}`).toBe(inModel.flat().length)
  const strangers = server.mails.sent.map(({ to }) => to).filter((to) => !people.has(to))
  expect(strangers, `seed ${random.seed}`).toEqual([])
  for (const [person, copies] of model.copies) {
    const notices = server.mails
      .to(emailOf(person))
      .filter(({ subject }) => subject === 'We signed a device of yours out')
    expect(notices.length, `seed ${random.seed}, ${emailOf(person)}`).toBe(copies)
  }
})
