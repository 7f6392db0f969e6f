import { describe, expect } from 'vitest'
import { entities } from '../../../../src/entities.ts'
import {
  keptTables,
  purgedTables,
  purgeOrganizations,
} from '../../../../src/modules/accounts/organizations/organization.jobs.ts'
import {
  CreateProjectDocument,
  DeleteAccountDocument,
  DeleteOrganizationDocument,
  PageEventsDocument,
  RestoreOrganizationDocument,
  UpdateSpendingRulesDocument,
  ViewerDocument,
} from '../../../gql/graphql.ts'
import { askAndWait } from '../../../kit/chat.ts'
import { test as clockedTest } from '../../../kit/clocked.ts'
import { holdIndexer, indexed, setRole, trailOf, unsealedOf } from '../../../kit/inside.ts'
import { makeLink, rewrite } from '../../../kit/links.ts'
import { found, invite, join, switchTo } from '../../../kit/organizations.ts'
import { type Person, signIn, signUpInto, uuidIn } from '../../../kit/people.ts'
import { makeAgent, makeKey, tokenOf } from '../../../kit/programs.ts'
import type { TestServer } from '../../../kit/server.ts'
import { admission, renewed } from '../../../kit/sessions.ts'
import { makeTag, mark } from '../../../kit/tags.ts'
import { createPage, openChat, test, write } from '../../../kit/test.ts'

async function remove(person: Person, expectedVersion: number | null = null) {
  const input = { id: person.organizationId, expectedVersion }
  return (await person.send(DeleteOrganizationDocument, { input })).data?.deleteOrganization
}

async function restore(person: Person, id: string) {
  const { data, errors } = await person.send(RestoreOrganizationDocument, { input: { id } })
  return data?.restoreOrganization ?? errors?.[0]?.extensions.code
}

const out = 'You are no longer a member of this organization.'

describe('deleting an organization', () => {
  test('puts everybody out at once, ends what they have open, and leaves them where they are else', async ({
    server,
    alice,
    bob,
    page,
  }) => {
    const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
    await write(alice, page.id, 'before')
    await events.next()
    expect(await remove(alice)).toMatchObject({ deletedId: alice.organizationId, restorableUntil: expect.any(String) })
    expect(await events.next({ within: 2_000 })).toEqual({
      pageEvents: { __typename: 'SubscriptionEnded', reason: 'ACCESS_REMOVED' },
    })
    for (const person of [alice, bob]) expect(await admission(person)).toBe(out)
    bob.tokens.accessToken = (await renewed(bob, bob.tokens.refreshToken)).accessToken
    const { viewer } = await bob.query(ViewerDocument, {})
    expect(viewer).toMatchObject({ role: 'OWNER', organization: { name: "Bob's workspace" } })
    expect(viewer?.memberships.nodes).toHaveLength(1)
    const again = await signIn(server, alice.email)
    expect(again.organizationId).not.toBe(alice.organizationId)
    await again.close()
  })

  test('leaves the rest of its document to nobody', async ({ alice }) => {
    const text = `mutation ($input: DeleteOrganizationInput!) {
      deleteOrganization(input: $input) { ... on DeletedOrganization { deletedId } }
      createProject(input: { name: "After" }) { __typename }
    }`
    const { data, errors } = await alice.send(text, { input: { id: alice.organizationId } })
    expect(data).toEqual({ deleteOrganization: { deletedId: alice.organizationId }, createProject: null })
    expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
  })

  test('is for owners who act in it, and deletes no other version than they saw', async ({ server, alice, bob }) => {
    await setRole(server, bob, 'ADMIN')
    expect(await remove(bob)).toBeNull()
    expect(await trailOf(server, { organizationId: alice.organizationId })).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ action: 'organization.delete', outcome: 'denied', actor: bob.userId }),
      ]),
    )
    const id = await found(alice)
    const { data } = await alice.send(DeleteOrganizationDocument, { input: { id } })
    expect(data?.deleteOrganization).toBeNull()
    expect(await remove(alice, 7)).toMatchObject({ code: 'EDIT_CONFLICT', current: { version: 1 } })
    expect(await admission(alice)).toBe('admitted')
  })
})

describe('restoring an organization', () => {
  test('brings it back as it was', async ({ server, alice }) => {
    const id = await found(alice, 'Phoenix')
    const before = await switchTo(alice, id)
    const there = { ...alice, organizationId: id }
    const member = await signUpInto(server, there, 'Member', 'EDITOR')
    const page = await createPage(alice, 'Kept')
    await remove(there)
    expect(await admission(member)).toBe(out)
    alice.tokens.accessToken = before
    expect(await restore(alice, id)).toMatchObject({ name: 'Phoenix', version: 3 })
    expect(await admission(member)).toBe('admitted')
    const { data } = await member.send('query ($id: ID!) { page(id: $id) { title } }', { id: page.id })
    expect(data).toEqual({ page: { title: 'Kept' } })
    expect((await trailOf(server, { organizationId: id })).at(-1)).toMatchObject({ action: 'organization.restore' })
    await member.close()
  })

  test('is for those who owned it: to others it is as if there were none', async ({ server, alice, stranger }) => {
    await join(server, alice, stranger, 'ADMIN')
    await remove(alice)
    const nothing = 'organization_01h00000000000000000000000'
    for (const id of [alice.organizationId, nothing, stranger.organizationId])
      expect(await restore(stranger, id), id).toBe('NOT_FOUND')
  })
})

