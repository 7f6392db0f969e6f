import { expect } from 'vitest'
import { encodeGlobalId } from '../../src/graphql/ids.ts'
import { newUuid } from '../../src/platform/uuid.ts'
import { schema } from '../../src/schema.ts'
import { PageDocument } from '../gql/graphql.ts'
import { makePlatformAdmin } from '../kit/inside.ts'
import { type Person, signUp, uuidIn } from '../kit/people.ts'
import { makeAgent, makeKey } from '../kit/programs.ts'
import type { TestServer } from '../kit/server.ts'
import { test as base, openChat, write } from '../kit/test.ts'
import { listsOf } from './graph.ts'
import { linkLists } from './link-lists.ts'
import { statementsOf } from './statements.ts'

// A list costs the same number of statements whatever its length. Other work of the server may send a statement in
// between, never take one away: the least of several runs is what the document costs.

const RUNS = 5
const FEW = 5
const MANY = 50

interface Library {
  readonly reader: Person
  /** Of the platform, and in an organization of their own. */
  readonly administrator: Person
  readonly pageIds: readonly string[]
  readonly fullProjectId: string
  /** Of whoever is the author of something here. */
  readonly userIds: readonly string[]
  readonly fullPageId: string
  readonly fullSessionId: string
}

/** 50 projects, 50 pages in them and 50 blocks on one of those, each by an author of its own. */
const test = base.extend<{ library: Library }>({
  library: [
    async ({ server }, use) => {
      const reader = await signUp(server, 'Reader')
      const administrator = await signUp(server, 'Administrator')
      await makePlatformAdmin(server, administrator)
      const library = { ...(await furnish(server, reader)), administrator }
      await use(library)
      await reader.close()
      await administrator.close()
    },
    { scope: 'file' },
  ],
})

const actor =
  '{ id displayName avatarUrl ... on User { username email createdAt } ... on Agent { kind viewerCan owner { id } } }'
const project = `{ id name viewerCan owner ${actor} }`
const page = `id title viewerCan eventsCursor createdBy ${actor} updatedBy ${actor} project ${project}`
const pageInfo = 'totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }'

