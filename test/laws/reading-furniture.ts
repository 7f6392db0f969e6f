import { encodeGlobalId } from '../../src/graphql/ids.ts'
import { newUuid } from '../../src/platform/uuid.ts'
import { type Person, uuidIn } from '../kit/people.ts'
import { makeAgent, makeKey } from '../kit/programs.ts'
import type { TestServer } from '../kit/server.ts'
import { openChat, write } from '../kit/test.ts'

/** As many as the longer list has. */
export const MANY = 50

/** What all of it is found by. */
export const SOUGHT = 'lighthouse'

/** Who reads, and what there is to read. */
export interface Library {
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

// Seeded in the database: a hundred and fifty mutations would take longer than all these lists.
/** Makes all that the lists are of. */
export async function furnish(server: TestServer, reader: Person): Promise<Omit<Library, 'administrator'>> {
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
        title: `${SOUGHT} ${id}`,
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
  const blockIds = await write(reader, fullPageId, ...pageIds.map((id) => `${SOUGHT} ${id}`))
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
  await furnishTree(server, uuidIn(fullPageId))
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
  const fullSessionId = await furnishChats(server, reader, blockIds, { pageId: fullPageId, projectId: fullProjectId })
  const userIds = authors.map(({ id }) => encodeGlobalId('User', id))
  return { reader, pageIds, userIds, fullProjectId, fullPageId, fullSessionId }
}

/** 50 pages in a page, and one in each of those: made before all others, so that these are still the newest. */
async function furnishTree(server: TestServer, parentId: string): Promise<void> {
  const { unscoped } = server.app.platform.database
  const row = await unscoped.selectFrom('page').selectAll().where('id', '=', parentId).executeTakeFirstOrThrow()
  const below = (parents: readonly string[], age: number, depth: number) =>
    Array.from({ length: MANY }, (_, index) => {
      const id = newUuid(new Date(row.created_at.getTime() - age))
      return { ...row, id, title: id, rank: id, depth, parent_id: parents[index % parents.length] ?? parentId }
    })
  const children = below([parentId], 2_000, 2)
  const grandchildren = below(
    children.map(({ id }) => id),
    1_000,
    3,
  )
  await unscoped
    .insertInto('page')
    .values([...children, ...grandchildren])
    .execute()
}

/** The authors as members of the reader's organization, 49 more organizations of the reader's, and 50 invitations by the authors. */
async function furnishPeople(server: TestServer, reader: Person, authorIds: readonly string[]): Promise<void> {
  const { unscoped } = server.app.platform.database
  const now = server.clock.now()
  const [userId, organizationId] = [uuidIn(reader.userId), uuidIn(reader.organizationId)]
  const others = authorIds
    .slice(1)
    .map((_, index) => ({ id: newUuid(now), name: 'Other', slug: `other-${index}-${userId}` }))
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
async function furnishChats(
  server: TestServer,
  reader: Person,
  blockIds: string[],
  { pageId, projectId }: { readonly pageId: string; readonly projectId: string },
): Promise<string> {
  const sessions: { id: string }[] = []
  for (let index = 0; index < MANY; index += 1) sessions.push(await openChat(reader, { projectId }))
  const { unscoped } = server.app.platform.database
  const now = server.clock.now()
  const newest = sessions.at(-1)?.id ?? ''
  // One after the other.
  const ids = blockIds.map(() => newUuid(now))
  const citation = (id: string) => ({ pageId: uuidIn(pageId), blockId: uuidIn(id), quote: 'a quote' })
  await unscoped
    .insertInto('message')
    .values(
      blockIds.map((id, index) => ({
        id: ids[index] ?? '',
        parent_id: ids[index - 1] ?? null,
        branch_id: ids[0] ?? '',
        organization_id: uuidIn(reader.organizationId),
        session_id: uuidIn(newest),
        role: 'USER' as const,
        author_id: uuidIn(reader.userId),
        content: `${SOUGHT} ${id}`,
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
