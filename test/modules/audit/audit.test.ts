import { expect } from 'vitest'
import { audit } from '../../../src/modules/audit/audit.service.ts'
import { transact } from '../../../src/platform/database/transact.ts'
import { schema } from '../../../src/schema.ts'
import {
  CreateBlocksDocument,
  CreateChatSessionDocument,
  CreatePageDocument,
  CreateProjectDocument,
  LoginDocument,
  LogoutDocument,
  RefreshTokensDocument,
  RegisterDocument,
  SendMessageDocument,
  StopGenerationDocument,
} from '../../gql/graphql.ts'
import { contextOf, setRole, trailOf } from '../../kit/inside.ts'
import { type Person, uuidIn } from '../../kit/people.ts'
import { type Posted, post } from '../../kit/post.ts'
import type { TestServer } from '../../kit/server.ts'
import { ask, openChat, test } from '../../kit/test.ts'

interface Scene {
  readonly server: TestServer
  readonly alice: Person
  readonly pageId: string
}

/** One good use of each mutation, and what the trail says of it. A mutation that is not here fails the test. */
const deeds: Record<string, { action: string; target: RegExp; run: (scene: Scene) => Promise<Posted> }> = {
  register: {
    action: 'user.register',
    target: /^user_/,
    run: ({ server }) => {
      const input = {
        email: `audited-${crypto.randomUUID()}@example.org`,
        password: 'Audited-Pass-1',
        displayName: 'Au',
      }
      return post(server.url, { document: RegisterDocument, variables: { input } })
    },
  },
  login: {
    action: 'session.login',
    target: /^device_session_/,
    run: ({ server, alice }) =>
      post(server.url, {
        document: LoginDocument,
        variables: { input: { identifier: alice.email, password: alice.password } },
      }),
  },
  refreshTokens: {
    action: 'session.refresh',
    target: /^device_session_/,
    run: ({ server, alice }) =>
      post(server.url, {
        document: RefreshTokensDocument,
        variables: { input: { refreshToken: alice.tokens.refreshToken } },
      }),
  },
  createProject: {
    action: 'project.create',
    target: /^project_/,
    run: (scene) => as(scene, { document: CreateProjectDocument, variables: { input: { name: 'Audited' } } }),
  },
  createPage: {
    action: 'page.create',
    target: /^page_/,
    run: (scene) => as(scene, { document: CreatePageDocument, variables: { input: { title: 'Audited' } } }),
  },
  createBlocks: {
    action: 'block.create',
    target: /^page_/,
    run: (scene) => {
      const input = { pageId: scene.pageId, blocks: [{ text: 'one' }, { text: 'two' }] }
      return as(scene, { document: CreateBlocksDocument, variables: { input } })
    },
  },
  createChatSession: {
    action: 'chat_session.create',
    target: /^chat_session_/,
    run: (scene) => as(scene, { document: CreateChatSessionDocument, variables: { input: { title: 'Audited' } } }),
  },
  sendMessage: {
    action: 'message.send',
    target: /^chat_session_/,
    run: async (scene) => {
      const { id: sessionId } = await openChat(scene.alice)
      const input = { sessionId, content: 'Audited?', model: 'scenario/words-1' }
      return as(scene, { document: SendMessageDocument, variables: { input } })
    },
  },
  stopGeneration: {
    action: 'message.stop',
    target: /^message_/,
    run: async (scene) => {
      const messageId = await ask(scene.alice, await openChat(scene.alice), 'scenario/stall-1')
      return as(scene, { document: StopGenerationDocument, variables: { input: { messageId } } })
    },
  },
  logout: {
    action: 'session.end',
    target: /^device_session_/,
    run: (scene) => as(scene, { document: LogoutDocument, variables: { input: {} } }),
  },
}

function as<Data, Variables>(
  { server, alice }: Scene,
  operation: Pick<Parameters<typeof post<Data, Variables>>[1], 'document' | 'variables'>,
): Promise<Posted> {
  return post(server.url, { ...operation, authorization: `Bearer ${alice.tokens.accessToken}` })
}

