import { expect } from 'vitest'
import { accountsHousekeeping } from '../../../../src/modules/accounts/users/user.jobs.ts'
import { allActions, isGrantable, type Role } from '../../../../src/platform/access.ts'
import { newUuid } from '../../../../src/platform/uuid.ts'
import { schema } from '../../../../src/schema.ts'
import {
  CreateApiKeyDocument,
  type CreateApiKeyInput,
  NodeDocument,
  RevokeApiKeyDocument,
  RotateApiKeyDocument,
  ViewerDocument,
} from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import { type Person, signIn, uuidIn } from '../../../kit/people.ts'
import { post } from '../../../kit/post.ts'
import { makeAgent, makeKey, programOf, tokenOf } from '../../../kit/programs.ts'
import type { TestServer } from '../../../kit/server.ts'
import { admission } from '../../../kit/sessions.ts'

const permissions = ['project.read']

async function created(person: Person, input: Partial<CreateApiKeyInput> = {}) {
  const { createApiKey: result } = await person.mutate(CreateApiKeyDocument, {
    input: { name: 'A key', permissions, ...input },
  })
  return result
}

async function keysOf(person: Person) {
  return (await person.query(ViewerDocument, {})).viewer?.apiKeys
}

test('a key is listed for its owner without its secret, and seen by nobody else', async ({ alice, bob, stranger }) => {
  const { id, secret } = await makeKey(alice, {
    name: 'Nightly',
    permissions: ['page.read', 'block.read', 'page.read'],
  })
  const listed = await keysOf(alice)
  expect(listed).toMatchObject({
    totalCount: 1,
    nodes: [
      { id, name: 'Nightly', prefix: secret.slice(0, 13), permissions: ['block.read', 'page.read'], lastUsedAt: null },
    ],
  })
  expect(JSON.stringify(listed)).not.toContain(secret.slice(13))
  const { node } = await alice.query(NodeDocument, { id })
  expect(node).toMatchObject({ id })
  for (const other of [bob, stranger, programOf(alice, secret)]) {
    expect((await other.query(NodeDocument, { id })).node).toBeNull()
    expect((await other.query(ViewerDocument, {})).viewer?.apiKeys).toMatchObject({ nodes: [], totalCount: 0 })
  }
})

test('no id in the input decides whose a key is (better-auth CVE-2025-61928)', async ({ alice, stranger }) => {
  const input = schema.getType('CreateApiKeyInput')
  expect(Object.keys((input as unknown as { getFields(): object }).getFields())).toEqual([
    'expiresAt',
    'name',
    'permissions',
  ])
  const ids = ['userId', 'user', 'ownerId', 'id', 'referenceId', 'organizationId']
  const document = /* GraphQL */ `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { __typename } }`
  for (const name of ids) {
    const variables = { input: { name: 'Stolen', permissions, [name]: alice.userId } }
    const { data, errors } = await stranger.send(document, variables)
    expect([data ?? null, errors?.length]).toEqual([null, 1])
    // Nor without a session, whoever is named.
    const nobody = await programOf(alice, '').send(document, variables)
    expect(nobody.errors).toHaveLength(1)
  }
  expect(await keysOf(alice)).toMatchObject({ totalCount: 0 })
  const { secret } = await makeKey(stranger)
  const { viewer } = await programOf(stranger, secret).query(ViewerDocument, {})
  expect([viewer?.actor.id, viewer?.organization.id]).toEqual([stranger.userId, stranger.organizationId])
})

test('only a person on a device makes, rotates and revokes keys, whatever a program was given', async ({
  clocked: server,
  alice,
}) => {
  const everything = allActions().filter(isGrantable)
  const { id, secret } = await makeKey(alice, { permissions: everything })
  const agent = await makeAgent(alice, { permissions: everything })
  const token = await tokenOf(alice, agent)
  const deeds = [
    [CreateApiKeyDocument, { name: 'Another', permissions }, 'api_key.create', null],
    [RotateApiKeyDocument, { id }, 'api_key.rotate', id],
    [RevokeApiKeyDocument, { id }, 'api_key.revoke', id],
  ] as const
  for (const [document, input, action, target] of deeds) {
    for (const [shown, actor] of [[secret, id] as const, [token, agent.id] as const]) {
      const operation = { document: document as typeof CreateApiKeyDocument, variables: { input: input as never } }
      const answer = await post(server.url, { ...operation, authorization: `Bearer ${shown}` })
      expect(answer.text).toContain('"FORBIDDEN"')
      const by = { actor, on_behalf_of: alice.userId, organization_id: uuidIn(alice.organizationId) }
      expect(await trailOf(server, answer)).toMatchObject([{ ...by, action, target, outcome: 'denied' }])
    }
  }
  expect(await keysOf(alice)).toMatchObject({ totalCount: 1 })
})

