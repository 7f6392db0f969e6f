import { expect } from 'vitest'
import type { Role } from '../../../../src/platform/access.ts'
import type { CacheCounts } from '../../../../src/platform/cache.ts'
import { newSeed, seededRandom } from '../../../contracts/channels-rig.ts'
import { RevokeDeviceSessionDocument, UpdateProfileDocument, ViewerDocument } from '../../../gql/graphql.ts'
import { endMembership, setRole } from '../../../kit/inside.ts'
import { type Person, signIn, signUpInto } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { admission, currentSessionId, sessionEnded } from '../../../kit/sessions.ts'
import { test } from '../../../kit/test.ts'

const none: CacheCounts = { memoryHits: 0, sharedHits: 0, misses: 0 }

/** What the reads of a namespace came to while something was done. */
async function countsOf(server: TestServer, name: 'viewer' | 'role', deed: () => Promise<unknown>) {
  const counts = () => server.app.platform.cache.counts()[name] ?? none
  const before = counts()
  await deed()
  const after = counts()
  const hits = after.memoryHits + after.sharedHits - before.memoryHits - before.sharedHits
  return { hits, misses: after.misses - before.misses }
}

async function viewerOf(person: Person) {
  const { viewer } = await person.query(ViewerDocument, {})
  return { role: viewer?.role, displayName: viewer?.actor.displayName }
}

async function rename(person: Person, displayName: string): Promise<void> {
  const { updateProfile } = await person.mutate(UpdateProfileDocument, { input: { displayName } })
  expect(updateProfile.__typename).toBe('Viewer')
}

test('the very next request of a session that was ended is refused, however warm it was', async ({ alice }) => {
  for (let round = 0; round < 5; round += 1) {
    const tablet = await signIn(alice, alice.email)
    const id = await currentSessionId(tablet)
    for (let request = 0; request < 3; request += 1) expect(await admission(tablet)).toBe('admitted')
    await alice.mutate(RevokeDeviceSessionDocument, { input: { id } })
    const answers = await Promise.all(Array.from({ length: 10 }, () => admission(tablet)))
    expect(new Set(answers)).toEqual(new Set([sessionEnded]))
    await tablet.close()
  }
})

test('role and profile are read from the database once, and then from the cache', async ({ server, bob }) => {
  await viewerOf(bob)
  const often = async () => {
    for (let request = 0; request < 10; request += 1) {
      expect(await viewerOf(bob)).toEqual({ role: 'EDITOR', displayName: 'Bob' })
    }
  }
  const role = await countsOf(server, 'role', often)
  expect(role.misses).toBe(0)
  expect(role.hits).toBeGreaterThanOrEqual(10)
  const profile = await countsOf(server, 'viewer', often)
  expect(profile.misses).toBe(0)
  expect(profile.hits).toBeGreaterThanOrEqual(10)
})

test('a change of role or profile is seen by the next request, and costs one read', async ({ server, bob }) => {
  const elsewhere = await signIn(server, bob.email)
  for (const role of ['VIEWER', 'ADMIN', 'GUEST', 'EDITOR'] as const satisfies readonly Role[]) {
    await viewerOf(bob)
    await setRole(server, bob, role)
    const seen = await countsOf(server, 'role', async () => {
      for (const person of [bob, elsewhere, bob]) expect((await viewerOf(person)).role).toBe(role)
    })
    expect(seen.misses).toBe(1)
  }
  for (const name of ['Bobby', 'Robert']) {
    await rename(bob, name)
    const seen = await countsOf(server, 'viewer', async () => {
      for (const person of [elsewhere, bob]) expect((await viewerOf(person)).displayName).toBe(name)
    })
    expect(seen.misses).toBeLessThanOrEqual(1)
  }
  await elsewhere.close()
})

test('who is no longer a member is refused at the next request', async ({ server, bob }) => {
  for (let request = 0; request < 3; request += 1) expect(await admission(bob)).toBe('admitted')
  await endMembership(server, bob)
  expect(await admission(bob)).toBe('You are no longer a member of this organization.')
})

test('with changes in between, more than 80 % of the reads are hits and none is stale', async ({ server, alice }) => {
  const random = seededRandom(newSeed('mixed reads'))
  const names = ['Ada', 'Ben', 'Cid', 'Dot', 'Eve']
  const people = await Promise.all(names.map((name) => signUpInto(server, alice, name, 'EDITOR')))
  const known = people.map((_, index) => ({ role: 'EDITOR' as Role, displayName: names[index] }))
  const pick = <Item>(items: readonly Item[]) => Math.floor(random() * items.length)
  const change = async (index: number, number: number) => {
    const [person, truth] = [people[index], known[index]]
    if (person === undefined || truth === undefined) throw new Error('Nobody')
    if (number % 2 === 0) {
      truth.displayName = `Name ${number}`
      return rename(person, truth.displayName)
    }
    truth.role = truth.role === 'EDITOR' ? 'ADMIN' : 'EDITOR'
    return setRole(server, person, truth.role)
  }
  const run = async () => {
    for (let query = 0; query < 200; query += 1) {
      if (query % 20 === 10) await change(pick(people), (query - 10) / 20)
      const index = pick(people)
      expect(await viewerOf(people[index] ?? alice)).toEqual(known[index])
    }
  }
  const viewer = { hits: 0, misses: 0 }
  const role = await countsOf(server, 'role', async () => Object.assign(viewer, await countsOf(server, 'viewer', run)))
  for (const [name, { hits, misses }] of Object.entries({ viewer, role })) {
    const share = hits / (hits + misses)
    console.log(`cache, ${name}: ${hits} hits, ${misses} misses, ${(share * 100).toFixed(1)} % hits`)
    expect(share).toBeGreaterThan(0.8)
    expect(hits + misses).toBeGreaterThanOrEqual(200)
  }
  await Promise.all(people.map((person) => person.close()))
})