/** Every list of the schema by its coordinate, read with whatever its items are shown with; `$first` items at a time. */
const lists = [
  [
    'pages with their authors and projects',
    'Query.pages',
    `query ($first: Int) { pages(first: $first) { nodes { ${page} } ${pageInfo} } }`,
  ],
  [
    'projects with their owners',
    'Query.projects',
    `query ($first: Int) { projects(first: $first) { nodes ${project} ${pageInfo} } }`,
  ],
  [
    'members of a project with their projects',
    'Project.members',
    `query ($first: Int, $projectId: ID!) { project(id: $projectId) {
      members(first: $first) { nodes { id role member ${actor} project { id name viewerCan } } ${pageInfo} }
    } }`,
  ],
  [
    'projects with the first of their members',
    'Query.projects',
    `query ($first: Int) { projects(first: $first) { nodes { id viewerCan members(first: 2) { nodes { id member ${actor} } } } } }`,
  ],
  [
    'blocks with their authors, page and what they stand in',
    'Page.blocks',
    `query ($first: Int, $pageId: ID!) { page(id: $pageId) {
      blocks(first: $first) { nodes { id text depth parent { id text } createdBy ${actor} updatedBy ${actor} page { ${page} } } ${pageInfo} }
    } }`,
  ],
  [
    'pages with the first of their blocks',
    'Query.pages',
    `query ($first: Int) { pages(first: $first) { nodes {
      blocks(first: 2) { nodes { id text createdBy ${actor} } ${pageInfo} }
      last: blocks(last: 1) { nodes { id page { id } } }
    } } }`,
  ],
  [
    'chat sessions with their people and last messages',
    'Query.chatSessions',
    `query ($first: Int) { chatSessions(first: $first) { nodes {
      id title model { id } createdBy ${actor} participants ${actor} project ${project}
      messages(last: 1) { nodes { id content author ${actor} model { id } session { id } } ${pageInfo} }
    } ${pageInfo} } }`,
  ],
  [
    'messages with their authors',
    'ChatSession.messages',
    `query ($first: Int, $sessionId: ID!) { chatSession(id: $sessionId) {
      messages(first: $first) { nodes { id content author ${actor} parts {
        __typename ... on CitationPart { quote page { ${page} } block { id } }
      } } ${pageInfo} }
    } }`,
  ],
  [
    'devices of the viewer',
    'Viewer.deviceSessions',
    `query ($first: Int) { viewer { deviceSessions(first: $first) { nodes { id isCurrent lastSeenAt } ${pageInfo} } } }`,
  ],
  [
    'the audit trail with its actors',
    'Query.auditEvents',
    `query ($first: Int) { auditEvents(first: $first) { nodes { id action targetId actor ${actor} } eventsCursor ${pageInfo} } }`,
  ],
  [
    'organizations of the viewer',
    'Viewer.memberships',
    `query ($first: Int) { viewer { memberships(first: $first) {
      nodes { id role member ${actor} organization { id name slug viewerCan members { totalCount } } } ${pageInfo}
    } } }`,
  ],
  [
    'members of the organization',
    'Organization.members',
    `query ($first: Int) { organization { members(first: $first) {
      nodes { id role joinedAt member ${actor} organization { id name } } ${pageInfo}
    } } }`,
  ],
  [
    'open invitations',
    'Organization.invitations',
    `query ($first: Int) { organization { invitations(first: $first) {
      nodes { id email role expiresAt invitedBy ${actor} } ${pageInfo}
    } } }`,
  ],
  [
    'people, for an administrator of the platform',
    'Query.users',
    `query ($first: Int) { users(first: $first) { nodes {
      id displayName username email emailVerifiedAt suspendedAt isPlatformAdmin
    } ${pageInfo} } }`,
  ],
  [
    'people by their ids',
    'Query.nodes',
    'query ($userIds: [ID!]!) { nodes(ids: $userIds) { id ... on User { email suspendedAt } } }',
  ],
  [
    'keys of the viewer',
    'Viewer.apiKeys',
    `query ($first: Int) { viewer { apiKeys(first: $first) { nodes { id name prefix permissions } ${pageInfo} } } }`,
  ],
  [
    'agents of an organization with their owners',
    'Organization.agents',
    `query ($first: Int) { viewer { organization { agents(first: $first) {
      nodes { id displayName permissions viewerCan owner { id displayName username } } ${pageInfo}
    } } } }`,
  ],
  ['things by their ids', 'Query.nodes', `query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Page { ${page} } } }`],
] as const

test('every list of the schema is read', () => {
  const read = [...lists, ...linkLists].map(([, coordinate]) => coordinate)
  expect(read).toEqual(expect.arrayContaining(listsOf(schema)))
})

test.for(lists)('%s: 50 cost as many statements as 5', async ([, coordinate, document], { server, library }) => {
  const field = coordinate.split('.')[1] ?? ''
  const cost = (count: number) => leastStatements(server, library, document, field, count)
  const few = await cost(FEW)
  expect(few).toBeGreaterThan(1)
  expect(await cost(MANY)).toBe(few)
})

test('a list that asks once per item is noticed', async ({ server, library }) => {
  const oneByOne = async (count: number) => {
    for (const id of library.pageIds.slice(0, count)) await library.reader.query(PageDocument, { id })
  }
  const few = await statementsOf(server, () => oneByOne(2))
  const many = await statementsOf(server, () => oneByOne(12))
  expect(many - few).toBeGreaterThanOrEqual(10)
})

