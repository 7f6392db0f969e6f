import { print } from 'graphql'
import { describe, expect } from 'vitest'
import {
  DeleteAccountDocument,
  DeleteOrganizationDocument,
  LoginDocument,
  UpdateProfileDocument,
  type UpdateProfileInput,
  ViewerDocument,
  ViewerEventsDocument,
} from '../../../gql/graphql.ts'
import { type Client, createTestClient } from '../../../kit/client.ts'
import { setRole } from '../../../kit/inside.ts'
import { entered, newcomer, register } from '../../../kit/newcomers.ts'
import { type Person, signIn, signUpInto, uuidIn } from '../../../kit/people.ts'
import { createPage, test } from '../../../kit/test.ts'

async function update(person: Client, input: UpdateProfileInput) {
  return (await person.mutate(UpdateProfileDocument, { input })).updateProfile
}

async function remove(person: Person, password = person.password) {
  return (await person.mutate(DeleteAccountDocument, { input: { password } })).deleteAccount
}

async function profile(person: Client) {
  return (await person.query(ViewerDocument, {})).viewer
}

async function nameOf(asking: Client, id: string): Promise<unknown> {
  const { data } = await asking.send('query ($id: ID!) { node(id: $id) { ... on User { displayName username } } }', {
    id,
  })
  return (data as { node: unknown }).node
}

describe('a profile', () => {
  test('changes in what is named alone, and others see the new name at once', async ({ alice, bob }) => {
    const username = `alice-${process.pid}-${Date.now() % 100_000}`
    const events = alice.subscribe(ViewerEventsDocument, { after: (await profile(alice))?.eventsCursor ?? null })
    await nameOf(bob, alice.userId)
    const avatarUrl = 'https://example.org/a.png'
    expect(await update(alice, { displayName: '  Alice Ängström ', username, avatarUrl })).toMatchObject({
      __typename: 'Viewer',
      actor: { displayName: 'Alice Ängström', username, avatarUrl },
    })
    expect(await nameOf(bob, alice.userId)).toEqual({ displayName: 'Alice Ängström', username })
    expect(await events.next()).toMatchObject({
      viewerEvents: { viewer: { actor: { displayName: 'Alice Ängström' } } },
    })
    await update(alice, { displayName: 'Alice' })
    expect(await profile(alice)).toMatchObject({ actor: { displayName: 'Alice', username, avatarUrl } })
    await update(alice, { displayName: null, avatarUrl: null })
    expect(await profile(alice)).toMatchObject({ actor: { displayName: 'Alice', username, avatarUrl: null } })
    events.stop()
  })

  test('has a username that nobody else has in any case, and can give it up', async ({
    alice,
    stranger,
    anonymous,
  }) => {
    const username = `Name_${process.pid}_${Date.now() % 100_000}`
    await update(alice, { username })
    const taken = { __typename: 'UsernameTaken', code: 'USERNAME_TAKEN' }
    for (const same of [username, username.toUpperCase(), username.toLowerCase()]) {
      expect(await update(stranger, { displayName: 'Never', username: same })).toMatchObject(taken)
    }
    // One's own in another case is free to oneself.
    expect(await update(alice, { username: username.toUpperCase() })).toMatchObject({ __typename: 'Viewer' })
    expect(await profile(stranger)).toMatchObject({ actor: { displayName: 'Stranger', username: null } })
    const login = async () =>
      (await anonymous.mutate(LoginDocument, { input: { identifier: username, password: alice.password } })).login
    expect(entered(await login()).viewer.actor.id).toBe(alice.userId)
    await update(alice, { username: null })
    expect((await login()).__typename).toBe('InvalidCredentials')
    expect(await update(stranger, { username })).toMatchObject({ __typename: 'Viewer', actor: { username } })
  })

  test('is not changed by what breaks a rule, which is named with its place', async ({ alice }) => {
    for (const [path, input] of [
      ['displayName', { displayName: 'x' }],
      ['displayName', { displayName: 'n'.repeat(81) }],
      ['displayName', { displayName: 'two\nlines' }],
      ['username', { username: 'ab' }],
      ['username', { username: 'a b c' }],
      ['username', { username: 'name@example.org' }],
      ['preferences', { preferences: [] }],
      ['preferences', { preferences: 'text' }],
      ['preferences', { preferences: 7 }],
      ['preferences', { preferences: { text: 'x'.repeat(16_384) } }],
    ] as const) {
      expect(await update(alice, { avatarUrl: 'https://example.org/x', ...input }), path).toMatchObject({
        __typename: 'InvalidInput',
        fields: [{ path: [path] }],
      })
    }
    expect(await profile(alice)).toMatchObject({ actor: { displayName: 'Alice', avatarUrl: null }, preferences: {} })
    for (const avatarUrl of [
      'javascript:alert(1)',
      'file:///etc',
      'nothing',
      `https://example.org/${'x'.repeat(2_048)}`,
    ]) {
      const { errors } = await alice.send(UpdateProfileDocument, { input: { avatarUrl } })
      expect(errors?.[0]?.extensions.code, avatarUrl).toBe('BAD_REQUEST')
    }
  })
})

