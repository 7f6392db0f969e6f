import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type FieldNode, getVariableValues, Kind, type OperationDefinitionNode, parse, print, validate } from 'graphql'
import { describe, expect } from 'vitest'
import { schema } from '../../src/schema.ts'
import { tour } from '../../src/transport/graphiql-tour.ts'
import {
  ArchivePageDocument,
  AuditEventsDocument,
  type CreateBlocksMutationVariables,
  CreateProjectDocument,
  DeleteProjectDocument,
  OrganizationDocument,
  ProjectDocument,
  RequestPasswordResetDocument,
  SetProjectMemberDocument,
  ViewerDocument,
} from '../gql/graphql.ts'
import { askAndWait } from '../kit/chat.ts'
import { indexed, makePlatformAdmin } from '../kit/inside.ts'
import { makeLink } from '../kit/links.ts'
import { mailedToken } from '../kit/mails.ts'
import { found, foundAndDelete, invite, join, membershipIn } from '../kit/organizations.ts'
import { type Person, signIn, signUp, signUpInto } from '../kit/people.ts'
import { makeAgent, makeKey } from '../kit/programs.ts'
import { makeTag, mark } from '../kit/tags.ts'
import { ask, createPage, openChat, test, type World, write } from '../kit/test.ts'
import { have, untilAsked } from '../modules/chat/tools/stage.ts'
import { base64, copyOf, edit } from '../modules/ocean/blocks/typist.ts'

// schema/operations/ is the manual of the API: one document per root field, each of which works as it stands.

const folder = 'schema/operations'
const documents = readdirSync(folder).map((file) => ({
  file,
  name: basename(file, '.graphql'),
  document: parse(readFileSync(`${folder}/${file}`, 'utf8')),
}))
const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
const rootFields = roots.flatMap((type) => Object.keys(type?.getFields() ?? {}))

/** How an operation is tried: by whom, with which variables, and for a subscription what there is to hear. */
interface Trial {
  readonly variables: object
  readonly provoke?: () => Promise<unknown>
}
type Stage = Pick<World, 'server' | 'alice' | 'page'>

