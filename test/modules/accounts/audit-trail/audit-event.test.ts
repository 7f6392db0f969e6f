import { expect } from 'vitest'
import {
  type AuditEventFilter,
  AuditEventRecordedDocument,
  AuditEventsDocument,
  CreateBlocksDocument,
  CreatePageDocument,
  CreateProjectDocument,
  NodeDocument,
} from '../../../gql/graphql.ts'
import { endMembership, setRole, unsealedOf } from '../../../kit/inside.ts'
import { type Person, signUpInto } from '../../../kit/people.ts'
import { makeAgent, makeKey, programOf, tokenOf } from '../../../kit/programs.ts'
import type { TestServer } from '../../../kit/server.ts'
import { createPage, test, write } from '../../../kit/test.ts'

const absent = '01h00000000000000000000000'

async function trailFor(person: Person, filter: AuditEventFilter = {}, first = 100) {
  return (await person.query(AuditEventsDocument, { first, filter })).auditEvents
}

function pageOf(person: Person, after: string | null) {
  return person.query(AuditEventsDocument, { first: 2, after }).then(({ auditEvents }) => auditEvents)
}

/** Watches from where all that was written so far has been told. */
async function watch(server: TestServer, person: Person) {
  await expect.poll(() => unsealedOf(server, person)).toBe(0)
  return person.subscribe(AuditEventRecordedDocument, { after: (await trailFor(person)).eventsCursor })
}

test('an administrator reads the trail of their organization, newest first: who, what, to what, from where', async ({
  alice,
  bob,
  page,
}) => {
  await write(bob, page.id, 'a text')
  const { nodes } = await trailFor(alice)
  expect(nodes[0]).toEqual({
    id: expect.stringMatching(/^audit_event_/),
    actor: { id: bob.userId, displayName: 'Bob' },
    actorId: bob.userId,
    onBehalfOf: null,
    action: 'block.create',
    targetId: page.id,
    outcome: 'ALLOWED',
    ipAddress: '127.0.0.1',
    requestId: expect.any(String),
    at: expect.any(String),
  })
  expect(nodes.map(({ action }) => action)).toEqual(expect.arrayContaining(['page.create', 'user.register']))
  const times = nodes.map(({ at }) => at)
  expect(times).toEqual(times.toSorted().reverse())
  const { node } = await alice.query(NodeDocument, { id: nodes[0]?.id ?? '' })
  expect(node).toMatchObject({ __typename: 'AuditEvent', id: nodes[0]?.id })
})

test('an agent stands in the trail as itself, a key by its person', async ({ alice }) => {
  const agent = await makeAgent(alice)
  const programs = [programOf(alice, await tokenOf(alice, agent)), programOf(alice, (await makeKey(alice)).secret)]
  for (const program of programs) {
    await program.mutate(CreatePageDocument, { input: { title: 'By a program' } })
    await program.close()
  }
  const { nodes } = await trailFor(alice, { action: 'page.create' })
  expect(nodes.map(({ actor, onBehalfOf }) => [actor?.id, onBehalfOf])).toEqual([
    [undefined, alice.userId],
    [agent.id, alice.userId],
  ])
})

test('the trail is found by actor, action, target and time, alone and together', async ({ alice, bob, page }) => {
  await write(bob, page.id, 'by bob')
  await write(alice, page.id, 'by alice')
  const other = await createPage(bob, 'Another')
  const actions = async (filter: AuditEventFilter) => (await trailFor(alice, filter)).nodes.map(({ action }) => action)

  expect(await actions({ actorId: bob.userId, action: 'page.create' })).toEqual(['page.create'])
  expect(await actions({ targetId: page.id })).toEqual(['block.create', 'block.create', 'page.create'])
  expect(await actions({ targetId: page.id, actorId: alice.userId })).toEqual(['block.create', 'page.create'])
  expect(await actions({ targetId: other.id, actorId: alice.userId })).toEqual([])
  const all = (await trailFor(alice)).nodes
  const madeAt = all.find(({ targetId }) => targetId === other.id)?.at ?? ''
  const later = new Date(Date.parse(madeAt) + 1).toISOString()
  expect(await actions({ since: madeAt, until: later, targetId: other.id })).toEqual(['page.create'])
  expect(await actions({ until: madeAt, targetId: other.id })).toEqual([])
  expect(await actions({ since: later, targetId: other.id })).toEqual([])
  const [before, after] = ['1969-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z']
  expect(await actions({ since: before, until: after })).toHaveLength(all.length)
  expect(await actions({ until: before })).toEqual([])
  for (const text of ['', 'x', 'page\0create', 'x'.repeat(9_000), `PAGE_${absent}`, `page_${absent}`]) {
    for (const field of ['actorId', 'action', 'targetId']) expect(await actions({ [field]: text }), text).toEqual([])
  }
})

