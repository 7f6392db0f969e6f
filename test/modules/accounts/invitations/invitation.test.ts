import { describe, expect, onTestFinished } from 'vitest'
import { accountsHousekeeping } from '../../../../src/modules/accounts/users/user.jobs.ts'
import {
  InvitationDocument,
  InviteMemberDocument,
  OrganizationDocument,
  RevokeInvitationDocument,
  UpdateOrganizationDocument,
  UpdateProfileDocument,
} from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'
import { test as clockedTest } from '../../../kit/clocked.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import { mailedToken } from '../../../kit/mails.ts'
import { found, invite, switchTo } from '../../../kit/organizations.ts'
import { type Person, signIn, signUp, uuidIn } from '../../../kit/people.ts'
import { post } from '../../../kit/post.ts'
import { startServer } from '../../../kit/server.ts'
import { test } from '../../../kit/test.ts'

async function send(person: Person, email: string, role: 'ADMIN' | 'EDITOR' | 'GUEST' = 'EDITOR') {
  const { data, errors } = await person.send(InviteMemberDocument, { input: { email, role } })
  return data?.inviteMember ?? errors?.[0]?.extensions.code
}

async function openOnes(person: Person) {
  return (await person.query(OrganizationDocument, { first: 50 })).organization?.invitations?.nodes ?? []
}

async function offerOf(client: Client, token: string) {
  return (await client.query(InvitationDocument, { token })).invitation
}

const wanted = ({ email }: Person) => `wanted-${email}`

describe('an invitation', () => {
  test('is mailed with a link that tells anybody who has it what it offers', async ({ server, alice, anonymous }) => {
    const email = `Wanted.${alice.email}`
    expect(await send(alice, email)).toMatchObject({ email, role: 'EDITOR', invitedBy: { id: alice.userId } })
    const token = await mailedToken(server, { email }, /invitation/)
    const [mail] = server.mails.to(email)
    expect(mail?.subject).toBe('You are invited to a workspace')
    expect(mail?.text).toContain("“Alice” invites you to “Alice's workspace”.")
    expect(mail?.text).toContain(`${server.app.platform.settings.publicUrl}/invitation#token=${token}`)
    expect(await offerOf(anonymous, token)).toEqual({
      organizationName: "Alice's workspace",
      role: 'EDITOR',
      inviterName: 'Alice',
      email,
      expiresAt: expect.any(String),
    })
    for (const none of ['', 'x', alice.tokens.refreshToken, `${token}x`, 'x'.repeat(14_000)])
      expect(await offerOf(anonymous, none)).toBeNull()
  })

  test('answers the same, and in as many statements, whether or not the address has an account', async ({
    server,
    alice,
    stranger,
  }) => {
    const answers = new Set<string>()
    const { database, jobs } = server.app.platform
    const counts: number[][] = [[], []]
    for (let round = 0; round < 2; round += 1) {
      for (const [index, email] of [stranger.email, `nobody-${stranger.email}`].entries()) {
        await jobs.idle(15_000)
        const before = database.statementCount()
        const authorization = `Bearer ${alice.tokens.accessToken}`
        const variables = { input: { email, role: 'VIEWER' as const } }
        const { text } = await post(server.url, { document: InviteMemberDocument, variables, authorization })
        counts[index]?.push(database.statementCount() - before)
        answers.add(
          text
            .replace(email, 'E')
            .replace(/invitation_\w+/, 'I')
            .replace(/"expiresAt":"[^"]+"/, 'T'),
        )
      }
    }
    expect([...answers]).toHaveLength(1)
    expect(Math.abs(Math.min(...(counts[0] ?? [])) - Math.min(...(counts[1] ?? [])))).toBeLessThanOrEqual(3)
    await jobs.idle(15_000)
    // Only the mail tells what to do.
    expect(server.mails.to(stranger.email).at(-1)?.text).toContain('sign in with your account')
    expect(server.mails.to(`nobody-${stranger.email}`).at(-1)?.text).toContain('There is no account')
  })

  test('replaces the open one to the same address, whose link is dead, also when two come at once', async ({
    server,
    alice,
    anonymous,
  }) => {
    const email = wanted(alice)
    const first = await invite(server, alice, email)
    const second = await invite(server, alice, email.toUpperCase(), 'GUEST')
    expect(await offerOf(anonymous, first)).toBeNull()
    expect(
      await offerOf(anonymous, await mailedToken(server, { email: email.toUpperCase() }, /invitation/)),
    ).toMatchObject({
      role: 'GUEST',
    })
    expect(second).not.toBe(first)
    expect(await openOnes(alice)).toHaveLength(1)
    const other = `other-${email}`
    const results = await Promise.all([send(alice, other), send(alice, other), send(alice, other)])
    for (const result of results) expect(result).toMatchObject({ email: other })
    expect(await openOnes(alice)).toHaveLength(2)
  })

  test('is dead at once when it is withdrawn, which can be repeated', async ({
    server,
    alice,
    anonymous,
    stranger,
  }) => {
    const token = await invite(server, alice, wanted(alice))
    const [open] = await openOnes(alice)
    const revoke = async (person: Person) => {
      const { data, errors } = await person.send(RevokeInvitationDocument, { input: { id: open?.id ?? '' } })
      return data?.revokeInvitation ?? errors?.[0]?.extensions.code
    }
    expect(await revoke(stranger)).toBe('NOT_FOUND')
    expect(await offerOf(anonymous, token)).not.toBeNull()
    const revoked = await revoke(alice)
    expect(revoked).toMatchObject({ revokedAt: expect.any(String) })
    expect(await revoke(alice)).toEqual(revoked)
    expect([await offerOf(anonymous, token), await openOnes(alice)]).toEqual([null, []])
  })

  test('is refused for a member, and offered by administrators alone', async ({ server, alice, bob, stranger }) => {
    expect(await send(alice, bob.email.toUpperCase())).toMatchObject({ code: 'ALREADY_MEMBER' })
    const authorization = `Bearer ${bob.tokens.accessToken}`
    const variables = { input: { email: wanted(bob), role: 'GUEST' as const } }
    const answer = await post(server.url, { document: InviteMemberDocument, variables, authorization })
    expect(answer.text).toContain('FORBIDDEN')
    expect(await trailOf(server, answer)).toMatchObject([{ action: 'invitation.create', outcome: 'denied' }])
    await setRole(server, bob, 'ADMIN')
    expect(await send(bob, wanted(bob))).toMatchObject({ __typename: 'Invitation' })
    expect(await openOnes(stranger)).toEqual([])
    // A member of another organization of the inviter's is nobody here.
    await switchTo(alice, await found(alice))
    expect(await send(alice, bob.email)).toMatchObject({ __typename: 'Invitation' })
  })

  test('carries no words of the inviter’s that a mail program could make a link of', async ({ server, stranger }) => {
    const name = 'Win at evil.example'
    const input = { id: stranger.organizationId, name: 'See https://evil.example', expectedVersion: 1 }
    await stranger.mutate(UpdateOrganizationDocument, { input })
    await stranger.mutate(UpdateProfileDocument, { input: { displayName: name } })
    await invite(server, stranger, wanted(stranger))
    const [mail] = server.mails.to(wanted(stranger))
    expect(mail?.text).toContain('a member invites you to a workspace.')
    expect(JSON.stringify(mail)).not.toContain('evil')
  })
})

