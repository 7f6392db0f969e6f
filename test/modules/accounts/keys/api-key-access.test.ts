import { sql } from 'kysely'
import { expect } from 'vitest'
import { tellProject } from '../../../../src/modules/projects/project.events.ts'
import { transact } from '../../../../src/platform/database/transact.ts'
import {
  CreateApiKeyDocument,
  CreateBlocksDocument,
  CreateChatSessionDocument,
  CreatePageDocument,
  CreateProjectDocument,
  DeleteAccountDocument,
  InviteMemberDocument,
  PageEventsDocument,
  RequestPasswordResetDocument,
  ResetPasswordDocument,
  RevokeApiKeyDocument,
  RotateApiKeyDocument,
  SendMessageDocument,
  UpdateBlockDocument,
  UpdateProfileDocument,
  ViewerDocument,
} from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { changeAccess, contextOf, endMembership, setRole, trailOf } from '../../../kit/inside.ts'
import { mailedToken } from '../../../kit/mails.ts'
import { type Person, signIn, uuidIn } from '../../../kit/people.ts'
import { post } from '../../../kit/post.ts'
import { makeAgent, makeKey, pageWriting, programOf, tokenOf } from '../../../kit/programs.ts'
import type { TestServer } from '../../../kit/server.ts'
import { admission } from '../../../kit/sessions.ts'
import { createPage, openChat, write } from '../../../kit/test.ts'
import {
  expectAlive,
  openQuietSocket,
  openQuietStream,
  socketFarewell,
  streamFarewell,
} from '../../../transport/quiet.ts'

const limitMillis = 2_000
const removed = 'The person behind this API key is no longer a member of its organization.'

test('a key acts as its person, within its permissions, and the trail names both', async ({
  clocked: server,
  alice,
}) => {
  const { id, secret } = await makeKey(alice)
  const program = programOf(alice, secret)
  const { viewer } = await program.query(ViewerDocument, {})
  expect(viewer).toMatchObject({
    actor: { id: alice.userId, displayName: 'Alice' },
    organization: { id: alice.organizationId },
    role: 'OWNER',
    permissions: pageWriting.toSorted(),
    preferences: {},
    deviceSessions: { nodes: [], totalCount: 0 },
  })
  const variables = { input: { title: 'By a program' } }
  const answer = await post(server.url, { document: CreatePageDocument, variables, authorization: `Bearer ${secret}` })
  const by = { actor: id, on_behalf_of: alice.userId, organization_id: uuidIn(alice.organizationId) }
  expect(await trailOf(server, answer)).toMatchObject([{ ...by, action: 'page.create', outcome: 'allowed' }])
  const pageId = JSON.parse(answer.text).data.createPage.id
  const author = /* GraphQL */ `query ($id: ID!) { page(id: $id) { createdBy { __typename id } } }`
  const { data } = await alice.send(author, { id: pageId })
  expect(data).toEqual({ page: { createdBy: { __typename: 'User', id: alice.userId } } })

  const beyond = await program.send(CreateProjectDocument, { input: { name: 'A plan' } })
  expect(beyond.errors?.[0]?.extensions.code).toBe('FORBIDDEN')
  const own = await program.send(UpdateProfileDocument, { input: { displayName: 'Mallory' } })
  expect(own.errors?.[0]?.extensions.code).toBe('FORBIDDEN')
  await program.close()
})

test('a key makes nothing that it could not be shown', async ({ clocked: server, alice }) => {
  const session = await openChat(alice)
  const { secret } = await makeKey(alice, {
    permissions: ['page.create', 'project.create', 'chat_session.create', 'message.send'],
  })
  const program = programOf({ url: server.url }, secret)
  const answers = await Promise.all([
    program.send(CreatePageDocument, { input: { title: 'Unseen' } }),
    program.send(CreateProjectDocument, { input: { name: 'Unseen' } }),
    program.send(CreateChatSessionDocument, { input: {} }),
    program.send(SendMessageDocument, { input: { sessionId: session.id, content: 'Unseen' } }),
  ])
  expect(answers.map(({ errors }) => errors?.[0]?.extensions.code)).toEqual(Array(4).fill('FORBIDDEN'))
  const page = await createPage(alice, 'A page')
  const blind = await makeKey(alice, { permissions: ['page.read', 'block.create'] })
  const { errors } = await programOf({ url: server.url }, blind.secret).send(CreateBlocksDocument, {
    input: { pageId: page.id, blocks: [{ text: 'Unseen' }] },
  })
  expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN')
})

