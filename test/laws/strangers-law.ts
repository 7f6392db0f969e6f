import { describe, expect } from 'vitest'
import { schema } from '../../src/schema.ts'
import { changeAccess } from '../kit/inside.ts'
import { uuidIn } from '../kit/people.ts'
import { test as base, write } from '../kit/test.ts'
import { askingAllOf } from './asking.ts'
import { listen } from './doors.ts'
import { probes } from './probes.ts'
import type { Actor, ActorName } from './strangers-actors.ts'
import { type Attempt, tryAlone, tryIds } from './strangers-attempts.ts'
import {
  expectNoSecrets,
  expectNothingChanged,
  expectNothingLogged,
  expectNothingMailed,
  isOfTheActor,
} from './strangers-oracles.ts'
import { trySearches } from './strangers-search.ts'
import { type Stage, setStage } from './strangers-stage.ts'
import { idPlacesOf, type RootField, rootFieldsOf } from './walk.ts'

// Every root field and every id it takes, asked by people who should learn and change nothing: no word of the victim
// in any answer, event, mail, file or line of the log, no row of theirs changed, and for an id of theirs the very answer
// that an id of nobody's gets. What was refused to somebody known is in the audit trail.

const rootFields = rootFieldsOf(schema)
/** The longest take a second; a busy machine may take long. */
const TEST_LIMIT_MILLIS = 60_000

/**
 * The law for these actors, who share a server: a test for each and each root field, all unless only some are named, and at the
 * end what was tried.
 */
export function describeStrangers(
  names: readonly ActorName[],
  isTried: (root: RootField) => boolean = () => true,
): void {
  const tried = rootFields.filter(isTried)
  const test = base.extend<{ stage: Stage }>({
    stage: [
      // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
      async ({}, use) => {
        const stage = await setStage(names)
        await use(stage)
        for (const line of stage.tally.print()) console.log(line)
        await stage.close()
      },
      { scope: 'file' },
    ],
  })
  const actorOf = ({ actors }: Stage, name: ActorName): Actor => {
    const actor = actors.find((one) => one.name === name)
    if (actor === undefined) throw new Error(`${name} does not come on`)
    return actor
  }
  describe.each(names)('%s', { timeout: TEST_LIMIT_MILLIS }, (name) => {
    test.for(tried)('learns and changes nothing through $coordinate', async (root, { stage }) => {
      const actor = actorOf(stage, name)
      const probe = probes[root.coordinate]
      if (probe === undefined) throw new Error(`${name} does not know how`)
      try {
        await tryAll({ stage, actor, root, probe, told: [] })
      } catch (error) {
        // What it changed is not to be laid to the next one.
        await stage.lookAway()
        throw error
      }
    })

    test('changes nothing by asking and following, and finds nothing in files', async ({ stage }) => {
      const actor = actorOf(stage, name)
      await stage.server.app.platform.jobs.idle(15_000)
      const { lost, added } = await stage.changes()
      // What the jobs went on with of what they made in an organization that they share is theirs as well.
      expect({ lost, added: added.filter((row) => !isOfTheActor(stage, actor, row)) }).toEqual({ lost: [], added: [] })
      await expectNothingMailed(stage, actor)
      const files = [...(await stage.files())]
      const holds = (text: string) => stage.unloggable.some((secret) => text.toLowerCase().includes(secret))
      expect(files.filter(([, text]) => holds(text)).map(([path]) => path)).toEqual([])
      expectNothingLogged(stage)
    })

    test('hears nothing of what the victim does', async ({ stage }) => {
      await hearNothing(stage, actorOf(stage, name))
    })
  })

  test('every root field and every place for an id was tried', ({ stage }) => {
    const total = stage.tally.total()
    expect([...total.rootFields].sort()).toEqual(tried.map((root) => root.coordinate).sort())
    expect([...total.places].sort()).toEqual([...new Set(tried.flatMap(idPlacesOf))].sort())
    expect(total.canaries).toBe(0)
  })
}

async function tryAll(attempt: Attempt): Promise<void> {
  const { stage, actor, root, probe } = attempt
  await tryAlone(attempt)
  await tryIds(attempt)
  if (probe.isSearch) await trySearches(attempt)
  if (root.operation === 'mutation') {
    await expectNothingChanged(attempt)
    await expectNothingMailed(stage, actor)
  }
  expectNothingLogged(stage)
}

/** Streams of the actor's own tell what happens to them, and nothing of the victim. */
async function hearNothing(stage: Stage, actor: Actor): Promise<void> {
  const streams = rootFields
    .filter((root) => root.operation === 'subscription')
    .flatMap((root) => {
      const probe = probes[root.coordinate]
      const own = probe?.variables?.((place) => actor.own[probe.ids[place]?.[0] ?? 'Page'], actor.own, stage.word) ?? {}
      return askingAllOf(schema, root).map((document) => ({ root, ...listen(actor, document, own) }))
    })
  const { person } = actor
  if (person !== null) {
    const told = () => streams.flatMap((stream) => stream.told).join()
    // Until it is heard, since nothing says when a stream has begun.
    await expect.poll(() => signal(stage, actor, 'before').then(told), { interval: 100 }).toContain('before')
    await stage.writeMore()
    await signal(stage, actor, 'behind')
    await expect.poll(told).toContain('behind')
  } else {
    await stage.writeMore()
  }
  for (const { told, stop } of streams) {
    expectNoSecrets(stage, actor, told.join(), [], { repeatsTargets: true })
    stop()
  }
}

/** Has the actor's own stream say a word: that of the person, or for a program that of a page. */
async function signal({ server }: Stage, { person, actorId, own }: Actor, word: string): Promise<void> {
  if (person === null) return
  if (actorId !== person.userId) await write(person, own.Page, word)
  else
    await changeAccess(server, person, (tx) =>
      tx.unscoped.updateTable('user').set({ display_name: word }).where('id', '=', uuidIn(person.userId)).execute(),
    )
}
