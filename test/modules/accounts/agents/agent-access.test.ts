import { expect } from 'vitest'
import type { AgentTrustLevel } from '../../../../src/modules/accounts/agents/agent.policy.ts'
import { grantsOf } from '../../../../src/modules/accounts/agents/agent-access.service.ts'
import { tellOrganization } from '../../../../src/modules/accounts/organizations/organization.events.ts'
import { transact } from '../../../../src/platform/database/transact.ts'
import {
  CreateBlocksDocument,
  CreateChatSessionDocument,
  CreatePageDocument,
  DeleteAccountDocument,
  DisableAgentDocument,
  RequestPasswordResetDocument,
  ResetPasswordDocument,
  SendMessageDocument,
  UpdateAgentDocument,
  ViewerDocument,
} from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { changeAccess, contextOf, endMembership, setRole, trailOf } from '../../../kit/inside.ts'
import { mailedToken } from '../../../kit/mails.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import { post } from '../../../kit/post.ts'
import { makeAgent, makeKey, pageWriting, programOf, tokenOf } from '../../../kit/programs.ts'
import type { TestServer } from '../../../kit/server.ts'
import { admission } from '../../../kit/sessions.ts'
import { createPage } from '../../../kit/test.ts'
import {
  expectAlive,
  openQuietSocket,
  openQuietStream,
  socketFarewell,
  streamFarewell,
} from '../../../transport/quiet.ts'

const limitMillis = 2_000

/** What an agent may do by its token. */
async function permissionsOf(person: Person, token: string) {
  return (await programOf(person, token).query(ViewerDocument, {})).viewer?.permissions
}

/** Sets how far agents are trusted in an organization, as a change of it does. */
async function limitTrust(server: TestServer, { organizationId }: Person, limit: AgentTrustLevel | null) {
  await transact(await contextOf(server, null), async (tx) => {
    const id = uuidIn(organizationId)
    await tx.unscoped.updateTable('organization').set({ agent_trust_limit: limit }).where('id', '=', id).execute()
    await tellOrganization(tx, id)
  })
}

test('an agent acts in its own name for its owner, and what it writes has it as the author', async ({
  clocked: server,
  alice,
}) => {
  const permissions = [...pageWriting, 'chat_session.read', 'chat_session.create', 'message.send']
  const agent = await makeAgent(alice, { displayName: 'Scribe', permissions })
  const token = await tokenOf(alice, agent)
  const program = programOf(alice, token)
  const { viewer } = await program.query(ViewerDocument, {})
  expect(viewer).toMatchObject({
    actor: { id: agent.id, displayName: 'Scribe' },
    organization: { id: alice.organizationId },
    role: 'OWNER',
    permissions: permissions.toSorted(),
    preferences: {},
    apiKeys: { nodes: [] },
  })
  const variables = { input: { title: 'By an agent' } }
  const answer = await post(server.url, { document: CreatePageDocument, variables, authorization: `Bearer ${token}` })
  const by = { actor: agent.id, on_behalf_of: alice.userId, organization_id: uuidIn(alice.organizationId) }
  expect(await trailOf(server, answer)).toMatchObject([{ ...by, action: 'page.create', outcome: 'allowed' }])
  const pageId = JSON.parse(answer.text).data.createPage.id
  await program.mutate(CreateBlocksDocument, { input: { pageId, blocks: [{ text: 'written' }] } })
  const itself = { __typename: 'Agent', id: agent.id, displayName: 'Scribe' }
  const names = 'createdBy { __typename id displayName } updatedBy { __typename id displayName }'
  const authors = `query ($id: ID!) { page(id: $id) { ${names} blocks { nodes { ${names} } } } }`
  const both = { createdBy: itself, updatedBy: itself }
  const { data: written } = await alice.send(authors, { id: pageId })
  expect(written).toEqual({ page: { ...both, blocks: { nodes: [both] } } })

  const { createChatSession: session } = await program.mutate(CreateChatSessionDocument, { input: { title: 'A chat' } })
  if (session.__typename !== 'ChatSession') throw new Error(session.__typename)
  const input = { sessionId: session.id, content: 'Anything?', model: 'scenario/words-1' }
  await program.mutate(SendMessageDocument, { input })
  const chatAuthors = /* GraphQL */ `query ($id: ID!) {
    chatSession(id: $id) { createdBy { __typename id } messages { nodes { role author { __typename id } } } }
  }`
  const { data } = await alice.send<{ chatSession: object }, object>(chatAuthors, { id: session.id })
  const author = { __typename: 'Agent', id: agent.id }
  expect(data?.chatSession).toMatchObject({ createdBy: author, messages: { nodes: [{ role: 'USER', author }, {}] } })
  await program.close()
})

