import { expect } from 'vitest'
import { UsageDocument, type UsageInput } from '../../../gql/graphql.ts'
import { codeOf } from '../../../kit/administrators.ts'
import type { Client } from '../../../kit/client.ts'
import { setRole } from '../../../kit/inside.ts'
import { type Person, signUpInto } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { openChat } from '../../../kit/test.ts'
import { createProject } from '../../projects/stage.ts'
import { booksOf, sendAndWait, test } from '../stage.ts'

function around({ clock }: TestServer, hours = 1) {
  const now = clock.now().getTime()
  return {
    from: new Date(now - hours * 3_600_000).toISOString(),
    to: new Date(now + hours * 3_600_000).toISOString(),
  }
}

async function usage(person: Client, input: UsageInput) {
  return (await person.query(UsageDocument, { input })).usage
}

function sumOf(groups: readonly { readonly totals: { readonly costMillionths: string } }[]) {
  return groups.reduce((sum, { totals }) => sum + BigInt(totals.costMillionths), 0n)
}

test('usage is told by day, model, project and actor, and adds up to what was charged', async ({
  clocked,
  alice,
  bob,
}) => {
  const projectId = await createProject(alice, { name: 'A plan' })
  const inProject = await openChat(alice, { projectId })
  await sendAndWait(alice, inProject.id, { model: 'scenario/words-20' })
  await sendAndWait(alice, inProject.id, { model: 'scenario/words-7' })
  await sendAndWait(bob, (await openChat(bob)).id, { model: 'scenario/words-30' })
  const all = { ...around(clocked), groupBy: ['DAY' as const, 'MODEL' as const, 'PROJECT' as const, 'ACTOR' as const] }
  const report = await usage(alice, all)
  expect(
    report.groups.map(({ day, modelId, project, actor }) => [day, modelId, project?.id ?? null, actor?.id]).toSorted(),
  ).toEqual([
    [expect.stringMatching(/^\d{4}-\d\d-\d\d$/), 'scenario/words-20', projectId, alice.userId],
    [expect.any(String), 'scenario/words-30', null, bob.userId],
    [expect.any(String), 'scenario/words-7', projectId, alice.userId],
  ])
  const { spent } = (await booksOf(clocked, alice)).entries
  expect(report.totals).toMatchObject({ answers: 3, outputTokens: '57', costMillionths: String(spent) })
  expect(sumOf(report.groups)).toBe(spent)
  for (const dimension of all.groupBy)
    expect(sumOf((await usage(alice, { ...all, groupBy: [dimension] })).groups)).toBe(spent)
  expect((await usage(alice, { ...all, groupBy: [] })).groups).toEqual([])
  // The dearest first, as many as are asked for.
  const first = await usage(alice, { ...all, groupBy: ['MODEL'], first: 1 })
  expect(first).toMatchObject({ hasMoreGroups: true, groups: [{ modelId: 'scenario/words-30' }] })
  const narrowed = { ...around(clocked), actorId: bob.userId, model: 'scenario/words-30' }
  expect((await usage(alice, narrowed)).totals.answers).toBe(1)
  expect((await usage(alice, { ...around(clocked), projectId })).totals.answers).toBe(2)
})

test('days are those of UTC, in order', async ({ clocked, alice }) => {
  const session = await openChat(alice)
  await sendAndWait(alice, session.id)
  clocked.clock.advance({ minutes: 5 })
  const input = { ...around(clocked, 24), groupBy: ['DAY' as const] }
  const days = (await usage(alice, input)).groups.map(({ day }) => day)
  expect(days).toEqual(days.toSorted())
  expect(days[0]).toMatch(/^\d{4}-\d\d-\d\d$/)
  expect(
    await usage(alice, { ...input, to: input.from, from: new Date(0).toISOString().replace('1970', '2020') }).catch(
      () => null,
    ),
  ).toBeNull()
})

test('that of all is for administrators; one’s own everybody may see', async ({ clocked, alice, bob, stranger }) => {
  await sendAndWait(bob, (await openChat(bob)).id)
  const refusal = async (person: Person, input: Partial<UsageInput> = {}) =>
    codeOf(await person.send(UsageDocument, { input: { ...around(clocked), ...input } }))
  expect(await refusal(bob)).toBe('FORBIDDEN')
  expect(await refusal(bob, { actorId: alice.userId })).toBe('FORBIDDEN')
  expect((await usage(bob, { ...around(clocked), actorId: bob.userId })).totals.answers).toBe(1)
  const guest = await signUpInto(clocked, alice, 'Guest', 'GUEST')
  expect(await refusal(guest, { actorId: guest.userId })).toBe('FORBIDDEN')
  // Of another organization nothing, by whatever id.
  expect((await usage(stranger, { ...around(clocked), actorId: bob.userId })).totals.answers).toBe(0)
  await setRole(clocked, bob, 'ADMIN')
  expect(await refusal(bob)).toBeNull()
  await guest.close()
})

test('a project that cannot be read is none, and its usage stands with what was asked in none', async ({
  clocked,
  alice,
  bob,
}) => {
  const projectId = await createProject(alice, { name: 'Secret', visibility: 'PRIVATE' })
  await sendAndWait(alice, (await openChat(alice, { projectId })).id, { model: 'scenario/words-20' })
  await sendAndWait(alice, (await openChat(alice)).id, { model: 'scenario/words-10' })
  await setRole(clocked, bob, 'ADMIN')
  const input = { ...around(clocked), groupBy: ['PROJECT' as const] }
  const seen = await usage(bob, input)
  expect(seen.groups).toMatchObject([{ project: null, totals: { answers: 2 } }])
  expect(seen.totals).toEqual((await usage(alice, input)).totals)
  expect((await usage(alice, input)).groups).toHaveLength(2)
  expect(codeOf(await bob.send(UsageDocument, { input: { ...around(clocked), projectId } }))).toBe('NOT_FOUND')
})

test('a time that runs backwards, or longer than a year, is refused', async ({ clocked, alice }) => {
  const { from, to } = around(clocked)
  const refusal = async (input: UsageInput) => codeOf(await alice.send(UsageDocument, { input }))
  expect(await refusal({ from: to, to: from })).toBe('BAD_REQUEST')
  expect(await refusal({ from: '2020-01-01T00:00:00Z', to })).toBe('BAD_REQUEST')
  expect(await refusal({ from, to, first: 0 })).toBe('BAD_REQUEST')
  expect(await refusal({ from, to, first: 1_001 })).toBe('BAD_REQUEST')
})
