import { sql } from 'kysely'
import { expect } from 'vitest'
import { accountsHousekeeping } from '../../../../src/modules/accounts/users/user.jobs.ts'
import { allActions, isGrantable } from '../../../../src/platform/access.ts'
import {
  CreateAgentDocument,
  type CreateAgentInput,
  DisableAgentDocument,
  IssueAgentTokenDocument,
  UpdateAgentDocument,
  type UpdateAgentInput,
  ViewerDocument,
} from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import { join } from '../../../kit/organizations.ts'
import { type Person, signUpInto, uuidIn } from '../../../kit/people.ts'
import { post } from '../../../kit/post.ts'
import { makeAgent, makeKey, programOf, tokenOf } from '../../../kit/programs.ts'
import type { TestServer } from '../../../kit/server.ts'
import { admission } from '../../../kit/sessions.ts'

const plain: CreateAgentInput = {
  displayName: 'An agent',
  kind: 'CUSTOM',
  trustLevel: 'WRITE',
  permissions: ['page.read'],
}

async function created(person: Person, input: Partial<CreateAgentInput> = {}) {
  return (await person.mutate(CreateAgentDocument, { input: { ...plain, ...input } })).createAgent
}

async function updated(person: Person, input: UpdateAgentInput) {
  return (await person.mutate(UpdateAgentDocument, { input })).updateAgent
}

async function codeOf(asked: Promise<{ errors?: readonly { extensions: Record<string, unknown> }[] }>) {
  return (await asked).errors?.[0]?.extensions.code
}

async function viewerCan(person: Pick<Person, 'send'>, id: string) {
  const document = /* GraphQL */ `query ($id: ID!) { node(id: $id) { ... on Agent { viewerCan } } }`
  const { data } = await person.send<{ node: { viewerCan: string[] } | null }, object>(document, { id })
  return data?.node?.viewerCan
}

async function setTrustLimit(server: TestServer, { organizationId }: Person, agent_trust_limit: 'READ_ONLY' | null) {
  const { unscoped } = server.app.platform.database
  await unscoped
    .updateTable('organization')
    .set({ agent_trust_limit })
    .where('id', '=', uuidIn(organizationId))
    .execute()
}

test('an agent is listed in its organization, and seen by its members alone', async ({
  clocked: server,
  alice,
  bob,
  stranger,
}) => {
  const { id } = await makeAgent(bob, {
    displayName: 'Scribe',
    kind: 'CLAUDE',
    permissions: ['page.read', 'block.read'],
  })
  const listed = async (person: Person) => (await person.query(ViewerDocument, {})).viewer?.organization.agents
  const row = {
    id,
    displayName: 'Scribe',
    kind: 'CLAUDE',
    trustLevel: 'WRITE',
    permissions: ['block.read', 'page.read'],
  }
  for (const person of [alice, bob]) expect(await listed(person)).toMatchObject({ nodes: [row], totalCount: 1 })
  const guest = await signUpInto(server, alice, 'Guest', 'GUEST')
  for (const person of [stranger, guest]) expect(await listed(person)).toMatchObject({ nodes: [], totalCount: 0 })
  const carol = await signUpInto(server, alice, 'Carol', 'EDITOR')
  expect(await viewerCan(alice, id)).toEqual(['agent.manage', 'agent.read'])
  expect(await viewerCan(bob, id)).toEqual(['agent.issue_token', 'agent.manage', 'agent.read'])
  expect(await viewerCan(carol, id)).toEqual(['agent.read'])
  for (const person of [stranger, guest]) expect(await viewerCan(person, id)).toBeUndefined()
  // Its owner goes on seeing it, whatever became of them.
  await setRole(server, bob, 'GUEST')
  expect(await viewerCan(bob, id)).toEqual(['agent.issue_token', 'agent.manage', 'agent.read'])
  for (const person of [guest, carol]) await person.close()
})

test('an agent is given what its owner has, and trusted as far as the organization does', async ({
  clocked: server,
  alice,
  bob,
}) => {
  const tooMuch = await created(bob, { permissions: ['page.read', 'membership.remove'] })
  expect(tooMuch).toMatchObject({ __typename: 'PermissionNotHeld', permissions: ['membership.remove'] })
  await setTrustLimit(server, alice, 'READ_ONLY')
  expect(await created(bob)).toMatchObject({
    __typename: 'TrustAboveLimit',
    code: 'TRUST_ABOVE_LIMIT',
    limit: 'READ_ONLY',
  })
  expect(await created(bob, { trustLevel: 'READ_ONLY' })).toMatchObject({ __typename: 'Agent' })
  await setTrustLimit(server, alice, null)
  expect(await created(bob, { trustLevel: 'READ_ONLY' })).toMatchObject({ __typename: 'TrustAboveLimit', limit: null })
  const trail = await trailOf(server, { organizationId: alice.organizationId })
  const denied = trail.filter(({ outcome }) => outcome === 'denied')
  expect(denied).toMatchObject(Array(3).fill({ action: 'agent.create', actor: bob.userId }))
})