test('every mutation leaves one row: who, where, what, to what, in which request; and no secret', async ({
  server,
  alice,
  page,
}) => {
  const mutations = Object.keys(schema.getMutationType()?.getFields() ?? {})
  expect(Object.keys(deeds).toSorted()).toEqual(mutations.toSorted())
  const answers: string[] = []
  for (const [name, deed] of Object.entries(deeds)) {
    const answer = await deed.run({ server, alice, pageId: page.id })
    const answered = JSON.parse(answer.text)
    expect([name, answered.errors, answered.data?.[name]?.code]).toEqual([name, undefined, undefined])
    const isNewcomer = name === 'register'
    expect(await trailOf(server, answer)).toEqual([
      {
        id: expect.any(String),
        organization_id: isNewcomer ? expect.any(String) : uuidIn(alice.organizationId),
        actor: isNewcomer ? expect.stringMatching(/^user_/) : alice.userId,
        action: deed.action,
        target: expect.stringMatching(deed.target),
        outcome: 'allowed',
        address: '127.0.0.1',
        request_id: answer.requestId,
        at: expect.any(Date),
      },
    ])
    answers.push(answer.text)
  }

  const trail = JSON.stringify(
    await server.app.platform.database.unscoped.selectFrom('audit_event').selectAll().execute(),
  )
  const secrets = [alice.password, 'Audited-Pass-1', alice.tokens.accessToken, alice.tokens.refreshToken]
  for (const answer of answers) secrets.push(...(answer.match(/(?<=(?:access|refresh)Token":")[^"]+/g) ?? []))
  expect(secrets).toHaveLength(10)
  for (const secret of secrets) expect(trail.includes(secret)).toBe(false)
  expect(trail).not.toMatch(/eyJ|argon2|@example\.org/)
})

test('a write to what is absent or foreign leaves a denied row: what was asked for, by whom', async ({
  server,
  page,
  bob,
  stranger,
}) => {
  const authorization = `Bearer ${stranger.tokens.accessToken}`
  const by = { actor: stranger.userId, organization_id: uuidIn(stranger.organizationId), outcome: 'denied' }
  const absent = 'page_01h00000000000000000000000'
  for (const pageId of [page.id, absent]) {
    const input = { pageId, blocks: [{ text: 'x' }] }
    const answer = await post(server.url, { document: CreateBlocksDocument, variables: { input }, authorization })
    expect(answer.text).toContain('NOT_FOUND')
    expect(await trailOf(server, answer)).toMatchObject([{ ...by, action: 'block.create', target: pageId }])
  }
  const projectId = 'project_01h00000000000000000000000'
  const within = { document: CreatePageDocument, variables: { input: { title: 'x', projectId } } }
  const missing = await post(server.url, { ...within, authorization })
  expect(await trailOf(server, missing)).toMatchObject([{ ...by, action: 'page.create', target: projectId }])
  await setRole(server, bob, 'VIEWER')
  const forbidden = await post(server.url, { ...within, authorization: `Bearer ${bob.tokens.accessToken}` })
  expect(forbidden.text).toContain('FORBIDDEN')
  expect(await trailOf(server, forbidden)).toMatchObject([
    { action: 'page.create', target: projectId, actor: bob.userId },
  ])

  // Nobody known is not written down: they could fill the table.
  const anonymous = await post(server.url, within)
  expect(anonymous.text).toContain('UNAUTHENTICATED')
  expect(await trailOf(server, anonymous)).toEqual([])
})

test('a deed that is rolled back leaves no row', async ({ server, alice }) => {
  const ctx = await contextOf(server, alice)
  const target = alice.userId
  const failing = transact(ctx, async (tx) => {
    audit(ctx, tx, { action: 'page.create', target })
    await tx.em.flush()
    throw new Error('Changed my mind')
  })
  await expect(failing).rejects.toThrow('Changed my mind')
  expect(await trailOf(server, { requestId: ctx.request.id })).toEqual([])

  await transact(ctx, async (tx) => audit(ctx, tx, { action: 'page.create', target }))
  expect(await trailOf(server, { requestId: ctx.request.id })).toMatchObject([{ actor: alice.userId, target }])
})

test('what changes nothing leaves no row: bad input, a repeated key, a query', async ({ server, alice, page }) => {
  const scene = { server, alice, pageId: page.id }
  const bad = await as(scene, { document: CreatePageDocument, variables: { input: { title: 'x'.repeat(300) } } })
  expect(bad.text).toContain('INVALID_INPUT')
  expect(await trailOf(server, bad)).toEqual([])
  const operation = { document: CreatePageDocument, variables: { input: { title: 'Once', idempotencyKey: 'once' } } }
  expect(await trailOf(server, await as(scene, operation))).toHaveLength(1)
  expect(await trailOf(server, await as(scene, operation))).toEqual([])
})
