import { buildSchema } from 'graphql'
import { describe, expect } from 'vitest'
import { createLog } from '../../src/platform/log.ts'
import { schema } from '../../src/schema.ts'
import { trailOf } from '../kit/inside.ts'
import { uuidIn } from '../kit/people.ts'
import { startServer } from '../kit/server.ts'
import { test as base } from '../kit/test.ts'
import { ask, doorsFor } from './doors.ts'
import { type Mixture, mixturesOf, type Noun, nouns, type Probe, probes } from './probes.ts'
import { type Actor, actorNames, garbageFor, randomId, type Stage, setStage } from './strangers-stage.ts'
import { askingAllOf, idPlacesOf, nodeTypesOf, type RootField, rootFieldsOf } from './walk.ts'

// Every root field and every id it takes, asked by people who should learn and change nothing: no word of the victim
// in any answer, no row of theirs changed, and for an id of theirs the very answer that an id of nobody's gets. The log keeps their words too,
// and what was refused to somebody known is in the audit trail.

const test = base.extend<{ stage: Stage }>({
  stage: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
    async ({}, use) => {
      const logged: string[] = []
      const destination = { write: (line: string) => void logged.push(line) }
      const server = await startServer({ log: createLog({ level: 'trace', destination }) })
      const stage = await setStage(server, logged)
      await use(stage)
      await stage.close()
      await server.close()
    },
    { scope: 'file' },
  ],
})
const rootFields = rootFieldsOf(schema)
/** How a socket is closed to somebody whose token does not hold. */
const closedDoor = '[] closed with 4403'

test('every type with an id of its own is tried', () => {
  expect(nodeTypesOf(schema).toSorted()).toEqual(nouns.toSorted())
})

test('every root field has a probe, and there are no others', () => {
  expect(Object.keys(probes).toSorted()).toEqual(rootFields.map((root) => root.coordinate).toSorted())
})

test.for(rootFields)('every id that $coordinate takes is named in its probe', (root) => {
  const { ids, variables } = probes[root.coordinate] ?? { ids: {} }
  expect(Object.keys(ids).toSorted()).toEqual(idPlacesOf(root))
  const filled = new Set<string>()
  variables?.((place) => {
    filled.add(place)
    return ''
  }, {} as never)
  expect([...filled].toSorted()).toEqual(idPlacesOf(root))
})

test('a place for an id is found however deep it lies', () => {
  const nested = buildSchema(`
    type Query { a(id: ID, ids: [[ID!]!]!, text: String, deep: Deep!): ID }
    input Deep { id: ID again: [Deep!] other: Other }
    input Other { ids: [ID!] name: String }
  `)
  expect(rootFieldsOf(nested).map(idPlacesOf)).toEqual([['Deep.id', 'Other.ids', 'Query.a(id:)', 'Query.a(ids:)']])
})

test('each place for an id is tried alone and with all others, with the nouns of its own', () => {
  const nounsIn = (ids: Probe['ids']) => mixturesOf(ids).map((mixture) => Object.fromEntries(mixture))
  expect(nounsIn({})).toEqual([])
  expect(nounsIn({ a: ['Page', 'Block'] })).toEqual([{ a: 'Page' }, { a: 'Block' }])
  expect(nounsIn({ a: ['Page'], b: ['Project', 'User'] })).toEqual([
    { a: 'Page' },
    { b: 'Project' },
    { b: 'User' },
    { a: 'Page', b: 'Project' },
    { a: 'Page', b: 'User' },
  ])
})

describe.each(actorNames)('%s', (name) => {
  test.for(rootFields)('learns and changes nothing through $coordinate', async (root, { stage }) => {
    const actor = stage.actors.find((one) => one.name === name)
    const probe = probes[root.coordinate]
    if (actor === undefined || probe === undefined) throw new Error(`${name} does not know how`)
    // Each guesses at the victim's password: the first ones would lock the others out.
    await stage.server.app.platform.database.unscoped.deleteFrom('login_failure').execute()
    const before = await stage.rows()
    expect(before.size).toBeGreaterThan(8)
    const told = [...(await tryAlone(stage, actor, root, probe)), ...(await tryIds(stage, actor, root, probe))]
    expectUnchanged(before, await stage.rows(), told, actor)
    // To the victim, and to whom they invited.
    const mails = stage.server.mails.sent.filter((mail) => !mail.to.endsWith(stage.victim.email))
    expectNoSecrets(stage, actor, JSON.stringify(mails), [])
    const log = stage.logged.join('').toLowerCase()
    expect(stage.secrets.filter((secret) => log.includes(secret.toLowerCase()))).toEqual([])
  })
})

