import { expect } from 'vitest'
import { uuidIn } from '../kit/people.ts'
import { nouns, type Probe } from './probe.ts'
import type { Actor } from './strangers-actors.ts'
import type { Attempt } from './strangers-attempts.ts'
import { mentioning, type TrailRow } from './strangers-records.ts'
import type { Stage } from './strangers-stage.ts'
import type { RootField } from './walk.ts'

/** How a socket is closed to somebody whose token does not hold. */
export const closedDoor = '[] closed with 4403'

/** What the audit trail is to say of a call: under which request, naming one of these ids, or which action. */
export type Telling = { readonly requestId: string; readonly named?: readonly string[] } | { readonly action: string }

/** Demands that an answer holds no word of the victim's but the ids that were `sent`, and no fault of the server. */
export function expectNoSecrets(
  stage: Stage,
  actor: Actor,
  answer: string,
  sent: readonly string[],
  { repeatsTargets }: Pick<Probe, 'repeatsTargets'>,
): void {
  const text = repeatsTargets ? answer.replace(/"(\w+_)?targetId":"[^"]*"/g, '') : answer
  const told = text.toLowerCase()
  const secrets = stage.secretsFrom(actor).filter((secret) => sent.every((id) => !id.toLowerCase().includes(secret)))
  const found = secrets.filter((secret) => told.includes(secret))
  stage.tally.of(actor.name).canaries += found.length
  expect(found, answer).toEqual([])
  expect(answer).not.toContain('INTERNAL_SERVER_ERROR')
  expect(answer).not.toContain('A document has at most')
}

/** Who may, is answered: or the refusals of the others might be those of a call that never works. */
export function expectAnswered(probe: Probe, root: RootField, answer: string): void {
  if (probe.isForbidden) {
    expect(answer).toContain('"code":"FORBIDDEN"')
    return
  }
  expect(answer).toContain(`"${root.name}":`)
  expect(answer).not.toMatch(new RegExp(`"errors"|"${root.name}":null`))
  if (probe.anonymous !== 'a fact' && !probe.isRefused) expect(answer).not.toContain('_code":"')
}

/** Who is not signed in is told so, whatever they ask for, unless the field is for everyone. */
export function expectStranger(probe: Probe, root: RootField, answer: string): void {
  if (answer.includes('"code":"UNAUTHENTICATED"') || answer === closedDoor) return
  const expected = { null: `"${root.name}":null`, 'a fact': '_code":"', accepted: 'accepted":true' }[
    probe.anonymous ?? 'null'
  ]
  expect(probe.anonymous, answer).toBeDefined()
  expect(answer).toContain(expected)
  expect(answer).not.toContain('"errors"')
}

/** Nothing of the victim's is changed, and nothing said of them but what the trail is to tell, once for each call. */
export async function expectNothingChanged(attempt: Attempt): Promise<void> {
  const { stage, actor, told } = attempt
  const { lost, added } = await stage.changes()
  const news = await stage.trail.news()
  // A link that is mailed to the victim is theirs alone, whoever asked for it.
  const isLink = (row: string) => row.startsWith('one_time_token ')
  // Off a page of their own they may take a tag that is everybody's.
  const isOwnMark = (row: string) => row.startsWith('page_tag ') && isOfTheActor(stage, actor, row)
  expect(
    lost.filter((row) => !isLink(row) && !isOwnMark(row) && !isOwnGuest(stage, actor, row, { added, lost })),
  ).toEqual([])
  expect(added.filter((row) => !isLink(row) && !isOfTheActor(stage, actor, row))).toEqual([])
  expectRefusalsTold(actor, told, news)
  const isOfVictim = new RegExp(mentioning(nouns.map((noun) => uuidIn(stage.theirs[noun]))))
  const refused = told.flatMap((telling) => ('requestId' in telling ? telling.requestId : []))
  const unexplained = news.filter(
    (row) =>
      row.action !== 'audit.head' && // the sealer's own, in its own time
      isOfVictim.test(JSON.stringify(row)) &&
      !refused.includes(row.request_id) &&
      !isTheActors(actor, row),
  )
  const expected = told.flatMap((telling) => ('action' in telling ? telling : []))
  expect(unexplained).toMatchObject(expected.map(({ action }) => ({ action, outcome: 'denied', actor: null })))
}