const onBehalfOf = { deviceName: 'A test' }
const trials: Readonly<Record<string, (stage: Stage) => Trial | Promise<Trial>>> = {
  auditEvents: ({ alice }) => ({ variables: { first: 1, filter: { actorId: alice.userId, action: 'user.register' } } }),
  auditEventRecorded: async ({ alice, page }) => ({
    variables: { after: (await alice.query(AuditEventsDocument, { first: 1 })).auditEvents.eventsCursor },
    provoke: () => write(alice, page.id, 'something to write down'),
  }),
  block: async ({ alice, page }) => ({ variables: { id: (await write(alice, page.id, 'a text'))[0] } }),
  node: ({ page }) => ({ variables: { id: page.id } }),
  nodes: ({ alice, page }) => ({ variables: { ids: [page.id, alice.userId, alice.organizationId] } }),
  search: async ({ server, alice, page }) => {
    await write(alice, page.id, 'The kitchen is closed.')
    await indexed(server, alice)
    return { variables: { query: 'closed kitchens', filter: { types: ['BLOCK'] }, first: 1 } }
  },
  page: async ({ alice, page }) => {
    await write(alice, page.id, 'a', 'b')
    return { variables: { id: page.id, first: 1 } }
  },
  pages: async ({ alice }) => {
    const projectId = await createProject(alice)
    await createPage(alice, 'Elsewhere')
    return { variables: { first: 1, filter: { projectId } } }
  },
  organization: ({ alice }) => ({ variables: { id: alice.organizationId, first: 5 } }),
  invitation: async ({ server, alice }) => ({
    variables: { token: await invite(server, alice, `offered-${alice.email}`) },
  }),
  createOrganization: ({ alice }) => ({
    variables: { input: { name: 'A team', slug: `team-${alice.userId.slice(-20)}`, idempotencyKey: 'once' } },
  }),
  updateOrganization: ({ alice }) => ({
    variables: {
      input: { id: alice.organizationId, settings: { a: [1] }, agentTrustLimit: 'SUGGEST', expectedVersion: 1 },
    },
  }),
  deleteOrganization: ({ alice }) => ({ variables: { input: { id: alice.organizationId, expectedVersion: 1 } } }),
  restoreOrganization: async ({ alice }) => ({ variables: { input: { id: await foundAndDelete(alice) } } }),
  setOrganizationTier: async ({ server, alice }) => {
    await makePlatformAdmin(server, alice)
    return { variables: { input: { id: alice.organizationId, tier: 'PRO' } } }
  },
  grantCredits: async ({ server, alice }) => {
    await makePlatformAdmin(server, alice)
    return { variables: { input: { organizationId: alice.organizationId, amountMillionths: '1000000' } } }
  },
  updateSpendingRules: () => ({
    variables: { input: { isPaused: false, sessionCapMillionths: '2000000', agentCapMillionths: '1000000' } },
  }),
  usage: async ({ alice }) => {
    await askAndWait(alice, { sessionId: (await openChat(alice)).id })
    const year = new Date().getUTCFullYear()
    return {
      variables: {
        input: { from: `${year}-01-01T00:00:00Z`, to: `${year + 1}-01-01T00:00:00Z`, groupBy: ['MODEL', 'ACTOR'] },
      },
    }
  },
  estimateCompletion: async ({ alice }) => ({
    variables: { input: { sessionId: (await openChat(alice)).id, content: 'How deep is the sea?' } },
  }),
  switchOrganization: async ({ alice }) => ({ variables: { input: { organizationId: await found(alice) } } }),
  updateMemberRole: async (stage) => ({ variables: { input: { id: await memberOf(stage), role: 'ADMIN' } } }),
  removeMember: async (stage) => ({ variables: { input: { id: await memberOf(stage) } } }),
  leaveOrganization: async ({ server, alice }) => {
    const host = await signUp(server, 'Host')
    return { variables: { input: { id: await join(server, host, alice) } } }
  },
  inviteMember: ({ alice }) => ({ variables: { input: { email: `invited-${alice.email}`, role: 'EDITOR' } } }),
  revokeInvitation: async ({ server, alice }) => {
    await invite(server, alice, `revoked-${alice.email}`)
    const { organization } = await alice.query(OrganizationDocument, {})
    return { variables: { input: { id: organization?.invitations?.nodes[0]?.id } } }
  },
  acceptInvitation: async ({ server, alice }) => {
    const host = await signUp(server, 'Host')
    return { variables: { input: { token: await invite(server, host, alice.email) } } }
  },
  project: async ({ alice }) => ({ variables: { id: await createProject(alice) } }),
  projects: async ({ alice }) => {
    await createProject(alice)
    return { variables: { first: 1, filter: { name: 'plan' } } }
  },
  viewer: () => ({ variables: {} }),
  createBlocks: async ({ alice, page }) => ({
    variables: {
      input: {
        pageId: page.id,
        afterId: (await write(alice, page.id, 'what it follows', 'what it comes before'))[0],
        blocks: [
          { type: 'QUOTE', text: 'a' },
          { text: 'b', parentIndex: 0 },
        ],
        idempotencyKey: 'once',
      },
    } satisfies CreateBlocksMutationVariables,
  }),
  moveBlock: async ({ alice, page }) => {
    const [id, beforeId] = (await write(alice, page.id, 'a', 'b')).toReversed()
    return { variables: { input: { id, pageId: page.id, beforeId, expectedVersion: 1 } } }
  },
  convertBlock: async ({ alice, page }) => ({
    variables: { input: { id: (await write(alice, page.id, 'a'))[0], type: 'TO_DO', content: { checked: true } } },
  }),
  editBlockText: async ({ alice, page }) => {
    const [id = ''] = await write(alice, page.id, 'a')
    const update = base64(edit(await copyOf(alice, id), (text) => text.insert(1, 'b', { bold: true })))
    return { variables: { input: { id, update } } }
  },
  updateBlock: async ({ alice, page }) => {
    const [id] = await write(alice, page.id, 'a')
    const versions = { expectedVersion: 1, expectedTextVersion: 1 }
    return { variables: { input: { id, text: 'b', content: {}, ...versions } } }
  },
  splitBlock: async ({ alice, page }) => ({
    variables: { input: { id: (await write(alice, page.id, 'ab'))[0], index: 1, expectedTextVersion: 1 } },
  }),
  mergeBlocks: async ({ alice, page }) => {
    const [intoId, id] = await write(alice, page.id, 'a', 'b')
    return { variables: { input: { id, intoId, expectedVersion: 1 } } }
  },
  deleteBlock: async ({ alice, page }) => ({
    variables: { input: { id: (await write(alice, page.id, 'a'))[0], expectedVersion: 1 } },
  }),
  createPage: async ({ alice }) => ({
    variables: {
      input: { title: 'A page', icon: '🌊', projectId: await createProject(alice), idempotencyKey: 'once' },
    },
  }),
  createProject: () => ({ variables: { input: { name: 'A plan', description: 'To do it', idempotencyKey: 'once' } } }),
  updateProject: async ({ alice }) => ({
    variables: {
      input: {
        id: await createProject(alice),
        expectedVersion: 1,
        name: 'Another plan',
        description: 'To do it well',
        settings: { color: 'blue' },
        visibility: 'PRIVATE',
      },
    },
  }),
  archiveProject: async ({ alice }) => ({ variables: { input: { id: await createProject(alice) } } }),
  restoreProject: async ({ alice }) => {
    const id = await createProject(alice)
    await alice.mutate(DeleteProjectDocument, { input: { id } })
    return { variables: { input: { id } } }
  },
  deleteProject: async ({ alice }) => ({ variables: { input: { id: await createProject(alice) } } }),
  setProjectMember: async ({ server, alice }) => ({
    variables: { input: { ...(await placeFor(server, alice)), role: 'VIEWER' } },
  }),
  removeProjectMember: async ({ server, alice }) => {
    const place = await placeFor(server, alice)
    await alice.mutate(SetProjectMemberDocument, { input: { ...place, role: 'VIEWER' } })
    return { variables: { input: place } }
  },
  movePage: async ({ alice, page }) => ({
    variables: { input: { id: page.id, projectId: await createProject(alice), expectedVersion: 1 } },
  }),
  tags: async ({ alice, page }) => {
    await mark(alice, page, await makeTag(alice, 'Sea'))
    return { variables: { first: 1 } }
  },
  createTag: () => ({ variables: { input: { name: 'Sea', color: '#0000ff', idempotencyKey: 'once' } } }),
  updateTag: async ({ alice }) => ({
    variables: { input: { id: (await makeTag(alice, 'Sea')).id, expectedVersion: 1, name: 'Ocean', color: '#0000ff' } },
  }),
  deleteTag: async ({ alice }) => ({ variables: { input: { id: (await makeTag(alice, 'Sea')).id } } }),
  tagPage: async ({ alice, page }) => ({
    variables: { input: { pageId: page.id, tagId: (await makeTag(alice, 'Sea')).id } },
  }),
  createLink: async ({ alice, page }) => {
    const [sourceBlockId] = await write(alice, page.id, 'a text')
    return { variables: { input: { sourceBlockId, targetId: page.id, idempotencyKey: 'once' } } }
  },
  deleteLink: async ({ alice, page }) => {
    const [sourceBlockId = ''] = await write(alice, page.id, 'a text')
    const link = await makeLink(alice, { sourceBlockId, url: 'https://example.org' })
    return { variables: { input: { id: link.id } } }
  },
  untagPage: async ({ alice, page }) => {
    const tag = await makeTag(alice, 'Sea')
    await mark(alice, page, tag)
    return { variables: { input: { pageId: page.id, tagId: tag.id } } }
  },
  updatePage: ({ page }) => ({
    variables: {
      input: {
        id: page.id,
        expectedVersion: 1,
        title: 'Another',
        icon: null,
        coverImage: 'https://example.org/a.png',
        language: 'en',
      },
    },
  }),
  archivePage: ({ page }) => ({ variables: { input: { id: page.id } } }),
  restorePage: async ({ alice, page }) => {
    await alice.mutate(ArchivePageDocument, { input: { id: page.id } })
    return { variables: { input: { id: page.id } } }
  },
  deletePage: ({ page }) => ({ variables: { input: { id: page.id } } }),
  duplicatePage: ({ page }) => ({
    variables: { input: { id: page.id, title: 'A copy', withChildren: true, idempotencyKey: 'once' } },
  }),
  projectEvents: async ({ alice }) => {
    const projectId = await createProject(alice)
    const { project } = await alice.query(ProjectDocument, { id: projectId })
    return {
      variables: { projectId, after: project?.eventsCursor },
      provoke: () => createPage(alice, 'Something to hear', projectId),
    }
  },
  login: ({ alice }) => ({
    variables: { input: { ...onBehalfOf, identifier: alice.email, password: alice.password } },
  }),
  logout: () => ({ variables: { input: {} } }),
  refreshTokens: ({ alice }) => ({ variables: { input: { refreshToken: alice.tokens.refreshToken } } }),
  register: ({ alice }) => ({
    variables: {
      input: {
        ...onBehalfOf,
        email: `new-${alice.email}`,
        password: alice.password,
        displayName: 'Newcomer',
        username: `new-${alice.userId.slice(-20)}`,
      },
    },
  }),
  updateProfile: () => ({
    variables: { input: { displayName: 'Alice B', avatarUrl: 'https://example.org/a.png', preferences: { a: [1] } } },
  }),
  changePassword: ({ alice }) => ({
    variables: { input: { currentPassword: alice.password, newPassword: 'Another-Horse-2' } },
  }),
  deleteAccount: ({ alice }) => ({ variables: { input: { password: alice.password } } }),
  revokeDeviceSession: async ({ alice }) => ({
    variables: { input: { id: (await alice.query(ViewerDocument, {})).viewer?.deviceSessions.nodes[0]?.id } },
  }),
  revokeOtherDeviceSessions: async ({ alice }) => {
    await (await signIn(alice, alice.email)).close()
    return { variables: { input: {} } }
  },
  createApiKey: () => ({
    variables: { input: { name: 'A key', permissions: ['page.read'], expiresAt: '2100-01-01T00:00:00Z' } },
  }),
  rotateApiKey: async ({ alice }) => ({ variables: { input: { id: (await makeKey(alice)).id } } }),
  revokeApiKey: async ({ alice }) => ({ variables: { input: { id: (await makeKey(alice)).id } } }),
  createAgent: () => ({
    variables: {
      input: {
        displayName: 'An agent',
        avatarUrl: 'https://example.org/a.png',
        kind: 'CLAUDE',
        trustLevel: 'SUGGEST',
        permissions: ['page.read'],
        idempotencyKey: 'once',
      },
    },
  }),
  updateAgent: async ({ alice }) => ({
    variables: {
      input: {
        id: (await makeAgent(alice)).id,
        expectedVersion: 1,
        displayName: 'Another',
        avatarUrl: null,
        trustLevel: 'READ_ONLY',
        permissions: ['page.read'],
      },
    },
  }),
  issueAgentToken: async ({ alice }) => ({
    variables: { input: { agentId: (await makeAgent(alice)).id, ttlSeconds: 60 } },
  }),
  disableAgent: async ({ alice }) => ({ variables: { input: { id: (await makeAgent(alice)).id } } }),
  resendVerification: ({ alice }) => ({ variables: { input: { email: alice.email } } }),
  requestPasswordReset: ({ alice }) => ({ variables: { input: { email: alice.email } } }),
  verifyEmail: async ({ server, alice }) => ({
    variables: { input: { token: await mailedToken(server, alice, /verify-email/) } },
  }),
  resetPassword: async ({ server, alice }) => {
    await alice.mutate(RequestPasswordResetDocument, { input: { email: alice.email } })
    const token = await mailedToken(server, alice, /reset-password/)
    return { variables: { input: { token, newPassword: 'Another-Horse-2' } } }
  },
  users: async (stage) => {
    await administer(stage)
    return { variables: { first: 1, filter: { text: 'ali', isSuspended: false, isPlatformAdmin: true } } }
  },
  createUser: async (stage) => {
    await administer(stage)
    const input = { email: `made-${stage.alice.email}`, displayName: 'Made', idempotencyKey: 'once' }
    return { variables: { input } }
  },
  updateUser: async (stage) => ({ variables: { input: { id: await administer(stage), displayName: 'Renamed' } } }),
  suspendUser: async (stage) => ({ variables: { input: { id: await administer(stage), reason: 'A test' } } }),
  reinstateUser: async (stage) => ({ variables: { input: { id: await administer(stage) } } }),
  deleteUser: async (stage) => ({ variables: { input: { id: await administer(stage) } } }),
  viewerEvents: async ({ alice }) => ({
    variables: { after: (await alice.query(ViewerDocument, {})).viewer?.eventsCursor },
    provoke: async () => (await signIn(alice, alice.email)).close(),
  }),
  models: () => ({ variables: {} }),
  providers: () => ({ variables: {} }),
  countTokens: () => ({ variables: { input: { model: 'openai/gpt-5', text: 'How deep is the sea?' } } }),
  // The embedder of the tests.
  embed: () => ({ variables: { input: { model: 'fake/words', texts: ['How deep is the sea?'] } } }),
  chatSession: async ({ alice }) => {
    const session = await openChat(alice)
    await ask(alice, session, 'scenario/words-3')
    return { variables: { id: session.id, last: 2 } }
  },
  chatSessions: async ({ alice }) => {
    await openChat(alice)
    return { variables: { first: 1 } }
  },
  createChatSession: async ({ alice }) => ({
    variables: {
      input: {
        title: 'A chat',
        projectId: await createProject(alice),
        participantIds: [],
        context: { a: [1] },
        idempotencyKey: 'once',
      },
    },
  }),
  updateChatSession: async ({ alice }) => ({
    variables: {
      input: {
        id: (await openChat(alice)).id,
        expectedVersion: 1,
        title: 'Renamed',
        model: 'embedded/extractive',
        projectId: await createProject(alice),
        context: { a: [1] },
      },
    },
  }),
  archiveChatSession: async ({ alice }) => ({
    variables: { input: { id: (await openChat(alice)).id, expectedVersion: 1, archived: true } },
  }),
  deleteChatSession: async ({ alice }) => ({ variables: { input: { id: (await openChat(alice)).id } } }),
  addChatParticipant: async (stage) => {
    const bob = await signUpInto(stage.server, stage.alice, 'Bob', 'VIEWER')
    await bob.close()
    return { variables: { input: { id: (await openChat(stage.alice)).id, userId: bob.userId } } }
  },
  removeChatParticipant: async ({ server, alice }) => {
    const bob = await signUpInto(server, alice, 'Bob', 'VIEWER')
    await bob.close()
    const { id } = await openChat(alice, { participantIds: [bob.userId] })
    return { variables: { input: { id, userId: bob.userId } } }
  },
  sendMessage: async ({ alice }) => ({
    variables: {
      input: {
        sessionId: (await openChat(alice)).id,
        content: 'Anything?',
        model: 'scenario/words-3',
        idempotencyKey: 'once',
      },
    },
  }),
  editMessage: async ({ alice }) => {
    const { question: id } = await askAndWait(alice, { sessionId: (await openChat(alice)).id })
    return {
      variables: { input: { id, content: 'Anything else?', model: 'scenario/words-3', idempotencyKey: 'once' } },
    }
  },
  regenerateMessage: async ({ alice }) => {
    const { answer: id } = await askAndWait(alice, { sessionId: (await openChat(alice)).id })
    return { variables: { input: { id, model: 'scenario/words-3', idempotencyKey: 'once' } } }
  },
  stopGeneration: async ({ alice }) => ({
    variables: { input: { messageId: await ask(alice, await openChat(alice), 'scenario/stall-1') } },
  }),
  approveToolCall: async ({ alice }) => ({ variables: { input: await asked(alice) } }),
  rejectToolCall: async ({ alice }) => ({ variables: { input: await asked(alice) } }),
  chatEvents: async ({ alice }) => {
    const session = await openChat(alice)
    return {
      variables: { sessionId: session.id, after: session.eventsCursor },
      provoke: () => ask(alice, session, 'scenario/words-3'),
    }
  },
  pageEvents: ({ alice, page }) => ({
    variables: { pageId: page.id, after: page.eventsCursor },
    provoke: () => write(alice, page.id, 'something to hear'),
  }),
}