test('a key is given what its person has in the organization or in a project, and no more', async ({
  clocked: server,
  alice,
  bob,
}) => {
  const tooMuch = await created(bob, { permissions: ['project.read', 'membership.remove', 'project.delete'] })
  expect(tooMuch).toMatchObject({
    __typename: 'PermissionNotHeld',
    code: 'PERMISSION_NOT_HELD',
    permissions: ['membership.remove', 'project.delete'],
  })
  const trail = await trailOf(server, { organizationId: alice.organizationId })
  expect(trail.at(-1)).toMatchObject({ action: 'api_key.create', actor: bob.userId, outcome: 'denied' })

  await joinProject(server, bob, 'ADMIN')
  expect(await created(bob, { permissions: ['project.delete'] })).toMatchObject({ __typename: 'CreatedApiKey' })
  expect(await created(bob, { permissions: ['organization.delete'] })).toMatchObject({
    __typename: 'PermissionNotHeld',
  })

  const unknown = await created(bob, { permissions: ['project.read', 'project.fly'] })
  expect(unknown).toMatchObject({ fields: [{ path: ['permissions', '1'], message: 'is not valid' }] })
  expect(await created(bob, { permissions: [] })).toMatchObject({ fields: [{ path: ['permissions'] }] })
})

test('a key ends when it says, and not before; the past is no time to end', async ({ clocked: server, alice }) => {
  const inAnHour = new Date(server.clock.now().getTime() + 3_600_000).toISOString()
  const { id, secret } = await makeKey(alice, { permissions, expiresAt: inAnHour })
  const program = programOf(alice, secret)
  server.clock.advance({ minutes: 59 })
  expect(await admission(program)).toBe('admitted')
  server.clock.advance({ minutes: 1 })
  expect(await admission(program)).toBe('This API key has expired.')
  await signInAgain(alice)
  const { rotateApiKey } = await alice.mutate(RotateApiKeyDocument, { input: { id } })
  expect(rotateApiKey).toMatchObject({ __typename: 'ApiKeyEnded', code: 'API_KEY_ENDED' })
  expect(await created(alice, { expiresAt: inAnHour })).toMatchObject({ fields: [{ path: ['expiresAt'] }] })
})

test('a rotated key has two secrets for 24 h, and then the newer one', async ({ clocked: server, alice }) => {
  const { id, secret } = await makeKey(alice, { permissions })
  const rotated = async () => {
    const { rotateApiKey } = await alice.mutate(RotateApiKeyDocument, { input: { id } })
    if (rotateApiKey.__typename !== 'CreatedApiKey') throw new Error(rotateApiKey.__typename)
    expect(rotateApiKey.apiKey).toMatchObject({ id, prefix: rotateApiKey.secret.slice(0, 13) })
    return rotateApiKey.secret
  }
  const [first, second, third] = [secret, await rotated(), await rotated()].map((one) => programOf(alice, one))
  if (first === undefined || second === undefined || third === undefined) throw new Error('Too few')
  // Of three the oldest has gone already.
  expect(await admission(first)).toBe('This API key is not known.')
  server.clock.advance({ hours: 23, minutes: 59 })
  for (const program of [second, third]) expect(await admission(program)).toBe('admitted')
  server.clock.advance({ minutes: 1 })
  expect(await admission(second)).toBe('This API key has expired.')
  expect(await admission(third)).toBe('admitted')
})

