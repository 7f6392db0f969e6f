import { describe, expect } from 'vitest'
import type { Role } from '../../../../src/platform/access.ts'
import {
  LeaveOrganizationDocument,
  OrganizationDocument,
  PageEventsDocument,
  RemoveMemberDocument,
  UpdateMemberRoleDocument,
  ViewerDocument,
} from '../../../gql/graphql.ts'
import { join, membershipIn, switchTo } from '../../../kit/organizations.ts'
import { type Person, signUpInto, uuidIn } from '../../../kit/people.ts'
import { makeAgent, makeKey, programOf, tokenOf } from '../../../kit/programs.ts'
import { admission } from '../../../kit/sessions.ts'
import { createPage, openChat, test, write } from '../../../kit/test.ts'
import { addTo, createProject } from '../../projects/stage.ts'

async function setRole(person: Person, id: string, role: Role) {
  const { data, errors } = await person.send(UpdateMemberRoleDocument, { input: { id, role } })
  return data?.updateMemberRole ?? errors?.[0]?.extensions.code
}

async function remove(person: Person, id: string) {
  const { data, errors } = await person.send(RemoveMemberDocument, { input: { id } })
  return data?.removeMember ?? errors?.[0]?.extensions.code
}

async function leave(person: Person, id: string) {
  const { data, errors } = await person.send(LeaveOrganizationDocument, { input: { id } })
  return data?.leaveOrganization ?? errors?.[0]?.extensions.code
}

async function membersSeenBy(person: Person): Promise<readonly string[]> {
  const { organization } = await person.query(OrganizationDocument, { first: 100 })
  return organization?.members?.nodes.map(({ member }) => member.displayName) ?? []
}

const removed = 'You are no longer a member of this organization.'

describe('a role', () => {
  test('that is lowered counts for the next request, and for what is open', async ({ alice, bob, page }) => {
    const id = await membershipIn(alice, bob)
    const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
    await write(alice, page.id, 'before')
    await events.next()
    expect(await setRole(alice, id, 'GUEST')).toMatchObject({ id, role: 'GUEST', member: { id: bob.userId } })
    expect(await events.next({ within: 2_000 })).toMatchObject({ pageEvents: { reason: 'ACCESS_REMOVED' } })
    expect((await bob.query(ViewerDocument, {})).viewer?.role).toBe('GUEST')
    expect(await setRole(alice, id, 'ADMIN')).toMatchObject({ role: 'ADMIN' })
    expect((await bob.query(ViewerDocument, {})).viewer?.permissions).toContain('membership.update')
  })

  test('is given by administrators alone, and to members of their organization alone', async ({
    alice,
    bob,
    stranger,
  }) => {
    const own = await membershipIn(bob, bob)
    expect(await setRole(bob, own, 'ADMIN')).toBe('FORBIDDEN')
    for (const id of [own, 'membership_01h00000000000000000000000', bob.userId])
      expect(await setRole(stranger, id, 'VIEWER'), id).toBe('NOT_FOUND')
    expect(await setRole(alice, own, 'EDITOR')).toMatchObject({ role: 'EDITOR' })
  })

  test('can be laid down by whoever has it, which counts in the rest of the document', async ({ server, alice }) => {
    const carol = await signUpInto(server, alice, 'Carol', 'OWNER')
    const text = `mutation ($input: UpdateMemberRoleInput!) {
      updateMemberRole(input: $input) { ... on Membership { role } }
      createProject(input: { name: "After" }) { __typename }
    }`
    const input = { id: await membershipIn(carol, carol), role: 'VIEWER' }
    const { data, errors } = await carol.send(text, { input })
    expect(data).toEqual({ updateMemberRole: { role: 'VIEWER' }, createProject: null })
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN')
    await carol.close()
  })
})

describe('a member who is removed', () => {
  test('is out at once with their places in projects, and what they wrote stays', async ({ server, alice, bob }) => {
    const projectId = await projectWith(alice, bob)
    const page = await createPage(bob, 'Legacy')
    const session = await openChat(bob)
    const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
    await write(alice, page.id, 'before')
    await events.next()
    const id = await membershipIn(alice, bob)
    expect(await remove(alice, id)).toEqual({ __typename: 'EndedMembership', deletedId: id })
    expect(await events.next({ within: 2_000 })).toMatchObject({ pageEvents: { reason: 'ACCESS_REMOVED' } })
    expect(await admission(bob)).toBe(removed)
    expect(await membersSeenBy(alice)).toEqual(['Alice'])
    const { unscoped } = server.app.platform.database
    const places = unscoped.selectFrom('project_member').select('user_id').where('project_id', '=', uuidIn(projectId))
    expect(await places.execute()).toEqual([{ user_id: uuidIn(alice.userId) }])
    const participants = unscoped.selectFrom('chat_participant').select('user_id')
    expect(await participants.where('session_id', '=', uuidIn(session.id)).execute()).toHaveLength(0)
    const { data } = await alice.send('query ($id: ID!) { page(id: $id) { createdBy { displayName } } }', {
      id: page.id,
    })
    expect(data).toEqual({ page: { createdBy: { displayName: 'Bob' } } })
    expect(await remove(alice, id)).toBe('NOT_FOUND')
  })

  test('can come back by an invitation, with nothing but its role', async ({ server, alice, bob, stranger }) => {
    const left = await join(server, alice, stranger, 'ADMIN')
    const before = await switchTo(stranger, alice.organizationId)
    const secrets = [(await makeKey(stranger)).secret, await tokenOf(stranger, await makeAgent(stranger))]
    const programs = secrets.map((secret) => programOf(server, secret))
    for (const program of programs) expect(await admission(program)).toBe('admitted')
    await remove(alice, left)
    stranger.tokens.accessToken = before
    await join(server, alice, stranger, 'VIEWER')
    for (const program of programs) expect(await admission(program)).not.toBe('admitted')
    for (const program of programs) await program.close()
    await switchTo(stranger, alice.organizationId)
    expect((await stranger.query(ViewerDocument, {})).viewer?.role).toBe('VIEWER')
    expect(await remove(stranger, await membershipIn(stranger, bob))).toBe('FORBIDDEN')
  })
})