test('a key changes the text of a block only with the permission for texts', async ({ clocked: server, alice }) => {
  const page = await createPage(alice, 'A page')
  const [id = ''] = await write(alice, page.id, 'a text')
  const permissions = ['page.read', 'block.read', 'block.update']
  const codes = await Promise.all(
    [permissions, [...permissions, 'block.edit_text']].map(async (granted) => {
      const { secret } = await makeKey(alice, { permissions: granted })
      const program = programOf({ url: server.url }, secret)
      const { data, errors } = await program.send(UpdateBlockDocument, { input: { id, text: 'another' } })
      await program.close()
      return errors?.[0]?.extensions.code ?? data?.updateBlock?.__typename
    }),
  )
  expect(codes).toEqual(['FORBIDDEN', 'Block'])
})

test('a key that reads pages but no blocks hears nothing of what is typed on them', async ({
  clocked: server,
  alice,
}) => {
  const page = await createPage(alice, 'A page')
  await write(alice, page.id, 'a text')
  const { secret } = await makeKey(alice, { permissions: ['page.read'] })
  const program = programOf({ url: server.url }, secret)
  const events = program.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  await expect(events.next()).rejects.toThrow('FORBIDDEN')
  await program.close()
})

test('lists hold nothing of what a key was not given, and count nothing', async ({ clocked: server, alice }) => {
  await createPage(alice, 'Quiet')
  await alice.mutate(CreateProjectDocument, { input: { name: 'A plan' } })
  await openChat(alice)
  const { secret } = await makeKey(alice, { permissions: ['organization.read'] })
  const counts = 'query { pages { totalCount } projects { totalCount } chatSessions { totalCount } }'
  const counted = (totalCount: number) => ({
    data: { pages: { totalCount }, projects: { totalCount }, chatSessions: { totalCount } },
  })
  expect(await alice.send(counts)).toMatchObject(counted(1))
  expect(await programOf({ url: server.url }, secret).send(counts)).toMatchObject(counted(0))
})

test('when a key was last used is known to a minute', async ({ clocked: server, alice }) => {
  const { secret } = await makeKey(alice, { permissions: ['page.read'] })
  const program = programOf(alice, secret)
  const lastUsed = async () => {
    const { viewer } = await alice.query(ViewerDocument, {})
    const at = viewer?.apiKeys.nodes[0]?.lastUsedAt
    return at == null ? null : new Date(at).getTime()
  }
  expect(await lastUsed()).toBeNull()
  await admission(program)
  const first = (await lastUsed()) ?? 0
  expect(first).toBeGreaterThan(0)
  server.clock.advance({ seconds: 30 })
  await admission(program)
  expect(await lastUsed()).toBe(first)
  server.clock.advance({ seconds: 30 })
  await admission(program)
  expect(await lastUsed()).toBeGreaterThanOrEqual(first + 60_000)
})

