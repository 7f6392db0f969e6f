import { expect } from 'vitest'
import {
  ResendVerificationDocument,
  VerifyEmailDocument,
  ViewerDocument,
  ViewerEventsDocument,
} from '../../../gql/graphql.ts'
import { createTestClient } from '../../../kit/client.ts'
import { mailedToken } from '../../../kit/mails.ts'
import { entered, newcomer, goodPassword as password, register } from '../../../kit/newcomers.ts'
import { uuidIn } from '../../../kit/people.ts'
import { post } from '../../../kit/post.ts'
import { test } from '../../../kit/test.ts'

// Where addresses are taken on trust: an account is made at once, and its address may be proven later.

test('registering makes an owner of a personal organization whose tokens work', async ({ server, anonymous }) => {
  const input = newcomer({ username: `user.${process.pid}`, displayName: '  Zoë Ångström  ', deviceName: 'A phone' })
  const payload = entered(await register(anonymous, input))
  expect(payload).toMatchObject({ tokenType: 'Bearer', expiresIn: 900, viewer: { role: 'OWNER' } })
  expect(payload.viewer.organization.name).toBe("Zoë Ångström's workspace")

  const person = createTestClient(server.url, () => payload.accessToken ?? '')
  const { viewer } = await person.query(ViewerDocument, {})
  expect(viewer).toMatchObject({
    actor: { displayName: 'Zoë Ångström', username: input.username, email: input.email, emailVerifiedAt: null },
    organization: { slug: expect.stringMatching(/^zoe-angstrom-[0-9a-f]{10}$/) },
    role: 'OWNER',
    permissions: expect.arrayContaining(['page.create', 'project.create']),
  })
  const { unscoped } = server.app.platform.database
  const sessions = await unscoped
    .selectFrom('device_session')
    .select(['device_name', 'refresh_counter'])
    .where('user_id', '=', uuidIn(payload.viewer.actor.id))
    .execute()
  expect(sessions).toEqual([{ device_name: 'A phone', refresh_counter: 0 }])
})

test('a new account is greeted by one mail, sent by a job, with no word of whoever typed the address', async ({
  server,
  anonymous,
}) => {
  const input = newcomer({ displayName: '<b>Bobby</b>' })
  entered(await register(anonymous, input))
  await server.app.platform.jobs.idle(15_000)
  const mails = server.mails.to(input.email)
  expect(mails).toHaveLength(1)
  expect(mails[0]?.text).toContain(`${server.app.platform.settings.publicUrl}/verify-email#token=`)
  expect(JSON.stringify(mails)).not.toContain('Bobby')
})

test('every rule an input breaks is named with its place', async ({ anonymous }) => {
  const input = { email: 'no address', password: 'Aa1-', displayName: ' x ', username: 'a b', deviceName: ' ' }
  const result = await register(anonymous, input)
  if (result.__typename !== 'InvalidInput') throw new Error(`It came to ${result.__typename}`)
  const paths = result.fields.map((field) => field.path.join('.')).sort()
  expect(paths).toEqual(['deviceName', 'displayName', 'email', 'password', 'username'])

  const unstorable = await register(anonymous, newcomer({ displayName: 'nul\0nul', password: `${password}\ud800` }))
  expect(unstorable).toMatchObject({
    __typename: 'InvalidInput',
    fields: [{ path: ['displayName'] }, { path: ['password'] }],
  })
})

const VERIFY = /verify-email/

test('an address that has an account is said to be taken, and nobody is mailed', async ({
  server,
  anonymous,
  alice,
}) => {
  await mailedToken(server, alice, VERIFY)
  const before = server.mails.to(alice.email).length
  const taken = await register(anonymous, newcomer({ email: alice.email.toUpperCase() }))
  expect(taken).toMatchObject({ __typename: 'EmailTaken', code: 'EMAIL_TAKEN' })
  await server.app.platform.jobs.idle(15_000)
  expect(server.mails.to(alice.email)).toHaveLength(before)
  expect(server.mails.to(alice.email.toUpperCase())).toEqual([])
})

test('the mailed link proves the address once, and devices that watch are told', async ({
  server,
  anonymous,
  alice,
}) => {
  const { viewer: before } = await alice.query(ViewerDocument, {})
  expect(before).toMatchObject({ actor: { emailVerifiedAt: null } })
  const events = alice.subscribe(ViewerEventsDocument, { after: before?.eventsCursor ?? null })
  const token = await mailedToken(server, alice, VERIFY)
  const verify = async () => (await anonymous.mutate(VerifyEmailDocument, { input: { token } })).verifyEmail
  expect(await verify()).toEqual({ __typename: 'VerifiedEmail', email: alice.email })
  expect(await events.next()).toMatchObject({ viewerEvents: { __typename: 'ViewerUpdated' } })
  const { viewer } = await alice.query(ViewerDocument, {})
  expect(viewer).toMatchObject({ actor: { emailVerifiedAt: expect.any(String) } })
  expect(await verify()).toMatchObject({ __typename: 'InvalidToken', code: 'INVALID_TOKEN' })
  expect((await alice.query(ViewerDocument, {})).viewer?.actor).toEqual(viewer?.actor)
  events.stop()
})

test('a link proves the address it was mailed to and no other', async ({ server, anonymous, alice }) => {
  const token = await mailedToken(server, alice, VERIFY)
  const moved = `moved-${alice.email}`
  await server.app.platform.database.unscoped
    .updateTable('user')
    .set({ email: moved, email_key: moved })
    .where('id', '=', uuidIn(alice.userId))
    .execute()
  const { verifyEmail } = await anonymous.mutate(VerifyEmailDocument, { input: { token } })
  expect(verifyEmail.__typename).toBe('InvalidToken')
})

test('a newer link takes the place of an older one', async ({ server, anonymous, alice }) => {
  const older = await mailedToken(server, alice, VERIFY)
  await anonymous.mutate(ResendVerificationDocument, { input: { email: alice.email } })
  const newer = await mailedToken(server, alice, VERIFY)
  expect(newer).not.toBe(older)
  const verify = async (token: string) =>
    (await anonymous.mutate(VerifyEmailDocument, { input: { token } })).verifyEmail.__typename
  expect(await verify(older)).toBe('InvalidToken')
  expect(await verify(newer)).toBe('VerifiedEmail')
})

test('an account is mailed three links in an hour at most, and nobody is told', async ({ server, alice }) => {
  const { jobs } = server.app.platform
  const resend = (email: string) =>
    post(server.url, { document: ResendVerificationDocument, variables: { input: { email } } })
  const texts = new Set<string>()
  for (let round = 0; round < 5; round++) {
    for (const email of [alice.email, 'nobody@example.org']) texts.add((await resend(email)).text)
  }
  await jobs.idle(15_000)
  expect([...texts]).toEqual([
    JSON.stringify({ data: { resendVerification: { __typename: 'Acknowledged', accepted: true } } }),
  ])
  expect(server.mails.to(alice.email)).toHaveLength(3)
  expect(server.mails.to('nobody@example.org')).toEqual([])
})