/** What a model wants done in a session of its own. */
async function asked(person: Person) {
  const { id: sessionId } = await openChat(person)
  await have(person, sessionId, [[{ name: 'createPage', input: { title: 'Wanted' } }]])
  const { id, digest } = await untilAsked(person, sessionId)
  return { id, digest }
}

test('every root field has a document of its name, and there are no others', () => {
  expect(documents.map(({ file }) => file).sort()).toEqual(rootFields.map((field) => `${field}.graphql`).sort())
})

test('every document has a trial, and there are no others', () => {
  expect(Object.keys(trials).sort()).toEqual(documents.map(({ name }) => name).sort())
})

test('every document is in the tour of GraphiQL, and there are no others', () => {
  expect(Object.keys(tour).sort()).toEqual(documents.map(({ name }) => name).sort())
})

describe.each(documents)('$file', ({ name, document }) => {
  const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
  const operation = operations[0]

  test('asks for its field alone, and is named after it', () => {
    expect(document.definitions).toHaveLength(1)
    expect(operation?.name?.value).toBe(`${name.charAt(0).toUpperCase()}${name.slice(1)}`)
    expect(fieldsOf(operation)).toEqual([name])
    if (operation?.operation === 'mutation') expect(print(document)).toMatch(/on UserError \{\s+code\s+message\s+\}/)
  })

  test('is valid', () => {
    expect(validate(schema, document)).toEqual([])
  })

  test('takes the variables of the tour', () => {
    const example = tour[name] ?? {}
    const definitions = operation?.variableDefinitions ?? []
    const known = definitions.map(({ variable }) => variable.name.value)
    expect(Object.keys(example).filter((key) => !known.includes(key))).toEqual([])
    expect(getVariableValues(schema, definitions, example).errors ?? []).toEqual([])
  })

  test('works', async ({ server, alice, page }) => {
    const trial = await trials[name]?.({ server, alice, page })
    expect(trial, 'no trial').toBeDefined()
    const isSubscription = operation?.operation === 'subscription'
    const data = isSubscription
      ? await hear(alice, document, trial)
      : await alice.query(document as never, trial?.variables)
    const answer = (data as Record<string, unknown>)[name]
    expect(answer).toBeTruthy()
    expect(isFact(answer), JSON.stringify(answer)).toBe(false)
  })
})