/** Of a chat of their own they take out whom they had let in, whose streams are told to look again at what they may. */
function isOwnGuest(stage: Stage, actor: Actor, row: string, { added, lost }: Changes): boolean {
  const isGuest = (one: string) => one.startsWith('chat_participant ') && isOfTheActor(stage, actor, one)
  if (!lost.some(isGuest)) return false
  const { User } = stage.theirs
  const withoutEpoch = (one: string) => one.replace(/"access_epoch": \d+/, '')
  const isToldAlone = row.startsWith('user ') && added.some((one) => withoutEpoch(one) === withoutEpoch(row))
  return isGuest(row) || isToldAlone || (row.startsWith('channel_head ') && row.includes(`"user/${uuidIn(User)}"`))
}

interface Changes {
  readonly added: readonly string[]
  readonly lost: readonly string[]
}

/** What somebody makes for themselves in an organization that they share, or by right of what they see there. */
export function isOfTheActor(stage: Stage, { person, isInside, sees }: Actor, row: string): boolean {
  if (person === null) return false
  if (row.startsWith('api_key ')) return JSON.parse(row.slice('api_key '.length)).user_id === uuidIn(person.userId)
  const unseen = nouns.filter((noun) => !sees.includes(noun)).map((noun) => uuidIn(stage.theirs[noun]))
  return isInside && !new RegExp(mentioning(unseen)).test(row)
}

/** Who shares the organization is told of in its trail: for all they do in their own, else for what they do to themselves. */
function isTheActors({ person, actorId, isInside }: Actor, { actor, target, outcome }: TrailRow): boolean {
  // Of who is let in no more it says that they asked.
  if (person === null) return actorId !== null && actor === actorId && outcome === 'denied'
  if (actor !== person.userId) return false
  return isInside || target === null || target === person.userId || /^(device_session|api_key)_/.test(target)
}

/** Each refusal has a row of its own, by whom it was refused to and about one of the ids that they named. */
function expectRefusalsTold({ person, actorId }: Actor, told: readonly Telling[], news: readonly TrailRow[]): void {
  const rows = news.filter((row) => row.outcome === 'denied')
  for (const telling of told) {
    if (!('requestId' in telling) || person === null) continue
    const { requestId, named } = telling
    const isTold = (row: TrailRow) => row.request_id === requestId && (named?.includes(row.target ?? '') ?? true)
    // All calls of a socket are one request: of its rows each is told once.
    const [row] = rows.splice(rows.findIndex(isTold), rows.some(isTold) ? 1 : 0)
    const by = { actor: actorId, organization_id: uuidIn(person.organizationId), address: '127.0.0.1' }
    expect(row, `of ${named?.join()} in ${requestId}`).toMatchObject({
      ...by,
      action: expect.stringMatching(/^\w+\.\w+$/),
    })
  }
}

/** No mail that went out since the last look tells of the victim, but to the victim and to whom they invited. */
export async function expectNothingMailed(stage: Stage, actor: Actor): Promise<void> {
  for (const mail of await stage.newMails()) expectNoSecrets(stage, actor, mail, [], {})
}

/** No line since the last look has a word of the victim's or a secret of anybody's. */
export function expectNothingLogged(stage: Stage): void {
  const log = stage.newLog()
  const lines = log.split('\n')
  const found = stage.unloggable.filter((secret) => log.includes(secret))
  expect(lines.filter((line) => found.some((secret) => line.includes(secret)))).toEqual([])
}