describe('leaving', () => {
  test('ends one’s own membership and nobody else’s, in whatever organization', async ({ server, alice, stranger }) => {
    const id = await join(server, alice, stranger)
    const before = await switchTo(stranger, alice.organizationId)
    expect(await leave(stranger, await membershipIn(stranger, alice))).toBe('NOT_FOUND')
    expect(await membersSeenBy(stranger)).toEqual(['Alice', 'Stranger'])
    expect(await leave(stranger, id)).toEqual({ __typename: 'EndedMembership', deletedId: id })
    expect(await admission(stranger)).toBe(removed)
    stranger.tokens.accessToken = before
    expect(await leave(stranger, id)).toBe('NOT_FOUND')
    expect((await stranger.query(ViewerDocument, {})).viewer?.memberships.nodes).toHaveLength(1)
  })
})

describe('the list of members', () => {
  test('is in pages, those first who joined first, and counts them all', async ({ server, alice, bob }) => {
    const carol = await signUpInto(server, alice, 'Carol', 'VIEWER')
    const text = `query ($first: Int, $after: String) { organization { members(first: $first, after: $after) {
      totalCount nodes { member { displayName } } pageInfo { hasNextPage endCursor }
    } } }`
    type Page = { organization: { members: { totalCount: number; nodes: unknown[]; pageInfo: { endCursor: string } } } }
    const { data: first } = await bob.send<Page, object>(text, { first: 2 })
    expect(first?.organization.members).toMatchObject({
      totalCount: 3,
      nodes: [{ member: { displayName: 'Alice' } }, { member: { displayName: 'Bob' } }],
      pageInfo: { hasNextPage: true },
    })
    const after = first?.organization.members.pageInfo.endCursor
    const { data: rest } = await bob.send<Page, object>(text, { first: 2, after })
    expect(rest?.organization.members.nodes).toEqual([{ member: { displayName: 'Carol' } }])
    await carol.close()
  })

  test('is not told of another organization than the active one', async ({ server, alice, stranger }) => {
    await join(server, alice, stranger, 'ADMIN')
    const text =
      '{ viewer { memberships { nodes { id organization { name members { totalCount } invitations { totalCount } } } } } }'
    const { data } = await stranger.send(text)
    expect(data).toMatchObject({
      viewer: {
        memberships: {
          nodes: [
            { organization: { members: { totalCount: 1 }, invitations: { totalCount: 0 } } },
            { organization: { name: "Alice's workspace", members: null, invitations: null } },
          ],
        },
      },
    })
  })

  test('shows a guest themselves, and who they share a project with', async ({ server, alice, bob }) => {
    const guest = await signUpInto(server, alice, 'Guest', 'GUEST')
    const seen = async (person: Person) => {
      const { data } = await guest.send<{ node: unknown }, object>('query ($id: ID!) { node(id: $id) { id } }', {
        id: person.userId,
      })
      return data?.node !== null
    }
    expect(await membersSeenBy(guest)).toEqual(['Guest'])
    expect(await Promise.all([alice, bob, guest].map(seen))).toEqual([false, false, true])
    const bobsMembership = await membershipIn(alice, bob)
    const { data } = await guest.send('query ($id: ID!) { node(id: $id) { id } }', { id: bobsMembership })
    expect(data).toEqual({ node: null })
    await projectWith(bob, guest)
    expect(await membersSeenBy(guest)).toEqual(['Bob', 'Guest'])
    expect(await Promise.all([alice, bob, guest].map(seen))).toEqual([false, true, true])
    expect(await membersSeenBy(bob)).toEqual(['Alice', 'Bob', 'Guest'])
    await guest.close()
  })
})

/** A project that both are members of. */
async function projectWith(owner: Person, other: Person): Promise<string> {
  const id = await createProject(owner, { name: 'Shared' })
  await addTo(owner, id, other, 'EDITOR')
  return id
}
