import { type GraphQLInputField, getNamedType, getNullableType, isInputObjectType, isListType, print } from 'graphql'
import { expect } from 'vitest'
import { schema } from '../../src/schema.ts'
import * as documents from '../gql/graphql.ts'
import { test, type World } from '../kit/test.ts'

// What is said of a broken rule is said to people: no words of the library that checks it.

const mutations = Object.values(schema.getMutationType()?.getFields() ?? {})
const newcomer = { email: 'rules@example.org', password: 'Correct-Horse-1', displayName: 'Rules' }
const device = { deviceName: 'A test', deviceToken: 'x' }
const unknown = 'project_01h00000000000000000000000'

/** Input of each mutation in which every place is filled; none of it need succeed. */
const settings = { temperature: 1, maxTokens: 1, reasoning: 'LOW', tools: ['readPage'], maxIterations: 1 }
const inputs: Readonly<Record<string, (world: Pick<World, 'page'>) => object>> = {
  register: () => ({ ...newcomer, password: 'weak-password', username: 'rules', ...device }),
  login: () => ({ identifier: 'rules', password: 'x', ...device }),
  refreshTokens: () => ({ refreshToken: 'x', deviceToken: 'x' }),
  verifyEmail: () => ({ token: 'x', password: 'x' }),
  resendVerification: () => ({ email: newcomer.email }),
  requestPasswordReset: () => ({ email: newcomer.email }),
  resetPassword: () => ({ token: 'x', newPassword: 'weak-password' }),
  changePassword: () => ({ currentPassword: 'x', newPassword: 'weak-password' }),
  updateProfile: () => ({ displayName: 'Alice', username: 'rules', avatarUrl: 'https://example.org/a.png' }),
  deleteAccount: () => ({ password: 'x' }),
  createUser: () => ({ email: newcomer.email, displayName: 'Rules', username: 'rules', idempotencyKey: 'rules' }),
  updateUser: () => ({ id: unknown, displayName: 'Rules', username: 'rules' }),
  suspendUser: () => ({ id: unknown, reason: 'x' }),
  reinstateUser: () => ({ id: unknown }),
  deleteUser: () => ({ id: unknown }),
  revokeDeviceSession: () => ({ id: unknown }),
  revokeOtherDeviceSessions: () => ({}),
  logout: () => ({ refreshToken: 'x' }),
  createOrganization: () => ({ name: 'x', slug: 'rules', idempotencyKey: 'rules' }),
  updateOrganization: () => ({ id: unknown, name: 'x', slug: 'rules', expectedVersion: 1 }),
  deleteOrganization: () => ({ id: unknown }),
  restoreOrganization: () => ({ id: unknown }),
  setOrganizationTier: () => ({ id: unknown, tier: 'PRO' }),
  grantCredits: () => ({ organizationId: unknown, amountMillionths: '1', idempotencyKey: 'rules' }),
  updateSpendingRules: () => ({ sessionCapMillionths: '1', agentCapMillionths: '1' }),
  switchOrganization: () => ({ organizationId: unknown }),
  updateMemberRole: () => ({ id: unknown, role: 'VIEWER' }),
  removeMember: () => ({ id: unknown }),
  leaveOrganization: () => ({ id: unknown }),
  inviteMember: () => ({ email: newcomer.email, role: 'VIEWER' }),
  revokeInvitation: () => ({ id: unknown }),
  acceptInvitation: () => ({ token: 'x' }),
  createApiKey: () => ({ name: 'x', permissions: ['page.read'], expiresAt: '2100-01-01T00:00:00Z' }),
  rotateApiKey: () => ({ id: unknown }),
  revokeApiKey: () => ({ id: unknown }),
  createAgent: () => ({
    ...{ displayName: 'An agent', avatarUrl: 'https://example.org/a.png', kind: 'CUSTOM', trustLevel: 'WRITE' },
    ...{ permissions: ['page.read'], idempotencyKey: 'rules' },
  }),
  updateAgent: () => ({
    ...{ id: unknown, expectedVersion: 1, displayName: 'An agent', avatarUrl: 'https://example.org/a.png' },
    ...{ trustLevel: 'WRITE', permissions: ['page.read'] },
  }),
  issueAgentToken: () => ({ agentId: unknown, ttlSeconds: 1 }),
  disableAgent: () => ({ id: unknown }),
  createProject: () => ({ name: 'x', description: 'x', idempotencyKey: 'rules' }),
  updateProject: () => ({ id: unknown, expectedVersion: 1, name: 'x', description: 'x' }),
  archiveProject: () => ({ id: unknown }),
  restoreProject: () => ({ id: unknown }),
  deleteProject: () => ({ id: unknown }),
  setProjectMember: () => ({ projectId: unknown, userId: unknown, role: 'VIEWER' }),
  removeProjectMember: () => ({ projectId: unknown, userId: unknown }),
  movePage: () => ({ id: unknown, projectId: unknown, parentId: unknown, afterId: unknown, expectedVersion: 1 }),
  createPage: () => ({
    ...{ title: 'x', icon: 'x', coverImage: 'https://example.org/a.png', language: 'en' },
    ...{ projectId: unknown, parentId: unknown, afterId: unknown, idempotencyKey: 'rules' },
  }),
  updatePage: () => ({
    ...{ id: unknown, expectedVersion: 1, title: 'x', icon: 'x', coverImage: 'https://example.org/a.png' },
    language: 'en',
  }),
  archivePage: () => ({ id: unknown }),
  restorePage: () => ({ id: unknown }),
  deletePage: () => ({ id: unknown }),
  duplicatePage: () => ({ id: unknown, title: 'x', idempotencyKey: 'rules' }),
  createChatSession: () => ({
    title: 'x',
    projectId: unknown,
    model: 'x',
    participantIds: [unknown],
    context: {},
    idempotencyKey: 'rules',
  }),
  updateChatSession: () => ({
    ...{ id: unknown, expectedVersion: 1, title: 'x', model: 'x' },
    ...{ projectId: unknown, context: {} },
  }),
  archiveChatSession: () => ({ id: unknown }),
  deleteChatSession: () => ({ id: unknown }),
  addChatParticipant: () => ({ id: unknown, userId: unknown }),
  removeChatParticipant: () => ({ id: unknown, userId: unknown }),
  sendMessage: () => ({
    ...{ sessionId: unknown, content: 'x', parentId: unknown, model: 'x', metadata: {} },
    ...{ settings, idempotencyKey: 'rules' },
  }),
  editMessage: () => ({ id: unknown, content: 'x', model: 'x', metadata: {}, settings, idempotencyKey: 'rules' }),
  regenerateMessage: () => ({ id: unknown, model: 'x', settings, idempotencyKey: 'rules' }),
  stopGeneration: () => ({ messageId: unknown }),
  approveToolCall: () => ({ id: unknown, digest: 'x' }),
  rejectToolCall: () => ({ id: unknown, digest: 'x' }),
  createTag: () => ({ name: 'x', color: '#000000', idempotencyKey: 'rules' }),
  updateTag: () => ({ id: unknown, expectedVersion: 1, name: 'x', color: '#000000' }),
  deleteTag: () => ({ id: unknown }),
  createLink: () => ({ sourceBlockId: unknown, url: 'https://example.org', idempotencyKey: 'rules' }),
  deleteLink: () => ({ id: unknown }),
  tagPage: () => ({ pageId: unknown, tagId: unknown }),
  untagPage: () => ({ pageId: unknown, tagId: unknown }),
  moveBlock: () => ({ id: 'block_01h00000000000000000000000', expectedVersion: 1 }),
  convertBlock: () => ({ id: 'block_01h00000000000000000000000', type: 'QUOTE', expectedVersion: 1 }),
  deleteBlock: () => ({ id: 'block_01h00000000000000000000000', expectedVersion: 1 }),
  editBlockText: () => ({ id: unknown, update: 'AAA=' }),
  // Without the version that the content needs: a rule of two fields.
  updateBlock: () => ({ id: unknown, text: 'x', content: {}, expectedTextVersion: 1 }),
  splitBlock: () => ({ id: unknown, index: 0, expectedTextVersion: 1 }),
  mergeBlocks: () => ({ id: unknown, intoId: unknown, expectedVersion: 1 }),
  createBlocks: ({ page }) => ({ pageId: page.id, blocks: [{ type: 'CODE', text: 'x' }], idempotencyKey: 'rules' }),
}
const ourWords =
  /^(is empty|is not valid|is needed with [a-z]+|is no color like #1d4ed8|is no http, https or mailto address|either this or an address|holds [a-z ]+|at (least|most) [\d,]+ [a-z]+|at (least|most) one [a-z]+|not an e-mail address|is not above 0|is below 0|is more than an? [a-z ]+|3 to \d+ .+)$/
const badTexts = ['', ' ', 'x', 'x'.repeat(30_000), 'a\nb', 'a\u202eb', 'a\0b', '\ud800']

/** The same input many times, each with one bad value in one place. */
function* spoiled(fields: readonly GraphQLInputField[], input: Record<string, unknown>): Generator<object> {
  for (const field of fields) {
    const value = input[field.name]
    const type = getNamedType(field.type)
    const isList = isListType(getNullableType(field.type))
    const put = (bad: unknown) => ({ ...input, [field.name]: bad })
    if (isList) yield* [put([]), put(Array(300).fill((value as unknown[])[0]))]
    if (isInputObjectType(type)) {
      const item = (isList ? (value as unknown[])[0] : value) as Record<string, unknown> | undefined
      for (const bad of spoiled(Object.values(type.getFields()), item ?? {})) yield put(isList ? [bad] : bad)
    } else if (['String', 'EmailAddress', 'Base64'].includes(type.name)) {
      for (const bad of badTexts) yield put(bad)
    } else if (type.name === 'BigInt') {
      for (const bad of ['-1', `1${'0'.repeat(37)}`]) yield put(bad)
    }
  }
}

test('every mutation is tried', () => {
  expect(Object.keys(inputs).toSorted()).toEqual(mutations.map((field) => field.name).toSorted())
})

// An id that is none is answered as one of nothing, and breaks no rule.
const ruleless = [
  'splitBlock',
  'mergeBlocks',
  'moveBlock',
  'convertBlock',
  'deleteBlock',
  'stopGeneration',
  'revokeDeviceSession',
  'revokeOtherDeviceSessions',
  'rotateApiKey',
  'revokeApiKey',
  'issueAgentToken',
  'disableAgent',
  'reinstateUser',
  'deleteUser',
  'archiveProject',
  'restoreProject',
  'deleteProject',
  'archiveChatSession',
  'deleteChatSession',
  'addChatParticipant',
  'removeChatParticipant',
  'setProjectMember',
  'removeProjectMember',
  'movePage',
  'deleteTag',
  'deleteLink',
  'tagPage',
  'untagPage',
  'archivePage',
  'restorePage',
  'deletePage',
  'deleteOrganization',
  'restoreOrganization',
  'setOrganizationTier',
  'switchOrganization',
  'updateMemberRole',
  'removeMember',
  'leaveOrganization',
  'revokeInvitation',
]
const ruled = mutations.filter((field) => !ruleless.includes(field.name))

test.for(ruled.map((field) => field.name))(
  'every broken rule of %s is in our own words',
  async (name, { alice, page }) => {
    const type = schema.getMutationType()?.getFields()[name]?.args[0]?.type
    const inputType = type && getNamedType(type)
    if (!isInputObjectType(inputType)) throw new Error(`${name} has no input`)
    const text = `mutation ($input: ${type}) { ${name}(input: $input) { ... on InvalidInput { fields { message } } } }`
    const told = new Set<string>()
    for (const input of spoiled(Object.values(inputType.getFields()), { ...inputs[name]?.({ page }) })) {
      const { data } = await alice.send(text, { input })
      const result = (data as Record<string, { fields?: { message: string }[] }> | null | undefined)?.[name]
      for (const { message } of result?.fields ?? []) told.add(message)
    }
    expect(told.size).toBeGreaterThan(1)
    expect([...told].filter((message) => /expected|Too (small|big)|Invalid/.test(message))).toEqual([])
    expect([...told].filter((message) => !ourWords.test(message))).toEqual([])
  },
)

test('a name shown on one line holds nothing that could dress it up', async ({ alice }) => {
  const name = async (text: string) => {
    const { data } = await alice.send(documents.CreateProjectDocument, { input: { name: text } })
    const made = data?.createProject
    return made?.__typename === 'InvalidInput'
      ? made.fields.map((field) => [...field.path, field.message])
      : made?.__typename
  }
  const codes = [0x01, 0x0a, 0x09, 0x1b, 0x7f, 0x85, 0x9f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069]
  for (const code of codes) {
    const told = await name(`a${String.fromCodePoint(code)}b`)
    expect([code.toString(16), told]).toEqual([code.toString(16), [['name', 'holds control characters']]])
  }
  // What writing needs stays: marks of direction, joiners, spaces, the neighbours of what is refused.
  for (const text of ['שלום\u200f!', '👩‍👩‍👧', 'می\u200cخواهم', 'a\u00a0b', 'a\u202fb', 'a\u2065b'])
    expect([text, await name(text)]).toEqual([text, 'Project'])
})

test('each text that is shown on one line keeps to that rule, and a block’s text need not', async ({ alice, page }) => {
  const bad = 'abc\u202edef'
  const pathsOf = async (document: Parameters<typeof print>[0], input: object) => {
    const { data } = await alice.send<Record<string, { __typename: string; fields?: { path: string[] }[] }>, object>(
      print(document),
      { input },
    )
    const [result] = Object.values(data ?? {})
    return result?.fields?.map((field) => field.path.join('.')).toSorted() ?? result?.__typename
  }
  const account = { ...newcomer, displayName: bad, username: bad, deviceName: bad, email: `${bad}@example.org` }
  expect(await pathsOf(documents.RegisterDocument, account)).toEqual(['deviceName', 'displayName', 'email', 'username'])
  expect(await pathsOf(documents.CreateTagDocument, { name: bad })).toEqual(['name'])
  expect(await pathsOf(documents.CreatePageDocument, { title: bad, icon: bad })).toEqual(['icon', 'title'])
  expect(await pathsOf(documents.CreateProjectDocument, { name: 'a', description: 'a\nb' })).toBe('Project')
  expect(await pathsOf(documents.CreateBlocksDocument, { pageId: page.id, blocks: [{ text: bad }] })).toBe(
    'CreatedBlocks',
  )
})