test('a guest makes no agent, also of what they may do themselves', async ({ clocked: server, bob }) => {
  await setRole(server, bob, 'GUEST')
  const input = { ...plain, permissions: ['organization.read'] }
  expect(await codeOf(bob.send(CreateAgentDocument, { input }))).toBe('FORBIDDEN')
})

test('a repeated key makes no second agent', async ({ alice }) => {
  const [first, second] = [await created(alice, { idempotencyKey: 'k' }), await created(alice, { idempotencyKey: 'k' })]
  expect(first).toMatchObject({ __typename: 'Agent' })
  expect(second).toEqual(first)
  const other = await created(alice, { idempotencyKey: 'k', displayName: 'Other' })
  expect(other.__typename).toBe('IdempotencyKeyReused')
})

test('one has a hundred agents at most, also of two made at once, until one is disabled', async ({
  clocked: server,
  alice,
}) => {
  const { id } = await makeAgent(alice)
  await sql`insert into agent (id, organization_id, owner_id, display_name, kind, trust_level, permissions, version,
      created_at, updated_at)
    select gen_random_uuid(), organization_id, owner_id, display_name, kind, trust_level, permissions, version,
      created_at, updated_at
    from agent, generate_series(1, 98) where agent.id = ${uuidIn(id)}`.execute(server.app.platform.database.unscoped)
  const both = await Promise.all([created(alice), created(alice)])
  expect(both.map(({ __typename }) => __typename).toSorted()).toEqual(['Agent', 'TooManyAgents'])
  await alice.mutate(DisableAgentDocument, { input: { id } })
  expect(await created(alice)).toMatchObject({ __typename: 'Agent' })
})

test('only people make, change and end agents, whatever a program was given', async ({ clocked: server, alice }) => {
  const everything = allActions().filter(isGrantable)
  const agent = await makeAgent(alice, { permissions: everything })
  const key = await makeKey(alice, { permissions: everything })
  for (const secret of [key.secret, await tokenOf(alice, agent)]) {
    const program = programOf(alice, secret)
    const codes = [
      await codeOf(program.send(CreateAgentDocument, { input: plain })),
      await codeOf(program.send(UpdateAgentDocument, { input: { id: agent.id, expectedVersion: 1 } })),
      await codeOf(program.send(IssueAgentTokenDocument, { input: { agentId: agent.id } })),
      await codeOf(program.send(DisableAgentDocument, { input: { id: agent.id } })),
    ]
    expect(codes).toEqual(Array(4).fill('FORBIDDEN'))
  }
  expect(await viewerCan(programOf(alice, key.secret), agent.id)).toEqual(['agent.read'])
  const variables = { input: { agentId: agent.id } }
  const answer = await post(server.url, {
    ...{ document: IssueAgentTokenDocument, variables },
    authorization: `Bearer ${key.secret}`,
  })
  const by = { actor: key.id, on_behalf_of: alice.userId, outcome: 'denied' }
  expect(await trailOf(server, answer)).toMatchObject([{ ...by, action: 'agent.issue_token', target: agent.id }])
})

test('an agent is changed by its owner, to no more than they have, and by administrators to no more than it had', async ({
  clocked: server,
  alice,
  bob,
}) => {
  const { id } = await makeAgent(bob)
  const carol = await signUpInto(server, alice, 'Carol', 'EDITOR')
  const forbidden = carol.send(UpdateAgentDocument, { input: { id, expectedVersion: 1, displayName: 'Mine' } })
  expect(await codeOf(forbidden)).toBe('FORBIDDEN')
  const byOwner = await updated(bob, {
    id,
    expectedVersion: 1,
    displayName: 'Bobs',
    avatarUrl: 'https://a.example/b.png',
  })
  expect(byOwner).toMatchObject({ displayName: 'Bobs', avatarUrl: 'https://a.example/b.png', version: 2 })
  const byAdmin = await updated(alice, { id, expectedVersion: 2, permissions: ['page.read'], avatarUrl: null })
  expect(byAdmin).toMatchObject({ displayName: 'Bobs', avatarUrl: null, permissions: ['page.read'], version: 3 })
  // What an administrator added would be theirs to use through its owner's role.
  for (const wider of [{ permissions: ['page.read', 'block.read'] }, { trustLevel: 'WRITE' as const }]) {
    if ('trustLevel' in wider) await updated(bob, { id, expectedVersion: 3, trustLevel: 'SUGGEST' })
    const expectedVersion = 'trustLevel' in wider ? 4 : 3
    expect(await codeOf(alice.send(UpdateAgentDocument, { input: { id, expectedVersion, ...wider } }))).toBe(
      'FORBIDDEN',
    )
  }
  const tooMuch = await updated(bob, { id, expectedVersion: 4, permissions: ['page.read', 'organization.delete'] })
  expect(tooMuch).toMatchObject({ __typename: 'PermissionNotHeld', permissions: ['organization.delete'] })
  expect(await updated(alice, { id, expectedVersion: 4, trustLevel: 'READ_ONLY' })).toMatchObject({ version: 5 })
  await setTrustLimit(server, alice, 'READ_ONLY')
  const tooFar = await updated(bob, { id, expectedVersion: 5, trustLevel: 'SUGGEST' })
  expect(tooFar).toMatchObject({ __typename: 'TrustAboveLimit', limit: 'READ_ONLY' })
  await carol.close()
})