test('the log was recorded in which no word of the victim was found', ({ stage }) => {
  expect(stage.logged.join('')).toContain('a mutation was refused to somebody who is not signed in')
})

/** What the audit trail is to say of a call: under which request, or which action. */
type Telling = { readonly request_id: string } | { readonly action: string }

/** Calls without anybody's id, or with the caller's own: who may, is answered. */
async function tryAlone(stage: Stage, actor: Actor, root: RootField, probe: Probe): Promise<Telling[]> {
  const told: Telling[] = []
  for (const door of doorsFor(root.operation)) {
    const ids = probe.spends === true && actor.mayWrite ? await actor.furnishMore() : actor.own
    const own = probe.variables?.((place) => ids[probe.ids[place]?.[0] ?? 'Page'], ids)
    const calls = [...(probe.alone?.(stage.victim) ?? []), ...(own === undefined ? [] : [own])]
    // The caller's own stream of events is not over before they leave.
    const isTheirOwn = actor.mayFollow || (actor.person !== null && Object.keys(probe.ids).length === 0)
    if (root.operation === 'subscription' && isTheirOwn) continue
    for (const variables of calls) {
      const answer = await ask(actor, door, askingAllOf(schema, root), variables)
      expectNoSecrets(stage, actor, answer, [])
      if (actor.person === null) expectStranger(probe, root, answer)
      if (actor.mayWrite && probe.comesToNothing !== true) expectAnswered(probe, root, answer)
      told.push(...(await refusalTold(stage, actor, root, answer)))
      if (probe.tells !== undefined && answer !== closedDoor) told.push({ action: probe.tells })
    }
  }
  return told
}

/** Calls with the victim's ids, one at a time and all at once, the rest being the caller's own. */
async function tryIds(stage: Stage, actor: Actor, root: RootField, probe: Probe): Promise<Telling[]> {
  const { variables } = probe
  if (variables === undefined) return []
  const told: Telling[] = []
  for (const door of doorsFor(root.operation)) {
    for (const mixture of mixturesOf(probe.ids)) {
      const askWith = async (idOf: (noun: Noun) => string) => {
        const ids = new Map([...mixture].map(([place, noun]) => [place, idOf(noun)]))
        const named: string[] = []
        const fill = (place: string) => {
          const id = ids.get(place) ?? actor.own[probe.ids[place]?.[0] ?? 'Page']
          named.push(id)
          return id
        }
        const answer = await ask(actor, door, askingAllOf(schema, root), variables(fill, actor.own))
        const sent = [...ids.values()]
        expectNoSecrets(stage, actor, answer, sent)
        if (actor.person === null) expectStranger(probe, root, answer)
        return { answer, named, comparable: withoutEcho(answer, sent) }
      }
      const random = await askWith(randomId)
      const theirs = await askWith((noun) => stage.theirs[noun])
      const seesAll = [...mixture.values()].every((noun) => actor.sees.includes(noun))
      if (!seesAll) expect(theirs.comparable, `${describeMixture(mixture)} by ${door}`).toBe(random.comparable)
      // What they see by right they may also use: a member may go to where they are.
      for (const { answer, named } of [random, theirs])
        told.push(...(await refusalTold(stage, actor, root, answer, seesAll ? undefined : named)))
      if (door !== 'http' && root.operation !== 'subscription') continue
      for (const index of garbageFor('Page', stage.theirs).keys()) {
        const { answer } = await askWith((noun) => garbageFor(noun, stage.theirs)[index] ?? '')
        told.push(...(await refusalTold(stage, actor, root, answer)))
      }
    }
  }
  return told
}