test('a document that comes to nothing is noticed', async ({ server }) => {
  const somebody = await signUp(server, 'Somebody')
  const register = documents.find(({ name }) => name === 'register')?.document
  const input = { email: somebody.email, password: somebody.password, displayName: 'Again' }
  const data: Record<string, unknown> = await somebody.query(register as never, { input })
  expect(isFact(data.register)).toBe(true)
  await somebody.close()
})

async function hear(person: Person, document: object, trial: Trial | undefined): Promise<unknown> {
  const subscription = person.subscribe(document as never, trial?.variables)
  await trial?.provoke?.()
  const event = await subscription.next()
  subscription.stop()
  return event
}

function fieldsOf(operation: OperationDefinitionNode | undefined): string[] {
  return (operation?.selectionSet.selections ?? []).map((selection) => (selection as FieldNode).name.value)
}

/** Every document asks a fact for its code, and no success has one. */
function isFact(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'code' in answer
}

/** A new project of the host's, and somebody of their organization. */
async function placeFor(server: World['server'], host: Person) {
  const guest = await signUpInto(server, host, 'Guest', 'GUEST')
  await guest.close()
  return { projectId: await createProject(host), userId: guest.userId }
}

async function memberOf({ server, alice }: Stage): Promise<string> {
  return membershipIn(alice, await signUpInto(server, alice, 'Member', 'EDITOR'))
}

/** Makes alice an administrator of the platform, and somebody for her to deal with. */
async function administer({ server, alice }: Stage): Promise<string> {
  await makePlatformAdmin(server, alice)
  const somebody = await signUp(server, 'Somebody')
  await somebody.close()
  return somebody.userId
}

async function createProject(person: Person): Promise<string> {
  const { createProject: project } = await person.mutate(CreateProjectDocument, { input: { name: 'A plan' } })
  if (project.__typename !== 'Project') throw new Error(`The project came to ${JSON.stringify(project)}`)
  return project.id
}
