import { expect, vi } from 'vitest'
import { announceCircuits } from '../../../../src/modules/accounts/administration/circuit-announcement.service.ts'
import { type Circuits, createCircuits } from '../../../../src/platform/circuit.ts'
import type { Platform } from '../../../../src/platform/context.ts'
import { createLog } from '../../../../src/platform/log.ts'
import { UpdateProfileDocument, ViewerDocument, ViewerEventsDocument } from '../../../gql/graphql.ts'
import { test } from '../../../kit/administrators.ts'
import { standingClock } from '../../../kit/fakes.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'

const fails = () => Promise.reject(new Error('away'))
const works = async () => undefined

async function breakDown(circuits: Circuits, name: string): Promise<void> {
  for (let n = 0; n < 5; n++) await expect(circuits.of(name, 'model').execute(fails)).rejects.toThrow('away')
}

async function follow(person: Person) {
  const { viewer } = await person.query(ViewerDocument, {})
  return person.subscribe(ViewerEventsDocument, { after: viewer?.eventsCursor ?? null })
}

test('administrators of the platform are told of each change in order, and nobody else', async ({
  clocked,
  admin,
  alice,
}) => {
  const { circuits } = clocked.app.platform
  const [told, other] = [await follow(admin), await follow(alice)]
  const name = `provider-${process.pid}`
  await breakDown(circuits, name)
  const changed = { __typename: 'CircuitChanged', name, at: expect.any(String), cursor: expect.any(String) }
  expect(await told.next()).toEqual({ viewerEvents: { ...changed, state: 'OPEN' } })
  clocked.clock.advance({ seconds: 10 })
  await circuits.of(name, 'model').execute(works)
  expect(await told.next()).toEqual({ viewerEvents: { ...changed, state: 'HALF_OPEN' } })
  expect(await told.next()).toEqual({ viewerEvents: { ...changed, state: 'CLOSED' } })

  await alice.mutate(UpdateProfileDocument, { input: { displayName: 'Alice still' } })
  expect(await other.next()).toMatchObject({ viewerEvents: { __typename: 'ViewerUpdated' } })
  told.stop()
  other.stop()
})

/** Circuits of their own, so that nothing of the server's is told, on its database. */
function apart(platform: Platform) {
  const clock = standingClock()
  const lines: { msg: string; [field: string]: unknown }[] = []
  const log = createLog({ level: 'warn', destination: { write: (line) => void lines.push(JSON.parse(line)) } })
  const circuits = createCircuits({ clock, log })
  return { clock, lines, circuits, announcing: { ...platform, circuits, log } }
}

test('of a circuit that flaps little is told, and at last what it came to', async ({ clocked, admin }) => {
  const { platform } = clocked.app
  const { clock, circuits, announcing } = apart(platform)
  const name = `flapping-${process.pid}`
  const statesTold = async () => {
    const events = platform.database.unscoped.selectFrom('channel_event').select('payload').orderBy('seq')
    const rows = await events.where('channel', '=', `user/${uuidIn(admin.userId)}`).execute()
    return rows.filter(({ payload }) => payload.name === name).map(({ payload }) => payload.state)
  }
  const stop = announceCircuits(announcing, { quietMillis: 500 })
  for (let n = 0; n < 20; n++) {
    await breakDown(circuits, name)
    clock.advance({ seconds: 10 })
    await circuits.of(name, 'model').execute(works)
  }
  await breakDown(circuits, name)
  const told = await vi.waitUntil(async () => {
    const states = await statesTold()
    return states.length > 3 && states.at(-1) === 'OPEN' ? states : undefined
  })
  expect(told.slice(0, 3)).toEqual(['OPEN', 'HALF_OPEN', 'CLOSED'])
  expect(circuits.of(name, 'model').opens).toBe(21)
  // Of 61 changes; a slow machine takes several periods for them.
  expect(told.length).toBeLessThan(20)
  await stop()
  clock.advance({ seconds: 10 })
  await circuits.of(name, 'model').execute(works)
  expect(await statesTold()).toEqual(told)
})

test('what cannot be told is a line of the log, and the call goes on', async ({ clocked }) => {
  const { clock, lines, circuits, announcing } = apart(clocked.app.platform)
  const away = new Proxy(announcing.database.unscoped, {
    get: () => () => {
      throw new Error('the database is away')
    },
  })
  const database = { ...announcing.database, unscoped: away }
  const stop = announceCircuits({ ...announcing, database })
  await breakDown(circuits, 'nobody-hears')
  clock.advance({ seconds: 10 })
  await circuits.of('nobody-hears', 'model').execute(works)
  await stop()
  expect(lines.map(({ msg, state }) => [msg, state])).toEqual([
    ['circuit opened', 'OPEN'],
    ...['OPEN', 'HALF_OPEN', 'CLOSED'].map((state) => ['the change of a circuit was told to nobody', state]),
  ])
})
