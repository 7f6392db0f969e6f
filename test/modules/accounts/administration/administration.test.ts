import { describe, expect } from 'vitest'
import {
  CreateChatSessionDocument,
  CreateUserDocument,
  type CreateUserInput,
  DeleteUserDocument,
  LoginDocument,
  NodeDocument,
  PageDocument,
  ResetPasswordDocument,
  UpdateUserDocument,
  type UpdateUserInput,
  UsersDocument,
  type UsersQueryVariables,
  ViewerDocument,
  ViewerEventsDocument,
} from '../../../gql/graphql.ts'
import { codeOf, test } from '../../../kit/administrators.ts'
import type { Client } from '../../../kit/client.ts'
import { endMembership, setRole, trailOf } from '../../../kit/inside.ts'
import { mailedToken } from '../../../kit/mails.ts'
import { type Person, signUpInto, uuidIn } from '../../../kit/people.ts'
import { post } from '../../../kit/post.ts'
import { createPage } from '../../../kit/test.ts'

const absent = 'user_01h00000000000000000000000'
let made = 0

function newAddress(): string {
  made += 1
  return `made-${process.pid}-${made}@example.org`
}

async function create(admin: Client, input: Partial<CreateUserInput> = {}) {
  const whole = { email: newAddress(), displayName: 'Made', ...input }
  return (await admin.mutate(CreateUserDocument, { input: whole })).createUser
}

async function update(admin: Client, input: UpdateUserInput) {
  return (await admin.mutate(UpdateUserDocument, { input })).updateUser
}

async function remove(admin: Client, { userId: id }: Pick<Person, 'userId'>) {
  return (await admin.mutate(DeleteUserDocument, { input: { id } })).deleteUser
}

async function login(client: Client, identifier: string, password: string) {
  return (await client.mutate(LoginDocument, { input: { identifier, password } })).login
}

async function idsOf(admin: Client, variables: UsersQueryVariables): Promise<string[]> {
  return (await admin.query(UsersDocument, variables)).users.nodes.map(({ id }) => id)
}

describe('the list of people', () => {
  test('has everybody, newest first, page by page, as nobody else sees them', async ({ admin, alice, stranger }) => {
    const { users } = await admin.query(UsersDocument, { first: 2 })
    // Ids sort by age.
    const newest = [admin, alice, stranger].map(({ userId }) => userId).toSorted((a, b) => (a < b ? 1 : -1))
    expect(users.nodes.map(({ id }) => id)).toEqual(newest.slice(0, 2))
    const found = await admin.query(UsersDocument, { filter: { text: stranger.email } })
    expect(found.users).toMatchObject({ totalCount: 1, nodes: [{ id: stranger.userId }] })
    expect(found.users.nodes[0]).toMatchObject({
      displayName: 'Stranger',
      email: stranger.email,
      emailVerifiedAt: null,
      suspendedAt: null,
      isPlatformAdmin: false,
    })
    expect(users.totalCount).toBeGreaterThanOrEqual(3)
    const [next] = await idsOf(admin, { first: 1, after: users.pageInfo.endCursor ?? null })
    expect(next).toBe(newest[2])
    expect(await idsOf(admin, { last: 1, before: users.pageInfo.endCursor ?? null })).toEqual(newest.slice(0, 1))
  })

  test('is narrowed by what a name, a username or an address begins with, and by how accounts stand', async ({
    admin,
    alice,
  }) => {
    const username = `Zz_${process.pid}.x`
    const other = await create(admin, { displayName: 'Zz%y Ångström', username, isPlatformAdmin: true })
    if (other.__typename !== 'User') throw new Error(other.__typename)
    for (const text of ['zz%Y å', username.toUpperCase(), other.email?.slice(0, -4)]) {
      expect([text, await idsOf(admin, { filter: { text: text ?? null } })]).toEqual([text, [other.id]])
    }
    for (const text of ['z%y', 'Zz__', '%', '_', '\\', 'ngström']) {
      expect([text, await idsOf(admin, { filter: { text } })]).toEqual([text, []])
    }
    const admins = await idsOf(admin, { filter: { isPlatformAdmin: true } })
    expect(admins).toEqual(expect.arrayContaining([admin.userId, other.id]))
    expect(admins).not.toContain(alice.userId)
    expect(await idsOf(admin, { filter: { isPlatformAdmin: false, isSuspended: false } })).toContain(alice.userId)
    expect(await idsOf(admin, { filter: { isSuspended: true } })).toEqual([])
  })

  test('is for administrators of the platform alone, whatever somebody is elsewhere', async ({ alice, anonymous }) => {
    expect(codeOf(await alice.send(UsersDocument, {}))).toBe('FORBIDDEN')
    expect(codeOf(await anonymous.send(UsersDocument, {}))).toBe('UNAUTHENTICATED')
  })
})