test('what was refused is in the trail, and people stay in it when they are gone', async ({
  alice,
  bob,
  server,
  page,
}) => {
  await setRole(server, bob, 'VIEWER')
  const input = { pageId: page.id, blocks: [{ text: 'x' }] }
  await bob.send(CreateBlocksDocument, { input })
  await endMembership(server, bob)
  const { nodes } = await trailFor(alice, { actorId: bob.userId, action: 'block.create' })
  expect(nodes).toMatchObject([{ outcome: 'DENIED', targetId: page.id, actor: { displayName: 'Bob' } }])
})

test('the trail is read page by page without a gap', async ({ alice }) => {
  for (const name of ['one', 'two', 'three']) await alice.mutate(CreateProjectDocument, { input: { name } })
  const all = (await trailFor(alice)).nodes.map(({ id }) => id)
  const read: string[] = []
  let after: string | null = null
  do {
    const part = await pageOf(alice, after)
    read.push(...part.nodes.map(({ id }) => id))
    after = part.pageInfo.hasNextPage ? (part.pageInfo.endCursor ?? null) : null
  } while (after !== null)
  expect(read).toEqual(all)
})

test('whoever is no administrator is refused, and nobody sees the trail of another organization', async ({
  alice,
  bob,
  stranger,
  server,
}) => {
  const { nodes } = await trailFor(alice)
  const id = nodes[0]?.id ?? ''
  for (const role of ['EDITOR', 'VIEWER', 'GUEST'] as const) {
    await setRole(server, bob, role)
    const { data, errors } = await bob.send(AuditEventsDocument, {})
    expect(data, role).toBeFalsy()
    expect(errors, role).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
    expect((await bob.query(NodeDocument, { id })).node, role).toBeNull()
  }
  const theirs = await trailFor(stranger)
  expect(theirs.nodes.length).toBeGreaterThan(0)
  expect(theirs.nodes.filter(({ actorId }) => actorId === alice.userId)).toEqual([])
  expect((await trailFor(stranger, { actorId: alice.userId })).nodes).toEqual([])
  expect((await stranger.query(NodeDocument, { id })).node).toBeNull()
})

test('what happens is told live to administrators of the organization, and to nobody else', async ({
  alice,
  bob,
  stranger,
  server,
}) => {
  const carol = await signUpInto(server, alice, 'Carol', 'ADMIN')
  const watchers = await Promise.all([alice, carol, stranger].map((person) => watch(server, person)))
  const [ofAlice, ofCarol, ofStranger] = watchers
  const refused = bob.subscribe(AuditEventRecordedDocument, {})
  await expect(refused.next()).rejects.toThrow('FORBIDDEN')
  const { createProject: project } = await bob.mutate(CreateProjectDocument, { input: { name: 'Told' } })
  const targetId = project.__typename === 'Project' ? project.id : ''
  const event = { actorId: bob.userId, action: 'project.create', targetId, outcome: 'ALLOWED' }
  const expected = { auditEventRecorded: { __typename: 'AuditEventRecorded', auditEvent: event } }
  for (const watcher of [ofAlice, ofCarol]) expect(await watcher?.next()).toMatchObject(expected)

  await stranger.mutate(CreateProjectDocument, { input: { name: 'Own' } })
  const own = { auditEvent: { actorId: stranger.userId, action: 'project.create' } }
  expect(await ofStranger?.next()).toMatchObject({ auditEventRecorded: own })

  await setRole(server, carol, 'EDITOR')
  await alice.mutate(CreateProjectDocument, { input: { name: 'Not told' } })
  const ended = { auditEventRecorded: { __typename: 'SubscriptionEnded', reason: 'ACCESS_REMOVED' } }
  expect(await ofCarol?.next()).toEqual(ended)
  for (const watcher of watchers) watcher.stop()
  await carol.close()
})
