import { describe, expect } from 'vitest'
import {
  AcceptInvitationDocument,
  DeleteAccountDocument,
  DeleteOrganizationDocument,
  InvitationDocument,
  OrganizationDocument,
  RevokeInvitationDocument,
  ViewerDocument,
} from '../../../gql/graphql.ts'
import { test as clockedTest } from '../../../kit/clocked.ts'
import { changeAccess, setRole, trailOf } from '../../../kit/inside.ts'
import { mailedToken } from '../../../kit/mails.ts'
import { invite, join, switchTo } from '../../../kit/organizations.ts'
import { type Person, signIn, signUp, uuidIn } from '../../../kit/people.ts'
import { post } from '../../../kit/post.ts'
import type { TestServer } from '../../../kit/server.ts'
import { test } from '../../../kit/test.ts'

function accept(server: Pick<TestServer, 'url'>, person: Person, token: string) {
  const authorization = `Bearer ${person.tokens.accessToken}`
  return post(server.url, { document: AcceptInvitationDocument, variables: { input: { token } }, authorization })
}

/** Demands a typed refusal that makes nobody a member, and a denied row. */
async function expectDenied(server: TestServer, person: Person, token: string, code: string): Promise<string> {
  const before = await rowsOf(server, person)
  const answer = await accept(server, person, token)
  expect(answer.text).toContain(`"code":"${code}"`)
  expect(answer.text).not.toContain('"errors"')
  const denied = { action: 'invitation.accept', outcome: 'denied', actor: person.userId }
  expect(await trailOf(server, answer)).toMatchObject([denied])
  expect(await rowsOf(server, person)).toEqual(before)
  return answer.text
}

async function rowsOf({ app }: TestServer, { userId }: Person) {
  const { unscoped } = app.platform.database
  const memberships = unscoped.selectFrom('membership').selectAll().where('user_id', '=', uuidIn(userId)).orderBy('id')
  const user = unscoped
    .selectFrom('user')
    .select(['email_verified_at', 'access_epoch'])
    .where('id', '=', uuidIn(userId))
  return [
    await memberships.execute(),
    await user.execute(),
    await unscoped.selectFrom('invitation').selectAll().orderBy('id').execute(),
  ]
}