describe('what is seen of a person', () => {
  const query = `query ($id: ID!) { node(id: $id) {
    ... on User { email emailVerifiedAt suspendedAt isPlatformAdmin }
    ... on Page { createdBy { ... on User { email } } }
  } }`
  const see = async (asking: Client, id: string) => (await asking.send(query, { id })).data

  test('is the address to administrators of the organization as long as they are in it', async ({
    clocked: server,
    alice,
    bob,
    stranger,
  }) => {
    const carol = await signUpInto(server, alice, 'Carol', 'ADMIN')
    const page = await createPage(bob, 'Ours')
    const hidden = { emailVerifiedAt: null, suspendedAt: null, isPlatformAdmin: null }
    for (const asking of [alice, carol]) {
      expect(await see(asking, bob.userId)).toEqual({ node: { email: bob.email, ...hidden } })
      expect(await see(asking, page.id)).toEqual({ node: { createdBy: { email: bob.email } } })
    }
    expect(await see(bob, alice.userId)).toEqual({ node: { email: null, ...hidden } })
    expect(await see(bob, bob.userId)).toEqual({ node: { email: bob.email, ...hidden, isPlatformAdmin: false } })
    expect(await see(stranger, bob.userId)).toEqual({ node: null })
    await endMembership(server, bob)
    expect(await see(alice, page.id)).toEqual({ node: { createdBy: { email: null } } })
    await setRole(server, carol, 'EDITOR')
    expect(await see(carol, alice.userId)).toMatchObject({ node: { email: null } })
    await carol.close()
  })

  test('is all to administrators of the platform, and no content', async ({ admin, alice }) => {
    const page = await createPage(alice, 'Theirs')
    expect(await see(admin, alice.userId)).toEqual({
      node: { email: alice.email, emailVerifiedAt: null, suspendedAt: null, isPlatformAdmin: false },
    })
    for (const id of [page.id, alice.organizationId, absent]) {
      expect((await admin.query(NodeDocument, { id })).node).toBeNull()
    }
    expect((await admin.query(PageDocument, { id: page.id, first: 1 })).page).toBeNull()
    const input = { participantIds: [alice.userId] }
    expect(codeOf(await admin.send(CreateChatSessionDocument, { input }))).toBe('NOT_FOUND')
  })
})