/** Every way in which a key ends that is its person's or an administrator's doing, and what is told on what is open. */
const ends: Record<string, { reason: string; refusal: string; end: (stage: KeyStage) => Promise<unknown> }> = {
  'it is revoked': {
    reason: 'SESSION_ENDED',
    refusal: 'This API key was revoked.',
    end: ({ bob, keyId }) => bob.mutate(RevokeApiKeyDocument, { input: { id: keyId } }),
  },
  'it is rotated twice': {
    reason: 'SESSION_ENDED',
    refusal: 'This API key is not known.',
    end: async ({ bob, keyId }) => {
      for (let time = 0; time < 2; time += 1) await bob.mutate(RotateApiKeyDocument, { input: { id: keyId } })
    },
  },
  'its person is suspended': {
    reason: 'SESSION_ENDED',
    refusal: 'The account behind this API key is closed.',
    end: ({ server, bob }) =>
      changeAccess(server, bob, (tx) =>
        tx.unscoped.updateTable('user').set({ suspended_at: tx.now }).where('id', '=', uuidIn(bob.userId)).execute(),
      ),
  },
  'its person leaves the organization': {
    reason: 'ACCESS_REMOVED',
    refusal: removed,
    end: ({ server, bob }) => endMembership(server, bob),
  },
  'its person loses the role': {
    reason: 'ACCESS_REMOVED',
    refusal: 'admitted',
    end: ({ server, bob }) => setRole(server, bob, 'GUEST'),
  },
  'its person deletes the account': {
    reason: 'SESSION_ENDED',
    refusal: 'This API key was revoked.',
    end: ({ bob }) => bob.mutate(DeleteAccountDocument, { input: { password: bob.password } }),
  },
  'its person takes the account back by mail': {
    reason: 'SESSION_ENDED',
    refusal: 'This API key was revoked.',
    end: async ({ server, bob }) => {
      await bob.mutate(RequestPasswordResetDocument, { input: { email: bob.email } })
      const token = await mailedToken(server, bob, /reset-password/)
      await bob.mutate(ResetPasswordDocument, { input: { token, newPassword: 'Another-Horse-2' } })
    },
  },
}

interface KeyStage {
  readonly server: TestServer
  readonly bob: Person
  readonly keyId: string
}

for (const [name, { reason, refusal, end }] of Object.entries(ends)) {
  test(`what a key has open ends within 2 s, and its requests at once: ${name}`, async ({
    clocked: server,
    alice,
    bob,
  }) => {
    const page = await createPage(alice, 'Quiet')
    const { id: keyId, secret } = await makeKey(bob)
    const socket = await openQuietSocket(server.url, secret, page)
    const stream = await openQuietStream(server.url, secret, page)
    const own = await openQuietSocket(server.url, alice.tokens.accessToken, page)
    const other = await makeKey(alice)
    const others = await openQuietSocket(server.url, other.secret, page)
    server.clock.advance({ minutes: 1 }) // room for refusals in the trail

    await end({ server, bob, keyId })
    const endedAt = performance.now()
    expect(await admission(programOf(bob, secret))).toBe(refusal)
    const farewells = await Promise.all([socketFarewell(socket), streamFarewell(stream)])
    expect(farewells.map((farewell) => farewell.reason)).toEqual([reason, reason])
    if (reason === 'SESSION_ENDED') expect(await socket.closed).toEqual({ code: 4401, reason: 'Unauthorized' })
    expect(performance.now() - endedAt).toBeLessThan(limitMillis)
    await expectAlive(own)
    await expectAlive(others)
    for (const open of [own, others, socket]) open.ws.close()
  })
}

test('what is open goes on through a rotation, and ends with its own secret', async ({ clocked: server, alice }) => {
  const page = await createPage(alice, 'Quiet')
  const { id, secret } = await makeKey(alice)
  const older = await openQuietSocket(server.url, secret, page)
  const { rotateApiKey } = await alice.mutate(RotateApiKeyDocument, { input: { id } })
  const newest = rotateApiKey.__typename === 'CreatedApiKey' ? rotateApiKey.secret : ''
  const newer = await openQuietSocket(server.url, newest, page)
  await expectAlive(older)
  server.clock.advance({ hours: 24, seconds: 26 })
  expect(await older.closed).toEqual({ code: 4403, reason: 'Forbidden' })
  const again = await signIn(server, alice.email)
  await write(again, page.id, 'heard')
  expect(await newer.next('watch')).toMatchObject({ payload: { data: { pageEvents: { block: { text: 'heard' } } } } })
  newer.ws.close()
  await again.close()
})

