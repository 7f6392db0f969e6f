import { describe, expect } from 'vitest'
import {
  DeleteAccountDocument,
  InviteMemberDocument,
  LeaveOrganizationDocument,
  OrganizationDocument,
  RemoveMemberDocument,
  UpdateMemberRoleDocument,
  ViewerDocument,
} from '../../../gql/graphql.ts'
import { changeAccess, setRole, trailOf } from '../../../kit/inside.ts'
import { invite, membershipIn } from '../../../kit/organizations.ts'
import { type Person, signUpInto, uuidIn } from '../../../kit/people.ts'
import { type Posted, post } from '../../../kit/post.ts'
import type { TestServer } from '../../../kit/server.ts'
import { test } from '../../../kit/test.ts'

type Operation = Pick<Parameters<typeof post>[1], 'document' | 'variables'>

/** Demands that a mutation is refused with a fact, changes no member or invitation, and leaves a denied row. */
async function expectDenied(
  server: TestServer,
  person: Person,
  { document, variables }: Operation,
  denied: { code: string; action: string; target: string | null },
): Promise<void> {
  const before = await peopleOf(server, person)
  const authorization = `Bearer ${person.tokens.accessToken}`
  const answer: Posted = await post(server.url, { document, variables, authorization })
  const { code, ...row } = denied
  expect(answer.text).toContain(`"code":"${code}"`)
  expect(answer.text).not.toContain('"errors"')
  expect(await trailOf(server, answer)).toMatchObject([{ ...row, outcome: 'denied', actor: person.userId }])
  expect(await peopleOf(server, person)).toEqual(before)
}

async function peopleOf({ app }: TestServer, { organizationId }: Person) {
  const { unscoped } = app.platform.database
  const id = uuidIn(organizationId)
  const memberships = unscoped.selectFrom('membership').selectAll().where('organization_id', '=', id).orderBy('id')
  const invitations = unscoped.selectFrom('invitation').selectAll().where('organization_id', '=', id).orderBy('id')
  return [await memberships.execute(), await invitations.execute()]
}

const setRoleOf = (id: string, role: string): Operation => ({
  document: UpdateMemberRoleDocument as Operation['document'],
  variables: { input: { id, role } },
})
const removal = (id: string): Operation => ({
  document: RemoveMemberDocument as Operation['document'],
  variables: { input: { id } },
})

describe('a role above one’s own', () => {
  test('is neither granted, nor offered, nor taken away', async ({ server, alice, bob }) => {
    await setRole(server, bob, 'ADMIN')
    const member = await signUpInto(server, alice, 'Member', 'VIEWER')
    const [owner, admin, viewer] = [
      await membershipIn(bob, alice),
      await membershipIn(bob, bob),
      await membershipIn(bob, member),
    ]
    const above = (action: string, target: string | null) => ({ code: 'ROLE_ABOVE_OWN', action, target })
    for (const target of [viewer, admin])
      await expectDenied(server, bob, setRoleOf(target, 'OWNER'), above('membership.update', target))
    await expectDenied(server, bob, setRoleOf(owner, 'VIEWER'), above('membership.update', owner))
    await expectDenied(server, bob, removal(owner), above('membership.remove', owner))
    const offer: Operation = {
      document: InviteMemberDocument as Operation['document'],
      variables: { input: { email: `above-${bob.email}`, role: 'OWNER' } },
    }
    await expectDenied(server, bob, offer, above('invitation.create', null))
    // One's own may be granted.
    const { updateMemberRole } = await bob.mutate(UpdateMemberRoleDocument, { input: { id: viewer, role: 'ADMIN' } })
    expect(updateMemberRole).toMatchObject({ role: 'ADMIN' })
    await member.close()
  })

  test('is withdrawn with all that was offered and could be no longer', async ({ server, alice, bob }) => {
    await setRole(server, bob, 'ADMIN')
    const [first, second] = [`admin-${bob.email}`, `viewer-${bob.email}`]
    await invite(server, bob, first, 'ADMIN')
    await invite(server, bob, second, 'VIEWER')
    await invite(server, alice, `kept-${bob.email}`, 'ADMIN')
    const open = async () => {
      const { organization } = await alice.query(OrganizationDocument, {})
      return organization?.invitations?.nodes.map(({ email }) => email).toSorted()
    }
    expect(await open()).toHaveLength(3)
    const id = await membershipIn(alice, bob)
    await alice.mutate(UpdateMemberRoleDocument, { input: { id, role: 'EDITOR' } })
    expect(await open()).toEqual([`kept-${bob.email}`])
    await setRole(server, bob, 'ADMIN')
    await invite(server, bob, second, 'VIEWER')
    await alice.mutate(RemoveMemberDocument, { input: { id } })
    expect(await open()).toEqual([`kept-${bob.email}`])
  })
})

