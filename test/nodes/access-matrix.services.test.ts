import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import {
  DeleteOrganizationDocument,
  DisableAgentDocument,
  MovePageDocument,
  RemoveMemberDocument,
  RestoreOrganizationDocument,
  RevokeApiKeyDocument,
  SuspendUserDocument,
  UpdateMemberRoleDocument,
  UpdateProjectDocument,
} from '../gql/graphql.ts'
import { createTestClient } from '../kit/client.ts'
import { environmentOf } from '../kit/lane.ts'
import { type ApiNode, runToEnd, startNode } from '../kit/nodes.ts'
import { type Person, signIn, signUp } from '../kit/people.ts'
import { type PrivateService, startPrivateRedis } from '../kit/private-services.ts'
import { makeAgent, makeKey, tokenOf } from '../kit/programs.ts'
import { copyTemplate } from '../kit/server.ts'
import { createPage, openChat } from '../kit/test.ts'
import { addTo, createProject } from '../modules/projects/stage.ts'
import { type RawSocket, signedIn } from '../transport/raw-socket.ts'
import { enroll, type Revocation, revoked } from './access-stage.ts'

// Access is taken away on one node; on the other one who had it has streams open, and so have those who keep it.

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const limitMillis = 2_000
// The tick of the channels is every 2 s, and a look at the access comes after it; the rest is for a busy machine.
const tickLimitMillis = 4_000

let database: Awaited<ReturnType<typeof copyTemplate>>
let redis: PrivateService
let one: ApiNode
let other: ApiNode
/** Owns the organization, administers the platform, acts on the first node and takes all the access away. */
let owner: Person
/** Members on the second node: one who stays throughout, on one socket throughout, and those whom it concerns. */
let steady: Person
let steadySocket: RawSocket
let lowered: Awaited<ReturnType<typeof enroll>>
let removed: Awaited<ReturnType<typeof enroll>>
let suspended: Person
let outsider: Person

beforeAll(async () => {
  database = await copyTemplate()
  redis = await startPrivateRedis()
  const env = { ...environmentOf('services', database.name, database.dataDir), REDIS_URL: redis.url }
  ;[one, other] = await Promise.all([startNode({ env }), startNode({ env })])
  owner = await signUp(one, 'Owner')
  const granting = runToEnd('grantAdmin', { env, args: [owner.email] })
  const member = (name: string) => enroll(other, owner, name, database.dataDir)
  ;[steady, lowered, removed, suspended, outsider] = await Promise.all([
    member('Steady'),
    member('Lowered'),
    member('Removed'),
    member('Suspended'),
    member('Outsider'),
  ])
  expect(await granting).toMatchObject({ code: 0, stderr: '' })
  steadySocket = await signedIn(other.url, steady.tokens.accessToken)
})
afterAll(async () => {
  steadySocket?.ws.close()
  await Promise.all([owner, steady, lowered, removed, suspended, outsider].map((person) => person?.close()))
  const exits = await Promise.all([one?.stop(), other?.stop()])
  await Promise.all([one?.kill(), other?.kill()])
  await redis?.close()
  await database?.remove()
  vi.resetConfig()
  for (const exit of exits) expect(exit).toMatchObject({ code: 0, stderr: '' })
})

/** What most revocations have in common: two pages of the owner's, of which `steady` watches the busy one. */
async function between(projectId: string | null = null) {
  const [quiet, busy] = await Promise.all(['Quiet', 'Busy'].map((title) => createPage(owner, title, projectId)))
  if (quiet === undefined || busy === undefined) throw new Error('There are no pages')
  return { quiet, busy, author: owner, unaffected: [{ socket: steadySocket, page: busy, author: owner }] }
}

/** Another page of the owner's, which whom it concerns goes on watching on the socket on which others end. */
async function still(projectId: string | null = null) {
  return { socket: null, page: await createPage(owner, 'Still open', projectId), author: owner }
}

const out = { query: 'UNAUTHENTICATED', write: 'UNAUTHENTICATED' } as const
const unseen = { query: 'null', write: 'NOT_FOUND', reason: 'ACCESS_REMOVED' } as const

async function setRole(role: 'VIEWER' | 'GUEST') {
  const { updateMemberRole } = await owner.mutate(UpdateMemberRoleDocument, {
    input: { id: lowered.membershipId, role },
  })
  return [updateMemberRole.__typename]
}

