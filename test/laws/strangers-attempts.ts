import { expect } from 'vitest'
import { schema } from '../../src/schema.ts'
import { askingAllOf } from './asking.ts'
import { ask, type Door, doorsFor } from './doors.ts'
import { type Mixture, mixturesOf, type Noun, type Probe } from './probe.ts'
import type { Actor } from './strangers-actors.ts'
import { garbageFor, randomId } from './strangers-ids.ts'
import { closedDoor, expectAnswered, expectNoSecrets, expectStranger, type Telling } from './strangers-oracles.ts'
import type { Stage } from './strangers-stage.ts'
import type { RootField } from './walk.ts'

/** An actor at a root field. */
export interface Attempt {
  readonly stage: Stage
  readonly actor: Actor
  readonly root: RootField
  readonly probe: Probe
  /** What the trail is to say of it. */
  readonly told: Telling[]
}

const documents = new Map<string, readonly string[]>()

/** All of them by the first door; one by the other, where the same gates stand. */
function documentsOf(root: RootField, door: Door): readonly string[] {
  const known = documents.get(root.coordinate) ?? askingAllOf(schema, root)
  documents.set(root.coordinate, known)
  return door === doorsFor(root.operation)[0] ? known : known.slice(0, 1)
}

/** Calls without anybody's id, or with the caller's own: who may, is answered. */
export async function tryAlone(attempt: Attempt): Promise<void> {
  const { stage, actor, root, probe, told } = attempt
  // The caller's own stream of events is not over before they leave.
  const isTheirOwn = actor.mayFollow || (actor.person !== null && Object.keys(probe.ids).length === 0)
  stage.tally.of(actor.name).rootFields.add(root.coordinate)
  if (root.operation === 'subscription' && isTheirOwn) return
  const spent = new Set(Object.values(probe.ids).flatMap(([noun]) => noun ?? []))
  if (root.operation === 'mutation') await forgetFailures(stage)
  for (const door of doorsFor(root.operation)) {
    for (const document of documentsOf(root, door)) {
      const ids = probe.spends === true && actor.person !== null ? await actor.furnishMore(spent) : actor.own
      const own = probe.variables?.((place) => ids[probe.ids[place]?.[0] ?? 'Page'], ids, stage.word)
      const calls = [...(probe.alone?.(stage.victim) ?? []), ...(own === undefined ? [] : [own])]
      for (const variables of calls) {
        const answer = await send(attempt, door, document, variables)
        expectNoSecrets(stage, actor, answer, [], probe)
        if (actor.person === null) expectStranger(probe, root, answer)
        if (actor.mayWrite && probe.comesToNothing !== true) expectAnswered(probe, root, answer)
        noteRefusal(attempt, answer)
        if (probe.tells !== undefined && answer !== closedDoor) told.push({ action: probe.tells })
      }
    }
  }
}

/** Each guesses at the victim's password: the first ones would lock the others out. */
async function forgetFailures({ server }: Stage): Promise<void> {
  await server.app.platform.database.unscoped.deleteFrom('login_failure').execute()
}

/** Calls with the victim's ids, one at a time and all at once, the rest being the caller's own. */
export async function tryIds(attempt: Attempt): Promise<void> {
  const { root, probe } = attempt
  if (probe.variables === undefined) return
  for (const door of doorsFor(root.operation)) {
    for (const mixture of mixturesOf(probe.ids)) {
      for (const document of documentsOf(root, door)) await tryMixture(attempt, door, document, mixture)
    }
    const isGarbageTried = door === (root.operation === 'subscription' ? 'events' : 'http')
    if (attempt.actor.triesGarbage && isGarbageTried) await tryGarbage(attempt, door)
  }
}