test('what programs have open in a project ends when it is closed to their person', async ({
  clocked: server,
  alice,
  bob,
}) => {
  const { createProject: project } = await alice.mutate(CreateProjectDocument, { input: { name: 'A plan' } })
  if (project.__typename !== 'Project') throw new Error(project.__typename)
  const input = { title: 'Quiet', projectId: project.id }
  const { createPage: page } = await alice.mutate(CreatePageDocument, { input })
  if (page.__typename !== 'Page') throw new Error(page.__typename)
  const secrets = [(await makeKey(bob)).secret, await tokenOf(bob, await makeAgent(bob))]
  const open = await Promise.all(secrets.map((secret) => openQuietSocket(server.url, secret, page)))
  // The first tells which project it is, and from the second on the gate has been passed under its epoch.
  for (const text of ['first', 'second']) {
    await write(alice, page.id, text)
    for (const socket of open)
      expect((await socket.next('watch')).payload?.data).toMatchObject({ pageEvents: { block: { text } } })
  }
  await transact(await contextOf(server, null), async (tx) => {
    const id = uuidIn(project.id)
    await tx.unscoped.updateTable('project').set({ visibility: 'PRIVATE' }).where('id', '=', id).execute()
    await tellProject(tx, uuidIn(alice.organizationId), id)
  })
  for (const socket of open) {
    expect((await socketFarewell(socket)).reason).toBe('ACCESS_REMOVED')
    socket.ws.close()
  }
})

test('what only people do is given to no key, and a key that holds it all the same cannot use it', async ({
  clocked: server,
  alice,
}) => {
  const personal = ['invitation.create', 'membership.update', 'session.read']
  const asked = await alice.mutate(CreateApiKeyDocument, { input: { name: 'All', permissions: personal } })
  expect(asked.createApiKey).toMatchObject({ __typename: 'PermissionNotHeld', permissions: personal })

  const { id, secret } = await makeKey(alice)
  await server.app.platform.database.unscoped
    .updateTable('api_key')
    .set({ permissions: sql`${JSON.stringify([...personal, 'page.read', 'organization.read'])}::jsonb` })
    .where('id', '=', uuidIn(id))
    .execute()
  const program = programOf(alice, secret)
  const seen = await program.send(`{ viewer { permissions } organization { viewerCan } }`, {})
  expect(seen.data).toEqual({
    viewer: { permissions: ['organization.read', 'page.read'] },
    organization: { viewerCan: ['organization.read'] },
  })
  const input = { email: 'friend@example.org', role: 'OWNER' } as const
  expect((await program.send(InviteMemberDocument, { input })).errors?.[0]?.extensions.code).toBe('FORBIDDEN')
  const { data } = await alice.send(`{ viewer { permissions } organization { viewerCan } }`, {})
  expect(data).toMatchObject({
    viewer: { permissions: expect.arrayContaining([...personal, 'user.delete', 'api_key.create']) },
    organization: { viewerCan: expect.arrayContaining(['invitation.create', 'membership.leave']) },
  })
})

test('a key without organization.read is told where it acts, and nothing else of the organization', async ({
  alice,
}) => {
  const document = /* GraphQL */ `{ viewer { organization { id name tier settings agentTrustLimit version createdAt }
    memberships(first: 1) { nodes { organization { settings } } } } }`
  const { secret } = await makeKey(alice, { permissions: ['membership.read'] })
  const { data } = await programOf(alice, secret).send(document, {})
  const hidden = { tier: null, settings: null, agentTrustLimit: null, version: null, createdAt: null }
  expect(data).toEqual({
    viewer: {
      organization: { id: alice.organizationId, name: expect.any(String), ...hidden },
      memberships: { nodes: [{ organization: { settings: null } }] },
    },
  })
  const reader = await makeKey(alice, { permissions: ['organization.read'] })
  const seen = await programOf(alice, reader.secret).send(document, {})
  expect(seen.data).toMatchObject({ viewer: { organization: { settings: {}, version: expect.any(Number) } } })
})