test('a revoked key ends with both its secrets, and is rotated no more', async ({ alice }) => {
  const { id, secret } = await makeKey(alice, { permissions })
  const { rotateApiKey } = await alice.mutate(RotateApiKeyDocument, { input: { id } })
  const newer = rotateApiKey.__typename === 'CreatedApiKey' ? rotateApiKey.secret : ''
  for (const shown of [secret, newer]) expect(await admission(programOf(alice, shown))).toBe('admitted')
  for (let time = 0; time < 2; time += 1) {
    const { revokeApiKey } = await alice.mutate(RevokeApiKeyDocument, { input: { id } })
    expect(revokeApiKey).toMatchObject({ id, revokedAt: expect.any(String) })
  }
  for (const shown of [secret, newer])
    expect(await admission(programOf(alice, shown))).toBe('This API key was revoked.')
  expect(await keysOf(alice)).toMatchObject({ totalCount: 0 })
  const again = await alice.mutate(RotateApiKeyDocument, { input: { id } })
  expect(again.rotateApiKey.__typename).toBe('ApiKeyEnded')
})

test('of many keys made at once no more than 50 are in force', async ({ clocked: server, alice }) => {
  const { id } = await makeKey(alice, { permissions })
  const { unscoped } = server.app.platform.database
  const row = await unscoped.selectFrom('api_key').selectAll().where('id', '=', uuidIn(id)).executeTakeFirstOrThrow()
  const copies = Array.from({ length: 46 }, () => crypto.randomUUID())
  const values = copies.map((copy) => ({ ...row, id: copy, secret_hash: copy, permissions: '[]' as never }))
  await unscoped.insertInto('api_key').values(values).execute()
  const results = await Promise.all(Array.from({ length: 6 }, () => created(alice)))
  const names = results.map(({ __typename }) => __typename).toSorted()
  expect(names).toEqual([...Array(3).fill('CreatedApiKey'), ...Array(3).fill('TooManyApiKeys')])
  // What has ended counts no more.
  await alice.mutate(RevokeApiKeyDocument, { input: { id } })
  expect((await created(alice)).__typename).toBe('CreatedApiKey')
})

test('a key keeps its list of permissions when its person loses some, and they count for nothing', async ({
  clocked: server,
  bob,
}) => {
  const { secret } = await makeKey(bob, { permissions: ['page.create', 'page.read'] })
  await setRole(server, bob, 'VIEWER')
  const { viewer } = await programOf(bob, secret).query(ViewerDocument, {})
  expect(viewer).toMatchObject({ role: 'VIEWER', permissions: ['page.read'] })
})

/** Makes somebody a member of a new project of the organization they act in; seeded in the database. */
async function joinProject(server: TestServer, person: Person, role: Role): Promise<void> {
  const { unscoped } = server.app.platform.database
  const now = server.clock.now()
  const [project_id, organization_id] = [newUuid(now), uuidIn(person.organizationId)]
  const made = { created_at: now, updated_at: now, created_by_id: uuidIn(person.userId), version: 1 }
  await unscoped
    .insertInto('project')
    .values({ id: project_id, organization_id, name: 'A plan', description: null, settings: {}, ...made })
    .execute()
  await unscoped
    .insertInto('project_member')
    .values({ id: newUuid(now), organization_id, project_id, user_id: uuidIn(person.userId), role, created_at: now })
    .execute()
}

/** Fresh tokens for somebody whose own have expired. */
async function signInAgain(person: Person): Promise<void> {
  const again = await signIn(person, person.email)
  Object.assign(person.tokens, again.tokens)
  await again.close()
}

test('a key that ended 90 days ago is deleted, and no other', async ({ clocked: server, alice }) => {
  const { unscoped } = server.app.platform.database
  const ids: string[] = []
  const ago = (days: number) => new Date(server.clock.now().getTime() - days * 86_400_000)
  for (const ended of [{ revoked_at: ago(91) }, { expires_at: ago(91) }, { revoked_at: ago(89) }, {}]) {
    const { id } = await makeKey(alice, { permissions })
    ids.push(uuidIn(id))
    const key = unscoped.updateTable('api_key').set({ last_used_at: null, ...ended })
    await key.where('id', '=', uuidIn(id)).execute()
  }
  await accountsHousekeeping.run(server.app.platform, {}, new AbortController().signal)
  const left = await unscoped.selectFrom('api_key').select('id').where('id', 'in', ids).execute()
  expect(left.map(({ id }) => id).toSorted()).toEqual(ids.slice(2).toSorted())
})
