import { describe, expect } from 'vitest'
import { newsChannel, newsOf } from '../../../../src/modules/accounts/organizations/organization.events.ts'
import {
  UpdateProfileDocument,
  UpdateSpendingRulesDocument,
  ViewerDocument,
  ViewerEventsDocument,
  type ViewerEventsSubscription,
} from '../../../gql/graphql.ts'
import type { Subscription } from '../../../kit/client.ts'
import { found, switchTo } from '../../../kit/organizations.ts'
import { type Person, signUpInto, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { openChat, record } from '../../../kit/test.ts'
import { creditsOf, grant, MONTHLY, sendAndWait, test } from '../../usage/stage.ts'

type Events = Subscription<ViewerEventsSubscription>

/** Where both of a person's channels stand. */
async function placeOf(person: Person): Promise<string> {
  const { viewer } = await person.query(ViewerDocument, {})
  if (!viewer) throw new Error('Nobody is signed in')
  return viewer.eventsCursor
}

/** Watches from a place on, by default from where things stand now, whenever the server comes to it. */
async function watch(person: Person, after?: string): Promise<Events> {
  return person.subscribe(ViewerEventsDocument, { after: after ?? (await placeOf(person)) })
}

/** Says once more that an organization's credits have changed, as another node would. */
function tell(server: TestServer, { organizationId }: Pick<Person, 'organizationId'>): Promise<void> {
  return record(server, newsOf(uuidIn(organizationId), { type: 'CreditsChanged' }))
}

/** Waits until so much was said in an organization. */
async function untilSaid({ app }: TestServer, { organizationId }: Pick<Person, 'organizationId'>, count: number) {
  const events = app.platform.database.unscoped.selectFrom('channel_event').select('seq')
  const of = events.where('channel', '=', newsChannel(uuidIn(organizationId)))
  await expect.poll(async () => (await of.execute()).length).toBeGreaterThanOrEqual(count)
}

/**
 * Demands that a person is told nothing before what they do themselves: twice, since of two things that are there already
 * either may be told first.
 */
async function expectNothing(person: Person, events: Events): Promise<void> {
  for (const displayName of ['Once', 'Twice']) {
    await person.mutate(UpdateProfileDocument, { input: { displayName } })
    expect((await events.next()).viewerEvents).toMatchObject({ __typename: 'ViewerUpdated' })
  }
  expect(events.pending()).toEqual([])
}

const newsPart = (cursor: string) => cursor.split('.')[1]

async function nextNews(events: Events) {
  const { viewerEvents: event } = await events.next()
  if (event.__typename !== 'CreditsChanged') throw new Error(`No news but ${JSON.stringify(event)}`)
  return event
}

describe('that credits have changed', () => {
  test('is told when a colleague spends, with what there is now', async ({ alice, bob }) => {
    const events = await watch(bob)
    const answer = await sendAndWait(alice, (await openChat(alice)).id)
    const cost = BigInt(answer.costMillionths ?? 0)
    // Of the hold and the settlement one or both are told.
    const seen = async () => BigInt((await nextNews(events)).credits?.availableMillionths ?? 0)
    let available = await seen()
    if (available !== MONTHLY - cost) available = await seen()
    expect(available).toBe(MONTHLY - cost)
    events.stop()
  })

  test('is told to whoever changes it, and to all of the organization, of every kind of change', async ({
    admin,
    alice,
    bob,
  }) => {
    const all = [await watch(alice), await watch(bob)]
    await grant(admin, alice, 500n)
    for (const events of all)
      expect((await nextNews(events)).credits).toMatchObject({ availableMillionths: String(MONTHLY + 500n) })
    await alice.mutate(UpdateSpendingRulesDocument, { input: { isPaused: true } })
    for (const events of all) expect((await nextNews(events)).credits).toMatchObject({ isPaused: true })
    for (const events of all) events.stop()
  })

  test('is told once a second at most, and the last of many changes is told', async ({ admin, alice }) => {
    const from = performance.now()
    const events = await watch(alice)
    let count = 0n
    // Over several of the periods in which changes are said to nodes as one.
    while (performance.now() - from < 1_500) {
      await grant(admin, alice, 1n)
      count += 1n
    }
    expect(count).toBeGreaterThan(4n)
    const told: (string | undefined)[] = []
    while (told.at(-1) !== String(MONTHLY + count)) told.push((await nextNews(events)).credits?.availableMillionths)
    // A timer may be a moment early.
    expect((told.length - 1) * 990).toBeLessThanOrEqual(performance.now() - from)
    events.stop()
  })

  test('is not told to guests', async ({ clocked, alice }) => {
    const guest = await signUpInto(clocked, alice, 'Guest', 'GUEST')
    const [guests, owners] = [await watch(guest), await watch(alice)]
    await tell(clocked, alice)
    await nextNews(owners)
    await expectNothing(guest, guests)
    for (const events of [guests, owners]) events.stop()
    await guest.close()
  })

  test('is not told to those of another organization', async ({ clocked, alice, stranger }) => {
    const [ours, theirs] = [await watch(alice), await watch(stranger)]
    await tell(clocked, stranger)
    await nextNews(theirs)
    await expectNothing(alice, ours)
    for (const events of [ours, theirs]) events.stop()
  })
})

describe('whoever comes back', () => {
  test('is told at once, and once, of all that changed meanwhile', async ({ clocked, alice }) => {
    const before = await placeOf(alice)
    for (let time = 0; time < 3; time += 1) await tell(clocked, alice)
    const events = await watch(alice, before)
    const { cursor, credits } = await nextNews(events)
    expect(credits).toMatchObject({ availableMillionths: String(MONTHLY) })
    // Nothing is left to tell of what came before.
    expect(newsPart(cursor)).toBe(newsPart(await placeOf(alice)))
    await expectNothing(alice, events)
    events.stop()
  })

  test('is not told again what they know, by `Viewer.eventsCursor` or by the cursor of any event', async ({
    clocked,
    admin,
    alice,
  }) => {
    const before = await placeOf(alice)
    await grant(admin, alice, 500n)
    await untilSaid(clocked, alice, 1)
    const now = await placeOf(alice)
    expect(newsPart(now)).not.toBe(newsPart(before))
    const first = await watch(alice, before)
    const { cursor } = await nextNews(first)
    first.stop()
    const second = await watch(alice, now)
    await expectNothing(alice, second)
    second.stop()
    const third = await watch(alice, cursor)
    for (let time = 0; time < 2; time += 1)
      expect((await third.next()).viewerEvents).toMatchObject({ __typename: 'ViewerUpdated' })
    await expectNothing(alice, third)
    third.stop()
  })

  test('is told what they missed of either channel, whichever event they saw last', async ({ clocked, alice }) => {
    const events = await watch(alice)
    await tell(clocked, alice)
    await nextNews(events)
    await alice.mutate(UpdateProfileDocument, { input: { displayName: 'Seen' } })
    const { viewerEvents: seen } = await events.next()
    events.stop()
    if (seen.__typename !== 'ViewerUpdated') throw new Error(JSON.stringify(seen))
    await alice.mutate(UpdateProfileDocument, { input: { displayName: 'Missed' } })
    await tell(clocked, alice)
    const later = await watch(alice, seen.cursor)
    const kinds = [await later.next(), await later.next()].map(({ viewerEvents }) => viewerEvents.__typename)
    expect(kinds.toSorted()).toEqual(['CreditsChanged', 'ViewerUpdated'])
    later.stop()
  })

  test('with a cursor of before there were news goes on with their own, and with news from then on', async ({
    clocked,
    alice,
  }) => {
    await tell(clocked, alice)
    const [own = ''] = (await placeOf(alice)).split('.')
    const events = await watch(alice, own)
    await expectNothing(alice, events)
    await tell(clocked, alice)
    await nextNews(events)
    events.stop()
  })

  test('to another organization goes on with their own, and with its news from then on', async ({ clocked, alice }) => {
    const other = await found(alice)
    const before = await placeOf(alice)
    for (const organizationId of [alice.organizationId, other]) await tell(clocked, { organizationId })
    await switchTo(alice, other)
    await alice.mutate(UpdateProfileDocument, { input: { displayName: 'There' } })
    const events = await watch(alice, before)
    await expect.poll(async () => (await events.next()).viewerEvents.__typename).toBe('ViewerUpdated')
    await tell(clocked, { organizationId: other })
    const { credits } = await nextNews(events)
    expect(credits).toMatchObject({ availableMillionths: String((await creditsOf(alice)).available) })
    events.stop()
  })

  test.for(['', 'nonsense', '.', 'a.b', 'a.b.c'])('with %j has to read anew', async (cursor, { clocked, alice }) => {
    const events = await watch(alice, cursor)
    expect((await events.next()).viewerEvents).toMatchObject({ __typename: 'ResyncRequired' })
    await tell(clocked, alice)
    await nextNews(events)
    events.stop()
  })

  test('with a cursor that has a third part has to read anew', async ({ alice }) => {
    const events = await watch(alice, `${await placeOf(alice)}.more`)
    expect((await events.next()).viewerEvents).toMatchObject({ __typename: 'ResyncRequired' })
    events.stop()
  })
})