describe('an account made for somebody', () => {
  test('lets nobody in until its mailed link has set a password, which proves the address', async ({
    clocked: server,
    admin,
    anonymous,
  }) => {
    const email = newAddress()
    const user = await create(admin, { email, displayName: 'Ada' })
    expect(user).toMatchObject({ __typename: 'User', displayName: 'Ada', email, emailVerifiedAt: null })
    for (const password of ['', ' ', 'Correct-Horse-1']) {
      expect(await login(anonymous, email, password)).toMatchObject({ code: 'INVALID_CREDENTIALS' })
    }
    const token = await mailedToken(server, { email }, /reset-password/)
    expect(server.mails.to(email)).toMatchObject([{ subject: 'Your new account' }])
    server.clock.advance({ hours: 23 })
    const input = { token, newPassword: 'Correct-Horse-1' }
    expect((await anonymous.mutate(ResetPasswordDocument, { input })).resetPassword.__typename).toBe('Acknowledged')
    expect(await login(anonymous, email, 'Correct-Horse-1')).toMatchObject({
      __typename: 'AuthPayload',
      viewer: { role: 'OWNER', organization: { name: "Ada's workspace" } },
    })
  })

  test('has a link for a day', async ({ clocked: server, admin, anonymous }) => {
    const email = newAddress()
    await create(admin, { email })
    const token = await mailedToken(server, { email }, /reset-password/)
    server.clock.advance({ hours: 25 })
    const input = { token, newPassword: 'Correct-Horse-1' }
    expect((await anonymous.mutate(ResetPasswordDocument, { input })).resetPassword.__typename).toBe('InvalidToken')
  })

  test('is one for each key, and has names that nobody else has', async ({ admin, alice }) => {
    const input = { email: newAddress(), username: `made.${process.pid}`, idempotencyKey: 'once' }
    const first = await create(admin, input)
    expect(await create(admin, input)).toEqual(first)
    expect(await create(admin, { ...input, displayName: 'Other' })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    expect(await create(admin, { email: alice.email.toUpperCase() })).toMatchObject({ code: 'EMAIL_TAKEN' })
    expect(await create(admin, { username: `MADE.${process.pid}` })).toMatchObject({ code: 'USERNAME_TAKEN' })
  })
})

describe('changing an account', () => {
  test('changes what is named alone, and its person hears of it', async ({ admin, alice }) => {
    const { viewer } = await alice.query(ViewerDocument, {})
    const events = alice.subscribe(ViewerEventsDocument, { after: viewer?.eventsCursor ?? null })
    const username = `ada.${process.pid}`
    const changed = await update(admin, { id: alice.userId, displayName: ' Ada ', username })
    expect(changed).toMatchObject({ displayName: 'Ada', username, email: alice.email, isPlatformAdmin: false })
    expect(await events.next()).toMatchObject({ viewerEvents: { viewer: { actor: { displayName: 'Ada' } } } })
    events.stop()
    expect(await update(admin, { id: alice.userId, username: null })).toMatchObject({ username: null })
    await update(admin, { id: admin.userId, username })
    expect(await update(admin, { id: alice.userId, username })).toMatchObject({ code: 'USERNAME_TAKEN' })
  })

  test('is never to another address, with which an administrator could take it over', async ({ admin, alice }) => {
    const input = { id: alice.userId, email: newAddress() }
    const document = /* GraphQL */ `mutation ($input: UpdateUserInput!) { updateUser(input: $input) { __typename } }`
    expect((await admin.send(document, { input })).errors?.[0]?.message).toContain('unknown field "email"')
    expect(await update(admin, { id: alice.userId })).toMatchObject({ email: alice.email })
  })

  test('into an administrator’s and back is followed at once', async ({ admin, alice }) => {
    const isAdmin = async () => (await alice.query(ViewerDocument, {})).viewer
    await update(admin, { id: alice.userId, isPlatformAdmin: true })
    expect(await isAdmin()).toMatchObject({
      isPlatformAdmin: true,
      permissions: expect.arrayContaining(['user.list', 'user.suspend']),
    })
    expect(codeOf(await alice.send(UsersDocument, { first: 1 }))).toBeNull()
    await update(admin, { id: alice.userId, isPlatformAdmin: false })
    expect((await isAdmin())?.isPlatformAdmin).toBe(false)
    expect(codeOf(await alice.send(UsersDocument, { first: 1 }))).toBe('FORBIDDEN')
  })
})

describe('deleting an account', () => {
  test('is refused while others need its owner', async ({ admin, alice, bob }) => {
    const organizations = [{ id: alice.organizationId, name: "Alice's workspace" }]
    expect(await remove(admin, alice)).toMatchObject({ code: 'OWNS_ORGANIZATIONS', organizations })
    // Nor is the administrator shown more of what they are not in.
    const type = await admin.send(`{ __type(name: "OwnedOrganization") { fields { name } } }`, {})
    expect(type.data).toEqual({ __type: { fields: [{ name: 'id' }, { name: 'name' }] } })
    expect(await remove(admin, bob)).toEqual({ __typename: 'DeletedUser', deletedId: bob.userId })
  })

  test('signs it out, leaves nobody to be found, and mails word of it', async ({
    clocked: server,
    admin,
    stranger,
    anonymous,
  }) => {
    expect((await remove(admin, stranger)).__typename).toBe('DeletedUser')
    expect(codeOf(await stranger.send(ViewerDocument, {}))).toBe('UNAUTHENTICATED')
    expect(await login(anonymous, stranger.email, stranger.password)).toMatchObject({ code: 'INVALID_CREDENTIALS' })
    expect((await admin.query(NodeDocument, { id: stranger.userId })).node).toBeNull()
    expect(await idsOf(admin, { first: 100 })).not.toContain(stranger.userId)
    await server.app.platform.jobs.idle(15_000)
    expect(server.mails.to(stranger.email).at(-1)).toMatchObject({
      subject: 'Your account was deleted',
      text: expect.stringContaining('an administrator deleted your account'),
    })
    const input = { id: stranger.userId }
    expect(codeOf(await admin.send(DeleteUserDocument, { input }))).toBe('NOT_FOUND')
  })
})

test('who is no administrator is told the same of every id, and the trail who asked', async ({
  clocked: server,
  alice,
  stranger,
  admin,
}) => {
  const refused = async (person: Person, id: string) => {
    const authorization = `Bearer ${person.tokens.accessToken}`
    const variables = { input: { id, displayName: 'Renamed' } }
    return post(server.url, { document: UpdateUserDocument, variables, authorization })
  }
  for (const id of [stranger.userId, absent]) {
    const answer = await refused(alice, id)
    expect(answer.text).toContain('Your role does not include user.update.')
    expect(await trailOf(server, answer)).toMatchObject([
      { action: 'user.update', target: id, outcome: 'denied', actor: alice.userId },
    ])
  }
  expect(codeOf(await alice.send(DeleteUserDocument, { input: { id: alice.userId } }))).toBe('FORBIDDEN')
  const missing = await refused(admin, absent)
  expect(missing.text).toContain('NOT_FOUND')
  expect(await trailOf(server, missing)).toMatchObject([
    { action: 'user.update', target: absent, outcome: 'denied', organization_id: uuidIn(admin.organizationId) },
  ])
})