test('an agent may do what its permissions, its trust, the organization and its owner’s role all allow', async ({
  clocked: server,
  alice,
  bob,
}) => {
  const agent = await makeAgent(bob, { permissions: ['page.read', 'page.create', 'block.read'] })
  const token = await tokenOf(bob, agent)
  const reading = ['block.read', 'page.read']
  const writing = ['block.read', 'page.create', 'page.read']
  const trust = async (trustLevel: AgentTrustLevel, expectedVersion: number) => {
    const { updateAgent } = await bob.mutate(UpdateAgentDocument, {
      input: { id: agent.id, expectedVersion, trustLevel },
    })
    expect(updateAgent.__typename).toBe('Agent')
  }
  expect(await permissionsOf(bob, token)).toEqual(writing)
  await trust('READ_ONLY', 1)
  expect(await permissionsOf(bob, token)).toEqual(reading)
  await trust('SUGGEST', 2)
  expect(await permissionsOf(bob, token)).toEqual(reading)
  await trust('WRITE', 3)
  for (const [limit, allowed] of [
    ['READ_ONLY', reading],
    ['SUGGEST', reading],
    [null, []],
    ['WRITE', writing],
  ] as const) {
    await limitTrust(server, alice, limit)
    expect(await permissionsOf(bob, token)).toEqual(allowed)
  }
  await setRole(server, bob, 'VIEWER')
  expect(await permissionsOf(bob, token)).toEqual(reading)
  await setRole(server, bob, 'GUEST')
  expect(await permissionsOf(bob, token)).toEqual([])
  const refused = await programOf(bob, token).send(CreatePageDocument, { input: { title: 'x' } })
  expect(refused.errors?.[0]?.extensions.code).toBe('FORBIDDEN')
})

test('no trust lets an agent manage anything, or do what no policy knows', () => {
  const given = [
    'page.read',
    'page.create',
    'membership.update',
    'project.delete',
    'agent.create',
    'page.fly',
    'constructor',
  ]
  expect([...grantsOf(given, 'WRITE')]).toEqual(['page.read', 'page.create'])
  expect([...grantsOf(given, 'READ_ONLY')]).toEqual(['page.read'])
  expect([...grantsOf(given, null)]).toEqual([])
})

test('a token lasts 15 minutes at most, and is told that it has expired for a day', async ({
  clocked: server,
  alice,
}) => {
  const agent = await makeAgent(alice)
  const [short, long] = [await tokenOf(alice, agent, 60), await tokenOf(alice, agent)]
  server.clock.advance({ seconds: 59 })
  for (const token of [short, long]) expect(await permissionsOf(alice, token)).toHaveLength(4)
  server.clock.advance({ seconds: 1 })
  expect(await admission(programOf(alice, short))).toBe("This agent's token has expired.")
  expect(await permissionsOf(alice, long)).toHaveLength(4)
  server.clock.advance({ minutes: 14 })
  expect(await admission(programOf(alice, long))).toBe("This agent's token has expired.")
})

test('what an agent has open closes 25 s after its token, to be taken up with another one', async ({
  clocked: server,
  alice,
}) => {
  const page = await createPage(alice, 'Quiet')
  const token = await tokenOf(alice, await makeAgent(alice), 60)
  const socket = await openQuietSocket(server.url, token, page)
  const stream = await openQuietStream(server.url, token, page)
  server.clock.advance({ seconds: 75 })
  await expectAlive(socket)
  server.clock.advance({ seconds: 11 })
  const [closed, onStream] = await Promise.all([socket.closed, streamFarewell(stream)])
  expect(closed).toEqual({ code: 4403, reason: 'Forbidden' })
  expect(socket.pending()).toEqual([])
  expect(onStream.reason).toBe('SESSION_ENDED')
})

interface AgentStage {
  readonly server: TestServer
  readonly alice: Person
  readonly bob: Person
  readonly agentId: string
}