async function tryMixture(attempt: Attempt, door: Door, document: string, mixture: Mixture): Promise<void> {
  const { stage, actor, probe } = attempt
  const attempts = stage.tally.of(actor.name)
  const random = await askWith(attempt, door, document, mixture, randomId)
  const theirs = await askWith(attempt, door, document, mixture, (noun) => stage.theirs[noun])
  attempts.substitutions += 1
  for (const place of mixture.keys()) attempts.places.add(place)
  const seesAll = [...mixture.values()].every((noun) => actor.sees.includes(noun))
  // What their own people were refused is in their own trail.
  const isToldOf = probe.repeatsTargets === true && theirs.named.some((id) => stage.asked.has(id))
  const at = `${[...mixture].map(([place, noun]) => `${noun} in ${place}`).join(', ')} by ${door}`
  if (!seesAll && !isToldOf) expect(theirs.comparable, at).toBe(random.comparable)
  // What they see by right they may also use: a member may go to where they are.
  const isFact = [...mixture.keys()].every((place) => probe.facts?.includes(place))
  for (const { answer, named } of [random, theirs]) noteRefusal(attempt, answer, seesAll || isFact ? undefined : named)
}

/** In each place every kind of garbage, made of ids of all the nouns that belong there in turn. */
async function tryGarbage(attempt: Attempt, door: Door): Promise<void> {
  const { stage, actor, root, probe } = attempt
  const [document = ''] = documentsOf(root, door)
  for (const [place, placeNouns] of Object.entries(probe.ids)) {
    for (const index of garbageFor('Page', stage.theirs).keys()) {
      const mixture = new Map([[place, placeNouns[index % placeNouns.length] ?? 'Page']])
      const garbage = (noun: Noun) => garbageFor(noun, stage.theirs)[index] ?? ''
      const { answer } = await askWith(attempt, door, document, mixture, garbage)
      stage.tally.of(actor.name).garbage += 1
      noteRefusal(attempt, answer)
    }
  }
}

/** Asks with ids in the places of the mixture, and the caller's own in the others. */
async function askWith(
  attempt: Attempt,
  door: Door,
  document: string,
  mixture: Mixture,
  idOf: (noun: Noun) => string,
): Promise<{ answer: string; named: string[]; comparable: string }> {
  const { stage, actor, root, probe } = attempt
  const ids = new Map([...mixture].map(([place, noun]) => [place, idOf(noun)]))
  const named: string[] = []
  const fill = (place: string) => {
    const id = ids.get(place) ?? actor.own[probe.ids[place]?.[0] ?? 'Page']
    named.push(id)
    return id
  }
  const variables = probe.variables?.(fill, actor.own, stage.word) ?? {}
  const answer = await send(attempt, door, document, variables)
  const sent = [...ids.values()]
  expectNoSecrets(stage, actor, answer, sent, probe)
  if (actor.person === null) expectStranger(probe, root, answer)
  return { answer, named, comparable: withoutEcho(answer, sent) }
}

/** Sends one call, which is counted, and answers all that it is told. */
export async function send(
  { stage, actor }: Attempt,
  door: Door,
  document: string,
  variables: object,
): Promise<string> {
  const attempts = stage.tally.of(actor.name)
  attempts.requests += 1
  attempts.doors.add(door)
  return ask(actor, door, document, variables)
}

/** Has the trail name a refused mutation of somebody known, and one of the ids that were `named`. */
function noteRefusal({ stage, actor, root, told }: Attempt, answer: string, named?: readonly string[]): void {
  if (root.operation !== 'mutation' || actor.person === null) return
  const isRefused = /"code":"(FORBIDDEN|NOT_FOUND)"/.test(answer)
  if (named !== undefined) expect(isRefused, answer).toBe(true)
  if (!isRefused) return
  const requestId = /"requestId":"([^"]+)"/.exec(answer)?.[1] ?? ''
  told.push({ requestId, ...(named !== undefined && { named }) })
  for (const id of named ?? []) stage.asked.add(id)
}

function withoutEcho(answer: string, sent: readonly string[]): string {
  const echoless = sent.reduce((text, id) => (id === '' ? text : text.replaceAll(id, 'ID')), answer)
  return echoless.replace(/"requestId":"[^"]*"/g, '"requestId":"R"')
}