describe('the last owner', () => {
  test('stays one, and stays', async ({ server, alice, bob }) => {
    await setRole(server, bob, 'ADMIN')
    const id = await membershipIn(alice, alice)
    const last = (action: string) => ({ code: 'LAST_OWNER', action, target: id })
    await expectDenied(server, alice, setRoleOf(id, 'ADMIN'), last('membership.update'))
    await expectDenied(server, alice, removal(id), last('membership.remove'))
    const leaving: Operation = {
      document: LeaveOrganizationDocument as Operation['document'],
      variables: { input: { id } },
    }
    await expectDenied(server, alice, leaving, last('membership.leave'))
    await setRole(server, bob, 'OWNER')
    const { leaveOrganization } = await alice.mutate(LeaveOrganizationDocument, { input: { id } })
    expect(leaveOrganization).toMatchObject({ deletedId: id })
    expect((await bob.query(ViewerDocument, {})).viewer?.role).toBe('OWNER')
  })

  test('is whoever can get in: a suspended owner counts for none, and can be taken out', async ({
    server,
    alice,
    bob,
  }) => {
    await setRole(server, bob, 'OWNER')
    await changeAccess(server, bob, ({ unscoped }) =>
      unscoped.updateTable('user').set({ suspended_at: new Date() }).where('id', '=', uuidIn(bob.userId)).execute(),
    )
    const [own, theirs] = [await membershipIn(alice, alice), await membershipIn(alice, bob)]
    const denied = { code: 'LAST_OWNER', action: 'membership.update', target: own }
    await expectDenied(server, alice, setRoleOf(own, 'EDITOR'), denied)
    const { deleteAccount } = await alice.mutate(DeleteAccountDocument, { input: { password: alice.password } })
    expect(deleteAccount).toMatchObject({ code: 'OWNS_ORGANIZATIONS' })
    const { removeMember } = await alice.mutate(RemoveMemberDocument, { input: { id: theirs } })
    expect(removeMember.__typename).toBe('EndedMembership')
  })

  test('is left by each of 20 pairs of owners who demote each other at once', async ({ server, alice }) => {
    const carol = await signUpInto(server, alice, 'Carol', 'OWNER')
    const ids = { alice: await membershipIn(alice, alice), carol: await membershipIn(alice, carol) }
    for (let round = 0; round < 20; round += 1) {
      const results = await Promise.all([
        alice.send(UpdateMemberRoleDocument, { input: { id: ids.carol, role: 'EDITOR' } }),
        carol.send(UpdateMemberRoleDocument, { input: { id: ids.alice, role: 'EDITOR' } }),
      ])
      const outcomes = results.map(
        ({ data, errors }) => data?.updateMemberRole?.__typename ?? errors?.[0]?.extensions.code,
      )
      expect(outcomes.toSorted()).toEqual(['FORBIDDEN', 'Membership'])
      const roles = await Promise.all([alice, carol].map(roleOf))
      expect(roles.toSorted()).toEqual(['EDITOR', 'OWNER'])
      await setRole(server, roles[0] === 'OWNER' ? carol : alice, 'OWNER')
    }
    await carol.close()
  })

  test('is left by two who lay it down, leave, or delete their account at once', async ({ server, alice }) => {
    const carol = await signUpInto(server, alice, 'Carol', 'OWNER')
    const [own, hers] = [await membershipIn(alice, alice), await membershipIn(alice, carol)]
    const layDown = (person: Person, id: string) =>
      person.send(UpdateMemberRoleDocument, { input: { id, role: 'ADMIN' } }).then(({ data }) => data?.updateMemberRole)
    const leave = (person: Person, id: string) =>
      person.send(LeaveOrganizationDocument, { input: { id } }).then(({ data }) => data?.leaveOrganization)
    for (let round = 0; round < 5; round += 1) {
      const results = await Promise.all([layDown(alice, own), layDown(carol, hers)])
      expect(results.map((result) => result?.__typename).toSorted()).toEqual(['LastOwner', 'Membership'])
      for (const person of [alice, carol]) await setRole(server, person, 'OWNER')
    }
    const [left, deleted] = await Promise.all([
      leave(alice, own),
      carol.send(DeleteAccountDocument, { input: { password: carol.password } }),
    ])
    const outcomes = [left?.__typename, deleted.data?.deleteAccount?.__typename]
    expect([
      ['EndedMembership', 'OwnsOrganizations'],
      // Whoever is alone with it gives it up with their account.
      ['EndedMembership', 'Acknowledged'],
      ['LastOwner', 'Acknowledged'],
    ]).toContainEqual(outcomes)
    await carol.close()
  })
})

async function roleOf(person: Person): Promise<string | undefined> {
  return (await person.query(ViewerDocument, {})).viewer?.role
}
