import { expect } from 'vitest'
import type { NewChannelEvent } from '../../src/platform/channels/log.ts'
import { createNotices, type NoticesOptions } from '../../src/platform/channels/notices.ts'
import type { TestServer } from '../kit/server.ts'
import { test } from '../kit/test.ts'

/** So long that nothing is said by itself while a test runs. */
const NEVER_MILLIS = 600_000

let made = 0

/** Something that is otherwise, on a channel of the test's own. */
function newEvent(payload: NewChannelEvent['payload'] = {}): NewChannelEvent {
  made += 1
  return { channel: `notices-${process.pid}-${made}`, type: 'Otherwise', payload }
}

/** Notices on a server's database, what was nudged because of them, and what was warned of. */
function noticesOn({ app }: TestServer, options: Partial<NoticesOptions> = {}) {
  const { database, clock, log } = app.platform
  const nudged: { readonly channel: string; readonly seq: number }[] = []
  const warned: unknown[] = []
  const nudges: NoticesOptions['nudges'] = { publish: (heads) => void nudged.push(...heads) }
  const listening = { ...log, warn: (fields: unknown) => void warned.push(fields) }
  const { say, close } = createNotices({ database, nudges, clock, log: listening, periodMillis: 20, ...options })
  return { say, close, nudged, warned }
}

/** What the log of a channel says. */
async function saidOn({ app }: TestServer, { channel }: Pick<NewChannelEvent, 'channel'>) {
  const events = app.platform.database.unscoped.selectFrom('channel_event').select(['seq', 'type', 'payload'])
  return (await events.where('channel', '=', channel).orderBy('seq').execute()).map(({ type, payload }) => ({
    type,
    payload,
  }))
}

/** The server's database, which fails as long as it is told to. */
function breakable({ app }: TestServer) {
  const state = { isBroken: true, tries: 0 }
  const database: NoticesOptions['database'] = {
    get unscoped() {
      state.tries += 1
      if (state.isBroken) throw new Error('The database is away')
      return app.platform.database.unscoped
    },
  }
  return { state, database }
}

test('many alike are one event, said soon after the first, and its channel is nudged', async ({ server }) => {
  const { say, close, nudged } = noticesOn(server)
  const event = newEvent({ of: 'this' })
  for (let time = 0; time < 10; time += 1) say({ ...event })
  await expect.poll(() => nudged).toEqual([expect.objectContaining({ channel: event.channel, seq: 1 })])
  expect(await saidOn(server, event)).toEqual([{ type: 'Otherwise', payload: { of: 'this' } }])
  say(event)
  await expect.poll(() => nudged.map(({ seq }) => Number(seq))).toEqual([1, 2])
  await close()
  expect(await saidOn(server, event)).toHaveLength(2)
})

test('two channels are two, and so is what is not quite alike on one', async ({ server }) => {
  const { say, close } = noticesOn(server, { periodMillis: NEVER_MILLIS })
  const [one, other] = [newEvent(), newEvent()]
  for (let time = 0; time < 3; time += 1) {
    say(one)
    say(other)
    say({ ...other, type: 'Different' })
    say({ ...other, payload: { of: 'that' } })
  }
  await close()
  expect(await saidOn(server, one)).toEqual([{ type: 'Otherwise', payload: {} }])
  expect(await saidOn(server, other)).toEqual([
    { type: 'Otherwise', payload: {} },
    { type: 'Different', payload: {} },
    { type: 'Otherwise', payload: { of: 'that' } },
  ])
})

test('while the database is away they wait, with what is said meanwhile, and are said once when it is back', async ({
  server,
}) => {
  const { state, database } = breakable(server)
  const { say, close, nudged, warned } = noticesOn(server, { database })
  const [first, second] = [newEvent(), newEvent()]
  say(first)
  await expect.poll(() => state.tries).toBeGreaterThanOrEqual(3)
  say(first)
  say(second)
  expect(warned.length).toBeGreaterThan(0)
  expect(nudged).toEqual([])
  state.isBroken = false
  await expect
    .poll(() => nudged.map(({ channel }) => channel).toSorted())
    .toEqual([first.channel, second.channel].toSorted())
  await close()
  for (const event of [first, second]) expect(await saidOn(server, event)).toHaveLength(1)
})

test('closing says what is left at once', async ({ server }) => {
  const { say, close, nudged } = noticesOn(server, { periodMillis: NEVER_MILLIS })
  const event = newEvent()
  say(event)
  expect(nudged).toEqual([])
  await close()
  expect(nudged).toHaveLength(1)
  expect(await saidOn(server, event)).toHaveLength(1)
})

test('closing without a database ends, and tries no more', async ({ server }) => {
  const { state, database } = breakable(server)
  const { say, close, nudged, warned } = noticesOn(server, { database })
  say(newEvent())
  await close()
  expect([state.tries, warned.length]).toEqual([1, 1])
  state.isBroken = false
  // Were it to try again it would have done so before one that begins to wait now.
  const { say: sayAfter, close: closeAfter, nudged: after } = noticesOn(server)
  sayAfter(newEvent())
  await expect.poll(() => after).toHaveLength(1)
  await closeAfter()
  expect([state.tries, nudged]).toEqual([1, []])
})