/** Every way in which an agent ends or loses what it has open, and what is told there. */
const ends: Record<string, { reason: string; refusal: string; end: (stage: AgentStage) => Promise<unknown> }> = {
  'its owner disables it': {
    reason: 'SESSION_ENDED',
    refusal: 'This agent is disabled.',
    end: ({ bob, agentId }) => bob.mutate(DisableAgentDocument, { input: { id: agentId } }),
  },
  'an administrator disables it': {
    reason: 'SESSION_ENDED',
    refusal: 'This agent is disabled.',
    end: ({ alice, agentId }) => alice.mutate(DisableAgentDocument, { input: { id: agentId } }),
  },
  'it is given less': {
    reason: 'ACCESS_REMOVED',
    refusal: 'admitted',
    end: ({ alice, agentId: id }) =>
      alice.mutate(UpdateAgentDocument, { input: { id, expectedVersion: 1, permissions: ['project.read'] } }),
  },
  'the organization lets no agent act': {
    reason: 'ACCESS_REMOVED',
    refusal: 'admitted',
    end: ({ server, alice }) => limitTrust(server, alice, null),
  },
  'its owner is suspended': {
    reason: 'SESSION_ENDED',
    refusal: 'The account behind this agent is closed.',
    end: ({ server, bob }) =>
      changeAccess(server, bob, (tx) =>
        tx.unscoped.updateTable('user').set({ suspended_at: tx.now }).where('id', '=', uuidIn(bob.userId)).execute(),
      ),
  },
  'its owner leaves the organization': {
    reason: 'ACCESS_REMOVED',
    refusal: 'The owner of this agent is no longer a member of its organization.',
    end: ({ server, bob }) => endMembership(server, bob),
  },
  'its owner deletes the account': {
    reason: 'SESSION_ENDED',
    refusal: 'This agent is disabled.',
    end: ({ bob }) => bob.mutate(DeleteAccountDocument, { input: { password: bob.password } }),
  },
  'its owner takes the account back by mail': {
    reason: 'SESSION_ENDED',
    refusal: "This agent's token is not known.",
    end: async ({ server, bob }) => {
      await bob.mutate(RequestPasswordResetDocument, { input: { email: bob.email } })
      const token = await mailedToken(server, bob, /reset-password/)
      await bob.mutate(ResetPasswordDocument, { input: { token, newPassword: 'Another-Horse-2' } })
    },
  },
}

for (const [name, { reason, refusal, end }] of Object.entries(ends)) {
  test(`what an agent has open ends within 2 s, and its requests at once: ${name}`, async ({
    clocked: server,
    alice,
    bob,
  }) => {
    const page = await createPage(alice, 'Quiet')
    const { id: agentId } = await makeAgent(bob, { permissions: [...pageWriting, 'project.read'] })
    const token = await tokenOf(bob, { id: agentId })
    const socket = await openQuietSocket(server.url, token, page)
    const stream = await openQuietStream(server.url, token, page)
    const own = await openQuietSocket(server.url, alice.tokens.accessToken, page)
    server.clock.advance({ minutes: 1 }) // room for refusals in the trail

    await end({ server, alice, bob, agentId })
    const endedAt = performance.now()
    expect(await admission(programOf(bob, token))).toBe(refusal)
    const farewells = await Promise.all([socketFarewell(socket), streamFarewell(stream)])
    expect(farewells.map((farewell) => farewell.reason)).toEqual([reason, reason])
    if (reason === 'SESSION_ENDED') expect(await socket.closed).toEqual({ code: 4401, reason: 'Unauthorized' })
    expect(performance.now() - endedAt).toBeLessThan(limitMillis)
    await expectAlive(own)
    for (const open of [own, socket]) open.ws.close()
  })
}

test('under what it wrote whoever may not see agents sees the name of one, and nothing else of it', async ({
  alice,
  bob,
}) => {
  const agent = await makeAgent(bob)
  const program = programOf(bob, await tokenOf(bob, agent))
  const { createPage: page } = await program.mutate(CreatePageDocument, { input: { title: 'By an agent' } })
  const id = page.__typename === 'Page' ? page.id : ''
  const document = /* GraphQL */ `query ($id: ID!) { page(id: $id) { createdBy { id displayName ... on Agent {
    kind trustLevel permissions owner { id } version createdAt disabledAt viewerCan } } } }`
  const reader = await makeKey(alice, { permissions: ['page.read'] })
  const { data } = await programOf(alice, reader.secret).send(document, { id })
  const hidden = { kind: null, trustLevel: null, permissions: [], owner: null, version: null, createdAt: null }
  const name = { id: agent.id, displayName: 'An agent' }
  expect(data).toEqual({ page: { createdBy: { ...name, ...hidden, disabledAt: null, viewerCan: [] } } })
  const member = await alice.send(document, { id })
  expect(member.data).toMatchObject({
    page: { createdBy: { owner: { id: bob.userId }, permissions: pageWriting.toSorted() } },
  })
})