test('of two changes of one version the second is told what the first made of it', async ({ alice }) => {
  const { id } = await makeAgent(alice)
  const names = ['First', 'Second']
  const results = await Promise.all(names.map((displayName) => updated(alice, { id, expectedVersion: 1, displayName })))
  const won = results.find(({ __typename }) => __typename === 'Agent')
  expect(results.find(({ __typename }) => __typename === 'EditConflict')).toMatchObject({
    code: 'EDIT_CONFLICT',
    current: { version: 2, displayName: won?.__typename === 'Agent' ? won.displayName : null },
  })
})

test('only its owner gets a token of an agent, administrators neither', async ({ clocked: server, alice, bob }) => {
  const { id: agentId } = await makeAgent(bob)
  const issuing = { document: IssueAgentTokenDocument, variables: { input: { agentId } } }
  const answer = await post(server.url, { ...issuing, authorization: `Bearer ${alice.tokens.accessToken}` })
  expect(answer.text).toContain('"FORBIDDEN"')
  const denied = { action: 'agent.issue_token', target: agentId, actor: alice.userId, outcome: 'denied' }
  expect(await trailOf(server, answer)).toMatchObject([denied])
  for (const ttlSeconds of [0, 901]) {
    const { issueAgentToken } = await bob.mutate(IssueAgentTokenDocument, { input: { agentId, ttlSeconds } })
    expect(issueAgentToken).toMatchObject({ __typename: 'InvalidInput', fields: [{ path: ['ttlSeconds'] }] })
  }
  const { issueAgentToken: issued } = await bob.mutate(IssueAgentTokenDocument, { input: { agentId } })
  if (issued.__typename !== 'AgentToken') throw new Error(issued.__typename)
  const restSeconds = (new Date(issued.expiresAt).getTime() - server.clock.now().getTime()) / 1_000
  expect(Math.round(restSeconds / 10)).toBe(90)
})

test('a disabled agent stays as the author it was, and gets no tokens', async ({ alice }) => {
  const agent = await makeAgent(alice)
  const token = await tokenOf(alice, agent)
  for (let time = 0; time < 2; time += 1) {
    const { disableAgent } = await alice.mutate(DisableAgentDocument, { input: { id: agent.id } })
    expect(disableAgent).toMatchObject({ id: agent.id, disabledAt: expect.any(String) })
  }
  expect(await admission(programOf(alice, token))).toBe('This agent is disabled.')
  const { issueAgentToken } = await alice.mutate(IssueAgentTokenDocument, { input: { agentId: agent.id } })
  expect(issueAgentToken).toMatchObject({ __typename: 'AgentDisabled', code: 'AGENT_DISABLED' })
  const { viewer } = await alice.query(ViewerDocument, {})
  expect(viewer?.organization.agents?.nodes).toMatchObject([{ id: agent.id, disabledAt: expect.any(String) }])
})

test('tokens are kept for a day after their end, and then deleted', async ({ clocked: server, alice }) => {
  const agent = await makeAgent(alice)
  const rows = () => {
    const tokens = server.app.platform.database.unscoped.selectFrom('agent_token').select('id')
    return tokens.where('agent_id', '=', uuidIn(agent.id)).execute()
  }
  await tokenOf(alice, agent)
  const clean = () => accountsHousekeeping.run(server.app.platform, {}, new AbortController().signal)
  server.clock.advance({ hours: 24 })
  await clean()
  expect(await rows()).toHaveLength(1)
  server.clock.advance({ minutes: 15 })
  await clean()
  expect(await rows()).toHaveLength(0)
})

test('of another organization than the active one no agents are shown, nor those of the active one as its own', async ({
  clocked: server,
  alice,
  stranger,
}) => {
  await makeAgent(stranger)
  await join(server, alice, stranger)
  const document = /* GraphQL */ `{ viewer { memberships(first: 9) { nodes { organization { id agents(first: 9) { totalCount } } } } } }`
  const { data } = await stranger.send(document, {})
  expect(data).toMatchObject({
    viewer: {
      memberships: {
        nodes: expect.arrayContaining([
          { organization: { id: stranger.organizationId, agents: { totalCount: 1 } } },
          { organization: { id: alice.organizationId, agents: null } },
        ]),
      },
    },
  })
})