const revocations: Record<string, () => Promise<Revocation>> = {
  'role lowered to VIEWER': async () => ({
    ...(await between()),
    secret: lowered.tokens.accessToken,
    revoke: () => setRole('VIEWER'),
    answer: 'Membership',
    query: 'seen',
    write: 'FORBIDDEN',
    reason: null,
  }),
  'role lowered to GUEST': async () => {
    const projectId = await createProject(owner, { name: 'For a guest' })
    await addTo(owner, projectId, lowered, 'VIEWER')
    const { unaffected, ...stage } = await between()
    return {
      ...stage,
      unaffected: [...unaffected, await still(projectId)],
      secret: lowered.tokens.accessToken,
      revoke: () => setRole('GUEST'),
      answer: 'Membership',
      ...unseen,
    }
  },
  removed: async () => ({
    ...(await between()),
    secret: removed.tokens.accessToken,
    revoke: async () => {
      const { removeMember } = await owner.mutate(RemoveMemberDocument, { input: { id: removed.membershipId } })
      return [removeMember.__typename]
    },
    answer: 'EndedMembership',
    ...out,
    reason: 'ACCESS_REMOVED',
  }),
  suspended: async () => ({
    ...(await between()),
    secret: suspended.tokens.accessToken,
    revoke: async () => {
      const { suspendUser } = await owner.mutate(SuspendUserDocument, { input: { id: suspended.userId } })
      return [suspendUser.__typename]
    },
    answer: 'User',
    ...out,
    reason: 'SESSION_ENDED',
  }),
  'project made private': async () => {
    const id = await createProject(owner, { name: 'Closing' })
    await addTo(owner, id, steady, 'VIEWER')
    const { unaffected, ...stage } = await between(id)
    return {
      ...stage,
      unaffected: [...unaffected, await still()],
      chatId: (await openChat(outsider, { projectId: id })).id,
      secret: outsider.tokens.accessToken,
      revoke: async () => {
        const input = { id, expectedVersion: 1, visibility: 'PRIVATE' } as const
        return [(await owner.mutate(UpdateProjectDocument, { input })).updateProject.__typename]
      },
      answer: 'Project',
      ...unseen,
    }
  },
  'page moved away': async () => {
    const projectId = await createProject(owner, { name: 'Closed', visibility: 'PRIVATE' })
    await addTo(owner, projectId, steady, 'VIEWER')
    const { unaffected, ...stage } = await between()
    const move = async ({ id }: { id: string }) =>
      (await owner.mutate(MovePageDocument, { input: { id, projectId } })).movePage.__typename
    return {
      ...stage,
      unaffected: [...unaffected, await still()],
      secret: outsider.tokens.accessToken,
      revoke: () => Promise.all([stage.quiet, stage.busy].map(move)),
      answer: 'Page',
      ...unseen,
    }
  },
  'key revoked': async () => {
    const { id, secret } = await makeKey(steady)
    const onFirst = createTestClient(one.url, () => steady.tokens.accessToken)
    return {
      ...(await between()),
      secret,
      revoke: async () => [(await onFirst.mutate(RevokeApiKeyDocument, { input: { id } })).revokeApiKey.__typename],
      answer: 'ApiKey',
      ...out,
      reason: 'SESSION_ENDED',
    }
  },
  'agent disabled': async () => {
    const { id } = await makeAgent(steady)
    return {
      ...(await between()),
      secret: await tokenOf(steady, { id }),
      revoke: async () => [(await owner.mutate(DisableAgentDocument, { input: { id } })).disableAgent.__typename],
      answer: 'Agent',
      ...out,
      reason: 'SESSION_ENDED',
    }
  },
  'organization deleted': async () => {
    const { quiet, busy, author } = await between()
    const { organizationId: id } = owner
    // What is in another organization goes on, also of somebody who was a member of this one.
    const home = await signIn(other, steady.email)
    const socket = await signedIn(other.url, home.tokens.accessToken)
    onTestFinished(async () => {
      socket.ws.close()
      await home.close()
    })
    return {
      ...{ quiet, busy, author },
      unaffected: [{ socket, page: await createPage(home, 'At home'), author: home }],
      secret: steady.tokens.accessToken,
      revoke: async () => {
        const { deleteOrganization } = await owner.mutate(DeleteOrganizationDocument, { input: { id } })
        return [deleteOrganization.__typename]
      },
      answer: 'DeletedOrganization',
      ...out,
      reason: 'ACCESS_REMOVED',
      reader: async () => {
        const again = await signIn(one, owner.email)
        onTestFinished(() => again.close())
        const { restoreOrganization } = await again.mutate(RestoreOrganizationDocument, { input: { id } })
        expect(restoreOrganization.__typename).toBe('Organization')
        return owner
      },
    }
  },
}

const figures: number[] = []

for (const [name, prepare] of Object.entries(revocations)) {
  test(`access that ends on one node ends on the other, and nobody else’s: ${name}`, async () => {
    const overMillis = await revoked(other, name, await prepare())
    figures.push(overMillis)
    console.log(`slowest so far: ${Math.round(Math.max(...figures))} ms`)
    expect(overMillis).toBeLessThan(limitMillis)
  })
}

for (const name of ['project made private', 'key revoked']) {
  test(`without Redis as well, and streams end by the tick: ${name}`, async () => {
    const prepare = revocations[name]
    if (prepare === undefined) throw new Error(`There is no ${name}`)
    onTestFinished(() => redis.start())
    const overMillis = await revoked(other, `${name}, without Redis`, await prepare(), () => redis.stop())
    expect(overMillis).toBeLessThan(tickLimitMillis)
  })
}