describe('preferences', () => {
  test('are replaced as a whole, and are the person’s alone', async ({ alice, bob }) => {
    const first = { theme: 'dark', list: [1, null, true, { deep: 'ü😀' }] }
    expect(await update(alice, { preferences: first })).toMatchObject({ preferences: first })
    await update(alice, { preferences: { other: 0.5 } })
    expect((await profile(alice))?.preferences).toEqual({ other: 0.5 })
    await update(alice, { preferences: null })
    expect((await profile(alice))?.preferences).toEqual({ other: 0.5 })
    expect((await profile(bob))?.preferences).toEqual({})
    const fits = { text: 'x'.repeat(16_384 - '{"text":""}'.length) }
    expect(await update(alice, { preferences: fits })).toMatchObject({ preferences: fits })
  })

  test('take no key that could reach into an object of ours, and other keys as they are', async ({ alice }) => {
    const send = (json: string) =>
      alice.send<{ updateProfile: { __typename: string; fields?: unknown } }, unknown>(
        'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { __typename ... on InvalidInput { fields { path } } } }',
        { input: { preferences: JSON.parse(json) } },
      )
    for (const key of ['constructor', 'prototype', 'toString', 'hasOwnProperty', '', ' ', 'a.b', '$ref']) {
      const preferences = JSON.stringify({ [key]: { admin: true } })
      expect((await send(preferences)).data?.updateProfile.__typename, key).toBe('Viewer')
      expect((await profile(alice))?.preferences).toEqual(JSON.parse(preferences))
    }
    const polluted = await send('{"__proto__": {"admin": true}, "kept": 1}')
    expect(polluted.data?.updateProfile).toMatchObject({
      __typename: 'InvalidInput',
      fields: [{ path: ['preferences', '__proto__'] }],
    })
    expect({}).not.toHaveProperty('admin')
    const nested = await send('{"a": [{"__proto__": {"admin": true}}]}')
    expect(nested.data?.updateProfile.__typename).toBe('InvalidInput')
    for (const json of ['{"nul\\u0000": 1}', '{"a": {"half\\ud800": 1}}']) {
      const { data, errors } = await send(json)
      expect(errors, json).toBeUndefined()
      expect(data?.updateProfile.__typename, json).toBe('InvalidInput')
    }
  })

  test.for([200, 8_000, 100_000])(
    'nested %i deep are refused, and no failure of ours',
    async (depth, { server, alice }) => {
      // Written by hand: what would write it from an object has a stack, too.
      const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`
      const query = JSON.stringify(print(UpdateProfileDocument))
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${alice.tokens.accessToken}` },
        body: `{"query": ${query}, "variables": {"input": {"preferences": {"a": ${nested}}}}}`,
      })
      const { data } = await response.json()
      expect(data?.updateProfile).toMatchObject({
        __typename: 'InvalidInput',
        fields: [{ path: ['preferences', 'a'] }],
      })
    },
  )
})