describe('mailing strangers', () => {
  test('is limited by person, by organization and address, and by address alone', async () => {
    const server = await startServer({ environment: { INVITATIONS_PER_HOUR: '5' } })
    onTestFinished(() => server.close())
    const alice = await signUp(server, 'Alice')
    const victim = 'victim@example.org'
    for (let time = 0; time < 3; time += 1) expect(await send(alice, victim)).toMatchObject({ email: victim })
    expect(await send(alice, victim)).toBe('RATE_LIMITED')
    expect(await send(alice, 'other@example.org')).toMatchObject({ email: 'other@example.org' })
    expect(await send(alice, 'third@example.org')).toBe('RATE_LIMITED')
    for (let time = 0; time < 6; time += 1) {
      const another = await signUp(server, `Another${time}`)
      expect(await send(another, victim)).toMatchObject({ email: victim })
      await another.close()
    }
    await server.app.platform.jobs.idle(15_000)
    // Of the first organization's three the open one alone is still there to mail, if the others were not faster.
    expect(server.mails.to(victim).length).toBeLessThanOrEqual(5)
    expect(server.mails.to(victim).length).toBeGreaterThanOrEqual(3)
    server.clock.advance({ hours: 1 })
    expect(await send(await signIn(server, alice.email), victim)).toMatchObject({ email: victim })
    await alice.close()
  })
})

clockedTest(
  'an invitation that nobody took up ends after a week, and is forgotten in time',
  async ({ clocked, alice, stranger, anonymous }) => {
    const token = await invite(clocked, alice, stranger.email)
    clocked.clock.advance({ days: 6, hours: 23 })
    expect(await offerOf(anonymous, token)).not.toBeNull()
    clocked.clock.advance({ hours: 2 })
    expect(await offerOf(anonymous, token)).toBeNull()
    const { database, jobs } = clocked.app.platform
    const kept = async () => {
      await database.unscoped.transaction().execute((tx) => jobs.enqueue(tx, accountsHousekeeping, {}))
      jobs.wake([accountsHousekeeping.name])
      await jobs.idle(15_000)
      const rows = database.unscoped.selectFrom('invitation').select('id')
      return (await rows.where('organization_id', '=', uuidIn(alice.organizationId)).execute()).length
    }
    expect(await kept()).toBe(1)
    clocked.clock.advance({ days: 30 })
    expect(await kept()).toBe(0)
  },
)