async function leastStatements(
  server: TestServer,
  { reader, administrator, pageIds, userIds, fullProjectId, fullPageId, fullSessionId }: Library,
  document: string,
  field: string,
  count: number,
): Promise<number> {
  const variables = {
    first: count,
    pageId: fullPageId,
    projectId: fullProjectId,
    sessionId: fullSessionId,
    ids: pageIds.slice(0, count),
    userIds: userIds.slice(0, count),
  }
  const asking = /users\(|userIds/.test(document) ? administrator : reader
  const asked = Object.fromEntries(Object.entries(variables).filter(([name]) => document.includes(`$${name}:`)))
  const costs: number[] = []
  for (let run = 0; run < RUNS; run += 1) {
    costs.push(
      await statementsOf(server, async () => {
        const { data, errors } = await asking.send<Record<string, unknown>, object>(document, asked)
        expect(errors).toBeUndefined()
        expect(itemsIn(data ?? {}, field)).toHaveLength(count)
      }),
    )
  }
  return Math.min(...costs)
}

/** The items of the list of this name, at the root or in one of the objects below it. */
function itemsIn(data: Record<string, unknown>, field: string): unknown {
  const inner = Object.values(data)[0]
  const holders = [data, inner, Object(inner).organization]
  const holder = holders.find((one): one is Record<string, unknown> => field in Object(one))
  const list = holder?.[field]
  return Array.isArray(list) ? list : (list as { nodes?: unknown } | undefined)?.nodes
}

// Seeded in the database: a hundred and fifty mutations would take longer than all these lists.
async function furnish(server: TestServer, reader: Person): Promise<Omit<Library, 'administrator'>> {
  const { unscoped } = server.app.platform.database
  const now = server.clock.now()
  const rows = (count: number) => Array.from({ length: count }, (_, index) => ({ index, id: newUuid(now) }))
  const [authors, projects, pages] = [rows(MANY), rows(MANY), rows(MANY)]
  const authorOf = (index: number) => authors[index % MANY]?.id ?? ''
  const times = { created_at: now, updated_at: now }
  const owned = { organization_id: uuidIn(reader.organizationId), version: 1, ...times }
  const nothing = { username: null, username_key: null, avatar_url: null, email_verified_at: null, preferences: {} }
  await unscoped
    .insertInto('user')
    .values(
      authors.map(({ id }) => ({
        ...nothing,
        ...times,
        id,
        email: id,
        email_key: id,
        display_name: id,
        password_hash: '',
      })),
    )
    .execute()
  await unscoped
    .insertInto('project')
    .values(
      projects.map(({ id, index }) => ({
        ...owned,
        id,
        name: id,
        description: null,
        settings: {},
        created_by_id: authorOf(index),
      })),
    )
    .execute()
  await unscoped
    .insertInto('page')
    .values(
      pages.map(({ id, index }) => ({
        ...owned,
        id,
        project_id: projects[index]?.id ?? null,
        title: id,
        icon: null,
        rank: id,
        created_by_id: authorOf(index),
        updated_by_id: authorOf(index + 1),
      })),
    )
    .execute()
  const newest = projects.at(-1)?.id ?? ''
  const place = { organization_id: owned.organization_id, role: 'VIEWER' as const, created_at: now }
  const places = [...authors.map(({ id }) => [newest, id]), ...projects.slice(0, -1).map(({ id }) => [id, authorOf(0)])]
  await unscoped
    .insertInto('project_member')
    .values(
      places.map(([project = '', user = '']) => ({ ...place, id: newUuid(now), project_id: project, user_id: user })),
    )
    .execute()
  const fullProjectId = encodeGlobalId('Project', newest)
  await furnishPeople(
    server,
    reader,
    authors.map(({ id }) => id),
  )
  const pageIds = pages.map(({ id }) => encodeGlobalId('Page', id))
  // The newest, so that the shorter list has it too.
  const fullPageId = pageIds.at(-1) ?? ''
  const blockIds = await write(reader, fullPageId, ...pageIds)
  for (const [index, id] of blockIds.entries()) {
    const by = { created_by_id: authorOf(index), updated_by_id: authorOf(index + 1) }
    // Every second one in the one before it.
    const place = index % 2 === 1 ? { parent_id: uuidIn(blockIds[index - 1] ?? ''), depth: 2 } : {}
    await unscoped
      .updateTable('block')
      .set({ ...by, ...place })
      .where('id', '=', uuidIn(id))
      .execute()
  }
  const devices = unscoped.selectFrom('device_session').selectAll().where('user_id', '=', uuidIn(reader.userId))
  const device = await devices.executeTakeFirstOrThrow()
  const others = rows(MANY - 1).map(({ id }) => ({ ...device, id, device_id: id }))
  await unscoped.insertInto('device_session').values(others).execute()
  await unscoped
    .insertInto('audit_event')
    .values(
      authors.map(({ id }) => ({
        id: newUuid(now),
        organization_id: owned.organization_id,
        actor: encodeGlobalId('User', id),
        on_behalf_of: null,
        action: 'page.create',
        target: null,
        outcome: 'allowed' as const,
        address: null,
        request_id: id,
        at: now,
      })),
    )
    .execute()
  await furnishPrograms(server, reader)
  const fullSessionId = await furnishChats(server, reader, blockIds, fullPageId)
  const userIds = authors.map(({ id }) => encodeGlobalId('User', id))
  return { reader, pageIds, userIds, fullProjectId, fullPageId, fullSessionId }
}

/** The authors as members of the reader's organization, 49 more organizations of the reader's, and 50 invitations by the authors. */
async function furnishPeople(server: TestServer, reader: Person, authorIds: readonly string[]): Promise<void> {
  const { unscoped } = server.app.platform.database
  const now = server.clock.now()
  const [userId, organizationId] = [uuidIn(reader.userId), uuidIn(reader.organizationId)]
  const others = authorIds.slice(1).map((_, index) => ({ id: newUuid(now), name: 'Other', slug: `other-${index}` }))
  await unscoped
    .insertInto('organization')
    .values(
      others.map((other) => ({ ...other, settings: {}, agent_trust_limit: null, created_at: now, deleted_at: null })),
    )
    .execute()
  const place = (user_id: string, organization_id: string) => {
    return { id: newUuid(now), user_id, organization_id, role: 'EDITOR' as const, joined_at: now }
  }
  await unscoped
    .insertInto('membership')
    .values([...authorIds.map((id) => place(id, organizationId)), ...others.map(({ id }) => place(userId, id))])
    .execute()
  await unscoped
    .insertInto('invitation')
    .values(
      authorIds.map((id) => ({
        id: newUuid(now),
        organization_id: organizationId,
        email: id,
        email_key: id,
        role: 'VIEWER' as const,
        invited_by_id: id,
        created_at: now,
        expires_at: new Date(now.getTime() + 3_600_000),
        accepted_at: null,
        revoked_at: null,
      })),
    )
    .execute()
}

/** 50 keys and 50 agents. */
async function furnishPrograms(server: TestServer, reader: Person): Promise<void> {
  const { unscoped } = server.app.platform.database
  const [key, agent] = [await makeKey(reader), await makeAgent(reader)]
  const keys = unscoped.selectFrom('api_key').selectAll().where('id', '=', uuidIn(key.id))
  const agents = unscoped.selectFrom('agent').selectAll().where('id', '=', uuidIn(agent.id))
  const [keyRow, agentRow] = [await keys.executeTakeFirstOrThrow(), await agents.executeTakeFirstOrThrow()]
  const ids = Array.from({ length: MANY - 1 }, () => newUuid(server.clock.now()))
  const permissions = JSON.stringify(keyRow.permissions) as never
  await unscoped
    .insertInto('api_key')
    .values(ids.map((id) => ({ ...keyRow, id, permissions, secret_hash: id })))
    .execute()
  await unscoped
    .insertInto('agent')
    .values(ids.map((id) => ({ ...agentRow, id, permissions })))
    .execute()
}

/** 50 sessions, and in the newest of them 50 messages that quote the blocks. */
async function furnishChats(server: TestServer, reader: Person, blockIds: string[], pageId: string): Promise<string> {
  const sessions: { id: string }[] = []
  for (let index = 0; index < MANY; index += 1) sessions.push(await openChat(reader))
  const { unscoped } = server.app.platform.database
  const now = server.clock.now()
  const newest = sessions.at(-1)?.id ?? ''
  const citation = (id: string) => ({ pageId: uuidIn(pageId), blockId: uuidIn(id), quote: 'a quote' })
  await unscoped
    .insertInto('message')
    .values(
      blockIds.map((id) => ({
        id: newUuid(now),
        organization_id: uuidIn(reader.organizationId),
        session_id: uuidIn(newest),
        role: 'USER' as const,
        author_id: uuidIn(reader.userId),
        content: id,
        citations: JSON.stringify([citation(id)]) as never,
        status: 'COMPLETED' as const,
        failure_code: null,
        model_id: null,
        fence: 0,
        lease_until: null,
        created_at: now,
        updated_at: now,
      })),
    )
    .execute()
  return newest
}