describe('deleting an account', () => {
  test('takes its password', async ({ alice }) => {
    expect(await remove(alice, 'Wrong-Horse-1')).toMatchObject({ code: 'INVALID_CREDENTIALS' })
    expect((await profile(alice))?.actor.id).toBe(alice.userId)
  })

  test('is refused while others need its owner, and tells in which organizations', async ({ server, alice, bob }) => {
    const organization = { id: alice.organizationId, name: "Alice's workspace" }
    expect(await remove(alice)).toMatchObject({ code: 'OWNS_ORGANIZATIONS', organizations: [organization] })
    expect((await profile(alice))?.actor.id).toBe(alice.userId)
    await setRole(server, bob, 'OWNER')
    expect(await remove(alice)).toMatchObject({ __typename: 'Acknowledged', accepted: true })
    expect(await profile(bob)).toMatchObject({ role: 'OWNER', organization })
  })

  test('is not held up by an organization that is deleted already', async ({ server, alice, bob }) => {
    await alice.mutate(DeleteOrganizationDocument, { input: { id: alice.organizationId } })
    const again = await signIn(server, alice.email)
    expect((await remove(again)).__typename).toBe('Acknowledged')
    const { unscoped } = server.app.platform.database
    const organization = unscoped.selectFrom('organization').select('name')
    const id = uuidIn(alice.organizationId)
    expect(await organization.where('id', '=', id).executeTakeFirst()).toEqual({ name: 'Deleted workspace' })
    await Promise.all([again.close(), bob.close()])
  })

  test('of two owners at once leaves one', async ({ server, alice }) => {
    const carol = await signUpInto(server, alice, 'Carol', 'OWNER')
    await signUpInto(server, alice, 'Dave', 'VIEWER')
    const results = await Promise.all([remove(alice), remove(carol)])
    expect(results.map((result) => result.__typename).toSorted()).toEqual(['Acknowledged', 'OwnsOrganizations'])
    await carol.close()
  })

  test('signs all devices out, frees its names, leaves what was written without one, and mails word of it', async ({
    server,
    alice,
    bob,
    anonymous,
  }) => {
    const username = `bob-${process.pid}-${Date.now() % 100_000}`
    await update(bob, { username, avatarUrl: 'https://example.org/b.png', preferences: { a: 1 } })
    const second = await signIn(server, bob.email)
    const page = await createPage(bob, 'Legacy')
    expect(await remove(bob)).toEqual({ __typename: 'Acknowledged', accepted: true })

    for (const session of [bob, second]) {
      expect((await session.send(ViewerDocument, {})).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
    }
    const author = '{ displayName avatarUrl ... on User { username } }'
    const query = `query ($id: ID!) { node(id: $id) { ... on Page { title createdBy ${author} } } }`
    expect((await alice.send(query, { id: page.id })).data).toEqual({
      node: { title: 'Legacy', createdBy: { displayName: 'Deleted account', avatarUrl: null, username: null } },
    })
    expect(await nameOf(alice, bob.userId)).toBeNull()
    for (const identifier of [bob.email, username]) {
      const { login } = await anonymous.mutate(LoginDocument, { input: { identifier, password: bob.password } })
      expect(login.__typename).toBe('InvalidCredentials')
    }
    await server.app.platform.jobs.idle(15_000)
    expect(server.mails.to(bob.email).at(-1)).toMatchObject({ subject: 'Your account was deleted' })
    const again = entered(await register(anonymous, newcomer({ email: bob.email, username })))
    expect(again.viewer.actor.id).not.toBe(bob.userId)
    await second.close()
  })

  test('gives up the organizations that nobody else is in, and keeps no word of the person', async ({
    server,
    stranger,
  }) => {
    expect((await remove(stranger)).__typename).toBe('Acknowledged')
    const { unscoped } = server.app.platform.database
    const organization = unscoped
      .selectFrom('organization')
      .select('deleted_at')
      .where('id', '=', uuidIn(stranger.organizationId))
    expect(await organization.executeTakeFirst()).toEqual({ deleted_at: expect.any(Date) })
    const row = await unscoped
      .selectFrom('user')
      .selectAll()
      .where('id', '=', uuidIn(stranger.userId))
      .executeTakeFirst()
    expect(JSON.stringify(row)).not.toMatch(/stranger/i)
    const stale = createTestClient(server.url, () => stranger.tokens.accessToken)
    expect((await stale.send(ViewerDocument, {})).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
    await stale.close()
  })
})