clockedTest(
  'for 30 days it can be restored, and then it is gone with all it held, but for the trail',
  async ({ clocked, alice, stranger }) => {
    const id = await found(alice, 'Doomed')
    const before = await switchTo(alice, id)
    await furnish(clocked, alice)
    await indexed(clocked, { organizationId: id })
    const release = await holdIndexer(clocked)
    await createPage(alice, 'A page that waits for the indexer')
    await switchTo(stranger, stranger.organizationId)
    await alice.mutate(DeleteOrganizationDocument, { input: { id } })
    alice.tokens.accessToken = before
    const session = await renewed(alice, alice.tokens.refreshToken)
    expect(session.accessToken).not.toBe('')
    const givenUp = await signIn(clocked, stranger.email)
    await givenUp.mutate(DeleteAccountDocument, { input: { password: stranger.password } })
    const mentions = () => rowsOf(clocked, [id, stranger.organizationId])
    expect(Object.keys(await mentions()).toSorted()).toEqual(tablesFilled.toSorted())
    await release()

    clocked.clock.advance({ days: 29, hours: 23 })
    const owner = await signIn(clocked, alice.email)
    expect(await restore(owner, id)).toMatchObject({ name: 'Doomed' })
    await switchTo(owner, id)
    await owner.mutate(DeleteOrganizationDocument, { input: { id } })
    await purge(clocked)
    expect(Object.keys(await mentions())).toContain('message')

    clocked.clock.advance({ days: 30 })
    const later = await signIn(clocked, alice.email)
    expect(await restore(later, id)).toBe('NOT_FOUND')
    clocked.clock.advance({ hours: 2 })
    for (const one of [{ organizationId: id }, stranger]) await expect.poll(() => unsealedOf(clocked, one)).toBe(0)
    await purge(clocked)
    expect(Object.keys(await mentions())).toEqual([])
    expect(await trailOf(clocked, { organizationId: id })).not.toEqual([])
    expect(await admission(later)).toBe('The access token has expired.')
    for (const person of [givenUp, owner, later]) await person.close()
  },
)

test('the purge knows every table with rows of an organization, and deletes what points at others first', ({
  server,
}) => {
  const metadata = server.app.platform.database.orm.getMetadata()
  const tables = [...metadata.getAll().values()].filter(({ props }) =>
    props.some(({ fieldNames }) => fieldNames?.includes('organization_id')),
  )
  const known: readonly string[] = [...purgedTables, ...keptTables]
  expect(tables.map(({ tableName }) => tableName).toSorted()).toEqual(known.toSorted())
  expect(entities.length).toBeGreaterThan(tables.length)
  for (const { tableName, props } of tables) {
    const targets = props.flatMap(({ kind, targetMeta }) => (kind === 'm:1' ? [targetMeta?.tableName ?? ''] : []))
    for (const target of targets.filter((name) => name !== tableName && known.includes(name)))
      expect(known.indexOf(tableName), `${tableName} before ${target}`).toBeLessThan(known.indexOf(target))
  }
})

/** What a furnished organization has rows in. */
const tablesFilled = [...purgedTables, 'channel_head', 'channel_event', 'device_session', 'organization']

async function furnish(server: TestServer, person: Person): Promise<void> {
  const input = { name: 'A project', idempotencyKey: 'key' }
  await person.mutate(CreateProjectDocument, { input })
  const page = await createPage(person, 'A page')
  const [block = ''] = await write(person, page.id, 'a text')
  await rewrite(person, block, 'another text')
  await makeLink(person, { sourceBlockId: block, targetId: page.id })
  await mark(person, page, await makeTag(person, 'A tag'))
  const content = JSON.stringify([[{ name: 'listProjects', input: {} }]])
  await askAndWait(person, { sessionId: (await openChat(person)).id, model: 'scenario/tools', content })
  await person.mutate(UpdateSpendingRulesDocument, { input: { sessionCapMillionths: '5000000' } })
  await invite(server, person, `purged-${person.email}`)
  await makeKey(person)
  await tokenOf(person, await makeAgent(person))
}

/** How many rows of each table but those of the trail mention one of these organizations, by table. */
async function rowsOf(server: TestServer, ids: readonly string[]): Promise<Record<string, number>> {
  const { pool } = server.app.platform.database
  const names = await pool.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public' and table_name not like 'audit%'",
  )
  const counts: Record<string, number> = {}
  for (const { name } of names.rows) {
    const pattern = ids.map(uuidIn).join('|')
    const { rows } = await pool.query<{ count: number }>(
      `select count(*) as count from "${name}" as one where to_jsonb(one)::text ~ $1`,
      [pattern],
    )
    if ((rows[0]?.count ?? 0) > 0) counts[name] = rows[0]?.count ?? 0
  }
  return counts
}

async function purge(server: TestServer): Promise<void> {
  const { database, jobs } = server.app.platform
  await database.unscoped.transaction().execute((tx) => jobs.enqueue(tx, purgeOrganizations, {}))
  jobs.wake([purgeOrganizations.name])
  await jobs.idle(15_000)
}
