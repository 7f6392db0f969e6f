import { expect } from 'vitest'
import { ViewerDocument } from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'
import { createTestClient } from '../../../kit/client.ts'
import { trailOf } from '../../../kit/inside.ts'
import { entered, newcomer, register } from '../../../kit/newcomers.ts'
import { uuidIn } from '../../../kit/people.ts'
import { test } from '../../../kit/test.ts'

test('an address is trimmed, keeps its case, and is taken in any other', async ({ server, anonymous }) => {
  const email = newcomer().email.replace('newcomer', 'NewComer')
  const payload = entered(await register(anonymous, newcomer({ email: `  ${email} ` })))
  const person = createTestClient(server.url, () => payload.accessToken ?? '')
  const { viewer } = await person.query(ViewerDocument, {})
  expect(viewer?.actor).toMatchObject({ email })

  for (const same of [email, email.toUpperCase(), ` ${email.toLowerCase()}`]) {
    expect(await register(anonymous, newcomer({ email: same }))).toMatchObject({ __typename: 'EmailTaken' })
  }
})

test('a username is taken in any case, and then nothing of the account is made', async ({ server, anonymous }) => {
  const username = `Some_One-${process.pid}`
  entered(await register(anonymous, newcomer({ username })))
  const second = newcomer({ username: username.toUpperCase(), displayName: 'Second' })
  expect(await register(anonymous, second)).toMatchObject({ __typename: 'UsernameTaken', code: 'USERNAME_TAKEN' })

  const { unscoped } = server.app.platform.database
  const users = await unscoped.selectFrom('user').select('id').where('email_key', '=', second.email).execute()
  expect(users).toEqual([])
  entered(await register(anonymous, { ...second, username: `${username}-2` }))
})

test('of 20 registrations at once with one address one makes an account and the others nothing', async ({
  server,
  anonymous,
}) => {
  const displayName = `Race ${process.pid} ${Date.now()}`
  const input = newcomer({ displayName })
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      register(anonymous, { ...input, email: index % 2 === 0 ? input.email : input.email.toUpperCase() }),
    ),
  )
  expect(results.map((result) => result.__typename).sort()).toEqual(['AuthPayload', ...Array(19).fill('EmailTaken')])
  const winner = entered(results.find((result) => result.__typename === 'AuthPayload') ?? { __typename: 'None' })

  const { unscoped } = server.app.platform.database
  const organizations = unscoped.selectFrom('organization').where('name', '=', `${displayName}'s workspace`)
  expect(await organizations.select('id').execute()).toHaveLength(1)
  const people = await unscoped
    .selectFrom('user')
    .leftJoin('membership', 'membership.user_id', 'user.id')
    .leftJoin('device_session', 'device_session.user_id', 'user.id')
    .select(['user.id', 'membership.role', 'device_session.id as session'])
    .where('user.display_name', '=', displayName)
    .execute()
  expect(people).toEqual([{ id: expect.any(String), role: 'OWNER', session: expect.any(String) }])
  expect(await trailOf(server, { organizationId: winner.viewer.organization.id })).toHaveLength(1)
  await server.app.platform.jobs.idle(15_000)
  expect(server.mails.sent.filter((mail) => mail.to.toLowerCase() === input.email)).toHaveLength(1)
})

test('the longest names that are allowed fit everywhere they go', async ({ anonymous }) => {
  const letters = entered(await register(anonymous, newcomer({ displayName: 'n'.repeat(80) })))
  expect(letters.viewer.organization.name).toBe(`${'n'.repeat(68)}'s workspace`)
  const emoji = entered(await register(anonymous, newcomer({ displayName: '😀'.repeat(40) })))
  expect(emoji.viewer.organization.name).toBe(`${'😀'.repeat(40)}'s workspace`)
  const username = `u${process.pid}`.padEnd(32, 'x')
  const email = `${newcomer().email.slice(0, 60)}`.replace('@', `@${'d'.repeat(60)}.`)
  entered(await register(anonymous, newcomer({ username, email })))
})

test('an address, and when it was proven, is shown to its owner only', async ({ server, alice, bob }) => {
  const proven = new Date('2026-01-02T03:04:05.000Z')
  await server.app.platform.database.unscoped
    .updateTable('user')
    .set({ email_verified_at: proven })
    .where('id', '=', uuidIn(alice.userId))
    .execute()
  const ask = async (asking: Client) =>
    (
      await asking.send(`query ($id: ID!) { node(id: $id) { ... on User { displayName email emailVerifiedAt } } }`, {
        id: alice.userId,
      })
    ).data
  expect(await ask(alice)).toEqual({
    node: { displayName: 'Alice', email: alice.email, emailVerifiedAt: proven.toISOString() },
  })
  expect(await ask(bob)).toEqual({ node: { displayName: 'Alice', email: null, emailVerifiedAt: null } })
})