describe('taking up an invitation', () => {
  test('makes one a member with its role, proves the address, and leaves one where one is', async ({
    server,
    alice,
    stranger,
  }) => {
    const token = await invite(server, alice, stranger.email.replace('stranger', 'Stranger'), 'VIEWER')
    const { acceptInvitation } = await stranger.mutate(AcceptInvitationDocument, { input: { token } })
    expect(acceptInvitation).toMatchObject({
      role: 'VIEWER',
      member: { id: stranger.userId },
      organization: { id: alice.organizationId },
    })
    const { viewer } = await stranger.query(ViewerDocument, {})
    expect(viewer).toMatchObject({
      organization: { id: stranger.organizationId },
      actor: { emailVerifiedAt: expect.any(String) },
    })
    expect(viewer?.memberships.nodes.at(-1)).toMatchObject({ organization: { id: alice.organizationId } })
    await switchTo(stranger, alice.organizationId)
    expect((await stranger.query(ViewerDocument, {})).viewer?.role).toBe('VIEWER')
    const trail = await trailOf(server, { organizationId: alice.organizationId })
    expect(trail.at(-1)).toMatchObject({ actor: stranger.userId })
  })

  test('works once, of 20 at once', async ({ server, alice, stranger }) => {
    const token = await invite(server, alice, stranger.email)
    const answers = await Promise.all(Array.from({ length: 20 }, () => accept(server, stranger, token)))
    const texts = answers.map(({ text }) => text)
    expect(texts.filter((text) => text.includes('"__typename":"Membership"'))).toHaveLength(1)
    expect(texts.filter((text) => text.includes('INVITATION_NOT_OPEN'))).toHaveLength(19)
    expect((await stranger.query(ViewerDocument, {})).viewer?.memberships.nodes).toHaveLength(2)
  })

  test('is for the account of its address alone', async ({ server, alice, bob, stranger }) => {
    const token = await invite(server, alice, stranger.email)
    const other = await signUp(server, 'Other')
    for (const person of [other, bob, alice])
      await expectDenied(server, person, token, 'INVITATION_FOR_ANOTHER_ADDRESS')
    expect((await accept(server, stranger, token)).text).toContain('"__typename":"Membership"')
    await other.close()
  })

  test('is refused alike when it was used, withdrawn, replaced, or never was one', async ({
    server,
    alice,
    stranger,
  }) => {
    const replaced = await invite(server, alice, stranger.email)
    const revoked = await invite(server, alice, stranger.email)
    const { organization } = await alice.query(OrganizationDocument, {})
    const id = organization?.invitations?.nodes[0]?.id ?? ''
    await alice.mutate(RevokeInvitationDocument, { input: { id } })
    const used = await invite(server, alice, stranger.email)
    await accept(server, stranger, used)
    const verification = await mailedToken(server, stranger, /verify-email/)
    const tokens = [replaced, revoked, used, verification, stranger.tokens.refreshToken, `${used}x`, 'x', '']
    const texts = new Set<string>()
    for (const token of tokens) texts.add(await expectDenied(server, stranger, token, 'INVITATION_NOT_OPEN'))
    expect([...texts]).toHaveLength(1)
  })

  test('into a deleted organization is refused, and of a member as well', async ({ server, alice, stranger }) => {
    const { unscoped } = server.app.platform.database
    await join(server, alice, stranger, 'VIEWER')
    // Offered before they came, by whatever way.
    const reopened = unscoped.updateTable('invitation').set({ accepted_at: null })
    await reopened.where('organization_id', '=', uuidIn(alice.organizationId)).execute()
    const token = await mailedToken(server, stranger, /invitation/)
    const before = await rowsOf(server, stranger)
    expect((await accept(server, stranger, token)).text).toContain('ALREADY_MEMBER')
    expect(await rowsOf(server, stranger)).toEqual(before)
    await alice.mutate(DeleteOrganizationDocument, { input: { id: alice.organizationId } })
    await expectDenied(server, stranger, token, 'INVITATION_NOT_OPEN')
  })

  test('is refused while its inviter could not offer it, and for good once their account is deleted', async ({
    server,
    alice,
    bob,
    stranger,
  }) => {
    await setRole(server, bob, 'ADMIN')
    const token = await invite(server, bob, stranger.email)
    const isOpen = async () => (await stranger.query(InvitationDocument, { token })).invitation !== null
    const suspend = (suspendedAt: Date | null) =>
      changeAccess(server, bob, ({ unscoped }) =>
        unscoped.updateTable('user').set({ suspended_at: suspendedAt }).where('id', '=', uuidIn(bob.userId)).execute(),
      )
    await suspend(new Date())
    expect(await isOpen()).toBe(false)
    await expectDenied(server, stranger, token, 'INVITATION_NOT_OPEN')
    await suspend(null)
    expect(await isOpen()).toBe(true)
    // As it would be after a way that forgot to withdraw it.
    await setRole(server, bob, 'EDITOR')
    expect(await isOpen()).toBe(false)
    await expectDenied(server, stranger, token, 'INVITATION_NOT_OPEN')
    await setRole(server, bob, 'ADMIN')
    await bob.mutate(DeleteAccountDocument, { input: { password: bob.password } })
    await expectDenied(server, stranger, token, 'INVITATION_NOT_OPEN')
    const { organization } = await alice.query(OrganizationDocument, {})
    expect(organization?.invitations?.nodes).toEqual([])
  })

  test('takes a signed-in person', async ({ server, alice, stranger, anonymous }) => {
    const token = await invite(server, alice, stranger.email)
    const { errors } = await anonymous.send(AcceptInvitationDocument, { input: { token } })
    expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
    expect((await accept(server, stranger, token)).text).toContain('"__typename":"Membership"')
  })
})

clockedTest(
  'an invitation of more than seven days is refused like one that was used',
  async ({ clocked, alice, stranger }) => {
    const token = await invite(clocked, alice, stranger.email)
    clocked.clock.advance({ days: 7 })
    const later = await signIn(clocked, stranger.email)
    await expectDenied(clocked, later, token, 'INVITATION_NOT_OPEN')
    await later.close()
  },
)