/** Demands that the trail names a refused mutation of somebody known, and one of the ids that were `named`. */
async function refusalTold(
  stage: Stage,
  { person, actorId }: Actor,
  root: RootField,
  answer: string,
  named?: readonly string[],
): Promise<Telling[]> {
  if (root.operation !== 'mutation' || person === null || actorId === null) return []
  const isRefused = /"code":"(FORBIDDEN|NOT_FOUND)"/.test(answer)
  if (named !== undefined) expect(isRefused, answer).toBe(true)
  if (!isRefused) return []
  const requestId = /"requestId":"([^"]+)"/.exec(answer)?.[1] ?? ''
  const trail = await trailOf(stage.server, { requestId })
  const by = { actor: actorId, organization_id: uuidIn(person.organizationId), address: '127.0.0.1' }
  expect(trail).toMatchObject([{ ...by, outcome: 'denied', action: expect.stringMatching(/^\w+\.\w+$/) }])
  if (named !== undefined) expect(named).toContain(trail[0]?.target)
  return [{ request_id: requestId }]
}

function describeMixture(mixture: Mixture): string {
  return [...mixture].map(([place, noun]) => `${noun} in ${place}`).join(', ')
}

function expectNoSecrets(stage: Stage, actor: Actor, answer: string, sent: readonly string[]): void {
  const told = answer.toLowerCase()
  const secrets = stage.secretsFrom(actor).filter((secret) => sent.every((id) => !id.toLowerCase().includes(secret)))
  expect(secrets.filter((secret) => told.includes(secret))).toEqual([])
  expect(answer).not.toContain('INTERNAL_SERVER_ERROR')
}

/** Who may, is answered: or the refusals of the others might be those of a call that never works. */
function expectAnswered(probe: Probe, root: RootField, answer: string): void {
  if (probe.isForbidden) {
    expect(answer).toContain('"code":"FORBIDDEN"')
    return
  }
  expect(answer).toContain(`"${root.name}":`)
  expect(answer).not.toMatch(new RegExp(`"errors"|"${root.name}":null`))
  if (probe.anonymous !== 'a fact' && !probe.isRefused) expect(answer).not.toContain('_code":"')
}

/** Who is not signed in is told so, whatever they ask for, unless the field is for everyone. */
function expectStranger(probe: Probe, root: RootField, answer: string): void {
  if (answer.includes('"code":"UNAUTHENTICATED"') || answer === closedDoor) return
  const expected = { null: `"${root.name}":null`, 'a fact': '_code":"', accepted: 'accepted":true' }[
    probe.anonymous ?? 'null'
  ]
  expect(probe.anonymous, answer).toBeDefined()
  expect(answer).toContain(expected)
  expect(answer).not.toContain('"errors"')
}

/** Nothing of the victim's is changed, and nothing said of them but what the trail is to tell, once for each call. */
function expectUnchanged(
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
  told: readonly Telling[],
  { person }: Actor,
): void {
  // A link that is mailed to the victim is theirs alone, whoever asked for it.
  const isLink = (row: string) => row.startsWith('one_time_token ')
  expect([...before].filter((row) => !after.has(row) && !isLink(row))).toEqual([])
  // Nor is what they make for themselves in an organization that they share.
  const isTheirKey = (row: string) =>
    person !== null && row.startsWith('api_key ') && JSON.parse(row.slice(8)).user_id === uuidIn(person.userId)
  const added = [...after].filter((row) => !before.has(row) && !isTheirKey(row))
  const refusals = told.filter((telling) => 'request_id' in telling).map((telling) => telling.request_id)
  const events = added.filter((row) => row.startsWith('audit_event ')).map((row) => JSON.parse(row.slice(12)))
  expect(added.filter((row) => !row.startsWith('audit_event ') && !isLink(row))).toEqual([])
  // Who shares the organization is told of in its trail for what they do to their own account.
  const isAboutThemselves = ({ actor, target }: { actor: string | null; target: string | null }) =>
    person !== null &&
    actor === person.userId &&
    (target === null || target === person.userId || /^(device_session|api_key)_/.test(target))
  const ofNobody = events.filter((event) => !refusals.includes(event.request_id) && !isAboutThemselves(event))
  const expected = told.filter((telling) => 'action' in telling)
  expect(ofNobody).toMatchObject(expected.map(({ action }) => ({ action, outcome: 'denied', actor: null })))
}

function withoutEcho(answer: string, sent: readonly string[]): string {
  const echoless = sent.reduce((text, id) => (id === '' ? text : text.replaceAll(id, 'ID')), answer)
  return echoless.replace(/"requestId":"[^"]*"/g, '"requestId":"R"')
}
