import { expect, onTestFinished } from 'vitest'
import {
  CreateBlocksDocument,
  PageDocument,
  RemoveMemberDocument,
  SetProjectMemberDocument,
  UpdateProjectDocument,
} from '../../gql/graphql.ts'
import { trailOf } from '../../kit/inside.ts'
import { membershipIn } from '../../kit/organizations.ts'
import { signUpInto, uuidIn } from '../../kit/people.ts'
import type { TestServer } from '../../kit/server.ts'
import { test } from '../../kit/test.ts'
import { addTo, codeOf, createProject } from './stage.ts'

// Between a mutation's gate and its commit its caller may lose the right. On a real database: the embedded one has one session.

/** Holds a row until the returned function is called. */
async function hold({ app }: TestServer, table: string, id: string): Promise<() => Promise<void>> {
  const client = await app.platform.database.pool.connect()
  await client.query('begin')
  await client.query(`select from ${table} where id = $1 for update`, [uuidIn(id)])
  let isHeld = true
  const release = async () => {
    if (!isHeld) return
    isHeld = false
    await client.query('rollback')
    client.release()
  }
  onTestFinished(release)
  return release
}

/** Waits until as many statements wait for a lock. */
async function untilWaiting({ app }: TestServer): Promise<void> {
  const waiting =
    "select count(*)::int as count from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
  await expect
    .poll(async () => (await app.platform.database.pool.query<{ count: number }>(waiting)).rows[0]?.count, {
      interval: 10,
    })
    .toBeGreaterThan(0)
}

test('who is removed while a write of theirs waits writes nothing', async ({ server, alice, bob, page }) => {
  const release = await hold(server, 'page', page.id)
  const writing = bob.send(CreateBlocksDocument, { input: { pageId: page.id, blocks: [{ text: 'late' }] } })
  await untilWaiting(server)
  await alice.mutate(RemoveMemberDocument, { input: { id: await membershipIn(alice, bob) } })
  await release()
  expect(await codeOf(writing)).toBe('UNAUTHENTICATED')
  const { page: after } = await alice.query(PageDocument, { id: page.id })
  expect(after?.blocks.nodes).toEqual([])
  expect(await trailOf(server, { organizationId: alice.organizationId })).not.toContainEqual(
    expect.objectContaining({ action: 'block.create', outcome: 'allowed' }),
  )
})

test('a write that waits while its project is closed to its writer is refused', async ({ server, alice, bob }) => {
  const id = await createProject(alice, { name: 'Open' })
  const other = await signUpInto(server, alice, 'Other', 'VIEWER')
  await addTo(alice, id, bob, 'ADMIN')
  const release = await hold(server, '"user"', other.userId)
  const place = { projectId: id, userId: other.userId, role: 'EDITOR' as const }
  const adding = bob.send(SetProjectMemberDocument, { input: place })
  await untilWaiting(server)
  await alice.mutate(SetProjectMemberDocument, { input: { projectId: id, userId: bob.userId, role: 'VIEWER' } })
  await release()
  expect(await codeOf(adding)).toBe('FORBIDDEN')
  await other.close()
})

test('nobody opens by the way what an administrator is closing', async ({ server, alice, bob }) => {
  const id = await createProject(alice, { name: 'Closing' })
  const release = await hold(server, 'project', id)
  const closing = alice.send(UpdateProjectDocument, { input: { id, expectedVersion: 1, visibility: 'PRIVATE' } })
  await untilWaiting(server)
  const opening = bob.send(UpdateProjectDocument, {
    input: { id, expectedVersion: 2, name: 'Mine', visibility: 'ORGANIZATION' },
  })
  await release()
  expect((await closing).data?.updateProject).toMatchObject({ visibility: 'PRIVATE' })
  const code = await codeOf(opening)
  expect(['NOT_FOUND', 'FORBIDDEN', undefined]).toContain(code)
  const { updateProject: again } = await alice.mutate(UpdateProjectDocument, { input: { id, expectedVersion: 2 } })
  expect(again).toMatchObject({ name: 'Closing', visibility: 'PRIVATE' })
})

test('closing a project and changing its members at once makes neither wait for ever', async ({
  server,
  alice,
  bob,
}) => {
  const other = await signUpInto(server, alice, 'Other', 'EDITOR')
  const id = await createProject(alice, { name: 'Busy' })
  for (let version = 1; version < 21; version += 1) {
    const visibility = version % 2 === 1 ? ('PRIVATE' as const) : ('ORGANIZATION' as const)
    const answers = await Promise.all([
      alice.send(UpdateProjectDocument, { input: { id, expectedVersion: version, visibility } }),
      alice.send(SetProjectMemberDocument, { input: { projectId: id, userId: alice.userId, role: 'OWNER' } }),
      alice.send(SetProjectMemberDocument, { input: { projectId: id, userId: bob.userId, role: 'VIEWER' } }),
    ])
    const codes = answers.map(({ errors }) => errors?.[0]?.extensions.code)
    expect(codes).not.toContain('INTERNAL_SERVER_ERROR')
    expect(answers[0]?.data?.updateProject?.__typename).toBe('Project')
  }
  await other.close()
})
